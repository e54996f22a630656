package io.greenroom.plugin.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import com.google.gson.Gson;
import io.greenroom.cache.ExpertBudget;
import io.greenroom.gating.residency.RoutingDial;
import io.greenroom.offload.decoder.ModelOptions;
import io.greenroom.offload.decoder.MoeModels;
import io.greenroom.offload.decoder.Perplexity;
import io.greenroom.offload.decoder.ServingModel;
import io.greenroom.plugin.protocol.text.Tokenizer;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Map;
import org.junit.jupiter.api.Test;

/** The demo model is as surprised by the held-out texts as Transformers says, at any budget. */
class DemoPerplexityTest {

    private static final Path MODULE = Path.of("..", "integration-tests");
    private static final Path REFERENCE =
            MODULE.resolve("src/test/resources/fixtures/demo/perplexity.json");
    private static final Path TEXTS = MODULE.resolve("texts");

    /** What perplexity_reference.py writes. */
    private record Reference(int window, Map<String, Text> texts) {}

    private record Text(int tokens, double nats, double perplexity) {}

    @Test
    void exactPerplexityIsThatOfTransformers() throws IOException {
        Reference reference = new Gson().fromJson(Files.readString(REFERENCE), Reference.class);
        assertThat(reference.texts()).hasSize(3);
        try (ServingModel model = load("25%")) {
            for (Map.Entry<String, Text> text : reference.texts().entrySet()) {
                Text expected = text.getValue();
                Perplexity perplexity =
                        score(
                                model,
                                tokens(model, text.getKey(), expected.tokens()),
                                reference.window(),
                                reference.window());
                assertThat(perplexity.tokens()).isEqualTo(expected.tokens());
                assertThat(perplexity.value())
                        .as(text.getKey())
                        .isEqualTo(expected.perplexity(), within(1e-5 * expected.perplexity()));
            }
        }
    }

    /** Rows are independent and experts those of the router, so not a bit may differ. */
    @Test
    void neitherBudgetNorChunksChangeABit() throws IOException {
        double[] nats = new double[3];
        int i = 0;
        for (String budget : new String[] {"5%", "50%", "100%"}) {
            try (ServingModel model = load(budget)) {
                int[] tokens = tokens(model, "lexicon-heldout.txt", 150);
                nats[i] = score(model, tokens, 64, 0).nats();
                assertThat(score(model, tokens, 64, 64).nats()).isEqualTo(nats[i]);
            }
            i++;
        }
        assertThat(nats).containsOnly(nats[0]);
    }

    private static ServingModel load(String budget) throws IOException {
        return MoeModels.load(
                MODULE.resolve("demo-model/greenroom-demo-q8_0.gguf"),
                ModelOptions.builder()
                        .budget(ExpertBudget.parse(budget))
                        .contextLength(512)
                        .build(),
                (done, all) -> {});
    }

    private static int[] tokens(ServingModel model, String text, int scored) throws IOException {
        try (Tokenizer tokenizer = Tokenizer.open(model.checkpoint().tokenizer())) {
            int[] all = tokenizer.encode(Files.readString(TEXTS.resolve(text)), true);
            return Arrays.copyOf(all, scored + 1);
        }
    }

    private static Perplexity score(ServingModel model, int[] tokens, int window, int prompt) {
        return Perplexity.of(
                model,
                tokens,
                new Perplexity.Windows(window, window, prompt),
                RoutingDial.EXACT,
                done -> {});
    }
}
