package io.greenroom.offload.store;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.greenroom.cache.ExpertId;
import io.greenroom.offload.kernel.TensorType;
import io.greenroom.offload.store.ModelSpec.Family;
import io.greenroom.offload.store.ModelSpec.RopeLayout;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Set;
import org.assertj.core.api.AbstractThrowableAssert;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;

/** What a GGUF file says, and in which words it is refused. */
class GgufCheckpointTest {

    private static final TinyModel QWEN3 = TinyModel.of(Family.QWEN3_MOE);

    @TempDir Path folder;

    @ParameterizedTest
    @EnumSource(Family.class)
    void everyFamilyIsOpened(Family family) throws Exception {
        TinyModel model = TinyModel.of(family);
        Path file = model.gguf().write(folder.resolve("model.gguf"));
        Checkpoint checkpoint = Checkpoints.open(file);
        ModelSpec spec = checkpoint.spec();
        assertThat(checkpoint.location()).isEqualTo(file);
        assertThat(spec.family()).isEqualTo(family);
        assertThat(spec.layers()).isEqualTo(2);
        assertThat(spec.hidden()).isEqualTo(64);
        assertThat(spec.vocabulary()).isEqualTo(48);
        assertThat(spec.heads()).isEqualTo(4);
        assertThat(spec.kvHeads()).isEqualTo(2);
        assertThat(spec.headDim()).isEqualTo(model.headDim());
        assertThat(spec.contextLength()).isEqualTo(64);
        assertThat(spec.rmsEpsilon()).isEqualTo(1e-5f);
        assertThat(spec.ropeTheta()).isEqualTo(50_000);
        assertThat(spec.ropeLayout())
                .isEqualTo(family == Family.MIXTRAL ? RopeLayout.ADJACENT : RopeLayout.HALVES);
        assertThat(spec.qkvClip()).isInfinite();
        assertThat(spec.experts()).isEqualTo(4);
        assertThat(spec.expertsPerToken()).isEqualTo(2);
        assertThat(spec.expertHidden()).isEqualTo(32);
        assertThat(spec.normalizeTopK())
                .isEqualTo(family == Family.QWEN3_MOE || family == Family.MIXTRAL);
        assertThat(spec.sharedExpertHidden()).isEqualTo(family == Family.QWEN2_MOE ? 32 : 0);
        assertThat(spec.moeLayers()).containsExactly(true, true);
        assertThat(spec.denseHidden()).isZero();
        for (String name : model.shapes().keySet()) {
            boolean dense = !name.contains("_exps");
            assertThat(checkpoint.tensor(name).isPresent()).as(name).isEqualTo(dense);
            if (dense) {
                assertBytes(checkpoint.tensor(name).orElseThrow(), model);
            }
        }
        assertThat(checkpoint.tensors())
                .hasSize(
                        (int)
                                model.shapes().keySet().stream()
                                        .filter(n -> !n.contains("_exps"))
                                        .count());
        for (int e = 0; e < 4; e++) {
            ExpertSpans spans = checkpoint.expert(new ExpertId(1, e));
            assertThat(read(spans.gate())).isEqualTo(model.expert(1, "gate", e, TensorType.F32));
            assertThat(read(spans.up())).isEqualTo(model.expert(1, "up", e, TensorType.F32));
            assertThat(read(spans.down())).isEqualTo(model.expert(1, "down", e, TensorType.F32));
        }
        assertThatThrownBy(() -> checkpoint.expert(new ExpertId(1, 4)))
                .hasMessageContaining("No expert L1/E4");
        assertThatThrownBy(() -> checkpoint.expert(new ExpertId(2, 0)))
                .isInstanceOf(IllegalArgumentException.class);
    }

    private static void assertBytes(TensorSpan span, TinyModel model) throws IOException {
        long[] shape = model.shapes().get(span.name());
        assertThat(read(span)).isEqualTo(model.data(span.name(), TensorType.F32, shape));
        assertThat((long) span.rows()).isEqualTo(shape.length == 1 ? 1 : shape[0]);
        assertThat((long) span.cols()).isEqualTo(shape[shape.length - 1]);
    }

