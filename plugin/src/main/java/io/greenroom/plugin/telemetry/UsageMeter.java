package io.greenroom.plugin.telemetry;

import io.greenroom.cache.ExpertId;
import io.greenroom.cache.usage.ExpertCounter;
import io.greenroom.cache.usage.UsageSnapshot;
import io.greenroom.offload.decoder.MoeModel;
import java.time.Instant;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * Reads one loaded model's counters and makes records of what they grew by. Used by one thread at a
 * time.
 */
final class UsageMeter {

    private UsageRecord.Origin origin;
    private final MoeModel model;
    private long sequence;
    private Instant begin;
    private long tokensIn;
    private long tokensOut;
    private @Nullable UsageSnapshot experts; // null: nothing counted yet

    /**
     * @param loaded since when the model's counters count
     */
    UsageMeter(UsageRecord.Origin origin, MoeModel model, Instant loaded) {
        this.origin = origin;
        this.model = model;
        this.begin = loaded;
    }

    /** The name clients use; a server may tell it only after the load. */
    void named(String name) {
        if (!origin.model().equals(name)) {
            origin =
                    new UsageRecord.Origin(
                            name,
                            origin.fingerprint(),
                            origin.host(),
                            origin.instance(),
                            origin.expertsPerToken());
        }
    }

    /**
     * What happened since the last call, or since the load.
     *
     * @return empty if no token was processed and no expert used or read
     */
    Optional<UsageRecord> read(Instant now) {
        MoeModel.Status status = model.status();
        UsageSnapshot total = model.usage();
        UsageSnapshot grown = experts == null ? total : total.since(experts);
        long in = status.tokensIn() - tokensIn;
        long out = status.tokensOut() - tokensOut;
        Instant from = begin;
        begin = now;
        tokensIn += in;
        tokensOut += out;
        experts = total;
        if (in == 0 && out == 0 && isIdle(grown)) {
            return Optional.empty();
        }
        UsageRecord.Memory memory =
                new UsageRecord.Memory(
                        status.budgetBytes(),
                        status.slotBytes(),
                        status.slots(),
                        status.totalExperts(),
                        residents(total.layers()));
        return Optional.of(new UsageRecord(origin, sequence++, from, now, in, out, memory, grown));
    }

    private List<Integer> residents(int layers) {
        Integer[] residents = new Integer[layers];
        Arrays.fill(residents, 0);
        for (ExpertId id : model.residents()) {
            residents[id.layer()]++;
        }
        return List.of(residents);
    }

    private static boolean isIdle(UsageSnapshot grown) {
        return grown.sum(ExpertCounter.ROUTED) == 0 && grown.sum(ExpertCounter.LOADS) == 0;
    }
}
