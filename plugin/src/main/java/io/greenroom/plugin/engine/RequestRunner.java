package io.greenroom.plugin.engine;

import ai.djl.modality.Input;
import ai.djl.modality.Output;
import com.google.gson.JsonObject;
import io.greenroom.offload.decoder.ContextLengthException;
import io.greenroom.offload.decoder.Generation;
import io.greenroom.offload.decoder.GenerationRequest;
import io.greenroom.offload.decoder.MoeModel;
import io.greenroom.offload.decoder.OverloadedException;
import io.greenroom.plugin.protocol.AnswerFormat;
import io.greenroom.plugin.protocol.Answers;
import io.greenroom.plugin.protocol.ApiError;
import io.greenroom.plugin.protocol.ChatRequest;
import io.greenroom.plugin.protocol.Json;
import io.greenroom.plugin.protocol.LmiRequest;
import io.greenroom.plugin.protocol.RequestException;
import io.greenroom.plugin.protocol.RequestJson;
import io.greenroom.plugin.protocol.TextRequest;
import io.greenroom.plugin.protocol.template.ChatTemplate;
import io.greenroom.plugin.protocol.template.TemplateException;
import io.greenroom.plugin.protocol.text.ModelText;
import io.greenroom.plugin.protocol.text.TextStream;
import java.nio.charset.StandardCharsets;
import java.time.Clock;
import java.util.ArrayList;
import java.util.List;
import java.util.UUID;
import java.util.random.RandomGenerator;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Answers requests with one loaded model: reads and checks, renders and tokenizes, submits. The
 * answer then comes from the model's scheduler. Thread-safe.
 *
 * <p>Whoever calls through the server's worker gets one of two kinds of {@link Output}. Streams,
 * and all answers to a caller that sets {@link #DEFERS_STATUS}, come back at once with an {@link
 * AnswerBody}. A whole answer to any other caller is waited for: those send the status before the
 * body, so it has to be certain.
 */
public final class RequestRunner {

    /**
     * A property of the input: the caller sends the status only with the first piece of the body.
     */
    public static final String DEFERS_STATUS = "greenroom-defers-status";

    private static final Logger logger = LoggerFactory.getLogger(RequestRunner.class);

    private final MoeModel moe;
    private final ModelText text;
    private final long maxUnsent;
    private final RandomGenerator random;
    private final Clock clock;

    /**
     * @param maxUnsent bytes of one answer that may wait to be sent
     * @param random thread-safe
     */
    RequestRunner(
            MoeModel moe, ModelText text, long maxUnsent, RandomGenerator random, Clock clock) {
        this.moe = moe;
        this.text = text;
        this.maxUnsent = maxUnsent;
        this.random = random;
        this.clock = clock;
    }

    /**
     * Answers one request. Never throws: what goes wrong becomes the answer.
     *
     * @param servedName the name the model is registered by, for answers to requests without one
     */
    Output run(Input input, String servedName) {
        try {
            return answer(input, servedName);
        } catch (RequestException e) {
            return failure(e.error());
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            return failure(ApiError.unloaded(servedName));
        } catch (RuntimeException | Error e) {
            logger.error("Model {} failed a request", servedName, e);
            return failure(ApiError.internal("The request failed: " + e));
        }
    }

    private Output answer(Input input, String servedName)
            throws RequestException, InterruptedException {
        JsonObject json = RequestJson.parse(body(input));
        TextRequest request = TextRequest.read(json, random);
        String name =
                request instanceof ChatRequest chat && chat.model() != null
                        ? chat.model()
                        : servedName;
        List<int[]> prompts = prompts(request);
        Output output = new Output(200, "OK");
        output.addProperty("Content-Type", Answers.contentType(request));
        boolean deferred = input.getProperties().containsKey(DEFERS_STATUS);
        AnswerBody body =
                new AnswerBody(
                        request.stream(), deferred, maxUnsent, code -> becomeError(output, code));
        submit(request, prompts, name, body, input);
        if (request.stream() || deferred) {
            output.add(body);
        } else {
            output.add(awaited(body));
        }
        return output;
    }

    private static byte[] awaited(AnswerBody body) throws InterruptedException {
        try {
            return body.await();
        } catch (InterruptedException e) {
            body.cancel();
            throw e;
        }
    }

    private static byte[] body(Input input) throws RequestException {
        byte[] data = input.getAsBytes("data");
        if (data == null) {
            throw new RequestException(
                    ApiError.invalid(
                            null,
                            "The request has no body that could be read; send a JSON object with"
                                    + " the header Content-Type: application/json"));
        }
        return data;
    }

