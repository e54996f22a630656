package io.greenroom.offload.store;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.greenroom.cache.ExpertId;
import io.greenroom.cache.LoadPriority;
import io.greenroom.offload.kernel.TensorType;
import io.greenroom.offload.kernel.WeightMatrix;
import io.greenroom.offload.memory.LeakCheck;
import io.greenroom.offload.memory.NativeAllocator;
import io.greenroom.offload.memory.SlotArena;
import io.greenroom.offload.store.ModelSpec.Family;
import io.greenroom.offload.store.TinyModel.ExpertNames;
import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.concurrent.CancellationException;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.EnabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Experts arrive in their slots byte for byte, by either way of reading. */
class ExpertReaderTest {

    private static final TinyModel MODEL = TinyModel.of(Family.QWEN3_MOE);

    private final NativeAllocator allocator = new NativeAllocator();
    private LeakCheck leaks;

    @TempDir Path folder;

    @BeforeEach
    void noteMemory() {
        leaks = new LeakCheck(allocator);
    }

    @AfterEach
    void allMemoryIsHome() {
        leaks.close();
    }

    @ParameterizedTest
    @EnumSource(value = TensorType.class, mode = EnumSource.Mode.EXCLUDE, names = "Q2_G32")
    void everyExpertOfEveryTypeIsRead(TensorType type) throws Exception {
        TinyModel model = MODEL.withExpertType(type);
        Path file = model.gguf().write(folder.resolve("model.gguf"));
        for (boolean direct : new boolean[] {true, false}) {
            readAll(model, Checkpoints.open(file), direct, type);
        }
    }

    @ParameterizedTest
    @CsvSource({"F32,SINGLE", "BF16,SINGLE", "F16,FUSED", "F32,FUSED"})
    void huggingFaceFoldersAreRead(String dtype, ExpertNames names) throws Exception {
        MODEL.huggingFace(folder, dtype, names);
        readAll(MODEL, Checkpoints.open(folder), true, TensorType.valueOf(dtype));
    }

    private void readAll(TinyModel model, Checkpoint checkpoint, boolean direct, TensorType type)
            throws Exception {
        ExpertLayout layout = ExpertLayout.of(checkpoint);
        int all = model.layers() * model.experts();
        assertThat(layout.experts()).isEqualTo(all);
        try (SlotArena arena = SlotArena.allocate(allocator, layout.slotBytes(), all);
                ExpertReader reader = ExpertReader.open(layout, arena, direct, 3)) {
            List<CompletableFuture<Void>> loads = new ArrayList<>();
            for (int slot = 0; slot < all; slot++) {
                arena.poison(slot);
                LoadPriority priority = slot % 3 == 0 ? LoadPriority.PREFETCH : LoadPriority.DEMAND;
                loads.add(reader.load(inSlot(model, slot), slot, priority));
            }
            for (CompletableFuture<Void> load : loads) {
                load.get(30, TimeUnit.SECONDS);
            }
            for (int slot = 0; slot < all; slot++) {
                ExpertId id = inSlot(model, slot);
                ExpertWeights weights = reader.weights(id, slot);
                assertMatrix(weights.gate(), model.expert(id.layer(), "gate", id.expert(), type));
                assertMatrix(weights.up(), model.expert(id.layer(), "up", id.expert(), type));
                assertMatrix(weights.down(), model.expert(id.layer(), "down", id.expert(), type));
                assertThat(weights.down().rows()).isEqualTo(model.hidden());
                assertThat(weights.down().cols()).isEqualTo(model.inner());
            }
            long bytes = all * layout.expertBytes(new ExpertId(0, 0));
            assertThat(reader.bytesRead()).isEqualTo(bytes);
        }
    }

    private static ExpertId inSlot(TinyModel model, int slot) {
        return new ExpertId(slot / model.experts(), slot % model.experts());
    }

    private static void assertMatrix(WeightMatrix matrix, byte[] expected) {
        byte[] found = new byte[expected.length];
        matrix.memory().buffer(matrix.offset(), found.length).get(found);
        assertThat(found).isEqualTo(expected);
    }

    @Test
    void theFileSystemOfTheBuildAllowsReadingAroundThePageCacheOrSaysWhyNot() throws Exception {
        Path file = MODEL.gguf().write(folder.resolve("model.gguf"));
        try (PositionalFile direct = PositionalFile.open(file, true);
                PositionalFile buffered = PositionalFile.open(file, false)) {
            direct.whyBuffered()
                    .ifPresent(why -> System.err.println("O_DIRECT not tested: " + why));
            assertThat(buffered.whyBuffered()).contains("switched off");
        }
    }

    @Test
    @EnabledOnOs(OS.LINUX)
    void aFileSystemWithoutDirectReadsIsReadThroughThePageCache() throws Exception {
        Path version = Path.of("/proc/version");
        byte[] content = Files.readAllBytes(version);
        try (PositionalFile file = PositionalFile.open(version, true);
                SlotArena arena = SlotArena.allocate(allocator, 4096, 1)) {
            assertThat(file.whyBuffered()).isPresent();
            arena.commit(0);
            file.read(3, content.length - 3, arena.memory(), 3);
            byte[] found = new byte[content.length - 3];
            arena.buffer(0, 3, found.length).get(found);
            assertThat(found).isEqualTo(Arrays.copyOfRange(content, 3, content.length));
        }
    }

