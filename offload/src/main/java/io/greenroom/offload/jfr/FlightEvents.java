package io.greenroom.offload.jfr;

import io.greenroom.cache.CacheListener;
import io.greenroom.cache.ExpertId;
import io.greenroom.offload.jfr.ExpertPrefetchEvent.Stage;
import java.util.BitSet;
import java.util.HashMap;
import java.util.Map;
import java.util.function.ToLongFunction;
import jdk.jfr.FlightRecorder;

/**
 * Tells the flight recorder what happens in an expert cache. While nothing records, that is one
 * question per event, which the JIT compiler answers once and for all; only who was read ahead is
 * always kept track of, a bit per expert, so that a recording may begin at any time.
 *
 * <p>Guarded by the lock of the cache it listens to. For a cache that one thread at a time visits:
 * of several that miss the same expert at once, only the last would be told.
 */
public final class FlightEvents implements CacheListener {

    /** For a virtual machine without a flight recorder. */
    private static final CacheListener NONE = (event, id, slot) -> {};

    private final Source source;
    private final BitSet ahead = new BitSet(); // read ahead and not asked for, layer * experts + id
    private final Map<ExpertId, ExpertMissEvent> missed = new HashMap<>();

    // Never committed: they only say whether somebody records their kind.
    private final ExpertMissEvent miss = new ExpertMissEvent();
    private final ExpertEvictionEvent eviction = new ExpertEvictionEvent();
    private final ExpertPrefetchEvent prefetch = new ExpertPrefetchEvent();
    private final BudgetChangeEvent budget = new BudgetChangeEvent();

    /**
     * Whose events they are.
     *
     * @param model file or folder of the model
     * @param copies whether the cache holds low-bit copies
     * @param experts of each layer
     * @param slotBytes of one slot
     * @param expertBytes of an expert; must not throw
     */
    public record Source(
            String model,
            boolean copies,
            int experts,
            long slotBytes,
            ToLongFunction<ExpertId> expertBytes) {}

    private FlightEvents(Source source) {
        this.source = source;
    }

    /** A listener for one cache; one that does nothing where there is no flight recorder. */
    public static CacheListener listener(Source source) {
        try {
            return FlightRecorder.isAvailable() ? new FlightEvents(source) : NONE;
        } catch (LinkageError e) { // a virtual machine without the module jdk.jfr
            return NONE;
        }
    }

    @Override
    public void on(Event event, ExpertId id, int slot) {
        int at = id.layer() * source.experts() + id.expert();
        switch (event) {
            case MISS -> missed(id);
            case PREFETCH -> {
                ahead.set(at);
                tell(Stage.ISSUED, id);
            }
            case LOADED -> {
                if (ahead.get(at)) {
                    tell(Stage.ARRIVED, id);
                }
            }
            case HIT -> end(Stage.USED, id, at);
            case PROMOTE -> end(Stage.LATE, id, at);
            case CANCELLED -> end(Stage.CALLED_OFF, id, at);
            case LOAD_FAILED -> end(Stage.FAILED, id, at);
            case EVICT -> {
                evicted(id, ahead.get(at));
                end(Stage.WASTED, id, at);
            }
            default -> {}
        }
    }

    /** The last stage of what was read ahead; of anything else nothing is to be told. */
    private void end(Stage stage, ExpertId id, int at) {
        if (ahead.get(at)) {
            ahead.clear(at);
            tell(stage, id);
        }
    }

    private void tell(Stage stage, ExpertId id) {
        if (!prefetch.isEnabled()) {
            return;
        }
        ExpertPrefetchEvent event = new ExpertPrefetchEvent();
        if (event.shouldCommit()) {
            event.model = source.model();
            event.layer = id.layer();
            event.expert = id.expert();
            event.bytes = source.expertBytes().applyAsLong(id);
            event.stage = stage.name();
            event.commit();
        }
    }

    private void evicted(ExpertId id, boolean unused) {
        if (!eviction.isEnabled()) {
            return;
        }
        ExpertEvictionEvent event = new ExpertEvictionEvent();
        if (event.shouldCommit()) {
            event.model = source.model();
            event.copy = source.copies();
            event.layer = id.layer();
            event.expert = id.expert();
            event.unused = unused;
            event.commit();
        }
    }

    private void missed(ExpertId id) {
        if (miss.isEnabled()) {
            ExpertMissEvent event = new ExpertMissEvent();
            event.begin();
            missed.put(id, event);
        }
    }

    @Override
    public void settled(ExpertId id, long stallNanos) {
        if (missed.isEmpty()) {
            return;
        }
        ExpertMissEvent event = missed.remove(id);
        if (event == null) {
            return;
        }
        event.end();
        if (event.shouldCommit()) {
            event.model = source.model();
            event.copy = source.copies();
            event.layer = id.layer();
            event.expert = id.expert();
            event.bytes = source.expertBytes().applyAsLong(id);
            event.stall = stallNanos;
            event.commit();
        }
    }

    @Override
    public void resized(int from, int to) {
        if (!budget.isEnabled()) {
            return;
        }
        BudgetChangeEvent event = new BudgetChangeEvent();
        if (event.shouldCommit()) {
            event.model = source.model();
            event.copies = source.copies();
            event.slotsBefore = from;
            event.slotsAfter = to;
            event.bytesBefore = from * source.slotBytes();
            event.bytesAfter = to * source.slotBytes();
            event.commit();
        }
    }
}
