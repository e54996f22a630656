package io.greenroom.plugin.protocol;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import com.google.gson.JsonElement;
import io.greenroom.gating.residency.RoutingDial;
import io.greenroom.offload.decoder.SamplingParameters;
import java.nio.charset.StandardCharsets;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.random.RandomGenerator;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class TextRequestTest {

    private static final RandomGenerator SEEDS = () -> 42;

    private static TextRequest read(String json) throws RequestException {
        return TextRequest.read(RequestJson.parse(json.getBytes(StandardCharsets.UTF_8)), SEEDS);
    }

    private static ChatRequest chat(String fields) throws RequestException {
        return (ChatRequest)
                read("{\"messages\":[{\"role\":\"user\",\"content\":\"Hi\"}]" + fields + "}");
    }

    private static ApiError refusal(String json) {
        return catchThrowableOfType(RequestException.class, () -> read(json)).error();
    }

    @Test
    void aBareChatHasOpenAisDefaults() throws Exception {
        ChatRequest chat = chat("");

        assertThat(chat.model()).isNull();
        assertThat(chat.stream()).isFalse();
        assertThat(chat.includeUsage()).isFalse();
        assertThat(chat.settings().maxTokens()).isZero();
        assertThat(chat.settings().stops().texts()).isEmpty();
        assertThat(chat.settings().sampling())
                .isEqualTo(new SamplingParameters(1, 0, 1, 0, SEEDS.nextLong(), 1, 0, 0));
    }

    @Test
    void everyFieldOfAChatIsRead() throws Exception {
        ChatRequest chat =
                chat(
                        ",\"model\":\"m\",\"stream\":true,\"stream_options\":{\"include_usage\":true},"
                                + "\"temperature\":0.5,\"top_p\":0.9,\"top_k\":40,\"min_p\":0.05,"
                                + "\"seed\":-3,\"max_completion_tokens\":12,\"max_tokens\":99,"
                                + "\"stop\":[\"a\",\"b\"],\"presence_penalty\":-1,"
                                + "\"frequency_penalty\":2,\"repetition_penalty\":1.1,\"n\":1,"
                                + "\"logprobs\":false,\"tools\":[],\"user\":\"me\",\"x\":null,"
                                + "\"response_format\":{\"type\":\"text\"},"
                                + "\"chat_template_kwargs\":{\"enable_thinking\":false,\"level\":2}");

        assertThat(chat.model()).isEqualTo("m");
        assertThat(chat.stream()).isTrue();
        assertThat(chat.includeUsage()).isTrue();
        assertThat(chat.settings().maxTokens()).isEqualTo(12);
        assertThat(chat.settings().stops().texts()).containsExactly("a", "b");
        assertThat(chat.settings().sampling())
                .isEqualTo(new SamplingParameters(0.5f, 40, 0.9f, 0.05f, -3, 1.1f, -1, 2));
        assertThat(chat.templateArguments())
                .isEqualTo(Map.of("enable_thinking", false, "level", 2L));
    }

    @Test
    void bothDialectsMayAskForARouting() throws Exception {
        assertThat(chat("").settings().routing()).isNull();
        assertThat(chat(",\"routing\":null").settings().routing()).isNull();
        assertThat(chat(",\"routing\":\"biased:0.15\"").settings().routing())
                .isEqualTo(new RoutingDial(0.15));
        assertThat(
                        read("{\"inputs\":\"a\",\"parameters\":{\"routing\":\"resident\"}}")
                                .settings()
                                .routing())
                .isEqualTo(RoutingDial.RESIDENT);
        ApiError error = refusal("{\"inputs\":\"a\",\"parameters\":{\"routing\":\"no\"}}");
        assertThat(error.status()).isEqualTo(400);
        assertThat(error.param()).isEqualTo("parameters.routing");
        assertThat(error.message())
                .isEqualTo(
                        "\"parameters.routing\" is \"no\"; expected exact, biased:N with N from 0"
                                + " to 1 (such as biased:0.15), or resident");
    }

    @Test
    void messagesKeepWhatTemplatesMayLookAt() throws Exception {
        ChatRequest chat =
                (ChatRequest)
                        read(
                                "{\"messages\":[{\"role\":\"developer\",\"content\":[{\"type\":\"text\","
                                        + "\"text\":\"a\"},{\"type\":\"text\",\"text\":\"b\"}],\"name\":\"n\"},"
                                        + "{\"role\":\"assistant\",\"content\":null,\"tool_calls\":[{\"id\":\"1\"}]},"
                                        + "{\"role\":\"tool\",\"content\":\"42\",\"tool_call_id\":\"1\"}]}");

        assertThat(chat.messages())
                .isEqualTo(
                        List.of(
                                Map.of("role", "system", "content", "a\nb", "name", "n"),
                                Map.of(
                                        "role",
                                        "assistant",
                                        "content",
                                        "",
                                        "tool_calls",
                                        List.of(Map.of("id", "1"))),
                                Map.of("role", "tool", "content", "42", "tool_call_id", "1")));
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            quoteCharacter = '`',
            textBlock =
                    """
                    "routing":"lossy"           | routing            | "routing" is "lossy"; expected exact, biased:N with N from 0 to 1 (such as biased:0.15), or resident
                    "routing":"biased:2"        | routing            | "routing" is "biased:2"; expected exact, biased:N with N from 0 to 1
                    "routing":0.15              | routing            | "routing" is 0.15; expected a string: exact, biased:N with N from 0 to 1
                    "temperature":-1            | temperature        | "temperature" is -1; expected a number from 0 to 2
                    "temperature":"hot"         | temperature        | "temperature" is "hot"; expected a number from 0 to 2
                    "temperature":2.5           | temperature        | expected a number from 0 to 2
                    "temperature":1e999         | temperature        | expected a number from 0 to 2
                    "top_p":0                   | top_p              | expected a number above 0 and up to 1
                    "top_p":1.01                | top_p              | expected a number above 0 and up to 1
                    "top_k":1.5                 | top_k              | expected an integer from -1 to 1048576
                    "top_k":-2                  | top_k              | expected an integer from -1
                    "min_p":[]                  | min_p              | "min_p" is []; expected a number from 0 to 1
                    "seed":99999999999999999999 | seed               | expected an integer
                    "seed":1e99999              | seed               | expected an integer
                    "max_tokens":0              | max_tokens         | expected an integer from 1 to 2147483647
                    "max_tokens":3000000000     | max_tokens         | expected an integer from 1 to 2147483647
                    "max_completion_tokens":-1  | max_completion_tokens | expected an integer from 1 to 2147483647
                    "presence_penalty":3        | presence_penalty   | expected a number from -2 to 2
                    "frequency_penalty":true    | frequency_penalty  | expected a number from -2 to 2
                    "repetition_penalty":0      | repetition_penalty | expected a number above 0 and up to 2
                    "stop":[""]                 | stop               | each of 1 to 256 characters
                    "stop":[1]                  | stop               | "stop" is 1; expected a string or an array
                    "stop":{}                   | stop               | expected a string or an array of up to 16 strings
                    "stream":"yes"              | stream             | "stream" is "yes"; expected true or false
                    "stream_options":{}         | stream_options     | expected it only with "stream": true
                    "model":7                   | model              | "model" is 7; expected a string
                    "n":2                       | n                  | "n" is 2; expected no value but 1
                    "logprobs":true             | logprobs           | expected no value but false: this server supports nothing else
                    "tools":[{}]                | tools              | "tools" is [{}]; expected no value but []
                    "response_format":{"type":"json_object"} | response_format | expected no value but {"type":"text"}
                    "logit_bias":{"1":2}        | logit_bias         | expected no value but {}
                    "chat_template_kwargs":{"a":[]} | chat_template_kwargs.a | expected a string, a number, true or false
                    "chat_template_kwargs":1    | chat_template_kwargs | expected an object
                    """)
    void wrongFieldsAreNamedWithTheirValueAndWhatIsAccepted(
            String field, String param, String message) {
        ApiError error =
                refusal("{\"messages\":[{\"role\":\"user\",\"content\":\"Hi\"}]," + field + "}");

        assertThat(error.status()).isEqualTo(400);
        assertThat(error.type()).isEqualTo("invalid_request_error");
        assertThat(error.param()).isEqualTo(param);
        assertThat(error.message()).contains(message);
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            quoteCharacter = '`',
            textBlock =
                    """
                    {}                                        | messages                 | "messages" is missing
                    {"messages":null,"inputs":null}           | messages                 | "messages" is missing
                    {"messages":[]}                           | messages                 | "messages" has 0 messages
                    {"messages":"Hi"}                         | messages                 | expected an array of messages
                    {"messages":[1]}                          | messages[0]              | "messages[0]" is 1
                    {"messages":[{"content":"a"}]}            | messages[0].role         | "messages[0].role" is missing
                    {"messages":[{"role":1,"content":"a"}]}   | messages[0].role         | expected a string
                    {"messages":[{"role":"king"}]}            | messages[0].role         | is "king"; expected "system"
                    {"messages":[{"role":"user"}]}            | messages[0].content      | is missing
                    {"messages":[{"role":"user","content":3}]} | messages[0].content     | is 3; expected a string, or an array
                    {"messages":[{"role":"user","content":[3]}]} | messages[0].content[0] | is 3
                    {"messages":[{"role":"user","content":[{"type":"image_url"}]}]} | messages[0].content[0].type | is "image_url"; expected "text"
                    {"messages":[{"role":"user","content":[{"type":"text"}]}]} | messages[0].content[0].text | is missing
                    {"inputs":3}                              | inputs                   | "inputs" is 3
                    {"inputs":[]}                             | inputs                   | "inputs" has 0 texts
                    {"inputs":["a",1]}                        | inputs[1]                | is 1; expected a string
                    {"inputs":["a","b"],"stream":true}        | inputs                   | expected one text with "stream": true
                    {"inputs":"a","parameters":[]}            | parameters               | expected an object
                    {"inputs":"a","parameters":{"temperature":-1}} | parameters.temperature | "parameters.temperature" is -1
                    {"inputs":"a","parameters":{"max_new_tokens":0}} | parameters.max_new_tokens | expected an integer from 1 to 2147483647
                    {"inputs":"a","parameters":{"do_sample":1}} | parameters.do_sample   | expected true or false
                    """)
    void wrongPromptsAreNamed(String json, String param, String message) {
        ApiError error = refusal(json);

        assertThat(error.param()).isEqualTo(param);
        assertThat(error.message()).contains(message);
    }

    @Test
    void aHundredStopStringsAreTooMany() {
        String stops = String.join(",", Collections.nCopies(100, "\"x\""));
        ApiError error =
                refusal(
                        "{\"messages\":[{\"role\":\"user\",\"content\":\"a\"}],\"stop\":["
                                + stops
                                + "]}");

        assertThat(error.message())
                .isEqualTo(
                        "\"stop\" has 100 strings; expected a string or an array of up to 16"
                                + " strings, each of 1 to 256 characters");
    }

    @Test
    void longValuesAreShortenedInMessages() {
        ApiError error = refusal("{\"messages\":\"" + "a".repeat(10_000) + "\"}");

        assertThat(error.message()).hasSizeLessThan(300).contains("aaa...");
    }

    @Test
    void lmiIsGreedyUnlessItSamples() throws Exception {
        LmiRequest greedy =
                (LmiRequest)
                        read("{\"inputs\":\"a\",\"parameters\":{\"temperature\":0.7,\"seed\":1}}");
        LmiRequest sampled =
                (LmiRequest)
                        read(
                                "{\"inputs\":\"a\",\"parameters\":{\"temperature\":0.7,\"do_sample\":true,"
                                        + "\"stop\":\"x\",\"stop_sequences\":[\"y\"],\"stream\":true,"
                                        + "\"details\":true,\"return_full_text\":true}}");

        assertThat(greedy.settings().sampling().temperature()).isZero();
        assertThat(greedy.settings().maxTokens()).isEqualTo(30);
        assertThat(greedy.batch()).isFalse();
        assertThat(sampled.settings().sampling().temperature()).isEqualTo(0.7f);
        assertThat(sampled.settings().stops().texts()).containsExactly("x", "y");
        assertThat(sampled.stream() && sampled.details() && sampled.fullText()).isTrue();
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            quoteCharacter = '`',
            textBlock =
                    """
                    {"messages": [}          | The body is not JSON, at line 1 column
                    {"a": 1                  | The body is not JSON, at line 1 column
                    {"a": 1} x               | The body is not JSON, at line 1 column
                    {"a": 1} {}              | The body is not JSON, at line 1 column
                    {'a': 1}                 | The body is not JSON, at line 1 column
                    {"a": NaN}               | The body is not JSON, at line 1 column
                    [1]                      | The body is not a JSON object; it begins with an array
                    "text"                   | The body is not a JSON object; it begins with a string
                    """)
    void malformedBodiesAreRefusedWithThePlace(String body, String message) {
        ApiError error = refusal(body);

        assertThat(error.status()).isEqualTo(400);
        assertThat(error.message()).startsWith(message);
    }

    @Test
    void bodiesThatAreNoTextAreRefused() {
        assertThat(refusal("").message()).isEqualTo("The body is empty; send a JSON object");
        assertThat(refusal("[".repeat(100_000)).message()).startsWith("The body is not");
        assertThat(refusal("{\"a\":" + "[".repeat(100_000)).message())
                .startsWith("The body is not JSON");
        byte[] latin = {'{', '"', (byte) 0xE9, '"', ':', '1', '}'};
        assertThat(
                        catchThrowableOfType(RequestException.class, () -> RequestJson.parse(latin))
                                .error()
                                .message())
                .isEqualTo("The body is not UTF-8");
    }

    @Property
    void anyBytesGiveAnAnswerOrARefusal(@ForAll byte[] body) {
        try {
            TextRequest.read(RequestJson.parse(body), SEEDS);
        } catch (RequestException e) {
            assertThat(e.error().status()).isEqualTo(400);
        }
        RequestJson.model(body);
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "{\"model\":\"m\"}",
                "{\"messages\":[{\"model\":\"no\"}],\"x\":{\"model\":1},\"model\":\"m\"}",
                "{\"model\":\"m\", broken"
            })
    void theModelIsFoundAsFarAsTheBodyCanBeRead(String body) {
        assertThat(RequestJson.model(body.getBytes(StandardCharsets.UTF_8))).isEqualTo("m");
    }

    @ParameterizedTest
    @ValueSource(strings = {"", "[]", "{}", "{\"model\":3}", "{\"model\":null}", "{\"a\":["})
    void otherwiseThereIsNone(String body) {
        assertThat(RequestJson.model(body.getBytes(StandardCharsets.UTF_8))).isNull();
    }

    @ParameterizedTest
    @ValueSource(strings = {"top_p", "repetition_penalty"})
    void numbersTooSmallForTheDecoderAreTheClientsMistake(String field) throws Exception {
        for (String value : List.of("0", "1e-300", "1e-46")) {
            ApiError error =
                    refusal(
                            "{\"messages\":[{\"role\":\"user\",\"content\":\"Hi\"}],\""
                                    + field
                                    + "\":"
                                    + value
                                    + "}");
            assertThat(error.status()).isEqualTo(400);
            assertThat(error.param()).isEqualTo(field);
            assertThat(error.message()).contains("a number above 0");
        }
        assertThat(chat(",\"" + field + "\":1e-44").settings().sampling()).isNotNull();
    }

    @ParameterizedTest
    @ValueSource(longs = {Long.MIN_VALUE, Long.MIN_VALUE + 1, Long.MAX_VALUE - 1, Long.MAX_VALUE})
    void everySeedOf64BitsIsAccepted(long seed) throws Exception {
        assertThat(chat(",\"seed\":" + seed).settings().sampling().seed()).isEqualTo(seed);
    }

    @ParameterizedTest
    @CsvSource({
        "seed, 9223372036854775808, from -9223372036854775808 to 9223372036854775807",
        "seed, -9223372036854775809, from -9223372036854775808 to 9223372036854775807",
        "max_tokens, 1000000000000000000, from 1 to 2147483647"
    })
    void tooLargeAnIntegerIsToldBothBounds(String field, String value, String bounds) {
        ApiError error =
                refusal(
                        "{\"messages\":[{\"role\":\"user\",\"content\":\"Hi\"}],\""
                                + field
                                + "\":"
                                + value
                                + "}");

        assertThat(error.message())
                .isEqualTo("\"" + field + "\" is " + value + "; expected an integer " + bounds);
    }

    @ParameterizedTest
    @ValueSource(strings = {"\\ud83d", "\\ude00", "a\\ude00"})
    void halfACharacterStopsNothing(String stop) {
        ApiError error =
                refusal(
                        "{\"messages\":[{\"role\":\"user\",\"content\":\"Hi\"}],\"stop\":\""
                                + stop
                                + "\"}");

        assertThat(error.param()).isEqualTo("stop");
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "{'model':'a','model':'b'} | b",
                "{'model':'a','x':{'model':'c'}} | a",
                "{'model':'a','model':null} |",
                "{'x':[1,{}],'model':'a'} | a"
            })
    void theModelFoundAheadIsTheOneOfTheWhole(String body, @Nullable String model)
            throws Exception {
        byte[] json = body.replace('\'', '"').getBytes(StandardCharsets.UTF_8);

        assertThat(RequestJson.model(json)).isEqualTo(model);
        JsonElement whole = RequestJson.parse(json).get("model");
        assertThat(whole.isJsonNull() ? null : whole.getAsString()).isEqualTo(model);
    }
}
