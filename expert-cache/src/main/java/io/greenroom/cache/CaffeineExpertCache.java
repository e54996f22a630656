package io.greenroom.cache;

import io.greenroom.cache.CacheListener.Event;
import io.greenroom.cache.Entry.Place;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.BitSet;
import java.util.Collection;
import java.util.List;
import java.util.Locale;
import java.util.Objects;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.LongSupplier;
import java.util.function.ToLongFunction;
import org.jspecify.annotations.Nullable;

/**
 * An expert cache whose resident set is governed by Caffeine's W-TinyLFU policy.
 *
 * <p>This class is the monitor: it owns the lock and moves experts from state to state. {@link
 * SlotPool} keeps the bound, {@link ResidentSet} chooses who leaves, {@link Visit} knows what one
 * caller still wants.
 */
final class CaffeineExpertCache implements ExpertCache {

    /*
     * One lock guards everything, and is held for a few field updates at a time: never across a call
     * of the loader (reads are collected under the lock and dispatched after it), and only given up
     * in the one condition wait of awaitChange. An expert is held (Entry.holds) once for every visit
     * that waits for it or has it to hand out, and once for every open lease; what is held is never
     * evicted. A read that completes is held for all visits waiting for it before the lock is left,
     * so that nobody can evict it between its arrival and their turn.
     *
     * Progress. A visit waits only when it has nothing to hand out. It then holds experts being read
     * for it, which become ready (or fail) without anybody's help, or nothing at all: it is starved
     * and needs a slot. Slots are held by other visits, which have something to hand out or are
     * waiting for a read, and by open leases. So a slot comes free as long as leases are closed
     * without waiting for another visitor. Starved visits queue, and a slot that comes free goes to
     * the one that has waited longest, or a visit with many experts could pass by one with a single
     * expert for as long as it lasts.
     */
    private static final System.Logger LOG = System.getLogger(CaffeineExpertCache.class.getName());

    /*
     * One slot in 16 is beyond Caffeine's maximum (see ResidentSet), at most as many as one visit can
     * use at once. Simulated on 8 to 48 layers with random routing of several skews, fewer misses
     * than with one in 4 by up to four points below 2T (what two tokens demand) and about the same
     * above; none at all made a cache below T hit nothing.
     */
    private static final int SLOTS_PER_TRANSIT = 16;

    private final ReentrantLock lock = new ReentrantLock();
    private final Condition changed = lock.newCondition();

    private final ExpertLoader loader;
    private final ToLongFunction<ExpertId> expertBytes;
    private final LongSupplier clock;
    private final CacheListener listener;
    private final long timeoutNanos;
    private final int floor;
    private final int inFlight;
    private final int maxPrefetch;

    private final int layers;
    private final int experts;
    private final @Nullable Entry[][] entries; // [layers][experts], made when first asked for
    private final SlotPool slots;
    private final ResidentSet residents;
    private final Counters counters = new Counters();
    private final ArrayDeque<Visit> starved = new ArrayDeque<>();

    private int loading; // experts being read
    private int guesses; // of these, read because of a hint that no visit has joined
    private int held; // resident experts that somebody holds
    private int unstarted; // missing experts of open visits that nobody reads yet
    private int openVisits;
    private int openLeases;
    private long visits;
    private boolean closing;
    private boolean closed;

    CaffeineExpertCache(ExpertCacheBuilder settings) {
        loader = settings.loader();
        expertBytes = settings.expertBytes();
        clock = settings.clock();
        listener = settings.listener();
        timeoutNanos = settings.loadTimeout().toNanos();
        floor = settings.floor();
        inFlight = settings.inFlight();
        maxPrefetch = settings.maxPrefetch();
        layers = settings.layers();
        experts = settings.experts();
        entries = new Entry[layers][];
        slots = new SlotPool(settings.slots());
        int transit =
                Math.min(
                        Math.min(inFlight, settings.slots() - 1),
                        Math.max(1, settings.slots() / SLOTS_PER_TRANSIT));
        residents = new ResidentSet(settings.slots(), transit, maxPrefetch);
    }

