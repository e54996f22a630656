package io.greenroom.plugin.engine;

import io.greenroom.offload.decoder.FinishReason;
import io.greenroom.offload.decoder.GenerationUsage;
import io.greenroom.offload.decoder.TokenListener;
import io.greenroom.plugin.protocol.AnswerFormat;
import io.greenroom.plugin.protocol.ApiError;
import io.greenroom.plugin.protocol.Ending;
import io.greenroom.plugin.protocol.text.TextStream;
import java.io.File;
import java.nio.file.Path;
import java.util.function.BooleanSupplier;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Turns the tokens of one generation into an answer. On the scheduler's thread. */
final class AnswerListener implements TokenListener {

    private static final Logger logger = LoggerFactory.getLogger(AnswerListener.class);

    private final String model;
    private final Path checkpoint;
    private final TextStream text;
    private final AnswerFormat format;
    private final BooleanSupplier abandoned;

    /**
     * @param checkpoint where the model was loaded from; clients are not told
     * @param abandoned whether nobody waits for the answer any more
     */
    AnswerListener(
            String model,
            Path checkpoint,
            TextStream text,
            AnswerFormat format,
            BooleanSupplier abandoned) {
        this.model = model;
        this.checkpoint = checkpoint;
        this.text = text;
        this.format = format;
        this.abandoned = abandoned;
    }

    @Override
    public boolean onToken(int token) {
        format.token(token, text.accept(token));
        return !text.stopped() && !abandoned.getAsBoolean();
    }

    @Override
    public void onFinish(FinishReason reason, GenerationUsage usage, @Nullable Throwable failure) {
        switch (reason) {
            case STOP ->
                    format.finish(
                            text.finish(),
                            text.stopped() ? Ending.STOP_STRING : Ending.END_TOKEN,
                            usage);
            case LENGTH -> format.finish(text.finish(), Ending.LENGTH, usage);
            case CANCELLED ->
                    format.fail(
                            new ApiError(
                                    499,
                                    ApiError.SERVER_ERROR,
                                    "The answer was cancelled",
                                    null,
                                    "cancelled"));
            case UNLOADED -> format.fail(ApiError.unloaded(model));
            case ERROR -> {
                logger.error("Model {} failed while answering", model, failure);
                format.fail(
                        ApiError.internal(
                                "The model failed while answering: "
                                        + (failure == null
                                                ? "unknown reason"
                                                : describe(failure))));
            }
        }
    }

    /** File names help the operator find the log entry; folders are nobody's business. */
    private String describe(Throwable failure) {
        String message = failure.getMessage();
        if (message == null) {
            return failure.getClass().getSimpleName();
        }
        Path parent = checkpoint.toAbsolutePath().getParent();
        String shown = message.replace(checkpoint.toAbsolutePath() + File.separator, "");
        return parent == null ? shown : shown.replace(parent + File.separator, "");
    }
}
