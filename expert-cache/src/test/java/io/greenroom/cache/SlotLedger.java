package io.greenroom.cache;

import java.util.ArrayList;
import java.util.Collections;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.Supplier;

/**
 * Keeps its own account of slots from the cache's events, and notes every event that breaks the
 * bound: more slots owned than there may be, a slot taken twice or retired while owned, an expert
 * read twice, one evicted that was not there.
 */
final class SlotLedger implements CacheListener {

    private final int capacity;
    private final Map<Integer, ExpertId> owners = new HashMap<>();
    private final Set<ExpertId> reading = new HashSet<>();
    private final List<String> violations = Collections.synchronizedList(new ArrayList<>());
    private final List<String> events = Collections.synchronizedList(new ArrayList<>());
    private int mostOwned;
    private int inMemory; // slots that may be owned
    private int target;
    private final Map<ExpertId, Integer> missed = new HashMap<>(); // and not settled
    private int misses;
    private long stallNanos;

    SlotLedger(int slots) {
        this(slots, slots);
    }

    SlotLedger(int slots, int capacity) {
        this.capacity = capacity;
        this.inMemory = slots;
        this.target = slots;
    }

    @Override
    public synchronized void resized(int from, int to) {
        events.add("RESIZED " + from + " " + to);
        check(from == target && to <= capacity, () -> "resized from " + from + " to " + to);
        target = to;
        inMemory = Math.max(inMemory, to);
    }

    @Override
    public synchronized void slotRetired(int slot) {
        events.add("RETIRED");
        inMemory = Math.max(inMemory - 1, target); // a larger target takes it into use again
        check(!owners.containsKey(slot), () -> "slot " + slot + " retired of " + owners);
        check(inMemory >= owners.size(), () -> inMemory + " slots left for " + owners);
    }

    @Override
    public synchronized void on(Event event, ExpertId id, int slot) {
        events.add(event + " " + id);
        switch (event) {
            case LOAD, PREFETCH, BACKGROUND -> {
                expect(slot >= 0 && slot < capacity, event, id, slot);
                expect(owners.put(slot, id) == null, event, id, slot);
                expect(reading.add(id), event, id, slot);
                expect(Collections.frequency(owners.values(), id) == 1, event, id, slot);
                expect(owners.size() <= inMemory, event, id, slot);
                mostOwned = Math.max(mostOwned, owners.size());
            }
            case LOADED -> {
                expect(id.equals(owners.get(slot)), event, id, slot);
                expect(reading.remove(id), event, id, slot);
            }
            case LOAD_FAILED, CANCELLED -> {
                expect(id.equals(owners.remove(slot)), event, id, slot);
                expect(reading.remove(id), event, id, slot);
            }
            case EVICT -> {
                expect(id.equals(owners.remove(slot)), event, id, slot);
                expect(!reading.contains(id), event, id, slot);
            }
            case HIT ->
                    expect(id.equals(owners.get(slot)) && !reading.contains(id), event, id, slot);
            case PROMOTE -> expect(reading.contains(id), event, id, slot);
            case MISS -> {
                expect(
                        slot == -1 && (!owners.containsValue(id) || reading.contains(id)),
                        event,
                        id,
                        slot);
                missed.merge(id, 1, Integer::sum);
                misses++;
            }
        }
    }

    @Override
    public synchronized void settled(ExpertId id, long stalled) {
        check(missed.getOrDefault(id, 0) > 0, () -> id + " settled, but missed are " + missed);
        check(stalled >= 0, () -> id + " stalled for " + stalled);
        missed.merge(id, -1, (count, less) -> count == 1 ? null : count + less);
        stallNanos += stalled;
    }

    @Override
    public synchronized void read(ExpertId id, long nanos) {
        check(reading.contains(id) && nanos >= 0, () -> id + " read in " + nanos);
    }

    /** Misses that no visit has settled. */
    synchronized int unsettled() {
        return missed.values().stream().mapToInt(count -> count).sum();
    }

    synchronized int misses() {
        return misses;
    }

    /** Waits as told with the misses. */
    synchronized long stallNanos() {
        return stallNanos;
    }

    List<String> violations() {
        return List.copyOf(violations);
    }

    List<String> events() {
        return List.copyOf(events);
    }

    int mostOwned() {
        return mostOwned;
    }

    /** Slots that are memory, as the events tell. */
    synchronized int inMemory() {
        return inMemory;
    }

    synchronized int target() {
        return target;
    }

    /** Slots with an expert in them or on its way. */
    synchronized int owned() {
        return owners.size();
    }

    private void expect(boolean holds, Event event, ExpertId id, int slot) {
        check(holds, () -> event + " " + id + " in slot " + slot + " while slots are " + owners);
    }

    private void check(boolean holds, Supplier<String> violation) {
        if (!holds) {
            violations.add(violation.get());
        }
    }
}
