package io.greenroom.plugin;

import io.greenroom.cache.ByteSize;
import io.greenroom.offload.store.DenseLoader;
import java.nio.file.Path;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Says every tenth of a long load how far it has come. */
final class LoggedProgress implements DenseLoader.Progress {

    private static final Logger logger = LoggerFactory.getLogger(LoggedProgress.class);

    /** Smaller loads are over before one could read about them. */
    private static final long WORTH_TELLING = 1L << 30;

    private final Path checkpoint;
    private long told;

    LoggedProgress(Path checkpoint) {
        this.checkpoint = checkpoint;
    }

    @Override
    public void loaded(long bytes, long total) {
        long tenth = total == 0 ? 0 : bytes * 10 / total;
        if (total >= WORTH_TELLING && tenth > told) {
            told = tenth;
            logger.info(
                    "{}: {} of {} dense weights are in memory",
                    checkpoint,
                    new ByteSize(bytes),
                    new ByteSize(total));
        }
    }
}