    private List<int[]> prompts(TextRequest request) throws RequestException {
        List<int[]> prompts = new ArrayList<>();
        if (request instanceof ChatRequest chat) {
            prompts.add(tokens(request, render(chat), false));
        } else if (request instanceof LmiRequest lmi) {
            for (String input : lmi.inputs()) {
                prompts.add(tokens(request, input, true));
            }
        }
        for (int[] prompt : prompts) {
            if (prompt.length == 0) {
                throw new RequestException(
                        ApiError.invalid(field(request), "The prompt is empty; send some text"));
            }
        }
        return prompts;
    }

    private int[] tokens(TextRequest request, String prompt, boolean marked)
            throws RequestException {
        int most = moe.contextLength();
        long fewest = text.tokenizer().fewestTokens(prompt, most);
        if (fewest > most) {
            throw tooLong(
                    request,
                    "The prompt has "
                            + prompt.length()
                            + " characters, at least "
                            + fewest
                            + " tokens; the context holds "
                            + most
                            + " with the answer; shorten the prompt or load the model with a longer"
                            + " context");
        }
        return text.tokenizer().encode(prompt, marked);
    }

    private static RequestException tooLong(TextRequest request, String message) {
        return new RequestException(
                new ApiError(
                        400,
                        ApiError.INVALID_REQUEST,
                        message,
                        field(request),
                        "context_length_exceeded"));
    }

    private String render(ChatRequest chat) throws RequestException {
        ChatTemplate template = text.template().orElse(null);
        if (template == null) {
            throw new RequestException(
                    ApiError.invalid(
                            "messages",
                            "This model has no chat template, so it cannot chat; send a text to"
                                    + " continue as \"inputs\" instead"));
        }
        try {
            return template.render(chat.messages(), true, chat.templateArguments());
        } catch (TemplateException e) {
            throw new RequestException(
                    e.raised()
                            ? ApiError.invalid(
                                    "messages",
                                    "The model's chat template refuses the messages: "
                                            + e.getMessage())
                            : ApiError.internal(String.valueOf(e.getMessage())));
        }
    }

    private void submit(
            TextRequest request, List<int[]> prompts, String name, AnswerBody body, Input input)
            throws RequestException {
        String id =
                (request instanceof ChatRequest ? "chatcmpl-" : "gen-")
                        + UUID.randomUUID().toString().replace("-", "");
        List<AnswerFormat> formats =
                Answers.formats(request, id, clock.instant().getEpochSecond(), name, body);
        List<Generation> generations = new ArrayList<>();
        try {
            for (int i = 0; i < prompts.size(); i++) {
                generations.add(
                        moe.submit(
                                new GenerationRequest(
                                        prompts.get(i),
                                        request.settings().maxTokens(),
                                        request.settings().sampling(),
                                        text.endTokens(),
                                        request.settings().routing()),
                                new AnswerListener(
                                        name,
                                        moe.checkpoint().location(),
                                        new TextStream(
                                                text.tokenizer().bytes(),
                                                request.settings().stops(),
                                                request instanceof ChatRequest),
                                        formats.get(i),
                                        () -> input.isCancelled() || body.isCancelled())));
            }
        } catch (ContextLengthException e) {
            generations.forEach(Generation::cancel);
            throw tooLong(request, String.valueOf(e.getMessage()));
        } catch (OverloadedException e) {
            generations.forEach(Generation::cancel);
            throw new RequestException(ApiError.overloaded(String.valueOf(e.getMessage())));
        } catch (IllegalArgumentException e) {
            generations.forEach(Generation::cancel);
            throw new RequestException(
                    ApiError.invalid(field(request), String.valueOf(e.getMessage())));
        }
        body.onCancel(() -> generations.forEach(Generation::cancel));
    }

    private static String field(TextRequest request) {
        return request instanceof ChatRequest ? "messages" : "inputs";
    }

    /** A plain answer: with an error status the server sends no other kind of body. */
    static Output failure(ApiError error) {
        Output output = new Output();
        becomeError(output, error.status());
        output.add(Json.write(error.toJson()).getBytes(StandardCharsets.UTF_8));
        return output;
    }

    private static void becomeError(Output output, int code) {
        output.setCode(code);
        output.setMessage(reason(code));
        output.addProperty("Content-Type", Answers.JSON);
        if (code == 429 || code == 503) {
            output.addProperty("Retry-After", "1");
        }
    }

    private static String reason(int code) {
        return switch (code) {
            case 200 -> "OK";
            case 400 -> "Bad Request";
            case 429 -> "Too Many Requests";
            case 499 -> "Client Closed Request";
            case 503 -> "Service Unavailable";
            default -> "Internal Server Error";
        };
    }
}
