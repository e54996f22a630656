package io.greenroom.cache;

import io.greenroom.cache.CacheListener.Event;
import io.greenroom.cache.Entry.Place;
import io.greenroom.cache.Load.Reason;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.BitSet;
import java.util.Collection;
import java.util.List;
import java.util.Locale;
import java.util.Objects;
import java.util.concurrent.CancellationException;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.LongSupplier;
import java.util.function.ToLongFunction;
import org.jspecify.annotations.Nullable;

/**
 * The live expert cache.
 *
 * <p>This class is the monitor: it owns the lock and moves experts from state to state. {@link
 * SlotPool} keeps the bound, {@link ResidentSet} chooses who leaves, {@link Visit} knows what one
 * caller still wants.
 */
final class PagedExpertCache implements ExpertCache {

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
     *
     * Fewer slots. From the moment a smaller target is set, a read begins only while fewer experts
     * than the target are loading or held (headroom). The surplus is retired: what nobody holds at
     * once, in small steps between which visits run, the rest one by one as experts cease to be
     * held. So what visits hold is never waited for, slots that come free are retired before they
     * are used again, and the argument above holds with the target for the number of slots: once
     * enough leases are closed and reads have ended, there is headroom, for the target is at least
     * 1. Slots retire in two steps, because giving back memory takes long and must not happen while
     * others wait for the lock: out of use under the lock, then the loader's slotRetired without it.
     * Until that has returned, the slot counts as memory and growing does not replace it.
     */
    private static final System.Logger LOG = System.getLogger(PagedExpertCache.class.getName());

    /** Slots retired before others may have the lock. */
    private static final int RETIRED_AT_ONCE = 4;

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
    private final ArrayDeque<Integer> retiring = new ArrayDeque<>(); // to be told to the loader
    private final List<WarmUp> warmUps = new ArrayList<>();
    private @Nullable Resize resize; // the last one, until it is reached
    private volatile boolean mayRetire; // whether the queue of those retiring may have any

    private int loading; // experts being read
    private int guesses; // of these, read because of a hint that no visit has joined
    private int held; // resident experts that somebody holds
    private int unstarted; // missing experts of open visits that nobody reads yet
    private int openVisits;
    private int openLeases;
    private long visits;
    private boolean closing;
    private boolean closed;

    PagedExpertCache(ExpertCacheBuilder settings) {
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
        slots = new SlotPool(settings.slots(), settings.capacity());
        residents =
                new ResidentSet(
                        settings.newPolicy(), id -> entry(id.layer(), id.expert()), maxPrefetch);
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
            evictUnwanted();
            residents.visiting(layer, wanted);
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
                        if (!load.wanted) {
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
                    entry.place == Place.ABSENT
                            && guesses < maxPrefetch
                            && slotsToSpare()
                            && headroom() > floor;
            if (!welcome) {
                return false;
            }
            if (slots.free() == 0) {
                Entry spare = residents.takeSpare();
                if (spare == null) {
                    return false;
                }
                evict(spare);
            }
            load = begin(entry, Reason.HINT, null);
            guesses++;
            counters.prefetchIssued++;
        } finally {
            unlock();
        }
        dispatch(List.of(load));
        return true;
    }

    @Override
    public void expireHints(int layer) {
        List<ExpertId> late = List.of();
        lock();
        try {
            @Nullable Entry[] row = entries[checkLayer(layer)];
            for (int i = 0; row != null && guesses > 0 && i < row.length; i++) {
                Entry entry = row[i];
                Load load = entry == null ? null : entry.load;
                if (load != null && load.isGuess()) {
                    load.cancels++;
                    late = append(late, load.entry.id);
                }
            }
        } finally {
            unlock();
        }
        for (int i = 0; i < late.size(); i++) {
            cancelRead(late.get(i));
        }
    }