    /** Odd offsets and sizes, up to the last byte of a file that is no whole number of blocks. */
    @ParameterizedTest
    @ValueSource(booleans = {true, false})
    void anyRangeIsRead(boolean direct) throws Exception {
        Random random = new Random(11);
        byte[] content = new byte[5 * 4096 + 1234];
        random.nextBytes(content);
        Path path = Files.write(folder.resolve("bytes"), content);
        try (PositionalFile file = PositionalFile.open(path, direct);
                SlotArena arena = SlotArena.allocate(allocator, 8 * 4096, 1)) {
            for (int round = 0; round < 500; round++) {
                int offset = random.nextInt(content.length);
                int bytes = 1 + random.nextInt(content.length - offset);
                if (round % 5 == 0) {
                    bytes = content.length - offset;
                }
                arena.poison(0);
                int at = offset % 4096 + 4096;
                file.read(offset, bytes, arena.memory(), at);
                byte[] found = new byte[bytes];
                arena.buffer(0, at, bytes).get(found);
                assertThat(found)
                        .as("%d bytes at %d", bytes, offset)
                        .isEqualTo(Arrays.copyOfRange(content, offset, offset + bytes));
            }
        }
    }

    @ParameterizedTest
    @ValueSource(booleans = {true, false})
    void aFileCutShortFailsOnlyWhatLayBeyond(boolean direct) throws Exception {
        Path file = MODEL.gguf().write(folder.resolve("model.gguf"));
        Checkpoint checkpoint = Checkpoints.open(file);
        ExpertLayout layout = ExpertLayout.of(checkpoint);
        ExpertId last = new ExpertId(1, 3);
        long cut = checkpoint.expert(last).down().offset() + 10;
        try (SlotArena arena = SlotArena.allocate(allocator, layout.slotBytes(), 2);
                ExpertReader reader = ExpertReader.open(layout, arena, direct, 2)) {
            try (FileChannel writer = FileChannel.open(file, StandardOpenOption.WRITE)) {
                writer.truncate(cut);
            }
            assertThatThrownBy(
                            () ->
                                    reader.load(last, 0, LoadPriority.DEMAND)
                                            .get(30, TimeUnit.SECONDS))
                    .cause()
                    .isInstanceOf(IOException.class)
                    .hasMessageStartingWith(file + ": wanted ")
                    .hasMessageContaining("the file was cut short to " + cut + " bytes")
                    .hasMessageContaining("bytes at byte ")
                    .hasMessageContaining(", got ");
            ExpertId first = new ExpertId(0, 0);
            reader.load(first, 1, LoadPriority.DEMAND).get(30, TimeUnit.SECONDS);
            assertMatrix(
                    reader.weights(first, 1).gate(), MODEL.expert(0, "gate", 0, TensorType.F32));
        }
    }

    @Test
    void aDeletedFileIsStillRead() throws Exception {
        Path file = MODEL.gguf().write(folder.resolve("model.gguf"));
        ExpertLayout layout = ExpertLayout.of(Checkpoints.open(file));
        try (SlotArena arena = SlotArena.allocate(allocator, layout.slotBytes(), 1);
                ExpertReader reader = ExpertReader.open(layout, arena, true, 1)) {
            Files.delete(file);
            Files.writeString(file, "something else");
            reader.load(new ExpertId(1, 2), 0, LoadPriority.DEMAND).get(30, TimeUnit.SECONDS);
            assertMatrix(
                    reader.weights(new ExpertId(1, 2), 0).up(),
                    MODEL.expert(1, "up", 2, TensorType.F32));
        }
    }

    @Test
    void aMissingFileIsNamedWhenTheReaderOpens() throws Exception {
        Path file = MODEL.gguf().write(folder.resolve("model.gguf"));
        ExpertLayout layout = ExpertLayout.of(Checkpoints.open(file));
        Files.delete(file);
        try (SlotArena arena = SlotArena.allocate(allocator, layout.slotBytes(), 1)) {
            assertThatThrownBy(() -> ExpertReader.open(layout, arena, true, 1))
                    .isInstanceOf(CheckpointException.class)
                    .hasMessageContaining("model.gguf")
                    .hasMessageContaining("cannot be opened");
        }
    }

    @Test
    void loadsAfterCloseFail() throws Exception {
        Path file = MODEL.gguf().write(folder.resolve("model.gguf"));
        ExpertLayout layout = ExpertLayout.of(Checkpoints.open(file));
        try (SlotArena arena = SlotArena.allocate(allocator, layout.slotBytes(), 1)) {
            ExpertReader reader = ExpertReader.open(layout, arena, true, 1);
            CompletableFuture<Void> before =
                    reader.load(new ExpertId(0, 1), 0, LoadPriority.PREFETCH);
            reader.close();
            assertThat(before).isCompleted();
            assertThat(reader.load(new ExpertId(0, 1), 0, LoadPriority.DEMAND))
                    .isCompletedExceptionally();
        }
    }

