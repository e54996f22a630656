package io.greenroom.offload.lowbit;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.greenroom.cache.ExpertId;
import io.greenroom.cache.LoadPriority;
import io.greenroom.offload.kernel.NativeKernels;
import io.greenroom.offload.kernel.TensorType;
import io.greenroom.offload.memory.LeakCheck;
import io.greenroom.offload.memory.NativeAllocator;
import io.greenroom.offload.memory.SlotArena;
import io.greenroom.offload.store.Checkpoint;
import io.greenroom.offload.store.CheckpointException;
import io.greenroom.offload.store.Checkpoints;
import io.greenroom.offload.store.ExpertLayout;
import io.greenroom.offload.store.ExpertReader;
import io.greenroom.offload.store.ExpertSpans;
import io.greenroom.offload.store.ModelSpec.Family;
import io.greenroom.offload.store.TensorSpan;
import io.greenroom.offload.store.TinyModel;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.concurrent.ExecutionException;
import java.util.zip.CRC32C;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/**
 * Copies are made once, whatever interrupts it; a file that is not what it should be is refused.
 */
class LowBitFileTest {

    private static final String FINGERPRINT = "0123456789abcdef0123456789abcdef";
    private static final TinyModel MODEL =
            new TinyModel(Family.OLMOE, 3, 64, 32, 5, 16, TensorType.F32, 5);

    private final NativeAllocator allocator = new NativeAllocator();
    private final LeakCheck leaks = new LeakCheck(allocator);
    private final NativeKernels kernels = new NativeKernels(2);

    @TempDir Path folder;

    private Checkpoint checkpoint;
    private Path file;

    @BeforeEach
    void writeModel() throws IOException {
        checkpoint = Checkpoints.open(MODEL.gguf().write(folder.resolve("model.gguf")));
        file = folder.resolve("model.lowbit");
    }

    @AfterEach
    void allMemoryIsBack() {
        kernels.close();
        leaks.close();
    }

    private LowBitPacker packer(LowBitType type) {
        return new LowBitPacker(checkpoint, FINGERPRINT, type, kernels, allocator);
    }

    private LowBitFile pack(LowBitType type) throws IOException {
        packer(type).pack(file, new LowBitPacker.Listener() {});
        return open();
    }

    private LowBitFile open() throws CheckpointException {
        return LowBitFile.open(file, checkpoint.spec(), FINGERPRINT);
    }