    @Override
    public boolean swap(ExpertId in, ExpertId out) {
        Load load;
        lock();
        try {
            Entry entering = entry(in.layer(), in.expert());
            Entry leaving = entry(out.layer(), out.expert());
            boolean possible =
                    entering.place == Place.ABSENT
                            && leaving.isResident()
                            && leaving.holds == 0
                            && slotsToSpare()
                            && headroom() > 0;
            if (!possible) {
                return false;
            }
            residents.remove(leaving);
            evict(leaving);
            load = begin(entering, Reason.SWAP, null);
        } finally {
            unlock();
        }
        dispatch(List.of(load));
        return true;
    }

    @Override
    public CompletableFuture<Integer> warm(Collection<ExpertId> hottestFirst) {
        WarmUp warmUp = new WarmUp(hottestFirst);
        lock();
        try {
            checkOpen();
            for (ExpertId id : hottestFirst) {
                var unused = entry(id.layer(), id.expert());
            }
            warmUp.visitsBefore = visits;
            warmUps.add(warmUp);
        } finally {
            unlock();
        }
        feed(warmUp);
        return warmUp.done;
    }

    @Override
    public void observed(int layer, float[] scores) {
        lock();
        try {
            residents.observed(checkLayer(layer), scores);
        } finally {
            unlock();
        }
    }

    @Override
    public void expected(int layer, float[] shares) {
        if (shares.length != experts) {
            throw new IllegalArgumentException(
                    shares.length + " shares cannot be those of " + experts + " experts");
        }
        lock();
        try {
            residents.expected(checkLayer(layer), shares);
        } finally {
            unlock();
        }
    }

    @Override
    public boolean usesScores() {
        return residents.usesScores();
    }