    private static byte[] read(TensorSpan span) throws IOException {
        byte[] all = Files.readAllBytes(span.file());
        return Arrays.copyOfRange(
                all, (int) span.offset(), Math.toIntExact(span.offset() + span.bytes()));
    }

    @Test
    void theVocabularyIsHandedOn() throws Exception {
        QWEN3.gguf().write(folder.resolve("model.gguf"));
        TokenizerFiles tokenizer = Checkpoints.open(folder).tokenizer();
        assertThat(tokenizer.tokenizerJson()).isNull();
        assertThat(tokenizer.chatTemplate()).isEqualTo("{{ messages }}");
        assertThat(tokenizer.bosToken()).isEqualTo(1);
        assertThat(tokenizer.addBos()).isFalse();
        // the declared one, and the one known by its text
        assertThat(tokenizer.endTokens()).isEqualTo(Set.of(2, 47));
        TokenizerFiles.GgufVocabulary vocabulary = tokenizer.vocabulary();
        assertThat(vocabulary.model()).isEqualTo("gpt2");
        assertThat(vocabulary.pre()).isEqualTo("qwen2");
        assertThat(vocabulary.tokens()).hasSize(48).startsWith("t0", "t1");
        assertThat(vocabulary.tokenTypes()).hasSize(48).endsWith(1, 3);
        assertThat(vocabulary.scores()).isEmpty();
        assertThat(vocabulary.merges()).containsExactly("t 1", "t 2");
    }

    @Test
    void sentencePieceVocabulariesBeginPromptsWithBos() throws Exception {
        TinyModel model = TinyModel.of(Family.MIXTRAL);
        model.gguf()
                .meta("tokenizer.ggml.model", "llama")
                .meta("tokenizer.ggml.scores", new float[48])
                .without("tokenizer.ggml.merges")
                .without("tokenizer.ggml.bos_token_id")
                .write(folder.resolve("model.gguf"));
        TokenizerFiles tokenizer = Checkpoints.open(folder).tokenizer();
        assertThat(tokenizer.bosToken()).isEqualTo(1);
        assertThat(tokenizer.addBos()).isTrue();
        assertThat(tokenizer.vocabulary().scores()).hasSize(48);
    }

    @Test
    void textFilesInAnOpenedFolderGoBeforeTheMetadata() throws Exception {
        Path file = QWEN3.gguf().write(folder.resolve("model.gguf"));
        Files.writeString(folder.resolve("tokenizer.json"), "{}");
        Files.writeString(folder.resolve("chat_template.jinja"), "{{ other }}");
        assertThat(Checkpoints.open(folder).tokenizer().tokenizerJson()).isEqualTo("{}");
        assertThat(Checkpoints.open(folder).tokenizer().chatTemplate()).isEqualTo("{{ other }}");
        assertThat(Checkpoints.open(file).tokenizer().tokenizerJson()).isNull();
    }

    @Test
    void version2AndOtherAlignmentsAreRead() throws Exception {
        QWEN3.gguf().version(2).alignment(256).write(folder.resolve("model.gguf"));
        Checkpoint checkpoint = Checkpoints.open(folder);
        assertThat(checkpoint.tensor("token_embd.weight").orElseThrow().offset() % 256).isZero();
        assertBytes(checkpoint.tensor("output.weight").orElseThrow(), QWEN3);
    }

    @Test
    void tiedModelsHaveNoOutput() throws Exception {
        QWEN3.gguf().withoutTensor("output.weight").write(folder.resolve("model.gguf"));
        assertThat(Checkpoints.open(folder).tensor("output.weight")).isEmpty();
    }

