package io.greenroom.plugin.engine;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import ai.djl.Device;
import ai.djl.MalformedModelException;
import ai.djl.Model;
import ai.djl.engine.Engine;
import ai.djl.inference.Predictor;
import ai.djl.modality.Input;
import ai.djl.modality.Output;
import ai.djl.translate.TranslateException;
import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import io.greenroom.cache.ByteSize;
import io.greenroom.cache.ExpertBudget;
import io.greenroom.offload.decoder.ContextLengthException;
import io.greenroom.offload.decoder.FinishReason;
import io.greenroom.offload.decoder.ModelOptions;
import io.greenroom.offload.decoder.OverloadedException;
import io.greenroom.offload.store.CheckpointException;
import io.greenroom.plugin.protocol.text.TestVocabulary;
import java.io.FileNotFoundException;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

@Timeout(30)
class MoeEngineModelTest {

    private static final String CHAT =
            "{\"messages\":[{\"role\":\"user\",\"content\":\"Hi\"}],\"max_tokens\":9%s}";

    @TempDir private Path folder;
    private final FakeMoeModel fake = new FakeMoeModel();
    private MoeEngineModel model;

    @BeforeEach
    void load() throws Exception {
        model = Models.loaded(fake, folder);
    }

    @AfterEach
    void close() {
        model.close();
    }

    private Output predict(String body, String... properties) throws TranslateException {
        Input input = new Input();
        input.add("data", body.getBytes(StandardCharsets.UTF_8));
        for (String property : properties) {
            input.addProperty(property, "true");
        }
        return predict(input);
    }

    private Output predict(Input input) throws TranslateException {
        try (Predictor<Input, Output> predictor = model.newPredictor(null, Device.cpu())) {
            return predictor.batchPredict(List.of(input)).get(0);
        }
    }

    private static JsonObject json(Output output) {
        return JsonParser.parseString(output.getData().getAsString()).getAsJsonObject();
    }

    private static JsonObject error(Output output) {
        return json(output).getAsJsonObject("error");
    }

    @Test
    void theEngineClaimsNothingItDoesNotHave() {
        Engine engine = model.getNDManager().getEngine();

        assertThat(engine.getEngineName()).isEqualTo("MoE");
        assertThat(engine.hasCapability("CUDA")).isFalse();
        assertThat(engine.getGpuCount()).isZero();
        assertThat(engine.getVersion()).matches("\\d+\\.\\d+\\.\\d+.*");
        assertThat(model.describeInput().keys()).containsExactly("data");
        assertThat(model.getModelPath()).isEqualTo(folder.toAbsolutePath());
    }

    @Test
    void thePromptIsTheRenderedConversation() throws Exception {
        predict(String.format(CHAT, ",\"stream\":true,\"temperature\":0,\"seed\":7"));
        FakeMoeModel.Running running = fake.next();

        StringBuilder prompt = new StringBuilder();
        for (int token : running.request().prompt()) {
            prompt.append(
                    token == TestVocabulary.END
                            ? "<end>"
                            : token == TestVocabulary.END + 1
                                    ? "<start>"
                                    : String.valueOf((char) token));
        }
        assertThat(prompt.toString())
                .isEqualTo("<start>user\nHi<end>\n<start>assistant\n".replace("\n", "\n"));
        assertThat(running.request().maxTokens()).isEqualTo(9);
        assertThat(running.request().sampling().temperature()).isZero();
        assertThat(running.request().sampling().seed()).isEqualTo(7);
        assertThat(running.request().endTokens()).containsExactly(TestVocabulary.END);
    }

    @Test
    void aStreamComesBackBeforeItsTokens() throws Exception {
        Output output = predict(String.format(CHAT, ",\"stream\":true"));
        FakeMoeModel.Running running = fake.next();
        List<String> pieces = new ArrayList<>();
        ((AnswerBody) output.getData())
                .subscribe(
                        piece ->
                                pieces.add(
                                        piece == null
                                                ? "END"
                                                : new String(piece, StandardCharsets.UTF_8)));
        assertThat(pieces).isEmpty();
        running.say("o");
        assertThat(pieces).hasSize(2);
        running.say("k").finish(FinishReason.STOP, null);

        assertThat(output.getProperty("Content-Type", "")).isEqualTo("text/event-stream");
        assertThat(String.join("", pieces))
                .contains("\"delta\":{\"content\":\"o\"}")
                .contains("\"finish_reason\":\"stop\"")
                .endsWith("data: [DONE]\n\nEND");
    }