    @Override
    public ExpertVisit visit(int layer, int[] wanted) {
        Visit visit = new Visit(this, wanted.length, inFlight);
        List<ExpertId> promoted = List.of();
        List<Load> starts;
        lock();
        try {
            checkOpen();
            checkDistinct(layer, wanted);
            for (int expert : wanted) {
                Entry entry = entry(layer, expert);
                Load load = entry.load;
                if (entry.isResident()) {
                    counters.hits++;
                    use(entry);
                    hold(entry);
                    visit.hit(entry);
                    tell(Event.HIT, entry, entry.slot);
                } else {
                    counters.misses++;
                    tell(Event.MISS, entry, -1);
                    if (load != null) {
                        if (load.guess) {
                            promote(load);
                            promoted = append(promoted, entry.id);
                        }
                        join(load, visit);
                        visit.joined(entry);
                    }
                }
            }
            for (int expert : wanted) {
                Entry entry = entry(layer, expert);
                if (entry.place == Place.ABSENT) {
                    visit.missed(entry);
                    unstarted++;
                }
            }
            residents.expireCues(layer);
            openVisits++;
            starts = visit.startReads();
        } finally {
            unlock();
        }
        for (int i = 0; i < promoted.size(); i++) {
            promoteRead(promoted.get(i));
        }
        dispatch(starts);
        return visit;
    }

    @Override
    public boolean prefetch(ExpertId id) {
        Load load;
        lock();
        try {
            Entry entry = entry(id.layer(), id.expert());
            boolean welcome =
                    !closing
                            && entry.place == Place.ABSENT
                            && guesses < maxPrefetch
                            && unstarted == 0
                            && slots.free() + evictable() > floor;
            if (!welcome) {
                return false;
            }
            if (slots.free() == 0) {
                Entry leaving = residents.takeLeaving();
                if (leaving == null) {
                    return false;
                }
                evict(leaving);
            }
            load = begin(entry, true);
            guesses++;
            counters.prefetchIssued++;
        } finally {
            unlock();
        }
        dispatch(List.of(load));
        return true;
    }

    @Override
    public boolean isResident(ExpertId id) {
        lock();
        try {
            return entry(id.layer(), id.expert()).isResident();
        } finally {
            unlock();
        }
    }

    @Override
    public void residentsOf(int layer, BitSet into) {
        into.clear();
        lock();
        try {
            for (int expert = 0; expert < experts; expert++) {
                into.set(expert, entry(layer, expert).isResident());
            }
        } finally {
            unlock();
        }
    }

    @Override
    public Collection<ExpertId> residents() {
        List<ExpertId> ids = new ArrayList<>();
        lock();
        try {
            for (int slot = 0; slot < slots.size(); slot++) {
                Entry owner = slots.owner(slot);
                if (owner != null && owner.isResident()) {
                    ids.add(owner.id);
                }
            }
        } finally {
            unlock();
        }
        return ids;
    }

    @Override
    public int slots() {
        return slots.size();
    }

    @Override
    public CacheStats stats() {
        lock();
        try {
            return counters.snapshot();
        } finally {
            unlock();
        }
    }

    @Override
    public void close() {
        lock();
        try {
            if (closed) {
                return;
            }
            if (openVisits > 0 || openLeases > 0) {
                throw new IllegalStateException(
                        "Cannot close the expert cache: "
                                + openLeases
                                + " leases and "
                                + openVisits
                                + " visits are open"
                                + slotOwners("; held: ", true));
            }
            closing = true;
            awaitReads();
            closed = true;
            for (int slot = 0; slot < slots.size(); slot++) {
                Entry owner = slots.owner(slot);
                if (owner != null) {
                    slots.giveBack(owner);
                    owner.place = Place.ABSENT;
                }
            }
            residents.clear();
        } finally {
            unlock();
        }
    }

    // What visits and leases ask for; the lock is held.

    void lock() {
        lock.lock();
    }

    void unlock() {
        lock.unlock();
    }