    @Test
    void typesMayDifferBetweenLayersAndTheSlotHasRoomForTheLargest() throws Exception {
        TinyModel model = QWEN3.withExpertType(TensorType.Q4_K);
        String name = "blk.1.ffn_down_exps.weight";
        long[] shape = model.shapes().get(name);
        model.gguf()
                .withoutTensor(name)
                .tensor(name, TensorType.Q6_K, model.data(name, TensorType.Q6_K, shape), shape)
                .write(folder.resolve("model.gguf"));
        Checkpoint checkpoint = Checkpoints.open(folder);
        assertThat(checkpoint.expert(new ExpertId(0, 0)).down().type()).isEqualTo(TensorType.Q4_K);
        assertThat(checkpoint.expert(new ExpertId(1, 0)).down().type()).isEqualTo(TensorType.Q6_K);
        ExpertLayout layout = ExpertLayout.of(checkpoint);
        assertThat(layout.expertBytes(new ExpertId(1, 0)))
                .isGreaterThan(layout.expertBytes(new ExpertId(0, 0)))
                .isLessThanOrEqualTo(layout.slotBytes());
    }

    @Test
    void expertsMayBeStoredOneByOneOrGateAboveUp() throws Exception {
        GgufWriter writer = QWEN3.gguf();
        for (String matrix : List.of("gate", "up", "down")) {
            writer.withoutTensor("blk.0.ffn_" + matrix + "_exps.weight");
            for (int e = 0; e < 4; e++) {
                byte[] data = QWEN3.expert(0, matrix, e, TensorType.F32);
                long[] shape = matrix.equals("down") ? new long[] {64, 32} : new long[] {32, 64};
                writer.tensor(
                        "blk.0.ffn_" + matrix + "." + e + ".weight", TensorType.F32, data, shape);
            }
        }
        writer.withoutTensor("blk.1.ffn_gate_exps.weight");
        writer.withoutTensor("blk.1.ffn_up_exps.weight");
        ByteBuffer both = ByteBuffer.allocate(4 * 2 * 32 * 64 * 4);
        for (int e = 0; e < 4; e++) {
            both.put(QWEN3.expert(1, "gate", e, TensorType.F32));
            both.put(QWEN3.expert(1, "up", e, TensorType.F32));
        }
        writer.tensor("blk.1.ffn_gate_up_exps.weight", TensorType.F32, both.array(), 4, 64, 64);
        writer.write(folder.resolve("model.gguf"));
        Checkpoint checkpoint = Checkpoints.open(folder);
        for (int layer = 0; layer < 2; layer++) {
            for (int e = 0; e < 4; e++) {
                ExpertSpans spans = checkpoint.expert(new ExpertId(layer, e));
                assertThat(read(spans.gate()))
                        .isEqualTo(QWEN3.expert(layer, "gate", e, TensorType.F32));
                assertThat(read(spans.up()))
                        .isEqualTo(QWEN3.expert(layer, "up", e, TensorType.F32));
                assertThat(read(spans.down()))
                        .isEqualTo(QWEN3.expert(layer, "down", e, TensorType.F32));
            }
        }
    }

    @Test
    void olmoeHonoursAClampAndOldQwenFilesTheSharedFeedForwardLength() throws Exception {
        TinyModel.of(Family.OLMOE)
                .gguf()
                .meta("olmoe.attention.clamp_kqv", 8f)
                .write(folder.resolve("olmoe.gguf"));
        assertThat(Checkpoints.open(folder.resolve("olmoe.gguf")).spec().qkvClip()).isEqualTo(8f);
        TinyModel.of(Family.QWEN2_MOE)
                .gguf()
                .without("qwen2moe.expert_feed_forward_length")
                .without("qwen2moe.expert_shared_feed_forward_length")
                .meta("qwen2moe.feed_forward_length", 64)
                .write(folder.resolve("qwen2.gguf"));
        // llama.cpp: experts are 64 / 2 wide, the shared one 64
        refusal("qwen2.gguf")
                .hasMessageContaining(
                        "tensor blk.0.ffn_gate_shexp.weight has shape [32, 64];"
                                + " expected [64, 64]")
                .hasMessageNotContaining("_exps");
    }

    private AbstractThrowableAssert<?, ?> refusal(String name) {
        Path file = folder.resolve(name);
        return assertThatThrownBy(() -> Checkpoints.open(file))
                .isInstanceOf(CheckpointException.class)
                .hasMessageStartingWith(folder.toString());
    }

