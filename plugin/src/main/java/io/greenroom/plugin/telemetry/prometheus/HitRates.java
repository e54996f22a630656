package io.greenroom.plugin.telemetry.prometheus;

import io.greenroom.cache.usage.ExpertCounter;
import io.greenroom.plugin.telemetry.UsageRecord;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.HashMap;
import java.util.Map;
import java.util.OptionalDouble;

/**
 * Hit rates over the last minute, from the usage records of that time; where reports are further
 * apart, from the last one as long as it is no older than a minute. Thread-safe.
 */
final class HitRates {

    static final Duration WINDOW = Duration.ofMinutes(1);

    private final Map<String, Deque<Interval>> byModel = new HashMap<>();

    private record Interval(Instant end, long hits, long asked) {}

    synchronized void add(UsageRecord record) {
        long hits = record.experts().sum(ExpertCounter.HITS);
        long asked = hits + record.experts().sum(ExpertCounter.MISSES);
        byModel.computeIfAbsent(record.origin().model(), name -> new ArrayDeque<>())
                .add(new Interval(record.end(), hits, asked));
        forgetBefore(record.end().minus(WINDOW));
    }

    /**
     * A model's hit rate.
     *
     * @param model the name clients use
     * @return 0 to 1; empty if no expert was asked for
     */
    synchronized OptionalDouble of(String model, Instant now) {
        forgetBefore(now.minus(WINDOW));
        Deque<Interval> intervals = byModel.get(model);
        if (intervals == null) {
            return OptionalDouble.empty();
        }
        long hits = 0;
        long asked = 0;
        for (Interval interval : intervals) {
            hits += interval.hits();
            asked += interval.asked();
        }
        return asked == 0 ? OptionalDouble.empty() : OptionalDouble.of((double) hits / asked);
    }

    private void forgetBefore(Instant oldest) {
        byModel.values()
                .forEach(intervals -> intervals.removeIf(one -> one.end().isBefore(oldest)));
        byModel.values().removeIf(Deque::isEmpty);
    }
}
