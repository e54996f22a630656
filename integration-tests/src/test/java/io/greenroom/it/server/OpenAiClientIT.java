package io.greenroom.it.server;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.langchain4j.data.message.SystemMessage;
import dev.langchain4j.data.message.UserMessage;
import dev.langchain4j.exception.ModelNotFoundException;
import dev.langchain4j.model.chat.response.ChatResponse;
import dev.langchain4j.model.chat.response.StreamingChatResponseHandler;
import dev.langchain4j.model.openai.OpenAiChatModel;
import dev.langchain4j.model.openai.OpenAiStreamingChatModel;
import dev.langchain4j.model.output.FinishReason;
import io.greenroom.it.TestModels;
import io.greenroom.it.container.ServerSuite;
import java.net.URL;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.jboss.arquillian.container.test.api.Deployment;
import org.jboss.arquillian.test.api.ArquillianResource;
import org.jboss.shrinkwrap.api.GenericArchive;
import org.junit.jupiter.api.Test;

/** LangChain4j's OpenAI client, as an application developer would use it. */
@ServerSuite
class OpenAiClientIT {

    private static final String MODEL = "openai-demo";

    @ArquillianResource private URL url;

    @Deployment(testable = false)
    static GenericArchive models() {
        return TestModels.add(
                TestModels.archive("openai"), MODEL, TestModels.demo(), "option.expert_budget=25%");
    }

    @Test
    void itChats() {
        ChatResponse answer =
                chatModel(MODEL)
                        .chat(
                                SystemMessage.from("Answer briefly."),
                                UserMessage.from("What is a hacker?"));

        assertThat(answer.aiMessage().text()).isNotEmpty();
        assertThat(answer.metadata().modelName()).isEqualTo(MODEL);
        assertThat(answer.finishReason()).isIn(FinishReason.LENGTH, FinishReason.STOP);
        assertThat(answer.tokenUsage().outputTokenCount()).isBetween(1, 16);
        assertThat(answer.tokenUsage().inputTokenCount()).isPositive();
    }

    @Test
    void itStreamsWhatItChats() throws Exception {
        String question = "What is a hacker?";
        String whole = chatModel(MODEL).chat(UserMessage.from(question)).aiMessage().text();
        StringBuffer pieces = new StringBuffer();
        CompletableFuture<ChatResponse> complete = new CompletableFuture<>();

        OpenAiStreamingChatModel.builder()
                .baseUrl(url + "/v1")
                .apiKey("none")
                .modelName(MODEL)
                .temperature(0.0)
                .maxTokens(16)
                .build()
                .chat(
                        List.of(UserMessage.from(question)),
                        new StreamingChatResponseHandler() {
                            @Override
                            public void onPartialResponse(String piece) {
                                pieces.append(piece);
                            }

                            @Override
                            public void onCompleteResponse(ChatResponse response) {
                                complete.complete(response);
                            }

                            @Override
                            public void onError(Throwable error) {
                                complete.completeExceptionally(error);
                            }
                        });

        ChatResponse answer = complete.get(60, TimeUnit.SECONDS);
        assertThat(pieces).hasToString(whole);
        assertThat(answer.aiMessage().text()).isEqualTo(whole);
        assertThat(answer.tokenUsage().outputTokenCount()).isBetween(1, 16);
    }

    @Test
    void itUnderstandsThatAModelIsMissing() {
        assertThatThrownBy(() -> chatModel("no-such-model").chat(UserMessage.from("Hello")))
                .isInstanceOf(ModelNotFoundException.class)
                .hasMessageContaining("no-such-model");
    }

    private OpenAiChatModel chatModel(String name) {
        return OpenAiChatModel.builder()
                .baseUrl(url + "/v1")
                .apiKey("none")
                .modelName(name)
                .temperature(0.0)
                .maxTokens(16)
                .maxRetries(0)
                .build();
    }
}