    /**
     * Claims a missing expert for a visit: holds it if it has become resident, else joins or begins
     * its read. Returns false if that takes a slot and none can be had.
     */
    boolean claim(Entry entry, Visit visit, List<Load> starts) {
        Load load = entry.load;
        if (entry.isResident()) {
            claimResident(entry, visit);
            return true;
        }
        if (load != null) {
            join(load, visit);
        } else {
            if (!mayTakeSlot(visit) || !makeRoom()) {
                return false;
            }
            load = begin(entry, false);
            join(load, visit);
            starts.add(load);
        }
        unstarted--;
        return true;
    }

    void claimResident(Entry entry, Visit visit) {
        use(entry);
        hold(entry);
        visit.arrived(entry);
        unstarted--;
    }

    void release(Entry entry) {
        if (--entry.holds == 0 && entry.isResident()) {
            held--;
            changed.signalAll();
        }
    }

    /** A visit that is closing no longer waits for this expert, if it did. */
    void abandon(Entry entry, Visit visit) {
        Load load = entry.load;
        if (load != null && load.waiting.remove(visit)) {
            entry.holds--;
        }
    }

    void leaseBegan() {
        openLeases++;
    }

    void leaseEnded(Entry entry) {
        openLeases--;
        release(entry);
    }

    void visitEnded(int neverStarted) {
        unstarted -= neverStarted;
        openVisits--;
        changed.signalAll();
    }

    long deadline() {
        return clock.getAsLong() + timeoutNanos;
    }

    /** Waits for any change; returns false if the deadline had passed. */
    boolean awaitChange(Visit visit, long deadline) throws InterruptedException {
        if (!visit.isStarved()) {
            stopQueueing(visit);
        } else if (!starved.contains(visit)) {
            starved.addLast(visit);
        }
        long before = clock.getAsLong();
        long remaining = deadline - before;
        if (remaining <= 0) {
            return false;
        }
        try {
            var unused = changed.awaitNanos(remaining);
        } finally {
            counters.stallNanos += clock.getAsLong() - before;
        }
        return true;
    }

    void stopQueueing(Visit visit) {
        if (starved.remove(visit) && !starved.isEmpty()) {
            changed.signalAll(); // there is a new head
        }
    }

    String describeLateness(Load load) {
        return "Expert "
                + load.entry.id
                + " did not arrive within "
                + seconds(timeoutNanos)
                + "; its read into slot "
                + load.slot
                + " began "
                + seconds(clock.getAsLong() - load.begun)
                + " ago";
    }

    String describeFullness(ExpertId id) {
        return "No slot came free for expert "
                + id
                + " within "
                + seconds(timeoutNanos)
                + ": of "
                + slots.size()
                + " slots "
                + held
                + " are held and "
                + loading
                + " being read into; close leases sooner or raise the expert budget"
                + slotOwners("; held: ", true);
    }

    // What happens without the lock held.

    /** Hands reads to the loader. Not under the lock: a loader may be slow, or complete at once. */
    void dispatch(List<Load> loads) {
        for (int i = 0; i < loads.size(); i++) { // mostly empty: an iterator would be garbage
            dispatch(loads.get(i));
        }
    }

    private void dispatch(Load load) {
        ExpertId id = load.entry.id;
        CompletableFuture<Void> future;
        try {
            load.bytes = expertBytes.applyAsLong(id);
            LoadPriority priority = load.hinted ? LoadPriority.PREFETCH : LoadPriority.DEMAND;
            future =
                    Objects.requireNonNull(
                            loader.load(id, load.slot, priority), "no future from the loader");
        } catch (RuntimeException | Error e) {
            finished(load, e);
            return;
        }
        var unused = future.whenComplete((done, error) -> finished(load, error));
        if (load.hinted && wasPromoted(load)) {
            promoteRead(id); // a visit joined before the loader knew of the read
        }
    }

    private void promoteRead(ExpertId id) {
        try {
            loader.promote(id);
        } catch (RuntimeException e) {
            LOG.log(System.Logger.Level.WARNING, "The loader could not promote " + id, e);
        }
    }