    @Test
    void aWholeAnswerIsWaitedForUnlessTheCallerDefersTheStatus() throws Exception {
        Output deferred = predict(String.format(CHAT, ""), RequestRunner.DEFERS_STATUS);
        assertThat(deferred.getData()).isInstanceOf(AnswerBody.class);
        fake.next().say("yes").finish(FinishReason.LENGTH, null);
        assertThat(json(deferred).toString()).contains("\"content\":\"yes\"").contains("length");

        CompletableFuture<Output> waiting =
                CompletableFuture.supplyAsync(
                        () -> {
                            try {
                                return predict(String.format(CHAT, ""));
                            } catch (TranslateException e) {
                                throw new IllegalStateException(e);
                            }
                        });
        FakeMoeModel.Running running = fake.next();
        assertThat(waiting).isNotDone();
        running.finish(FinishReason.ERROR, new IllegalStateException("disk is gone"));
        Output output = waiting.get(10, TimeUnit.SECONDS);

        assertThat(output.getCode()).isEqualTo(500);
        assertThat(error(output).get("message").getAsString())
                .isEqualTo("The model failed while answering: disk is gone");
    }

    @Test
    void clientsAreNotToldWhereModelsLie() throws Exception {
        Output output = predict(String.format(CHAT, ""), RequestRunner.DEFERS_STATUS);
        fake.next()
                .finish(
                        FinishReason.ERROR,
                        new IOException("/models/fake/m.gguf: cut short, see /models/fake.log"));

        assertThat(error(output).get("message").getAsString())
                .isEqualTo("The model failed while answering: m.gguf: cut short, see fake.log");
    }

    @Test
    void anEarlyFailureOfADeferredStreamIsAPlainError() throws Exception {
        Output output =
                predict(String.format(CHAT, ",\"stream\":true"), RequestRunner.DEFERS_STATUS);
        fake.next().finish(FinishReason.ERROR, new IllegalStateException("no"));

        assertThat(output.getCode()).isEqualTo(500);
        assertThat(output.getProperty("Content-Type", "")).isEqualTo("application/json");
        assertThat(error(output).get("type").getAsString()).isEqualTo("server_error");
    }

    @Test
    void aLateFailureOfAStreamIsAnEvent() throws Exception {
        Output output = predict(String.format(CHAT, ",\"stream\":true"));
        fake.next().say("a").finish(FinishReason.UNLOADED, null);
        String text = output.getData().getAsString();

        assertThat(output.getCode()).isEqualTo(200);
        assertThat(text)
                .contains("data: {\"error\":{\"message\":\"The model \\\"demo\\\" is being");
        assertThat(text).endsWith("}\n\n").doesNotContain("[DONE]");
    }

    @Test
    void stopStringsEndTheGeneration() throws Exception {
        Output output =
                predict(String.format(CHAT, ",\"stop\":[\"END\"]"), RequestRunner.DEFERS_STATUS);
        FakeMoeModel.Running running = fake.next().say("one END two");

        assertThat(running.isOver()).isTrue();
        assertThat(json(output).toString())
                .contains("\"content\":\"one \"")
                .contains("\"finish_reason\":\"stop\"")
                .contains("\"completion_tokens\":7");
    }

    @Test
    void lmiRequestsAreContinuedAsTheyAre() throws Exception {
        String request =
                "{\"inputs\":[\"ab\",\"c\"],\"parameters\":{\"details\":true,\"max_new_tokens\":2}}";
        Output output = predict(request, RequestRunner.DEFERS_STATUS);
        FakeMoeModel.Running first = fake.next();
        FakeMoeModel.Running second = fake.next();
        assertThat(first.request().prompt()).containsExactly('a', 'b');
        second.say("2").finish(FinishReason.LENGTH, null);
        first.say("1").finish(FinishReason.STOP, null);

        assertThat(output.getData().getAsString())
                .startsWith(
                        "[{\"generated_text\":\"1\",\"details\":{\"finish_reason\":\"eos_token\"")
                .contains("{\"generated_text\":\"2\",\"details\":{\"finish_reason\":\"length\"")
                .contains("\"tokens\":[{\"id\":49,\"text\":\"1\"}]");
    }

