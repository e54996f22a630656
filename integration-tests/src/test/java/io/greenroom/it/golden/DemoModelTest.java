package io.greenroom.it.golden;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.gson.Gson;
import io.greenroom.offload.decoder.FinishReason;
import io.greenroom.offload.decoder.ModelOptions;
import io.greenroom.offload.decoder.MoeModel;
import io.greenroom.offload.decoder.ServingModel;
import io.greenroom.offload.store.Checkpoint;
import io.greenroom.offload.store.Checkpoints;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/**
 * The demo model as shipped: its answers are those of Transformers in float32 on the same weights,
 * and no budget changes a bit of them.
 */
class DemoModelTest {

    private static final Path MODEL = Path.of("demo-model", "greenroom-demo-q8_0.gguf");
    private static final Path REFERENCE =
            Path.of("src", "test", "resources", "fixtures", "demo", "reference.json");

    private static Checkpoint checkpoint;
    private static Reference reference;
    private static List<float[][]> residentLogits;

    /** What demo_reference.py writes. */
    private record Reference(List<Prompt> prompts) {}

    /**
     * @param ids the prompt
     * @param greedy the answer, with the end token if it came to one
     * @param stop "length" or "eos"
     * @param top pairs of token and logit at the last position of the prompt
     */
    private record Prompt(String name, int[] ids, int[] greedy, String stop, float[][] top) {

        /** The answer as the engine tells it: end tokens are not reported. */
        List<Integer> answer() {
            int length = greedy.length - (stop.equals("eos") ? 1 : 0);
            return IntStream.range(0, length).mapToObj(i -> greedy[i]).toList();
        }

        FinishReason reason() {
            return stop.equals("eos") ? FinishReason.STOP : FinishReason.LENGTH;
        }
    }

    @BeforeAll
    static void evaluateWithAllExpertsResident() throws IOException {
        checkpoint = Checkpoints.open(MODEL);
        reference = new Gson().fromJson(Files.readString(REFERENCE), Reference.class);
        residentLogits = new ArrayList<>();
        try (ServingModel model =
                Decoding.load(checkpoint, "100%", ModelOptions.Prefetch.OFF, 128)) {
            for (Prompt prompt : reference.prompts()) {
                residentLogits.add(model.evaluate(prompt.ids()));
            }
        }
    }

    @AfterAll
    static void forget() {
        residentLogits = List.of();
    }

    @ParameterizedTest(name = "{0} of the experts, prefetch {1}, chunks of {2}")
    @CsvSource({
        "100%, OFF, 128",
        "50%, ON, 32",
        "25%, ON, 128",
        "25%, OFF, 1",
        "smallest, AUTO, 7"
    })
    void answersAreThoseOfTransformersAndNoBudgetShows(
            String share, ModelOptions.Prefetch prefetch, int chunk) throws Exception {
        String budget = share.equals("smallest") ? Decoding.smallestBudget(checkpoint) : share;
        try (ServingModel model = Decoding.load(checkpoint, budget, prefetch, chunk)) {
            List<CompletableFuture<Decoding.Answer>> answers = new ArrayList<>();
            Set<Integer> endTokens = checkpoint.tokenizer().endTokens();
            for (Prompt prompt : reference.prompts()) {
                answers.add(
                        Decoding.submit(model, prompt.ids(), prompt.greedy().length, endTokens));
            }
            for (int i = 0; i < answers.size(); i++) {
                Prompt prompt = reference.prompts().get(i);
                // Meanwhile the other requests are decoded in the same steps.
                assertThat(Arrays.deepEquals(model.evaluate(prompt.ids()), residentLogits.get(i)))
                        .as("logits of %s equal the resident model's bit for bit", prompt.name())
                        .isTrue();
            }
            for (int i = 0; i < answers.size(); i++) {
                Prompt prompt = reference.prompts().get(i);
                Decoding.Answer answer = answers.get(i).get(300, TimeUnit.SECONDS);
                assertThat(answer.tokens()).as(prompt.name()).isEqualTo(prompt.answer());
                assertThat(answer.reason()).as(prompt.name()).isEqualTo(prompt.reason());
            }
            MoeModel.Status status = model.status();
            assertThat(status.arenaBytes()).isLessThanOrEqualTo(status.budgetBytes());
            assertThat(status.residentExperts()).isLessThanOrEqualTo(status.slots());
        }
    }

    @Test
    void logitsAreThoseOfTransformers() {
        for (int i = 0; i < reference.prompts().size(); i++) {
            Prompt prompt = reference.prompts().get(i);
            float[][] logits = residentLogits.get(i);
            float[] last = logits[logits.length - 1];
            double tolerance = Decoding.tolerance(checkpoint.spec(), Decoding.largest(logits));
            for (float[] pair : prompt.top()) {
                assertThat(Math.abs((double) last[(int) pair[0]] - pair[1]))
                        .as("difference in the logit of token %s after %s", pair[0], prompt.name())
                        .isLessThanOrEqualTo(tolerance);
            }
        }
    }
}