    @Override
    public CompletableFuture<Integer> resize(int newSlots) {
        Resize wanted = new Resize(newSlots);
        Resize superseded;
        lock();
        try {
            checkOpen();
            if (newSlots < floor || newSlots > slots.capacity()) {
                throw new IllegalArgumentException(
                        "This expert cache may have "
                                + floor
                                + " to "
                                + slots.capacity()
                                + " slots, not "
                                + newSlots);
            }
            superseded = resize;
            resize = wanted;
            counters.resizes++;
            int before = slots.target();
            slots.aim(newSlots);
            tellResized(before, newSlots);
            grow();
        } finally {
            unlock();
        }
        if (superseded != null) {
            superseded.superseded(newSlots);
        }
        while (retireSome()) {
            giveBackRetired();
        }
        completeResize();
        return wanted.done;
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
            for (int slot = 0; slot < slots.capacity(); slot++) {
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
    public int residentCount() {
        lock();
        try {
            return slots.size() - slots.free() - loading;
        } finally {
            unlock();
        }
    }

    @Override
    public int slots() {
        lock();
        try {
            return Math.max(slots.inMemory(), slots.target());
        } finally {
            unlock();
        }
    }

    @Override
    public int capacity() {
        return slots.capacity();
    }

    @Override
    public int floor() {
        return floor;
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
        Resize unreached;
        List<WarmUp> unfinished;
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
            for (int slot = 0; slot < slots.capacity(); slot++) {
                Entry owner = slots.owner(slot);
                if (owner != null) {
                    residents.remove(owner);
                    slots.giveBack(owner);
                    owner.place = Place.ABSENT;
                }
            }
            unreached = resize;
            resize = null;
            unfinished = List.copyOf(warmUps);
            warmUps.clear();
        } finally {
            unlock();
        }
        if (unreached != null) {
            unreached.closed();
        }
        unfinished.forEach(warmUp -> warmUp.done.complete(warmUp.arrived.size()));
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
            load = begin(entry, Reason.DEMAND, null);
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
            retire(1);
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
            long waited = clock.getAsLong() - before;
            counters.stallNanos += waited;
            visit.waited(waited);
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
                + slots.target()
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
            LoadPriority priority = load.begunAgain ? LoadPriority.DEMAND : load.reason.priority;
            future =
                    Objects.requireNonNull(
                            loader.load(id, load.slot, priority), "no future from the loader");
        } catch (RuntimeException | Error e) {
            finished(load, e);
            return;
        }
        var unused = future.whenComplete((done, error) -> finished(load, error));
        if (load.reason != Reason.DEMAND && isWanted(load)) {
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

    private void cancelRead(ExpertId id) {
        try {
            var unused = loader.cancel(id); // its future says so too
        } catch (RuntimeException e) {
            LOG.log(System.Logger.Level.WARNING, "The loader could not cancel " + id, e);
        }
    }

    private void finished(Load load, @Nullable Throwable error) {
        Entry entry = load.entry;
        Throwable cause = error instanceof CompletionException ? causeOf(error) : error;
        boolean again;
        lock();
        try {
            // A visit may join between the decision to cancel and the cancelling.
            again = cause instanceof CancellationException && load.wanted && load.cancels > 0;
            if (again) {
                load.cancels--;
                load.begunAgain = true;
            } else {
                loading--;
                entry.load = null;
                if (load.isGuess()) {
                    guesses--;
                }
                if (load.warmUp != null) {
                    load.warmUp.underWay--;
                    if (cause == null) {
                        load.warmUp.arrived.add(entry.id);
                    }
                }
                if (cause == null) {
                    arrived(load);
                } else if (cause instanceof CancellationException && !load.wanted) {
                    cancelled(load);
                } else {
                    failed(load, cause);
                }
                retire(1);
                changed.signalAll();
            }
        } finally {
            unlock();
        }
        if (again) {
            dispatch(load);
            return;
        }
        giveBackRetired();
        if (load.warmUp != null) {
            feed(load.warmUp);
        }
    }

    /**
     * Hands reads of a warm-up to the loader, as many as may be under way. One thread at a time: a
     * loader that completes at once would otherwise call this from within itself, once per expert.
     */
    private void feed(WarmUp warmUp) {
        boolean over = false;
        while (true) {
            Load load;
            lock();
            try {
                load = beginNext(warmUp);
                over = load == null && isOver(warmUp) && warmUps.remove(warmUp);
                if (over && warmUp.visitsBefore == visits) {
                    settle(warmUp);
                }
            } finally {
                unlock();
            }
            if (load == null) {
                break;
            }
            dispatch(load);
            lock();
            warmUp.feeding = false;
            unlock();
        }
        if (over) {
            warmUp.done.complete(warmUp.arrived.size());
        }
    }

    /** Tells the loader of slots out of use. Anybody who may have retired some calls this. */
    void giveBackRetired() {
        while (mayRetire) {
            Integer slot;
            lock();
            try {
                slot = retiring.poll();
                mayRetire = !retiring.isEmpty();
            } finally {
                unlock();
            }
            if (slot == null) {
                return;
            }
            try {
                loader.slotRetired(slot);
            } catch (RuntimeException e) {
                LOG.log(System.Logger.Level.ERROR, "Slot " + slot + " could not be given back", e);
            }
            lock();
            try {
                slots.retired(slot);
                counters.slotsRetired++;
                tellRetired(slot);
                grow();
                changed.signalAll();
            } finally {
                unlock();
            }
            completeResize();
        }
    }

    private void completeResize() {
        Resize reached;
        lock();
        try {
            if (resize == null || slots.size() != slots.target() || slots.retiring() > 0) {
                return;
            }
            reached = resize;
            resize = null;
        } finally {
            unlock();
        }
        reached.reached();
    }

    private boolean retireSome() {
        lock();
        try {
            return retire(RETIRED_AT_ONCE);
        } finally {
            unlock();
        }
    }

    // The rest is called with the lock held.

    private void arrived(Load load) {
        Entry entry = load.entry;
        counters.loads++;
        counters.bytesLoaded += load.bytes;
        counters.warmed += load.reason == Reason.WARM_UP ? 1 : 0;
        counters.swaps += load.reason == Reason.SWAP ? 1 : 0;
        if (load.isGuess()) {
            entry.guessed = true;
            residents.cue(entry);
        } else {
            residents.keep(entry);
        }
        if (entry.holds > 0) {
            held++;
        }
        tellRead(entry, clock.getAsLong() - load.begun);
        tell(Event.LOADED, entry, entry.slot);
        for (Visit visit : load.waiting) {
            visit.arrived(entry);
        }
    }

    private void failed(Load load, Throwable cause) {
        Entry entry = load.entry;
        counters.loadFailures++;
        entry.holds -= load.waiting.size();
        leave(entry, Event.LOAD_FAILED);
        for (Visit visit : load.waiting) {
            visit.failed(entry, cause);
        }
    }

    private void cancelled(Load load) {
        counters.hintsCancelled += load.reason == Reason.HINT ? 1 : 0;
        leave(load.entry, Event.CANCELLED);
    }

    private Load begin(Entry entry, Reason reason, @Nullable WarmUp warmUp) {
        slots.take(entry);
        loading++;
        entry.place = Place.LOADING;
        Load load = new Load(entry, clock.getAsLong(), reason, warmUp);
        entry.load = load;
        tell(reason.event, entry, entry.slot);
        return load;
    }

    private void join(Load load, Visit visit) {
        load.waiting.add(visit);
        load.entry.holds++;
    }

    private void promote(Load load) {
        if (load.isGuess()) {
            guesses--;
            counters.prefetchLate++;
        }
        load.wanted = true;
        tell(Event.PROMOTE, load.entry, load.slot);
    }

    private boolean isWanted(Load load) {
        lock();
        try {
            return load.wanted;
        } finally {
            unlock();
        }
    }

    /** The next read of a warm-up, if it may begin now and no other thread is at it. */
    private @Nullable Load beginNext(WarmUp warmUp) {
        if (warmUp.feeding || warmUp.underWay >= WarmUp.IN_FLIGHT) {
            return null;
        }
        boolean room = slotsToSpare() && slots.free() > 0 && headroom() > floor;
        if (!room || warmUp.done.isDone()) {
            warmUp.left.clear();
        }
        ExpertId id = warmUp.left.poll();
        while (id != null && entry(id.layer(), id.expert()).place != Place.ABSENT) {
            id = warmUp.left.poll();
        }
        if (id == null) {
            return null;
        }
        warmUp.feeding = true;
        warmUp.underWay++;
        return begin(entry(id.layer(), id.expert()), Reason.WARM_UP, warmUp);
    }

    /** The coldest came last: uses in the opposite order make the hottest the latest ones used. */
    private void settle(WarmUp warmUp) {
        for (int i = warmUp.arrived.size() - 1; i >= 0; i--) {
            ExpertId id = warmUp.arrived.get(i);
            Entry entry = entry(id.layer(), id.expert());
            if (entry.place == Place.KEPT) {
                residents.use(entry);
            }
        }
    }

    private static boolean isOver(WarmUp warmUp) {
        return !warmUp.feeding && warmUp.underWay == 0 && warmUp.left.isEmpty();
    }

    /** Takes slots into use that a larger target allows. */
    private void grow() {
        if (slots.grow()) {
            residents.resize(slots.size());
            changed.signalAll();
        }
    }

    /** Takes slots beyond the target out of use, as far as nobody holds them. */
    private boolean retire(int most) {
        int count = Math.min(most, slots.surplus());
        if (count == 0) {
            return false;
        }
        residents.resize(slots.size() - count);
        int done = 0;
        while (done < count && makeRoom()) {
            retiring.add(slots.retire());
            done++;
        }
        mayRetire |= done > 0;
        return done > 0;
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
        counters.evictions++;
        if (entry.guessed) {
            entry.guessed = false;
            counters.prefetchWasted++;
        }
        leave(entry, Event.EVICT);
    }

    private void leave(Entry entry, Event event) {
        int slot = entry.slot;
        entry.place = Place.ABSENT;
        slots.giveBack(entry);
        tell(event, entry, slot);
    }

    private void evictUnwanted() {
        for (Entry entry = residents.takeUnwanted();
                entry != null;
                entry = residents.takeUnwanted()) {
            evict(entry);
        }
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

    /** Reads that may begin: slots that are free or can be made so, without those to be retired. */
    private int headroom() {
        return Math.min(slots.size(), slots.target()) - loading - held;
    }

    /** Whether guesses and background work may have slots at all. */
    private boolean slotsToSpare() {
        return !closing && unstarted == 0 && slots.surplus() == 0;
    }

    private boolean mayTakeSlot(Visit visit) {
        int headroom = headroom();
        return headroom > 0
                && (starved.isEmpty() || starved.peekFirst() == visit || headroom > starved.size());
    }

    private int checkLayer(int layer) {
        var unused = entry(layer, 0);
        return layer;
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
            while (loading > 0 || slots.retiring() > 0) {
                long remaining = deadline - clock.getAsLong();
                if (remaining <= 0) {
                    throw new IllegalStateException(
                            "Cannot close the expert cache: "
                                    + loading
                                    + " reads did not end within "
                                    + seconds(timeoutNanos)
                                    + ", their slots may still be written to"
                                    + slotOwners("; being read: ", false)
                                    + (slots.retiring() == 0
                                            ? ""
                                            : "; slots being given back: " + slots.retiring()));
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
            for (int slot = 0; slot < slots.capacity(); slot++) {
                Entry owner = slots.owner(slot);
                if (owner != null) {
                    Load load = owner.load;
                    expect(owner.id + " slot", slot, owner.slot);
                    expect(owner.id + " loads", owner.place == Place.LOADING, load != null);
                    places[owner.place.ordinal()]++;
                    nowHeld += owner.holds > 0 && owner.isResident() ? 1 : 0;
                    nowGuesses += load != null && load.isGuess() ? 1 : 0;
                }
            }
            int owned = slots.size() - slots.free();
            expect("owned slots", owned, Arrays.stream(places).sum());
            expect("absent experts with slots", places[Place.ABSENT.ordinal()], 0);
            expect("loading", places[Place.LOADING.ordinal()], loading);
            expect("held", nowHeld, held);
            expect("guesses", nowGuesses, guesses);
            expect("kept", places[Place.KEPT.ordinal()], residents.kept());
            expect("expired", places[Place.EXPIRED.ordinal()], residents.expired());
            expect("cued", places[Place.CUED.ordinal()], residents.cued());
            expect("slots too many", headroom() < 0 && slots.surplus() == 0, false);
            expect("cued above the limit", residents.cued() > maxPrefetch, false);
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
        for (int slot = 0; slot < slots.capacity(); slot++) {
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

    private void tellRead(Entry entry, long nanos) {
        try {
            listener.read(entry.id, nanos);
        } catch (RuntimeException e) {
            LOG.log(System.Logger.Level.WARNING, "A cache listener failed on a read", e);
        }
    }

    /** A visit is done with an expert that it had missed. */
    void settled(ExpertId id, long stallNanos) {
        try {
            listener.settled(id, stallNanos);
        } catch (RuntimeException e) {
            LOG.log(System.Logger.Level.WARNING, "A cache listener failed on a settled miss", e);
        }
    }

    private void tellResized(int from, int to) {
        try {
            listener.resized(from, to);
        } catch (RuntimeException e) {
            LOG.log(System.Logger.Level.WARNING, "A cache listener failed on a resize", e);
        }
    }

    private void tellRetired(int slot) {
        try {
            listener.slotRetired(slot);
        } catch (RuntimeException e) {
            LOG.log(System.Logger.Level.WARNING, "A cache listener failed on a retired slot", e);
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
