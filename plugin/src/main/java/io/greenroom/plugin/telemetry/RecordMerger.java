package io.greenroom.plugin.telemetry;

import java.time.Duration;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * Adds up consecutive records of each model until they cover a sink's interval. Sums are exact;
 * where a record is missing, what was added up before it goes out by itself, so that the gap shows.
 *
 * <p>Used by one thread, except for {@link #held}.
 */
final class RecordMerger {

    /**
     * A sum.
     *
     * @param due when it goes out at the latest, in nanoseconds of the caller's clock
     */
    private record Sum(UsageRecord record, long due) {}

    private final Duration interval;
    private final Map<String, Sum> sums = new LinkedHashMap<>(); // by instance, earliest due first
    private volatile int held;

    /**
     * @param interval that a record shall cover; zero to pass on each as it is
     */
    RecordMerger(Duration interval) {
        this.interval = interval;
    }

    /**
     * Takes a record.
     *
     * @param now nanoseconds of a monotonic clock
     * @return records to deliver, in order
     */
    List<UsageRecord> add(UsageRecord record, long now) {
        if (interval.isZero()) {
            return List.of(record);
        }
        List<UsageRecord> out = new ArrayList<>(2);
        String instance = record.origin().instance();
        Sum before = sums.get(instance);
        UsageRecord sum = record;
        long due = now + interval.toNanos();
        if (before != null && record.follows(before.record())) {
            sum = before.record().plus(record);
            due = before.due();
        } else if (before != null) {
            out.add(before.record());
            sums.remove(instance);
        }
        if (isFull(sum, record)) {
            out.add(sum);
            sums.remove(instance);
        } else {
            sums.put(instance, new Sum(sum, due));
        }
        count();
        return out;
    }

    /** Timers are never exact: half a report more or less is as good. */
    private boolean isFull(UsageRecord sum, UsageRecord last) {
        Duration covered = Duration.between(sum.begin(), sum.end());
        Duration slack = Duration.between(last.begin(), last.end()).dividedBy(2);
        return covered.plus(slack).compareTo(interval) >= 0;
    }

    /** Sums whose time has come although nothing more was added: the model is idle. */
    List<UsageRecord> due(long now) {
        List<UsageRecord> out = new ArrayList<>();
        for (Iterator<Sum> i = sums.values().iterator(); i.hasNext(); ) {
            Sum sum = i.next();
            if (now - sum.due() >= 0) {
                out.add(sum.record());
                i.remove();
            }
        }
        count();
        return out;
    }

    /** Everything that is left. */
    List<UsageRecord> rest() {
        List<UsageRecord> out = sums.values().stream().map(Sum::record).toList();
        sums.clear();
        count();
        return out;
    }

    /** Nanoseconds until something is due; very many if nothing is held. */
    long patience(long now) {
        long least = Long.MAX_VALUE;
        for (Sum sum : sums.values()) {
            least = Math.min(least, Math.max(0, sum.due() - now));
        }
        return least;
    }

    /** Reports that wait in sums. Any thread. */
    int held() {
        return held;
    }

    private void count() {
        int count = 0;
        for (Sum sum : sums.values()) {
            count += sum.record().intervals();
        }
        held = count;
    }
}