    private void finished(Load load, @Nullable Throwable error) {
        Entry entry = load.entry;
        lock();
        try {
            loading--;
            entry.load = null;
            if (load.guess) {
                guesses--;
            }
            if (error == null) {
                arrived(load);
            } else {
                failed(load, error instanceof CompletionException ? causeOf(error) : error);
            }
            changed.signalAll();
        } finally {
            unlock();
        }
    }

    // The rest is called with the lock held.

    private void arrived(Load load) {
        Entry entry = load.entry;
        counters.loads++;
        counters.bytesLoaded += load.bytes;
        if (load.guess) {
            entry.guessed = true;
            residents.cue(entry);
        } else {
            residents.keep(entry);
        }
        if (entry.holds > 0) {
            held++;
        }
        tell(Event.LOADED, entry, entry.slot);
        for (Visit visit : load.waiting) {
            visit.arrived(entry);
        }
    }

    private void failed(Load load, Throwable cause) {
        Entry entry = load.entry;
        counters.loadFailures++;
        entry.place = Place.ABSENT;
        entry.holds -= load.waiting.size();
        slots.giveBack(entry);
        tell(Event.LOAD_FAILED, entry, load.slot);
        for (Visit visit : load.waiting) {
            visit.failed(entry, cause);
        }
    }

    private Load begin(Entry entry, boolean hinted) {
        slots.take(entry);
        loading++;
        entry.place = Place.LOADING;
        Load load = new Load(entry, clock.getAsLong(), hinted);
        entry.load = load;
        tell(hinted ? Event.PREFETCH : Event.LOAD, entry, entry.slot);
        return load;
    }

    private void join(Load load, Visit visit) {
        load.waiting.add(visit);
        load.entry.holds++;
    }

    private void promote(Load load) {
        load.guess = false;
        guesses--;
        counters.prefetchLate++;
        tell(Event.PROMOTE, load.entry, load.slot);
    }

    private boolean wasPromoted(Load load) {
        lock();
        try {
            return !load.guess;
        } finally {
            unlock();
        }
    }

    private void use(Entry entry) {
        if (entry.guessed) {
            entry.guessed = false;
            counters.prefetchUseful++;
        }
        residents.use(entry);
    }

    private void hold(Entry entry) {
        if (entry.holds++ == 0) {
            held++;
        }
    }

    private void evict(Entry entry) {
        int slot = entry.slot;
        counters.evictions++;
        if (entry.guessed) {
            entry.guessed = false;
            counters.prefetchWasted++;
        }
        entry.place = Place.ABSENT;
        slots.giveBack(entry);
        tell(Event.EVICT, entry, slot);
    }

    private boolean makeRoom() {
        if (slots.free() == 0) {
            Entry worst = evictable() == 0 ? null : residents.takeWorst();
            if (worst == null) {
                return false;
            }
            evict(worst);
        }
        return true;
    }

    /** Residents that nobody holds. */
    private int evictable() {
        return slots.size() - slots.free() - loading - held;
    }

    private boolean mayTakeSlot(Visit visit) {
        return starved.isEmpty()
                || starved.peekFirst() == visit
                || slots.free() + evictable() > starved.size();
    }

    private Entry entry(int layer, int expert) {
        if (layer < 0 || layer >= layers || expert < 0 || expert >= experts) {
            throw new IllegalArgumentException(
                    "There is no expert "
                            + expert
                            + " of layer "
                            + layer
                            + ": the model has "
                            + layers
                            + " layers of "
                            + experts
                            + " experts, numbered from 0");
        }
        @Nullable Entry[] row = entries[layer];
        if (row == null) {
            row = new Entry[experts];
            entries[layer] = row;
        }
        Entry entry = row[expert];
        if (entry == null) {
            entry = new Entry(new ExpertId(layer, expert));
            row[expert] = entry;
        }
        return entry;
    }

    private void checkDistinct(int layer, int[] wanted) {
        visits++;
        for (int expert : wanted) {
            Entry entry = entry(layer, expert);
            if (entry.lastVisit == visits) {
                throw new IllegalArgumentException(
                        "Expert " + entry.id + " is named twice in one visit");
            }
            entry.lastVisit = visits;
        }
    }

