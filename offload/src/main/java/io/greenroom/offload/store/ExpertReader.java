package io.greenroom.offload.store;

import io.greenroom.cache.ExpertId;
import io.greenroom.cache.ExpertLoader;
import io.greenroom.cache.LoadPriority;
import io.greenroom.offload.memory.SlotArena;
import io.greenroom.offload.store.ExpertLayout.Piece;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.CancellationException;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.LongAdder;
import java.util.concurrent.locks.LockSupport;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Reads experts from a checkpoint's files straight into the slots of an arena, several at a time.
 * One descriptor per file, opened here and kept, so a model goes on when its files are deleted or
 * replaced.
 *
 * <p>An expert is read in pieces: of at most {@value #LARGEST_JOB} bytes on demand, so that several
 * lanes serve one expert, and of {@value #LARGEST_GUESS} for a prefetch, because demand waits for
 * the pieces of guesses that are under way. A prefetch that is promoted keeps its pieces.
 */
public final class ExpertReader implements ExpertLoader, AutoCloseable {

    /** Enough lanes to keep a solid-state disk busy without hurting a rotating one. */
    public static final int DEFAULT_LANES = 4;

    private static final Logger logger = LoggerFactory.getLogger(ExpertReader.class);
    private static final int LARGEST_JOB = 2 << 20;
    private static final int LARGEST_GUESS = 512 << 10;

    /** Two small reads at a time keep a solid-state disk nearly as busy as more and larger ones. */
    private static final int GUESS_LANES = 2;

    private final ExpertLayout layout;
    private final SlotArena arena;
    private final Map<Path, PositionalFile> files;
    private final IoLanes lanes;
    private final @Nullable LinkLimit limit;
    private final Map<ExpertId, Load> underWay = new ConcurrentHashMap<>();
    private final LongAdder bytesRead = new LongAdder();

    private ExpertReader(
            ExpertLayout layout,
            SlotArena arena,
            Map<Path, PositionalFile> files,
            IoLanes lanes,
            @Nullable LinkLimit limit) {
        this.layout = layout;
        this.arena = arena;
        this.files = files;
        this.lanes = lanes;
        this.limit = limit;
    }

    /** As {@link #open(ExpertLayout, SlotArena, boolean, int, long)}, as fast as the disk is. */
    public static ExpertReader open(ExpertLayout layout, SlotArena arena, boolean direct, int lanes)
            throws CheckpointException {
        return open(layout, arena, direct, lanes, 0);
    }

    /**
     * Opens the files that hold experts and starts the lanes.
     *
     * @param arena where experts go; its slots have the layout's size
     * @param direct whether to read around the page cache where the file system allows; where it
     *     does not, one log line says why
     * @param lanes reader threads
     * @param bytesPerSecond speed of a slower link to be imitated, for experiments; 0 for none
     * @throws CheckpointException if a file cannot be opened
     */
    public static ExpertReader open(
            ExpertLayout layout, SlotArena arena, boolean direct, int lanes, long bytesPerSecond)
            throws CheckpointException {
        if (arena.slotBytes() < layout.slotBytes()) {
            throw new IllegalArgumentException(
                    "Slots of "
                            + arena.slotBytes()
                            + " bytes cannot hold experts of "
                            + layout.slotBytes());
        }
        Map<Path, PositionalFile> files = new HashMap<>();
        try {
            for (Path file : filesOf(layout)) {
                files.put(file, openFile(file, direct));
            }
            String name = "expert-reader-" + layout.source().location().getFileName();
            LinkLimit limit =
                    bytesPerSecond == 0
                            ? null
                            : new LinkLimit(
                                    bytesPerSecond, System::nanoTime, LockSupport::parkNanos);
            IoLanes started = new IoLanes(name, lanes, Math.min(lanes, GUESS_LANES));
            return new ExpertReader(layout, arena, files, started, limit);
        } catch (CheckpointException | RuntimeException | Error e) {
            closeAll(files);
            throw e;
        }
    }

    @Override
    public CompletableFuture<Void> load(ExpertId id, int slot, LoadPriority priority) {
        arena.commit(slot);
        int largest = priority == LoadPriority.DEMAND ? LARGEST_JOB : LARGEST_GUESS;
        Load load = new Load(id, arena.offset(slot), largest);
        underWay.put(id, load);
        try {
            lanes.submit(load.jobs, priority);
        } catch (IllegalStateException e) {
            underWay.remove(id, load);
            load.future.completeExceptionally(e);
        }
        return load.future;
    }

    @Override
    public void promote(ExpertId id) {
        Load load = underWay.get(id);
        if (load != null) {
            lanes.promote(load);
        }
    }

    /**
     * {@inheritDoc}
     *
     * <p>Pieces that wait are taken back, a piece being read is finished, and the slot is free
     * after it. A load of which all pieces are read or being read goes on: its end is as near as
     * the slot. What the read pieces cost is lost. Going on would cost as much again, of a link
     * that demand waits for, to bring an expert that nobody has asked for.
     */
    @Override
    public boolean cancel(ExpertId id) {
        Load load = underWay.get(id);
        return load != null && load.cancel();
    }

    /** What the link has been doing. */
    public LinkUse use() {
        return lanes.use();
    }

    @Override
    public void slotRetired(int slot) {
        arena.decommit(slot);
    }

    /** Where experts go and how they lie there. */
    public ExpertWeights weights(ExpertId id, int slot) {
        return layout.weights(arena, id, slot);
    }

    /** Weight bytes read since the reader was opened. */
    public long bytesRead() {
        return bytesRead.sum();
    }

    /** Why the page cache is used for some file; empty if it is not. */
    public Optional<String> whyBuffered() {
        return files.values().stream().flatMap(file -> file.whyBuffered().stream()).findFirst();
    }

    /** Finishes the reads under way and waiting, then closes the files. The arena stays. */
    @Override
    public void close() {
        lanes.close();
        closeAll(files);
    }

    private static Set<Path> filesOf(ExpertLayout layout) {
        ExpertSource source = layout.source();
        ModelSpec spec = source.spec();
        Set<Path> files = new LinkedHashSet<>();
        for (int layer = 0; layer < spec.layers(); layer++) {
            for (int expert = 0; spec.moeLayers()[layer] && expert < spec.experts(); expert++) {
                for (TensorSpan span : source.expert(new ExpertId(layer, expert)).inOrder()) {
                    files.add(span.file());
                }
            }
        }
        return files;
    }

    private static PositionalFile openFile(Path file, boolean direct) throws CheckpointException {
        try {
            PositionalFile opened = PositionalFile.open(file, direct);
            opened.whyBuffered()
                    .filter(why -> direct)
                    .ifPresent(
                            why ->
                                    logger.info(
                                            "Experts of {} are read through the page cache, which"
                                                    + " then holds them as well: {}",
                                            file,
                                            why));
            return opened;
        } catch (IOException e) {
            throw new CheckpointException(file, "cannot be opened: " + e.getMessage(), e);
        }
    }

    private static void closeAll(Map<Path, PositionalFile> files) {
        for (PositionalFile file : files.values()) {
            try {
                file.close();
            } catch (IOException e) {
                logger.warn("Closing {} failed", file, e);
            }
        }
    }

    /** One expert on its way into one slot; done when its last job is. */
    private final class Load {

        private final ExpertId id;
        private final CompletableFuture<Void> future = new CompletableFuture<>();
        private final List<PieceJob> jobs = new ArrayList<>();
        private final AtomicInteger left;
        private volatile @Nullable Throwable failure;

        Load(ExpertId id, long slotStart, int largest) {
            this.id = id;
            for (Piece piece : layout.pieces(id)) {
                PositionalFile file = Objects.requireNonNull(files.get(piece.file()));
                long end = piece.offset() + piece.bytes();
                long from = piece.offset();
                while (from < end) {
                    // later jobs begin at block borders
                    long next = (from + largest) / SlotArena.ALIGNMENT * SlotArena.ALIGNMENT;
                    long to = Math.min(next, end);
                    long at = slotStart + piece.slotOffset() + (from - piece.offset());
                    jobs.add(new PieceJob(this, file, from, to - from, at));
                    from = to;
                }
            }
            left = new AtomicInteger(jobs.size());
        }

        /** Takes back what waits; false if nothing did, or demand has joined. */
        boolean cancel() {
            int withdrawn = lanes.withdraw(this);
            if (withdrawn == 0) {
                return false;
            }
            done(withdrawn, new CancellationException("The prefetch of " + id + " was called off"));
            return true;
        }

        void done(int pieces, @Nullable Throwable problem) {
            if (problem != null) {
                failure = problem;
            }
            // failed or not, the slot is ours until every job has left it
            if (left.addAndGet(-pieces) > 0) {
                return;
            }
            underWay.remove(id, this);
            Throwable reason = failure;
            if (reason == null) {
                future.complete(null);
            } else {
                future.completeExceptionally(reason);
            }
        }
    }

    private final class PieceJob implements IoLanes.Job {

        private final Load load;
        private final PositionalFile file;
        private final long offset;
        private final long bytes;
        private final long at;

        PieceJob(Load load, PositionalFile file, long offset, long bytes, long at) {
            this.load = load;
            this.file = file;
            this.offset = offset;
            this.bytes = bytes;
            this.at = at;
        }

        @Override
        public Object owner() {
            return load;
        }

        @Override
        public long run() {
            long read = 0;
            Throwable problem = null;
            try {
                if (load.failure == null) {
                    long end = limit == null ? 0 : limit.book(bytes);
                    file.read(offset, bytes, arena.memory(), at);
                    if (limit != null) {
                        limit.await(end);
                    }
                    bytesRead.add(bytes);
                    read = bytes;
                }
            } catch (IOException | RuntimeException | Error e) {
                problem = e;
            }
            load.done(1, problem);
            return read;
        }
    }
}