    private AbstractThrowableAssert<?, ?> refusal(GgufWriter writer) {
        writer.write(folder.resolve("bad.gguf"));
        return refusal("bad.gguf");
    }

    private AbstractThrowableAssert<?, ?> refusal(byte[] bytes) throws IOException {
        Files.write(folder.resolve("bad.gguf"), bytes);
        return refusal("bad.gguf");
    }

    @Test
    void otherFilesAreRefused() throws Exception {
        refusal(new byte[0]).hasMessageEndingWith("not a GGUF file: it does not begin with GGUF");
        refusal("PK zip file".getBytes(java.nio.charset.StandardCharsets.US_ASCII))
                .hasMessageContaining("not a GGUF file");
        refusal(QWEN3.gguf().version(1))
                .hasMessageEndingWith("GGUF version 1; supported are 2 and 3");
        refusal(QWEN3.gguf().version(4)).hasMessageContaining("GGUF version 4");
        refusal(QWEN3.gguf().version(3 << 24))
                .hasMessageContaining(
                        "a big-endian GGUF file; only little-endian files are supported");
    }

    @Test
    void absurdCountsAreRefusedBeforeAnythingIsAllocated() throws Exception {
        byte[] file = QWEN3.gguf().bytes();
        ByteBuffer header = ByteBuffer.wrap(file).order(ByteOrder.LITTLE_ENDIAN);
        long keys = header.getLong(16);
        header.putLong(16, Long.MAX_VALUE);
        refusal(file)
                .hasMessageContaining("declares 9223372036854775807 metadata keys at byte 24")
                .hasMessageContaining("in the file of " + file.length + " bytes");
        header.putLong(16, -1);
        refusal(file).hasMessageContaining("declares 18446744073709551615 metadata keys");
        header.putLong(16, keys);
        header.putLong(8, 1L << 40);
        refusal(file).hasMessageContaining("declares 1099511627776 tensors");
        header.putLong(8, 30);
        header.putLong(24, 1L << 33); // length of the first key
        refusal(file)
                .hasMessageContaining(
                        "name of metadata key 0 at byte 32 needs 8589934592 bytes, but")
                .hasMessageContaining("damaged or was not downloaded completely");
    }

    @Test
    void metadataThatCannotBeReadIsRefused() throws Exception {
        byte[] nested = new byte[12 + 12];
        nested[0] = 9; // array of arrays
        nested[4] = 1;
        refusal(QWEN3.gguf().meta("x.nested", new GgufWriter.Raw(9, nested)))
                .hasMessageContaining("metadata key x.nested is an array of arrays");
        refusal(QWEN3.gguf().meta("x.odd", new GgufWriter.Raw(13, new byte[8])))
                .hasMessageContaining("metadata key x.odd has value type 13; known are 0 to 12");
        byte[] array = new byte[12];
        array[0] = 10; // u64
        Arrays.fill(array, 4, 11, (byte) 0xFF);
        refusal(QWEN3.gguf().meta("x.long", new GgufWriter.Raw(9, array)))
                .hasMessageContaining("declares 72057594037927935 elements of metadata key x.long");
        GgufWriter twice = QWEN3.gguf().meta("x.abc", 1).meta("x.abd", 1);
        byte[] bytes = twice.bytes();
        String text = new String(bytes, java.nio.charset.StandardCharsets.ISO_8859_1);
        bytes[text.indexOf("x.abd") + 4] = 'c';
        refusal(bytes).hasMessageContaining("metadata key x.abc appears twice");
    }

    @Test
    void namesThatCouldForgeLogLinesAreRefused() {
        refusal(QWEN3.gguf().meta("a\nERROR all is lost", 1))
                .hasMessageContaining("metadata key 21 at byte ")
                .hasMessageEndingWith(
                        " has no proper name (1 to 256 characters, none of them control characters):"
                                + " \"a?ERROR all is lost\"");
        refusal(QWEN3.gguf().tensor("x".repeat(257), TensorType.F32, new byte[4], 1))
                .hasMessageContaining("tensor 27 has no proper name")
                .hasMessageEndingWith("x...\"");
        refusal(QWEN3.gguf().meta("general.architecture", "\r" + "y".repeat(1000)))
                .hasMessageContaining(
                        "general.architecture is ?" + "y".repeat(79) + "...; supported");
    }