    private static float[] floats(byte[] bytes) {
        float[] floats = new float[bytes.length / 4];
        ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN).asFloatBuffer().get(floats);
        return floats;
    }

    @ParameterizedTest
    @EnumSource
    void eachCopyIsItsExpertRounded(LowBitType type) throws IOException {
        LowBitFile copies = pack(type);
        assertThat(copies.type()).isEqualTo(type);
        assertThat(folder.resolve("model.lowbit.partial")).doesNotExist();
        byte[] bytes = Files.readAllBytes(file);
        for (int layer = 0; layer < MODEL.layers(); layer++) {
            for (int expert = 0; expert < MODEL.experts(); expert++) {
                ExpertSpans spans = copies.expert(new ExpertId(layer, expert));
                assertThat(spans.gate().offset() % 4096).isZero();
                assertThat(spans.down().rows()).isEqualTo(MODEL.hidden());
                assertThat(spans.down().cols()).isEqualTo(MODEL.inner());
                String[] names = {"gate", "up", "down"};
                for (int i = 0; i < 3; i++) {
                    TensorSpan span = spans.inOrder().get(i);
                    float[] original =
                            floats(MODEL.expert(layer, names[i], expert, TensorType.F32));
                    byte[] expected = new byte[Math.toIntExact(span.bytes())];
                    new BlockQuantizer(type).quantize(original, 0, original.length, expected, 0);
                    assertThat(
                                    Arrays.copyOfRange(
                                            bytes,
                                            (int) span.offset(),
                                            (int) (span.offset() + span.bytes())))
                            .isEqualTo(expected);
                }
            }
        }
        assertThatThrownBy(() -> copies.expert(new ExpertId(3, 0)))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("no expert L3/E0");
    }

    /**
     * The readers that serve experts serve copies; a flipped bit is found before anybody computes.
     */
    @Test
    void copiesAreReadLikeExpertsAndChecked() throws Exception {
        LowBitFile copies = pack(LowBitType.Q2_G32);
        TensorSpan damaged = copies.expert(new ExpertId(2, 3)).up();
        try (FileChannel channel = FileChannel.open(file, StandardOpenOption.WRITE)) {
            channel.write(ByteBuffer.wrap(new byte[] {77}), damaged.offset() + 13);
        }
        ExpertLayout layout = ExpertLayout.of(copies);
        assertThat(layout.slotBytes()).isEqualTo(4096);
        try (SlotArena arena = SlotArena.allocate(allocator, layout.slotBytes(), 2);
                ExpertReader reader = ExpertReader.open(layout, arena, true, 1)) {
            CheckedReader checked = new CheckedReader(reader, copies, arena);
            checked.load(new ExpertId(1, 2), 1, LoadPriority.DEMAND).get();
            byte[] read = new byte[Math.toIntExact(copies.copyBytes())];
            arena.buffer(1, 0, read.length).get(read);
            int from = (int) copies.expert(new ExpertId(1, 2)).gate().offset();
            assertThat(read)
                    .isEqualTo(
                            Arrays.copyOfRange(Files.readAllBytes(file), from, from + read.length));
            assertThatThrownBy(() -> checked.load(new ExpertId(2, 3), 0, LoadPriority.DEMAND).get())
                    .isInstanceOf(ExecutionException.class)
                    .cause()
                    .hasMessageContaining("model.lowbit: the copy of expert L2/E3 is damaged")
                    .hasMessageContaining("greenroom pack");
        }
    }

    /**
     * Interrupted after any copy, the next call goes on, and the file is the same byte for byte.
     */
    @Test
    void whatWasInterruptedGoesOn() throws IOException {
        pack(LowBitType.Q4_0);
        byte[] whole = Files.readAllBytes(file);
        Files.delete(file);
        for (int stop : new int[] {1, 4, 5, 9, 10, 14}) {
            List<Integer> begun = new ArrayList<>();
            assertThatThrownBy(
                            () ->
                                    packer(LowBitType.Q4_0)
                                            .pack(
                                                    file,
                                                    new LowBitPacker.Listener() {
                                                        @Override
                                                        public void copied(int done, int all) {
                                                            assertThat(all).isEqualTo(15);
                                                            if (done == stop) {
                                                                throw new IllegalStateException(
                                                                        "stopped");
                                                            }
                                                        }
                                                    }))
                    .hasMessage("stopped");
            assertThat(file).doesNotExist();
            packer(LowBitType.Q4_0)
                    .pack(
                            file,
                            new LowBitPacker.Listener() {
                                @Override
                                public void begun(int layersDone, int layers, long fileBytes) {
                                    begun.add(layersDone);
                                    assertThat(layers).isEqualTo(3);
                                    assertThat(fileBytes).isEqualTo(whole.length);
                                }
                            });
            assertThat(begun).containsExactly((stop - 1) / 5);
            assertThat(Files.readAllBytes(file)).isEqualTo(whole);
            Files.delete(file);
        }
    }

    /** What an interrupted call left is not trusted: damaged records are made again. */
    @Test
    void damagedRemainsAreMadeAgain() throws IOException {
        pack(LowBitType.Q4_0);
        byte[] whole = Files.readAllBytes(file);
        Path partial = folder.resolve("model.lowbit.partial");
        byte[] damaged = whole.clone();
        damaged[4096 + 6 * 4096 + 100] ^= 1; // in the second layer
        Files.write(partial, damaged);
        Files.delete(file);
        List<Integer> begun = new ArrayList<>();
        packer(LowBitType.Q4_0)
                .pack(
                        file,
                        new LowBitPacker.Listener() {
                            @Override
                            public void begun(int layersDone, int layers, long fileBytes) {
                                begun.add(layersDone);
                            }
                        });
        assertThat(begun).containsExactly(1);
        assertThat(Files.readAllBytes(file)).isEqualTo(whole);
        // of another type: nothing of it stays
        Files.move(file, partial);
        pack(LowBitType.Q2_G32);
        byte[] fresh = Files.readAllBytes(file);
        Files.delete(file);
        pack(LowBitType.Q2_G32);
        assertThat(Files.readAllBytes(file)).isEqualTo(fresh);
    }

    @Test
    void anExistingFileStays() throws IOException {
        Files.writeString(file, "precious");
        assertThatThrownBy(() -> pack(LowBitType.Q4_0))
                .isInstanceOf(CheckpointException.class)
                .hasMessageContaining("model.lowbit: is there already; remove it first");
        assertThat(file).hasContent("precious");
    }

    @Test
    void copiesThatSaveNothingAreRefused() throws IOException {
        TinyModel q4 = new TinyModel(Family.OLMOE, 1, 64, 32, 4, 16, TensorType.Q4_0, 5);
        checkpoint = Checkpoints.open(q4.gguf().write(folder.resolve("q4.gguf")));
        assertThatThrownBy(() -> packer(LowBitType.Q4_0))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessage(
                        "A q4_0 copy takes 3.4 KiB, the expert itself 3.4 KiB: that saves too"
                                + " little to be of use; use q2_g32");
        assertThat(packer(LowBitType.Q2_G32).fileBytes()).isEqualTo(5 * 4096);
    }

    @Test
    void weightsThatAreNoNumbersAreNamed() throws IOException {
        byte[] model = Files.readAllBytes(checkpoint.location());
        ExpertSpans spans = checkpoint.expert(new ExpertId(1, 4));
        ByteBuffer.wrap(model)
                .order(ByteOrder.LITTLE_ENDIAN)
                .putFloat((int) spans.down().offset() + 400, Float.NaN);
        Files.write(checkpoint.location(), model);
        assertThatThrownBy(() -> pack(LowBitType.Q4_0))
                .isInstanceOf(CheckpointException.class)
                .hasMessageContaining("expert L1/E4 has weights that are not finite numbers");
    }

    @Test
    void blocksMustDivideTheWidths() throws IOException {
        TinyModel odd = new TinyModel(Family.OLMOE, 1, 64, 48, 4, 16, TensorType.F32, 5);
        checkpoint = Checkpoints.open(odd.gguf().write(folder.resolve("odd.gguf")));
        assertThatThrownBy(() -> packer(LowBitType.Q4_0))
                .hasMessageContaining("The model's expert width is 48")
                .hasMessageContaining("blocks of 32");
    }

    @Test
    void aMissingFileSaysHowToMakeOne() {
        assertThatThrownBy(this::open)
                .isInstanceOf(CheckpointException.class)
                .hasMessageContaining("there is no such file of low-bit copies; make it with")
                .hasMessageContaining("greenroom pack --low-bit q4_0 MODEL --out");
    }

    @Test
    void anUnfinishedFileIsRefused() throws IOException {
        pack(LowBitType.Q4_0);
        LowBitHeader header = LowBitFile.readHeader(file, checkpoint.spec(), FINGERPRINT);
        write(header.withLayersDone(2).encode(), 0);
        assertThatThrownBy(this::open).hasMessageContaining("is unfinished: 2 of 3 layers");
        write(header.withLayersDone(4).encode(), 0);
        assertThatThrownBy(this::open).hasMessageContaining("says that 4 of 3 layers are done");
    }

    @Test
    void anotherModelsCopiesAreRefusedByName() throws IOException {
        pack(LowBitType.Q4_0);
        String other = "f".repeat(32);
        assertThatThrownBy(() -> LowBitFile.open(file, checkpoint.spec(), other))
                .isInstanceOf(CheckpointException.class)
                .hasMessageContaining(
                        "holds copies of the experts of another model, model.gguf with fingerprint "
                                + FINGERPRINT
                                + "; this model's is "
                                + other);
        TinyModel wider = new TinyModel(Family.OLMOE, 3, 64, 64, 5, 16, TensorType.F32, 5);
        Checkpoint second = Checkpoints.open(wider.gguf().write(folder.resolve("wider.gguf")));
        assertThatThrownBy(() -> LowBitFile.open(file, second.spec(), FINGERPRINT))
                .hasMessageContaining("another model, model.gguf");
    }

    /** Every bit of the header matters, and no length but the right one is accepted. */
    @Test
    void damagedFilesAreRefused() throws IOException {
        pack(LowBitType.Q2_G32);
        byte[] whole = Files.readAllBytes(file);
        LowBitHeader header = LowBitFile.readHeader(file, checkpoint.spec(), FINGERPRINT);
        int length = (int) LowBitHeader.bytes(header.shape());
        for (int at = 0; at < length; at++) {
            byte[] damaged = whole.clone();
            damaged[at] ^= (byte) (1 << at % 8);
            refuse(damaged);
        }
        Random random = new Random(3);
        for (int i = 0; i < 200; i++) {
            refuse(Arrays.copyOf(whole, random.nextInt(whole.length)));
        }
        refuse(Arrays.copyOf(whole, whole.length + 1));
        refuse(new byte[0]);
        Files.write(file, whole);
        assertThat(open().type()).isEqualTo(LowBitType.Q2_G32);
    }

    /**
     * Numbers that lie under a right checksum. But for the other type, whose records are as far
     * apart in this small model: then the records' checksums find it.
     */
    @Test
    void headersThatLieAreRefused() throws IOException {
        pack(LowBitType.Q2_G32);
        byte[] whole = Files.readAllBytes(file);
        LowBitHeader header = LowBitFile.readHeader(file, checkpoint.spec(), FINGERPRINT);
        int length = (int) LowBitHeader.bytes(header.shape());
        int[] interesting = {0, 1, -1, 2, 1000, 64, 1 << 20, Integer.MAX_VALUE, Integer.MIN_VALUE};
        for (int field = 8; field < 32; field += 4) {
            for (int value : interesting) {
                ByteBuffer lying = ByteBuffer.wrap(whole.clone()).order(ByteOrder.LITTLE_ENDIAN);
                boolean otherType = field == 12 && value == 2;
                if (lying.getInt(field) != value && !otherType) {
                    lying.putInt(field, value);
                    CRC32C crc = new CRC32C();
                    crc.update(lying.duplicate().position(0).limit(length - 4));
                    lying.putInt(length - 4, (int) crc.getValue());
                    refuse(lying.array());
                }
            }
        }
    }

    private void refuse(byte[] bytes) throws IOException {
        Files.write(file, bytes);
        assertThatThrownBy(this::open).isInstanceOf(CheckpointException.class);
    }

    private void write(ByteBuffer bytes, long at) throws IOException {
        try (FileChannel channel = FileChannel.open(file, StandardOpenOption.WRITE)) {
            channel.write(bytes, at);
        }
    }
}
