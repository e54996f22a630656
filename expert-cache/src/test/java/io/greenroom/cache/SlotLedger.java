package io.greenroom.cache;

import java.util.ArrayList;
import java.util.Collections;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * Keeps its own account of slots from the cache's events, and notes every event that breaks the
 * bound: a slot taken twice, an expert read twice, one evicted that was not there.
 */
final class SlotLedger implements CacheListener {

    private final int slots;
    private final Map<Integer, ExpertId> owners = new HashMap<>();
    private final Set<ExpertId> reading = new HashSet<>();
    private final List<String> violations = Collections.synchronizedList(new ArrayList<>());
    private final List<String> events = Collections.synchronizedList(new ArrayList<>());
    private int mostOwned;

    SlotLedger(int slots) {
        this.slots = slots;
    }

    @Override
    public void on(Event event, ExpertId id, int slot) {
        events.add(event + " " + id);
        switch (event) {
            case LOAD, PREFETCH -> {
                expect(slot >= 0 && slot < slots, event, id, slot);
                expect(owners.put(slot, id) == null, event, id, slot);
                expect(reading.add(id), event, id, slot);
                expect(Collections.frequency(owners.values(), id) == 1, event, id, slot);
                mostOwned = Math.max(mostOwned, owners.size());
            }
            case LOADED -> {
                expect(id.equals(owners.get(slot)), event, id, slot);
                expect(reading.remove(id), event, id, slot);
            }
            case LOAD_FAILED -> {
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
            case MISS ->
                    expect(
                            slot == -1 && (!owners.containsValue(id) || reading.contains(id)),
                            event,
                            id,
                            slot);
        }
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

    private void expect(boolean holds, Event event, ExpertId id, int slot) {
        if (!holds) {
            violations.add(event + " " + id + " in slot " + slot + " while slots are " + owners);
        }
    }
}
