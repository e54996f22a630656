package io.greenroom.plugin.jmx;

/**
 * A loaded model. Its object name is {@code io.greenroom:type=Model,name="..."}, with the name
 * clients use in quotes. All attributes are of now, or totals since the load; sizes are bytes.
 * After the model was unloaded the MBean is gone.
 */
public interface ModelMXBean {

    /** The name clients use; with {@code #2} behind it if another model has the same. */
    String getName();

    /** File or folder the model was loaded from. */
    String getCheckpoint();

    /** When the load was complete, in ISO 8601. */
    String getLoadedAt();

    /** The expert budget as it was asked for last: a size, a share or {@code auto}. */
    String getExpertBudget();

    /**
     * Changes the expert budget while requests run, as {@code PUT /moe/models/{model}/budget} does.
     * Returns when it is in force, or after 20 s with experts still leaving.
     *
     * @param budget a size like {@code 6GiB}, a share like {@code 40%}, or {@code auto}
     * @throws IllegalArgumentException if it is no budget, or one that cannot be; nothing has
     *     changed
     * @throws IllegalStateException if another change took its place, or the model was unloaded
     */
    void setExpertBudget(String budget);

    /** What the budget comes to. */
    long getExpertBudgetBytes();

    /** What experts in memory take, in whole slots. */
    long getResidentExpertBytes();

    /** What one expert takes. */
    long getSlotBytes();

    /** Experts that fit into the budget. */
    int getSlots();

    /** Experts in memory. */
    int getResidentExperts();

    /** Routed experts of the model. */
    int getTotalExperts();

    /** Weights that are always in memory. */
    long getDenseBytes();

    /** The KV cache. */
    long getKvCacheBytes();

    /** What running requests have reserved of it. */
    long getKvCacheUsedBytes();

    /** Requests being decoded. */
    int getRunningRequests();

    /** Requests that wait. */
    int getQueuedRequests();

    /** Requests that were not taken because too many were waiting. */
    long getRejectedRequests();

    /** Prompt tokens processed. */
    long getTokensIn();

    /** Tokens produced. */
    long getTokensOut();

    /** Mean seconds from a request's submission to its first token; 0 before the first. */
    double getMeanFirstTokenSeconds();

    /** Mean seconds from one token of a request to the next; 0 before the first. */
    double getMeanInterTokenSeconds();

    /** Experts that were in memory when a layer asked for them. */
    long getHits();

    /** Experts that were not. */
    long getMisses();

    /** Share of hits, 0 to 1; 0 before the first. */
    double getHitRate();

    /** Experts read into memory. */
    long getReads();

    /** Reads that failed. */
    long getReadFailures();

    /** Bytes of experts read into memory. */
    long getBytesRead();

    /** Experts that left their slot. */
    long getEvictions();

    /** Seconds that decoding waited for experts with nothing to compute. */
    double getStallSeconds();

    /** Whether experts are read ahead now. */
    boolean isPrefetchOn();

    /** Why they are or are not. */
    String getPrefetchReason();

    /** Reads ahead begun. */
    long getPrefetchIssued();

    /** Experts read ahead that were in memory when a layer asked for them. */
    long getPrefetchUseful();

    /** Experts that were still being read ahead when a layer asked for them. */
    long getPrefetchLate();

    /** Experts read ahead that left before a layer asked for them. */
    long getPrefetchWasted();
}