    private void checkOpen() {
        if (closing) {
            throw new IllegalStateException("The expert cache is closed");
        }
    }

    private void awaitReads() {
        long deadline = deadline();
        boolean interrupted = false;
        try {
            while (loading > 0) {
                long remaining = deadline - clock.getAsLong();
                if (remaining <= 0) {
                    throw new IllegalStateException(
                            "Cannot close the expert cache: "
                                    + loading
                                    + " reads did not end within "
                                    + seconds(timeoutNanos)
                                    + ", their slots may still be written to"
                                    + slotOwners("; being read: ", false));
                }
                try {
                    var unused = changed.awaitNanos(remaining);
                } catch (InterruptedException e) {
                    interrupted = true;
                }
            }
        } finally {
            if (interrupted) {
                Thread.currentThread().interrupt();
            }
        }
    }

    /** Counts everything again and compares; tests call this after each operation. */
    void checkInvariants() {
        lock();
        try {
            int[] places = new int[Place.values().length];
            int nowHeld = 0;
            int nowGuesses = 0;
            for (int slot = 0; slot < slots.size(); slot++) {
                Entry owner = slots.owner(slot);
                if (owner != null) {
                    Load load = owner.load;
                    expect(owner.id + " slot", slot, owner.slot);
                    expect(owner.id + " loads", owner.place == Place.LOADING, load != null);
                    places[owner.place.ordinal()]++;
                    nowHeld += owner.holds > 0 && owner.isResident() ? 1 : 0;
                    nowGuesses += load != null && load.guess ? 1 : 0;
                }
            }
            int owned = slots.size() - slots.free();
            expect("owned slots", owned, Arrays.stream(places).sum());
            expect("absent experts with slots", places[Place.ABSENT.ordinal()], 0);
            expect("loading", places[Place.LOADING.ordinal()], loading);
            expect("held", nowHeld, held);
            expect("guesses", nowGuesses, guesses);
            int[] sizes = residents.sizes();
            expect("kept", places[Place.KEPT.ordinal()], sizes[0]);
            expect("leaving", places[Place.LEAVING.ordinal()], sizes[1]);
            expect("cued", places[Place.CUED.ordinal()], sizes[2]);
            expect("kept above Caffeine's maximum", sizes[0] > residents.keptMaximum(), false);
            expect("cued above the limit", sizes[2] > maxPrefetch, false);
        } finally {
            unlock();
        }
    }

    private static void expect(String what, Object counted, Object known) {
        if (!counted.equals(known)) {
            throw new AssertionError(what + ": counted " + counted + ", known " + known);
        }
    }

    /** A few of the experts that are held, or else being read, for an error's text. */
    private String slotOwners(String label, boolean wantHeld) {
        StringBuilder text = new StringBuilder();
        int count = 0;
        for (int slot = 0; slot < slots.size(); slot++) {
            Entry owner = slots.owner(slot);
            if (owner != null && (wantHeld ? owner.holds > 0 : owner.place == Place.LOADING)) {
                if (++count > 5) {
                    return text + ", ...";
                }
                text.append(count == 1 ? label : ", ").append(owner.id);
            }
        }
        return text.toString();
    }

    private void tell(Event event, Entry entry, int slot) {
        try {
            listener.on(event, entry.id, slot);
        } catch (RuntimeException e) {
            LOG.log(
                    System.Logger.Level.WARNING,
                    "A cache listener failed on " + event + " of " + entry.id,
                    e);
        }
    }

    private static List<ExpertId> append(List<ExpertId> list, ExpertId id) {
        List<ExpertId> target = list.isEmpty() ? new ArrayList<>() : list;
        target.add(id);
        return target;
    }

    private static Throwable causeOf(Throwable error) {
        Throwable cause = error.getCause();
        return cause == null ? error : cause;
    }

    private static String seconds(long nanos) {
        String text = String.format(Locale.ROOT, "%.1f s", nanos / 1e9);
        return text.replace(".0 s", " s");
    }
}