    @ParameterizedTest
    @CsvSource({
        "24,expected a power of two",
        "0,expected an integer from 4",
        "2,expected an integer from 4"
    })
    void alignmentMustBeAPowerOfTwo(int alignment, String text) {
        refusal(QWEN3.gguf().meta("general.alignment", alignment))
                .hasMessageContaining("metadata key general.alignment is " + alignment)
                .hasMessageContaining(text);
    }

    @Test
    void badTensorsAreNamedAllAtOnce() {
        byte[] none = new byte[0];
        refusal(
                        QWEN3.gguf()
                                .tensor("a", 10, none, 0L, 256)
                                .tensor("b", 77, none, 0L, 256)
                                .tensor("c", TensorType.F32.ggmlCode(), none, 0L, 0, 4)
                                .tensor("d", TensorType.Q4_K.ggmlCode(), none, 0L, 2, 100)
                                .tensor("e", TensorType.F32.ggmlCode(), none, 7L, 4)
                                .tensor("f", 0, none, 0L, 2147483647L, 2147483647L, 2147483647L)
                                .tensor("a", TensorType.F32, new byte[16], 4))
                .hasMessageContaining("7 problems:")
                .hasMessageContaining(
                        "tensor a has type Q2_K; supported are F32, F16, Q4_0, Q8_0, Q4_K, Q5_K,"
                                + " Q6_K, BF16\n")
                .hasMessageContaining("tensor b has type number 77; supported are F32")
                .hasMessageContaining(
                        "tensor c has shape [0, 4]; every dimension must be from 1 to 2147483647")
                .hasMessageContaining(
                        "tensor d of type Q4_K has rows of 100 elements; expected a multiple of 256")
                .hasMessageContaining(
                        "tensor e has offset 7, which is not a multiple of the alignment 32")
                .hasMessageContaining(
                        "tensor f of type F32 and shape [2147483647, 2147483647, 2147483647] is larger"
                                + " than the file")
                .hasMessageContaining("tensor a appears twice");
        refusal(QWEN3.gguf().tensor("g", 0, none, 0L, 1, 1, 1, 1, 1))
                .hasMessageContaining("tensor g has 5 dimensions; expected 1 to 4");
        refusal(QWEN3.gguf().tensor("h", 0, none, 0L)).hasMessageContaining("h has 0 dimensions");
    }

    /** Whoever may write it there, GGUF knows no such type. */
    @Test
    void aTypeOfOurOwnIsRefused() {
        int code = TensorType.Q2_G32.ggmlCode();
        refusal(QWEN3.gguf().tensor("a", code, new byte[10], 0L, 32))
                .hasMessageContaining("tensor a has type number " + code + "; supported are F32");
    }

    @Test
    void tensorsOutsideTheFileOrInsideAnotherAreRefused() {
        byte[] none = new byte[0];
        refusal(QWEN3.gguf().tensor("far", 0, none, 1L << 40, 4))
                .hasMessageContaining(
                        "tensor far needs 16 bytes at offset 1099511627776 of the data")
                .hasMessageContaining("; the file ends at byte ");
        refusal(QWEN3.gguf().tensor("inside", 0, none, 32L, 4))
                .hasMessageContaining("tensor inside begins at byte ")
                .hasMessageContaining(", inside tensor token_embd.weight which ends at byte ");
    }

    @Test
    void aTruncatedFileIsRefused() throws Exception {
        byte[] file = QWEN3.gguf().bytes();
        refusal(Arrays.copyOf(file, file.length - 4096))
                .hasMessageContaining("; the file ends at byte ");
        refusal(Arrays.copyOf(file, 300))
                .hasMessageContaining("fit in the file of 300 bytes; the file is damaged");
        refusal(Arrays.copyOf(file, 1500))
                .hasMessageContaining("damaged or was not downloaded completely");
    }