    @Test
    void slotsTooSmallForTheExpertsAreRefused() throws Exception {
        Path file = MODEL.gguf().write(folder.resolve("model.gguf"));
        ExpertLayout layout = ExpertLayout.of(Checkpoints.open(file));
        try (SlotArena arena = SlotArena.allocate(allocator, 4096, 1)) {
            assertThatThrownBy(() -> ExpertReader.open(layout, arena, true, 1))
                    .hasMessage("Slots of 4096 bytes cannot hold experts of " + layout.slotBytes());
        }
    }

    /** Guesses are taken back and promoted while they are read: nothing is lost, torn or left. */
    @Test
    void everyLoadEndsOnceHoweverItIsCalledOff() throws Exception {
        Path file = MODEL.gguf().write(folder.resolve("model.gguf"));
        ExpertLayout layout = ExpertLayout.of(Checkpoints.open(file));
        int all = MODEL.layers() * MODEL.experts();
        ExecutorService others = Executors.newFixedThreadPool(2);
        try (SlotArena arena = SlotArena.allocate(allocator, layout.slotBytes(), all);
                ExpertReader reader = ExpertReader.open(layout, arena, true, 2)) {
            Random random = new Random(3);
            int calledOff = 0;
            for (int round = 0; round < 300; round++) {
                List<CompletableFuture<Void>> loads = new ArrayList<>();
                for (int slot = 0; slot < all; slot++) {
                    arena.poison(slot);
                    loads.add(reader.load(inSlot(MODEL, slot), slot, LoadPriority.PREFETCH));
                }
                int first = random.nextInt(all);
                int second = random.nextInt(all);
                Future<?> promotes = others.submit(() -> reader.promote(inSlot(MODEL, first)));
                Future<Boolean> cancels = others.submit(() -> reader.cancel(inSlot(MODEL, second)));
                boolean cancelled = reader.cancel(inSlot(MODEL, all - 1));
                promotes.get(30, TimeUnit.SECONDS);
                for (int slot = 0; slot < all; slot++) {
                    ExpertId id = inSlot(MODEL, slot);
                    boolean off =
                            (slot == all - 1 && cancelled)
                                    || (slot == second && cancels.get(30, TimeUnit.SECONDS));
                    if (off) {
                        calledOff++;
                        assertThat(loads.get(slot))
                                .failsWithin(Duration.ofSeconds(30))
                                .withThrowableOfType(CancellationException.class)
                                .withMessageContaining("The prefetch of " + id);
                    } else {
                        loads.get(slot).get(30, TimeUnit.SECONDS);
                        assertMatrix(
                                reader.weights(id, slot).down(),
                                MODEL.expert(id.layer(), "down", id.expert(), TensorType.F32));
                    }
                    assertThat(reader.cancel(id)).as("over").isFalse();
                }
            }
            assertThat(calledOff).isPositive();
        } finally {
            others.shutdown();
        }
    }

    @Test
    void demandCannotBeCalledOff() throws Exception {
        Path file = MODEL.gguf().write(folder.resolve("model.gguf"));
        ExpertLayout layout = ExpertLayout.of(Checkpoints.open(file));
        try (SlotArena arena = SlotArena.allocate(allocator, layout.slotBytes(), 2);
                ExpertReader reader = ExpertReader.open(layout, arena, true, 1)) {
            CompletableFuture<Void> demanded =
                    reader.load(new ExpertId(0, 1), 0, LoadPriority.DEMAND);
            CompletableFuture<Void> promoted =
                    reader.load(new ExpertId(0, 2), 1, LoadPriority.PREFETCH);
            reader.promote(new ExpertId(0, 2));
            assertThat(reader.cancel(new ExpertId(0, 1))).isFalse();
            assertThat(reader.cancel(new ExpertId(0, 2))).isFalse();
            demanded.get(30, TimeUnit.SECONDS);
            promoted.get(30, TimeUnit.SECONDS);
        }
    }

    @Test
    void aSlowerLinkIsImitated() throws Exception {
        Path file = MODEL.gguf().write(folder.resolve("model.gguf"));
        ExpertLayout layout = ExpertLayout.of(Checkpoints.open(file));
        long bytes = layout.expertBytes(new ExpertId(0, 0));
        try (SlotArena arena = SlotArena.allocate(allocator, layout.slotBytes(), 1);
                ExpertReader reader = ExpertReader.open(layout, arena, true, 2, bytes * 20)) {
            reader.load(new ExpertId(0, 0), 0, LoadPriority.DEMAND).get(30, TimeUnit.SECONDS);
            assertThat(reader.bytesRead()).isEqualTo(bytes);
            assertThat(reader.use().demandNanos())
                    .as("a twentieth of a second at least")
                    .isGreaterThanOrEqualTo(49_000_000);
        }
    }
}
