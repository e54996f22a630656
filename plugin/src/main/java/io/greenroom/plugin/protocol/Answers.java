package io.greenroom.plugin.protocol;

import java.util.List;
import java.util.stream.IntStream;

/** Chooses the format of an answer. */
public final class Answers {

    /** Content type of whole answers and of errors. */
    public static final String JSON = "application/json";

    private static final String EVENTS = "text/event-stream";
    private static final String LINES = "application/jsonlines";

    private Answers() {}

    public static String contentType(TextRequest request) {
        if (!request.stream()) {
            return JSON;
        }
        return request instanceof ChatRequest ? EVENTS : LINES;
    }

    /**
     * One format per text that the request wants continued.
     *
     * @param id of the answer
     * @param created seconds since 1970
     * @param model name of the model to answer with
     */
    public static List<AnswerFormat> formats(
            TextRequest request, String id, long created, String model, AnswerSink sink) {
        if (request instanceof ChatRequest chat) {
            ChatFormat format = new ChatFormat(id, created, model);
            return List.of(
                    chat.stream()
                            ? new ChatStream(format, chat.includeUsage(), sink)
                            : new WholeChat(format, sink));
        }
        LmiRequest lmi = (LmiRequest) request;
        if (lmi.stream()) {
            return List.of(new LmiStream(lmi, sink));
        }
        WholeLmi whole = new WholeLmi(lmi, sink);
        return IntStream.range(0, lmi.inputs().size()).mapToObj(whole::forInput).toList();
    }
}