    @Test
    void unsupportedArchitecturesAreNamed() {
        refusal(QWEN3.gguf().meta("general.architecture", "gemma3"))
                .hasMessageEndingWith(
                        "general.architecture is gemma3; supported are olmoe, qwen2moe, qwen3moe and"
                                + " llama with experts (Mixtral)");
        refusal(QWEN3.gguf().without("general.architecture"))
                .hasMessageContaining("general.architecture is missing; supported are");
        refusal(QWEN3.gguf().meta("general.architecture", 5))
                .hasMessageContaining("metadata key general.architecture is 5; expected a string");
        GgufWriter llama = TinyModel.of(Family.MIXTRAL).gguf();
        refusal(llama.meta("llama.expert_count", 0))
                .hasMessageEndingWith(
                        "not a Mixture-of-Experts model: general.architecture is llama and"
                                + " llama.expert_count is 0");
        refusal(llama.without("llama.expert_count"))
                .hasMessageEndingWith("llama.expert_count is missing");
    }

    @Test
    void allBadHyperparametersAreReportedAtOnce() {
        refusal(
                        QWEN3.gguf()
                                .without("qwen3moe.block_count")
                                .meta("qwen3moe.embedding_length", "wide")
                                .meta("qwen3moe.attention.head_count", 0)
                                .meta("qwen3moe.attention.layer_norm_rms_epsilon", Float.NaN)
                                .meta("qwen3moe.rope.freq_base", -1f)
                                .meta("qwen3moe.expert_count", -5)
                                .meta("qwen3moe.context_length", true))
                .hasMessageContaining(
                        "metadata key qwen3moe.block_count is missing; expected an integer from 1 to 1024")
                .hasMessageContaining(
                        "metadata key qwen3moe.embedding_length is \"wide\"; expected an integer from 1")
                .hasMessageContaining(
                        "qwen3moe.attention.head_count is 0; expected an integer from 1")
                .hasMessageContaining(
                        "qwen3moe.attention.layer_norm_rms_epsilon is NaN; expected a number above 0")
                .hasMessageContaining("qwen3moe.rope.freq_base is -1.0; expected a number above 0")
                .hasMessageContaining("qwen3moe.expert_count is 4294967291; expected an integer")
                .hasMessageContaining("qwen3moe.context_length is true; expected an integer");
    }

    @Test
    void whatWouldBeComputedDifferentlyIsRefused() {
        refusal(
                        QWEN3.gguf()
                                .meta("qwen3moe.rope.scaling.type", "yarn")
                                .meta("qwen3moe.rope.scaling.factor", 4f))
                .hasMessageContaining(
                        "rope scaling yarn with factor 4.0 (metadata key"
                                + " qwen3moe.rope.scaling.type) is not supported; supported is none");
        refusal(QWEN3.gguf().meta("qwen3moe.rope.scale_linear", 2f))
                .hasMessageContaining("rope scaling linear with factor 2.0");
        refusal(QWEN3.gguf().meta("qwen3moe.attention.sliding_window", 32))
                .hasMessageContaining("sliding_window is 32, less than the context of 64");
        refusal(QWEN3.gguf().meta("qwen3moe.attention.value_length", 16))
                .hasMessageContaining("attention.value_length is 16; supported is only 32");
        refusal(QWEN3.gguf().meta("qwen3moe.rope.dimension_count", 8))
                .hasMessageContaining("rope.dimension_count is 8; supported is only 32");
        refusal(QWEN3.gguf().meta("qwen3moe.expert_gating_func", 2))
                .hasMessageContaining("expert_gating_func is 2; supported is 1 (softmax)");
        refusal(QWEN3.gguf().meta("qwen3moe.expert_weights_scale", 2.5f))
                .hasMessageContaining("expert_weights_scale is 2.5; supported is only 1");
        refusal(QWEN3.gguf().meta("qwen3moe.expert_shared_feed_forward_length", 64))
                .hasMessageContaining("a shared expert is not supported for this architecture");
        refusal(QWEN3.gguf().meta("qwen3moe.attention.head_count_kv", 3))
                .hasMessageContaining("4 attention heads cannot share 3 key and value heads");
        refusal(QWEN3.gguf().meta("qwen3moe.attention.key_length", 31))
                .hasMessageContaining("a head is 31 wide; expected an even number");
        refusal(QWEN3.gguf().meta("qwen3moe.expert_used_count", 5))
                .hasMessageContaining("each token is routed to 5 experts, but there are 4");
    }

