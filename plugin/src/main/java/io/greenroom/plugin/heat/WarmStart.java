package io.greenroom.plugin.heat;

/** One model's warm start, and the keeping of its heat until it is closed. Thread-safe. */
public interface WarmStart extends AutoCloseable {

    /** For models whose heat is not kept. */
    WarmStart NONE =
            new WarmStart() {
                @Override
                public void await() {}

                @Override
                public void cancel() {}

                @Override
                public void close() {}
            };

    /**
     * Looks for heat, reads the hottest experts, and returns when they are there or when it has
     * taken as long as it may. Never throws: a model that cannot begin warm begins cold, with a
     * line in the log that says why.
     */
    void await();

    /** Ends {@link #await}, now or when it is called. */
    void cancel();

    /** Keeps what has become of the model's heat. May take a while. */
    @Override
    void close();
}
