package io.greenroom.it.server;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.gson.JsonObject;
import io.greenroom.it.DemoReference;
import io.greenroom.it.TestModels;
import io.greenroom.it.container.ServerSuite;
import java.net.URL;
import java.net.http.HttpResponse;
import java.util.List;
import java.util.stream.Stream;
import org.jboss.arquillian.container.test.api.Deployment;
import org.jboss.arquillian.test.api.ArquillianResource;
import org.jboss.shrinkwrap.api.GenericArchive;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/** From the socket to the disk and back, the demo model says what Transformers says. */
@ServerSuite
class ReferenceIT {

    private static final String QUARTER = "reference-quarter";
    private static final String SMALLEST = "reference-smallest";

    @ArquillianResource private URL url;

    @Deployment(testable = false)
    static GenericArchive models() {
        GenericArchive archive = TestModels.archive("reference");
        TestModels.add(archive, QUARTER, TestModels.demo(), "option.expert_budget=25%");
        // Four of 256 experts: as many as one token of one layer needs.
        return TestModels.add(archive, SMALLEST, TestModels.demo(), "option.expert_budget=384KiB");
    }

    static Stream<Arguments> prompts() {
        List<DemoReference.Prompt> prompts = DemoReference.read().prompts();
        return Stream.of(QUARTER, SMALLEST)
                .flatMap(model -> prompts.stream().map(prompt -> Arguments.of(model, prompt)));
    }

    @ParameterizedTest(name = "{1} by {0}")
    @MethodSource("prompts")
    void plainTextGoesOnAsInTransformers(String model, DemoReference.Prompt prompt) {
        JsonObject parameters = new JsonObject();
        parameters.addProperty("max_new_tokens", prompt.greedy().size());
        JsonObject request = new JsonObject();
        request.addProperty("inputs", prompt.text());
        request.add("parameters", parameters);

        HttpResponse<String> answer = new ServerClient(url).post("/predictions/" + model, request);

        assertThat(answer.statusCode()).as(answer.body()).isEqualTo(200);
        assertThat(ServerClient.json(answer).get("generated_text").getAsString())
                .isEqualTo(prompt.decoded());
    }

    @Test
    void aChatIsRenderedAndAnsweredAsInTransformers() {
        DemoReference.Prompt prompt = DemoReference.read().prompt("kjv-chat");
        JsonObject chat =
                ServerClient.chat(
                        QUARTER,
                        "Write in the style of the King James Bible.",
                        prompt.greedy().size());

        JsonObject answer =
                ServerClient.json(new ServerClient(url).post("/v1/chat/completions", chat));

        assertThat(ServerClient.content(answer)).isEqualTo(prompt.decoded());
        assertThat(answer.getAsJsonObject("usage").get("prompt_tokens").getAsInt())
                .isEqualTo(prompt.ids().size());
    }
}