    @Test
    void oneFailedInputFailsTheRequestOnce() throws Exception {
        Output output = predict("{\"inputs\":[\"a\",\"b\"]}", RequestRunner.DEFERS_STATUS);
        fake.next().finish(FinishReason.ERROR, new IllegalStateException("one"));
        fake.next().say("x").finish(FinishReason.STOP, null);

        assertThat(output.getCode()).isEqualTo(500);
        assertThat(error(output).get("message").getAsString()).endsWith("one");
    }

    @Test
    void overloadIs429WithAReason() throws Exception {
        fake.refuseWith(new OverloadedException("8 running and 64 waiting"));
        Output output = predict(String.format(CHAT, ""));

        assertThat(output.getCode()).isEqualTo(429);
        assertThat(output.getProperty("Retry-After", "")).isEqualTo("1");
        assertThat(error(output).get("message").getAsString())
                .isEqualTo("8 running and 64 waiting");
    }

    @Test
    void tooLongAPromptIs400AndNamesTheField() throws Exception {
        fake.refuseWith(new ContextLengthException("The prompt has 200 tokens, at most 100"));
        Output chat = predict(String.format(CHAT, ""));
        Output lmi = predict("{\"inputs\":\"a\"}");

        assertThat(chat.getCode()).isEqualTo(400);
        assertThat(error(chat).get("param").getAsString()).isEqualTo("messages");
        assertThat(error(chat).get("code").getAsString()).isEqualTo("context_length_exceeded");
        assertThat(error(lmi).get("param").getAsString()).isEqualTo("inputs");
    }

    @Test
    void aPromptFarTooLongIsRefusedWithoutTokenizingIt() throws Exception {
        Output output =
                predict(
                        "{\"inputs\":\"" + "a".repeat(15_000_000) + "\"}",
                        RequestRunner.DEFERS_STATUS);

        assertThat(output.getCode()).isEqualTo(400);
        assertThat(fake.hasNext()).isFalse();
        assertThat(error(output).get("code").getAsString()).isEqualTo("context_length_exceeded");
        assertThat(error(output).get("param").getAsString()).isEqualTo("inputs");
        assertThat(error(output).get("message").getAsString())
                .startsWith("The prompt has 15000000 characters, at least ")
                .contains("; the context holds " + fake.contextLength() + " with the answer");
    }

    @Test
    void whateverBreaksBecomesAnAnswer() throws Exception {
        fake.refuseWith(new IllegalStateException("bug"));
        assertThat(predict(String.format(CHAT, "")).getCode()).isEqualTo(500);
        assertThat(predict("{").getCode()).isEqualTo(400);
        assertThat(predict(new Input()).getCode()).isEqualTo(400);
        assertThat(predict("{\"inputs\":\"\"}").getCode()).isEqualTo(400);
    }

    @Test
    void otherTypesThanInputAreRefusedInAWayWorkersSurvive() {
        try (Predictor<String, String> predictor = model.newPredictor(null, Device.cpu())) {
            assertThatThrownBy(() -> predictor.batchPredict(List.of("text")))
                    .isInstanceOf(TranslateException.class)
                    .hasMessageContaining("ai.djl.modality.Input");
        }
    }

    @Test
    void aRequestCancelledInTheServerStopsAtTheNextToken() throws Exception {
        Input input = new Input();
        input.add("data", String.format(CHAT, ",\"stream\":true").getBytes(StandardCharsets.UTF_8));
        predict(input);
        FakeMoeModel.Running running = fake.next().say("a");
        input.setCancelled(true);
        running.say("b");

        assertThat(running.isOver()).isTrue();
    }

