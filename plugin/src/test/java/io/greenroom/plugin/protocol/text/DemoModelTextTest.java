package io.greenroom.plugin.protocol.text;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.gson.Gson;
import com.google.gson.JsonArray;
import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import com.google.gson.reflect.TypeToken;
import io.greenroom.offload.store.Checkpoints;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

/** The demo model's GGUF vocabulary and template give what Transformers gives. */
class DemoModelTextTest {

    private static final Path TESTS = Path.of("..", "integration-tests");
    private static final Gson GSON = new Gson();

    private static JsonObject reference;
    private static ModelText text;

    @BeforeAll
    static void open() throws Exception {
        Path fixture = TESTS.resolve(Path.of("src", "test", "resources", "fixtures", "demo"));
        reference =
                JsonParser.parseString(Files.readString(fixture.resolve("reference.json")))
                        .getAsJsonObject();
        text = ModelText.open(Checkpoints.open(TESTS.resolve("demo-model")).tokenizer());
    }

    @AfterAll
    static void close() {
        text.close();
    }

    private static int[] ids(JsonObject object, String name) {
        return GSON.fromJson(object.get(name), int[].class);
    }

    @Test
    void promptsHaveTheReferencesTokens() {
        JsonArray prompts = reference.getAsJsonArray("prompts");
        assertThat(prompts).isNotEmpty();
        for (JsonElement element : prompts) {
            JsonObject prompt = element.getAsJsonObject();
            String written = prompt.get("text").getAsString();

            assertThat(text.tokenizer().encode(written, true))
                    .as(written)
                    .isEqualTo(ids(prompt, "ids"));
        }
    }

    @Test
    void answersReadAsInTheReference() {
        for (JsonElement element : reference.getAsJsonArray("prompts")) {
            JsonObject prompt = element.getAsJsonObject();

            assertThat(text.tokenizer().bytes().decode(ids(prompt, "greedy")))
                    .isEqualTo(prompt.get("decoded").getAsString());
        }
    }

    @Test
    void conversationsAreRenderedAndCutAsInTheReference() throws Exception {
        JsonArray chats = reference.getAsJsonArray("chats");
        assertThat(chats).isNotEmpty();
        for (JsonElement element : chats) {
            JsonObject chat = element.getAsJsonObject();
            List<Map<String, Object>> messages =
                    GSON.fromJson(chat.get("messages"), new TypeToken<>() {});
            String rendered =
                    text.template()
                            .orElseThrow()
                            .render(
                                    messages,
                                    chat.get("add_generation_prompt").getAsBoolean(),
                                    Map.of());

            assertThat(rendered).isEqualTo(chat.get("rendered").getAsString());
            assertThat(text.tokenizer().encode(rendered, false)).isEqualTo(ids(chat, "ids"));
        }
    }
}