    @Test
    void harmlessVariantsOfTheSameAreAccepted() throws Exception {
        QWEN3.gguf()
                .meta("qwen3moe.rope.scaling.type", "none")
                .meta("qwen3moe.attention.sliding_window", 64)
                .meta("qwen3moe.attention.value_length", 32)
                .meta("qwen3moe.expert_gating_func", 1)
                .meta("qwen3moe.expert_weights_scale", 1f)
                .meta("qwen3moe.expert_weights_norm", false)
                .write(folder.resolve("model.gguf"));
        assertThat(Checkpoints.open(folder).spec().normalizeTopK()).isFalse();
    }

    @Test
    void missingMisshapenAndUnknownTensorsAreListedTogether() {
        refusal(
                        QWEN3.gguf()
                                .withoutTensor("blk.1.attn_k.weight")
                                .withoutTensor("blk.0.ffn_up_exps.weight")
                                .withoutTensor("output_norm.weight")
                                .tensor("output_norm.weight", TensorType.F32, new byte[4 * 32], 32)
                                .tensor("rope_freqs.weight", TensorType.F32, new byte[64], 16)
                                .withoutTensor("blk.0.attn_norm.weight")
                                .tensor(
                                        "blk.0.attn_norm.weight",
                                        TensorType.Q8_0,
                                        new byte[68],
                                        64))
                .hasMessageContaining("5 problems:")
                .hasMessageContaining("tensor blk.1.attn_k.weight is missing; expected [64, 64]")
                .hasMessageContaining(
                        "tensor blk.0.ffn_up_exps.weight is missing; expected [4, 32, 64]")
                .hasMessageContaining("tensor output_norm.weight has shape [32]; expected [64]")
                .hasMessageContaining(
                        "tensor blk.0.attn_norm.weight has type Q8_0; expected F32, F16 or BF16")
                .hasMessageContaining(
                        "1 tensor a QWEN3_MOE model does not have, so it would not be computed exactly:"
                                + " rope_freqs.weight");
        refusal(QWEN3.gguf().withoutTensor("token_embd.weight"))
                .hasMessageContaining("tensor token_embd.weight is missing");
        refusal(TinyModel.of(Family.QWEN2_MOE).gguf().withoutTensor("blk.0.attn_k.bias"))
                .hasMessageContaining("tensor blk.0.attn_k.bias is missing; expected [32]");
    }

    @Test
    void manyProblemsAreCounted() {
        GgufWriter writer = QWEN3.gguf();
        QWEN3.shapes().keySet().forEach(writer::withoutTensor);
        writer.tensor("token_embd.weight", TensorType.F32, new byte[48 * 64 * 4], 48, 64);
        // the norm, and eleven per layer; the output is tied
        refusal(writer).hasMessageContaining("25 problems:").hasMessageContaining("- and 5 more");
    }

    @Test
    void badVocabulariesAreRefused() {
        refusal(QWEN3.gguf().meta("tokenizer.ggml.token_type", new int[3]))
                .hasMessageContaining(
                        "tokenizer.ggml.token_type has 3 entries; expected 48, as many as");
        refusal(QWEN3.gguf().meta("tokenizer.ggml.eos_token_id", 48))
                .hasMessageContaining(
                        "tokenizer.ggml.eos_token_id is 48; expected an integer from 0 to 47");
        refusal(QWEN3.gguf().meta("tokenizer.ggml.tokens", new int[48]))
                .hasMessageContaining(
                        "tokenizer.ggml.tokens is an array of 48 integers; expected an array of strings");
        refusal(
                        QWEN3.gguf()
                                .meta("tokenizer.ggml.tokens", new String[49])
                                .meta("tokenizer.ggml.tokens", filled(49))
                                .without("tokenizer.ggml.token_type"))
                .hasMessageContaining("has 49 entries, more than the 48 rows of token_embd.weight");
    }

