package io.greenroom.plugin.jmx;

import io.greenroom.cache.BudgetExceededException;
import io.greenroom.cache.CacheStats;
import io.greenroom.cache.ExpertBudget;
import io.greenroom.cache.usage.TimeCounts;
import io.greenroom.offload.decoder.MoeModel;
import io.greenroom.plugin.engine.MoeEngineModel;
import java.time.Duration;
import java.util.concurrent.CancellationException;

/** Reads and changes one model for JMX. Thread-safe. */
final class ModelBean implements ModelMXBean {

    /** Longest wait until a smaller budget is reached. */
    private static final Duration PATIENCE = Duration.ofSeconds(20);

    private final String name;
    private final MoeEngineModel model;

    ModelBean(String name, MoeEngineModel model) {
        this.name = name;
        this.model = model;
    }

    private MoeModel moe() {
        return model.moe();
    }

    private MoeModel.Status status() {
        return moe().status();
    }

    private CacheStats cache() {
        return status().cache();
    }

    @Override
    public String getName() {
        return name;
    }

    @Override
    public String getCheckpoint() {
        return String.valueOf(moe().checkpoint().location());
    }

    @Override
    public String getLoadedAt() {
        return model.loadedAt().toString();
    }

    @Override
    public String getExpertBudget() {
        return moe().budget().toString();
    }

    /** A client knows none of our exceptions, so it gets Java's, with the same words. */
    @Override
    public void setExpertBudget(String budget) {
        try {
            boolean unused = moe().setBudget(ExpertBudget.parse(budget)).await(PATIENCE);
        } catch (CancellationException e) {
            throw new IllegalStateException("The change did not last: " + e.getMessage());
        } catch (BudgetExceededException | IllegalArgumentException e) {
            throw new IllegalArgumentException(e.getMessage());
        }
    }

    @Override
    public long getExpertBudgetBytes() {
        return status().budgetBytes();
    }

    @Override
    public long getResidentExpertBytes() {
        MoeModel.Status status = status();
        return status.slotBytes() * status.residentExperts();
    }

    @Override
    public long getSlotBytes() {
        return status().slotBytes();
    }

    @Override
    public int getSlots() {
        return status().slots();
    }

    @Override
    public int getResidentExperts() {
        return status().residentExperts();
    }

    @Override
    public int getTotalExperts() {
        return status().totalExperts();
    }

    @Override
    public long getDenseBytes() {
        return status().denseBytes();
    }

    @Override
    public long getKvCacheBytes() {
        return status().kvBytes();
    }

    @Override
    public long getKvCacheUsedBytes() {
        return moe().meters().kvBytesUsed(status().kvBytes());
    }

    @Override
    public int getRunningRequests() {
        return status().running();
    }

    @Override
    public int getQueuedRequests() {
        return status().queued();
    }

    @Override
    public long getRejectedRequests() {
        return moe().meters().rejected();
    }

    @Override
    public long getTokensIn() {
        return status().tokensIn();
    }

    @Override
    public long getTokensOut() {
        return status().tokensOut();
    }

    @Override
    public double getMeanFirstTokenSeconds() {
        return mean(moe().meters().firstToken());
    }

    @Override
    public double getMeanInterTokenSeconds() {
        return mean(moe().meters().betweenTokens());
    }

    private static double mean(TimeCounts times) {
        long count = times.count();
        return count == 0 ? 0 : times.sumNanos() / 1e9 / count;
    }

    @Override
    public long getHits() {
        return cache().hits();
    }

    @Override
    public long getMisses() {
        return cache().misses();
    }

    @Override
    public double getHitRate() {
        return cache().hitRate();
    }

    @Override
    public long getReads() {
        return cache().loads();
    }

    @Override
    public long getReadFailures() {
        return cache().loadFailures();
    }

    @Override
    public long getBytesRead() {
        return cache().bytesLoaded();
    }

    @Override
    public long getEvictions() {
        return cache().evictions();
    }

    @Override
    public double getStallSeconds() {
        return cache().stallNanos() / 1e9;
    }

    @Override
    public boolean isPrefetchOn() {
        return moe().prefetch().on();
    }

    @Override
    public String getPrefetchReason() {
        return moe().prefetch().reason();
    }

    @Override
    public long getPrefetchIssued() {
        return cache().prefetchIssued();
    }

    @Override
    public long getPrefetchUseful() {
        return cache().prefetchUseful();
    }

    @Override
    public long getPrefetchLate() {
        return cache().prefetchLate();
    }

    @Override
    public long getPrefetchWasted() {
        return cache().prefetchWasted();
    }
}
