package io.greenroom.offload.decoder;

import io.greenroom.gating.precision.PrecisionRule;
import io.greenroom.offload.lowbit.LowBitFile;
import io.greenroom.offload.store.Checkpoint;
import io.greenroom.offload.store.CheckpointException;
import io.greenroom.offload.store.Fingerprint;
import java.nio.file.Files;
import java.nio.file.Path;

/**
 * How experts that are not in memory may be replaced by low-bit copies, or done without. Lossy.
 *
 * @param file the copies, as {@code greenroom pack} makes them; if relative, in the checkpoint's
 *     folder
 * @param budgetShare share of the model's expert budget that holds copies, above 0 and below 1
 * @param rule which experts of a token
 * @param skipped what becomes of the weight of those done without
 */
public record MixedPrecision(
        Path file, double budgetShare, PrecisionRule rule, SkippedWeight skipped) {

    /** Share of the budget that copies get unless the operator says otherwise. */
    public static final double DEFAULT_SHARE = 0.15;

    /** What becomes of skipped weight unless the operator says otherwise. */
    public static final SkippedWeight DEFAULT_SKIPPED = SkippedWeight.DROP;

    /**
     * @throws IllegalArgumentException naming the share and what is accepted
     */
    public MixedPrecision {
        if (!(budgetShare > 0 && budgetShare < 1)) {
            throw new IllegalArgumentException(
                    "Low-bit copies cannot have a share of "
                            + budgetShare
                            + " of the expert budget; it must be above 0 and below 1");
        }
    }

    /** With the defaults for all but the file. */
    public static MixedPrecision of(Path file) {
        return new MixedPrecision(file, DEFAULT_SHARE, PrecisionRule.DEFAULT, DEFAULT_SKIPPED);
    }

    /**
     * Opens the file of copies and checks it against the model.
     *
     * @throws CheckpointException as {@link LowBitFile#open}
     */
    public LowBitFile open(Checkpoint checkpoint) throws CheckpointException {
        Path location = checkpoint.location();
        Path folder =
                Files.isDirectory(location) ? location : location.toAbsolutePath().getParent();
        Path path = folder == null ? file : folder.resolve(file);
        return LowBitFile.open(path, checkpoint.spec(), Fingerprint.of(checkpoint));
    }
}