    private static String[] filled(int count) {
        String[] texts = new String[count];
        Arrays.fill(texts, "x");
        return texts;
    }

    /** Three shards: metadata with half of layer 0, the rest of it, layer 1. */
    private void writeSplit(int declaredTensors) {
        GgufWriter[] shards = {QWEN3.gguf(), new GgufWriter(), new GgufWriter()};
        QWEN3.shapes()
                .forEach(
                        (name, shape) -> {
                            int shard = name.contains("blk.1") ? 2 : name.contains("_exps") ? 1 : 0;
                            if (shard > 0) {
                                shards[0].withoutTensor(name);
                                byte[] data = QWEN3.data(name, TensorType.F32, shape);
                                shards[shard].tensor(name, TensorType.F32, data, shape);
                            }
                        });
        for (int i = 0; i < 3; i++) {
            shards[i]
                    .meta("split.no", (short) i)
                    .meta("split.count", (short) 3)
                    .meta("split.tensors.count", declaredTensors)
                    .write(shard(i + 1));
        }
    }

    private Path shard(int number) {
        return folder.resolve("m-0000" + number + "-of-00003.gguf");
    }

    private int tensorCount() {
        return QWEN3.shapes().size();
    }

    @Test
    void splitModelsAreOpenedByFolderOrFirstFile() throws Exception {
        writeSplit(tensorCount());
        for (Path location : List.of(folder, shard(1))) {
            Checkpoint checkpoint = Checkpoints.open(location);
            assertThat(checkpoint.location()).isEqualTo(location);
            assertThat(checkpoint.expert(new ExpertId(0, 1)).gate().file()).isEqualTo(shard(2));
            assertThat(checkpoint.expert(new ExpertId(1, 1)).gate().file()).isEqualTo(shard(3));
            assertThat(read(checkpoint.expert(new ExpertId(1, 1)).gate()))
                    .isEqualTo(QWEN3.expert(1, "gate", 1, TensorType.F32));
        }
    }

    @Test
    void incompleteSplitsAreRefused() throws Exception {
        writeSplit(tensorCount());
        refusal("m-00002-of-00003.gguf")
                .hasMessageContaining("is not the first file of a split model; open ")
                .hasMessageContaining("m-00001-of-00003.gguf");
        Files.move(shard(3), folder.resolve("elsewhere"));
        refusal(shard(1).getFileName().toString())
                .hasMessageContaining("the model's file m-00003-of-00003.gguf is missing");
        Files.copy(shard(2), shard(3));
        refusal(shard(1).getFileName().toString())
                .hasMessageContaining("split.no is 1; expected 2, from the file's name");
        QWEN3.gguf().write(shard(3).resolveSibling("plain"));
        Files.move(
                folder.resolve("plain"),
                shard(3),
                java.nio.file.StandardCopyOption.REPLACE_EXISTING);
        refusal(shard(1).getFileName().toString()).hasMessageContaining("split.no is missing");
        Files.move(shard(1), folder.resolve("renamed.gguf"));
        refusal("renamed.gguf")
                .hasMessageContaining(
                        "is part of a model split into 3 files; expected a name like"
                                + " model-00001-of-00003.gguf");
    }

    @Test
    void splitsMustAddUp() throws Exception {
        writeSplit(tensorCount() + 1);
        refusal(shard(1).getFileName().toString())
                .hasMessageContaining("split.tensors.count is " + (tensorCount() + 1))
                .hasMessageContaining("but the 3 files hold " + tensorCount() + " tensors");
        writeSplit(tensorCount());
        new GgufWriter()
                .tensor("token_embd.weight", TensorType.F32, new byte[16], 4)
                .meta("split.no", (short) 1)
                .meta("split.count", (short) 4)
                .write(shard(2));
        refusal(shard(1).getFileName().toString())
                .hasMessageContaining("m-00002-of-00003.gguf says split.count is 4; expected 3");
    }
}