    @Test
    void cancellingTheBodyCancelsTheGeneration() throws Exception {
        Output output = predict(String.format(CHAT, ",\"stream\":true"));
        FakeMoeModel.Running running = fake.next().say("a");
        ((AnswerBody) output.getData()).cancel();

        assertThat(running.isOver()).isTrue();
    }

    @Test
    void closingEndsStreamsAndRefusesTheRest() throws Exception {
        Output stream = predict(String.format(CHAT, ",\"stream\":true"));
        fake.next().say("a");
        model.close();
        model.close();

        assertThat(fake.isClosed()).isTrue();
        assertThat(stream.getData().getAsString()).contains("is being unloaded");
        Output refused = predict(String.format(CHAT, ""));
        assertThat(refused.getCode()).isEqualTo(503);
        assertThat(error(refused).get("code").getAsString()).isEqualTo("model_unloaded");
        assertThatThrownBy(model::moe).hasMessage("Model folder is not loaded");
    }

    @Test
    void aModelWithoutTemplateCannotChatButContinues() throws Exception {
        FakeMoeModel base = new FakeMoeModel((String) null);
        model.close();
        model = Models.loaded(base, folder);
        Output chat = predict(String.format(CHAT, ""));

        assertThat(chat.getCode()).isEqualTo(400);
        assertThat(error(chat).get("message").getAsString()).contains("has no chat template");
        predict("{\"inputs\":\"a\"}", RequestRunner.DEFERS_STATUS);
        assertThat(base.next().request().prompt()).containsExactly('a');
    }

    @Test
    void aTemplateThatRefusesTheMessagesSaysWhy() throws Exception {
        FakeMoeModel strict =
                new FakeMoeModel(
                        "{% if messages[0].role != 'user' %}{{ raise_exception('users only') }}{%"
                                + " endif %}");
        model.close();
        model = Models.loaded(strict, folder);
        Output output = predict("{\"messages\":[{\"role\":\"system\",\"content\":\"a\"}]}");

        assertThat(output.getCode()).isEqualTo(400);
        assertThat(error(output).get("message").getAsString())
                .isEqualTo("The model's chat template refuses the messages: users only");
    }

    @Test
    void optionsReachTheLoader() throws Exception {
        AtomicReference<ModelOptions> given = new AtomicReference<>();
        AtomicReference<Path> opened = new AtomicReference<>();
        MoeEngine engine =
                new MoeEngine(
                        Models.services(
                                (path, options) -> {
                                    given.set(options);
                                    opened.set(path);
                                    return new FakeMoeModel();
                                }));
        try (Model other = engine.newModel("other", Device.cpu())) {
            other.load(folder, null, Map.of("expert_budget", "1GiB", "model", "a.gguf"));
        }

        assertThat(given.get().budget()).isEqualTo(new ExpertBudget.Fixed(new ByteSize(1L << 30)));
        assertThat(opened.get()).isEqualTo(folder.toAbsolutePath().resolve("a.gguf"));
    }

    @Test
    void whatTheOperatorMustCorrectIsAMalformedModel() throws Exception {
        MoeEngine engine =
                new MoeEngine(
                        Models.services(
                                (path, options) -> {
                                    throw new CheckpointException(path, "is empty");
                                }));
        try (Model broken = engine.newModel("broken", null)) {
            assertThatThrownBy(() -> broken.load(folder, null, Map.of("routing", "lossy")))
                    .isInstanceOf(MalformedModelException.class)
                    .hasMessageContaining("option.routing=lossy is not accepted: write exact");
            assertThatThrownBy(() -> broken.load(folder, null, null))
                    .isInstanceOf(MalformedModelException.class)
                    .hasMessageContaining("is empty");
            assertThatThrownBy(() -> broken.load(folder.resolve("no"), null, null))
                    .isInstanceOf(FileNotFoundException.class)
                    .hasMessageStartingWith("There is no model at");
        }
    }

    @Test
    void aBadTokenizerGivesTheMemoryBack() throws Exception {
        FakeMoeModel bad = new FakeMoeModel("{{ 'a' | }}");
        assertThatThrownBy(() -> Models.loaded(bad, folder))
                .hasMessageContaining("The checkpoint's chat template cannot be used");
        assertThat(bad.isClosed()).isTrue();
    }
}
