package io.greenroom.offload.store;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import io.greenroom.cache.ExpertId;
import io.greenroom.offload.kernel.TensorType;
import io.greenroom.offload.store.ModelSpec.Family;
import io.greenroom.offload.store.ModelSpec.RopeLayout;
import io.greenroom.offload.store.TinyModel.ExpertNames;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Set;
import java.util.function.Consumer;
import org.assertj.core.api.AbstractThrowableAssert;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

/** What a Transformers folder says, and in which words it is refused. */
class HuggingFaceCheckpointTest {

    private static final TinyModel QWEN3 = TinyModel.of(Family.QWEN3_MOE);

    @TempDir Path folder;

    @ParameterizedTest
    @EnumSource(Family.class)
    void everyFamilyIsOpened(Family family) throws Exception {
        TinyModel model = TinyModel.of(family);
        for (ExpertNames names : ExpertNames.values()) {
            model.huggingFace(folder, "F32", names);
            Checkpoint checkpoint = Checkpoints.open(folder);
            ModelSpec spec = checkpoint.spec();
            assertThat(spec.family()).isEqualTo(family);
            assertThat(spec.headDim()).isEqualTo(model.headDim());
            assertThat(spec.vocabulary()).isEqualTo(48);
            assertThat(spec.contextLength()).isEqualTo(64);
            assertThat(spec.rmsEpsilon()).isEqualTo(1e-5f);
            assertThat(spec.ropeTheta()).isEqualTo(50_000);
            assertThat(spec.ropeLayout()).isEqualTo(RopeLayout.HALVES);
            assertThat(spec.experts()).isEqualTo(4);
            assertThat(spec.expertHidden()).isEqualTo(32);
            assertThat(spec.normalizeTopK())
                    .isEqualTo(family == Family.QWEN3_MOE || family == Family.MIXTRAL);
            assertThat(spec.sharedExpertHidden()).isEqualTo(family == Family.QWEN2_MOE ? 32 : 0);
            for (String name : model.shapes().keySet()) {
                if (!name.contains("_exps")) {
                    long[] shape = model.shapes().get(name);
                    TensorSpan span = checkpoint.tensor(name).orElseThrow();
                    assertThat(read(span)).isEqualTo(model.data(name, TensorType.F32, shape));
                    assertThat((long) span.rows()).isEqualTo(shape.length == 1 ? 1 : shape[0]);
                }
            }
            ExpertSpans spans = checkpoint.expert(new ExpertId(1, 3));
            assertThat(read(spans.gate())).isEqualTo(model.expert(1, "gate", 3, TensorType.F32));
            assertThat(read(spans.up())).isEqualTo(model.expert(1, "up", 3, TensorType.F32));
            assertThat(read(spans.down())).isEqualTo(model.expert(1, "down", 3, TensorType.F32));
        }
    }

    private static byte[] read(TensorSpan span) throws IOException {
        byte[] all = Files.readAllBytes(span.file());
        return Arrays.copyOfRange(
                all, (int) span.offset(), Math.toIntExact(span.offset() + span.bytes()));
    }

    private ModelSpec spec(TinyModel model, Consumer<JsonObject> change) throws IOException {
        model.huggingFace(folder, "BF16", ExpertNames.SINGLE);
        edit("config.json", change);
        return Checkpoints.open(folder).spec();
    }

    private void edit(String file, Consumer<JsonObject> change) throws IOException {
        String text = Files.readString(folder.resolve(file));
        JsonObject object = JsonParser.parseString(text).getAsJsonObject();
        change.accept(object);
        Files.writeString(folder.resolve(file), object.toString());
    }

    private static JsonElement json(String text) {
        return JsonParser.parseString(text);
    }

    @Test
    void ropeThetaIsFoundWhereverTransformersPutsIt() throws Exception {
        ModelSpec newer =
                spec(
                        QWEN3,
                        config -> {
                            config.remove("rope_theta");
                            config.add(
                                    "rope_parameters",
                                    json("{\"rope_type\":\"default\",\"rope_theta\":1000000.0}"));
                        });
        assertThat(newer.ropeTheta()).isEqualTo(1_000_000);
        ModelSpec absent = spec(QWEN3, config -> config.remove("rope_theta"));
        assertThat(absent.ropeTheta()).isEqualTo(10_000);
        TinyModel mixtral = TinyModel.of(Family.MIXTRAL);
        assertThat(spec(mixtral, config -> config.remove("rope_theta")).ropeTheta())
                .isEqualTo(1_000_000);
    }

    @Test
    void olmoeMayClipAndOthersDoNot() throws Exception {
        TinyModel olmoe = TinyModel.of(Family.OLMOE);
        assertThat(spec(olmoe, config -> config.addProperty("clip_qkv", 8)).qkvClip())
                .isEqualTo(8f);
        assertThat(spec(olmoe, config -> {}).qkvClip()).isInfinite();
    }

    @Test
    void transformersRenamedTheNumberOfExperts() throws Exception {
        ModelSpec spec =
                spec(
                        QWEN3,
                        config -> config.add("num_local_experts", config.remove("num_experts")));
        assertThat(spec.experts()).isEqualTo(4);
    }

    @Test
    void layersMayBeDense() throws Exception {
        SafetensorsWriter weights = QWEN3.safetensors("F32", ExpertNames.SINGLE);
        for (String name : new String[] {"gate", "up", "down"}) {
            long[] shape = name.equals("down") ? new long[] {64, 96} : new long[] {96, 64};
            String full = "model.layers.0.mlp." + name + "_proj.weight";
            weights.tensor(full, "F32", new byte[64 * 96 * 4], shape);
        }
        QWEN3.huggingFace(folder, "F32", ExpertNames.SINGLE);
        weights.write(folder.resolve("model.safetensors"));
        edit("config.json", config -> config.add("mlp_only_layers", json("[0]")));
        // the experts of layer 0 are left over now
        refusal().hasMessageContaining("13 tensors a QWEN3_MOE model does not have");
        edit("config.json", config -> config.addProperty("num_hidden_layers", 3));
        refusal().hasMessageContaining("tensor blk.2.attn_q.weight is missing; expected [128, 64]");
    }

    @Test
    void theStepDecidesWhichLayersHaveExperts() throws Exception {
        QWEN3.huggingFace(folder, "F32", ExpertNames.SINGLE);
        edit("config.json", config -> config.addProperty("decoder_sparse_step", 2));
        HuggingFaceModel.Description description =
                HuggingFaceModel.read(folder.resolve("config.json"));
        assertThat(description.spec().moeLayers()).containsExactly(false, true);
        assertThat(description.spec().denseHidden()).isEqualTo(96);
        edit("config.json", config -> config.addProperty("decoder_sparse_step", 3));
        refusal()
                .hasMessageContaining(
                        "\"mlp_only_layers\" and \"decoder_sparse_step\" leave no layer with experts");
    }

    @Test
    void tiedModelsIgnoreACopyOfTheEmbedding() throws Exception {
        QWEN3.huggingFace(folder, "F16", ExpertNames.SINGLE);
        edit("config.json", config -> config.addProperty("tie_word_embeddings", true));
        assertThat(Checkpoints.open(folder).tensor("output.weight")).isEmpty();
    }

    @Test
    void textFilesAreGathered() throws Exception {
        QWEN3.huggingFace(folder, "F16", ExpertNames.SINGLE);
        TokenizerFiles bare = Checkpoints.open(folder).tokenizer();
        assertThat(bare.tokenizerJson()).isNull();
        assertThat(bare.chatTemplate()).isNull();
        assertThat(bare.vocabulary()).isNull();
        assertThat(bare.bosToken()).isEqualTo(1);
        assertThat(bare.addBos()).isFalse();
        assertThat(bare.endTokens()).isEqualTo(Set.of(2));

        write("tokenizer.json", "{\"model\":{}}");
        write("generation_config.json", "{\"eos_token_id\":[3,4],\"bos_token_id\":5}");
        write("tokenizer_config.json", "{\"add_bos_token\":true,\"chat_template\":\"one\"}");
        TokenizerFiles all = Checkpoints.open(folder).tokenizer();
        assertThat(all.tokenizerJson()).isEqualTo("{\"model\":{}}");
        assertThat(all.chatTemplate()).isEqualTo("one");
        assertThat(all.bosToken()).isEqualTo(5);
        assertThat(all.addBos()).isTrue();
        assertThat(all.endTokens()).isEqualTo(Set.of(3, 4));

        write(
                "tokenizer_config.json",
                "{\"tokenizer_class\":\"LlamaTokenizer\",\"chat_template\":["
                        + "{\"name\":\"tool_use\",\"template\":\"two\"},"
                        + "{\"name\":\"default\",\"template\":\"three\"}]}");
        assertThat(Checkpoints.open(folder).tokenizer().chatTemplate()).isEqualTo("three");
        assertThat(Checkpoints.open(folder).tokenizer().addBos()).isTrue();
        write("chat_template.jinja", "four");
        assertThat(Checkpoints.open(folder).tokenizer().chatTemplate()).isEqualTo("four");
    }

    @Test
    void theBeginTokenMayBeNamedByItsText() throws Exception {
        QWEN3.huggingFace(folder, "F16", ExpertNames.SINGLE);
        edit("config.json", config -> config.remove("bos_token_id"));
        write(
                "tokenizer.json",
                "{\"version\":\"1.0\",\"added_tokens\":[{\"id\":6,\"content\":\"<a>\"},"
                        + "{\"id\":7,\"content\":\"<s>\"},{\"id\":700,\"content\":\"<big>\"}]}");
        assertThat(Checkpoints.open(folder).tokenizer().bosToken()).isEqualTo(-1);
        write("tokenizer_config.json", "{\"bos_token\":\"<s>\"}");
        assertThat(Checkpoints.open(folder).tokenizer().bosToken()).isEqualTo(7);
        write("tokenizer_config.json", "{\"bos_token\":{\"content\":\"<a>\"}}");
        assertThat(Checkpoints.open(folder).tokenizer().bosToken()).isEqualTo(6);
        for (String unusable : new String[] {"\"<none>\"", "\"<big>\"", "7", "null", "{}"}) {
            write("tokenizer_config.json", "{\"bos_token\":" + unusable + "}");
            assertThat(Checkpoints.open(folder).tokenizer().bosToken()).isEqualTo(-1);
        }
        write("tokenizer.json", "{\"added_tokens\":[{\"id\":");
        write("tokenizer_config.json", "{\"bos_token\":\"<s>\"}");
        assertThat(Checkpoints.open(folder).tokenizer().bosToken()).isEqualTo(-1);
    }

    @Test
    void badTextFilesAreRefused() throws Exception {
        QWEN3.huggingFace(folder, "F16", ExpertNames.SINGLE);
        write("generation_config.json", "{\"eos_token_id\":\"</s>\"}");
        refusal()
                .hasMessageContaining(
                        "generation_config.json: \"eos_token_id\" is \"</s>\"; expected integers from 0"
                                + " to 47");
        write("generation_config.json", "{}");
        write("tokenizer_config.json", "{\"chat_template\":{\"a\":1}}");
        refusal()
                .hasMessageContaining(
                        "tokenizer_config.json: \"chat_template\" is {\"a\":1}; expected a string, or a"
                                + " list of");
        Files.write(folder.resolve("tokenizer.json"), new byte[] {(byte) 0xC3, 0x28});
        refusal().hasMessageContaining("tokenizer.json: cannot be read as UTF-8");
    }

    private void write(String file, String text) throws IOException {
        Files.writeString(folder.resolve(file), text);
    }

    private AbstractThrowableAssert<?, ?> refusal() {
        return assertThatThrownBy(() -> Checkpoints.open(folder))
                .isInstanceOf(CheckpointException.class)
                .hasMessageStartingWith(folder.toString());
    }

    private AbstractThrowableAssert<?, ?> refused(Consumer<JsonObject> change) throws IOException {
        QWEN3.huggingFace(folder, "BF16", ExpertNames.SINGLE);
        edit("config.json", change);
        return refusal();
    }

    @Test
    void allBadValuesOfTheConfigurationAreReportedAtOnce() throws Exception {
        refused(
                        config -> {
                            config.addProperty("num_hidden_layers", 0);
                            config.addProperty("hidden_size", "64");
                            config.addProperty("num_attention_heads", 4.5);
                            config.remove("vocab_size");
                            config.addProperty("rms_norm_eps", -1);
                            config.addProperty("norm_topk_prob", "yes");
                            config.add("num_experts", json("[4]"));
                            config.add("mlp_only_layers", json("[\"a\"]"));
                            config.add("rope_theta", json("1e999"));
                        })
                .hasMessageContaining("config.json: 9 problems:")
                .hasMessageContaining(
                        "\"num_hidden_layers\" is 0; expected an integer from 1 to 1024")
                .hasMessageContaining(
                        "\"hidden_size\" is \"64\"; expected an integer from 1 to 1048576")
                .hasMessageContaining("\"num_attention_heads\" is 4.5; expected an integer from 1")
                .hasMessageContaining("\"vocab_size\" is missing; expected an integer from 1")
                .hasMessageContaining(
                        "\"rms_norm_eps\" is -1; expected a number above 0.0, at most 1.0")
                .hasMessageContaining("\"norm_topk_prob\" is \"yes\"; expected true or false")
                .hasMessageContaining("\"num_experts\" is [4]; expected an integer from 1")
                .hasMessageContaining("\"mlp_only_layers\" is [\"a\"]; expected integers from 0")
                .hasMessageContaining("\"rope_theta\" is 1e999; expected a number above 0.0");
    }

    @Test
    void whatWouldBeComputedDifferentlyIsRefused() throws Exception {
        refused(config -> config.addProperty("model_type", "llama"))
                .hasMessageContaining(
                        "\"model_type\" is llama; supported are olmoe, qwen2_moe, qwen3_moe and mixtral");
        refused(config -> config.remove("model_type"))
                .hasMessageContaining("\"model_type\" is missing");
        refused(config -> config.addProperty("hidden_act", "gelu"))
                .hasMessageContaining("\"hidden_act\" is \"gelu\"; supported is only \"silu\"");
        refused(config -> config.addProperty("attention_bias", true))
                .hasMessageContaining("\"attention_bias\" is true; supported is false");
        refused(config -> config.add("quantization_config", json("{\"quant_method\":\"awq\"}")))
                .hasMessageContaining(
                        "\"quantization_config\" is {\"quant_method\":\"awq\"}; expected none");
        refused(
                        config -> {
                            config.addProperty("use_sliding_window", true);
                            config.addProperty("sliding_window", 32);
                        })
                .hasMessageContaining(
                        "\"sliding_window\" is 32, less than \"max_position_embeddings\" 64");
        refused(config -> config.add("rope_scaling", json("{\"type\":\"yarn\",\"factor\":4.0}")))
                .hasMessageContaining(
                        "\"rope_scaling.rope_type\" is \"yarn\"; supported is only \"default\"");
        refused(config -> config.addProperty("partial_rotary_factor", 0.5))
                .hasMessageContaining("\"partial_rotary_factor\" is 0.5; supported is only 1");
        refused(
                        config ->
                                config.add(
                                        "layer_types",
                                        json("[\"full_attention\",\"sliding_attention\"]")))
                .hasMessageContaining("expected \"full_attention\" everywhere");
        refused(config -> config.addProperty("num_experts_per_tok", 5))
                .hasMessageContaining("each token is routed to 5 experts, but there are 4");
        refused(config -> config.remove("moe_intermediate_size"))
                .hasMessageContaining("\"moe_intermediate_size\" is missing");
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "",
                "{",
                "[]",
                "{\"a\":1,}",
                "{a:1}",
                "{\"a\":NaN}",
                "{} {}",
                "{'a':1}",
                "{\"a\":1;\"b\":2}",
                "// comment\n{}"
            })
    void onlyStandardJsonIsRead(String text) throws Exception {
        QWEN3.huggingFace(folder, "BF16", ExpertNames.SINGLE);
        write("config.json", text);
        refusal().hasMessageContaining("config.json: not ");
    }

    @Test
    void duplicateNamesAndDeepNestingAreRefused() throws Exception {
        QWEN3.huggingFace(folder, "BF16", ExpertNames.SINGLE);
        write("config.json", "{\"a\":{\"b\":1,\"b\":2}}");
        refusal().hasMessageContaining("config.json: \"b\" appears twice at $.a.b");
        write("config.json", "{\"a\":" + "[".repeat(100_000));
        refusal()
                .hasMessageContaining(
                        "config.json: not well-formed JSON: Nesting limit 32 reached");
    }

    private AbstractThrowableAssert<?, ?> refusedWeights(byte[] file) throws IOException {
        QWEN3.huggingFace(folder, "F32", ExpertNames.SINGLE);
        Files.write(folder.resolve("model.safetensors"), file);
        return refusal().hasMessageStartingWith(folder.resolve("model.safetensors").toString());
    }

    private AbstractThrowableAssert<?, ?> refusedHeader(String header) throws IOException {
        String aligned = header + " ".repeat((8 - header.length() % 8) % 8);
        return refusedWeights(SafetensorsWriter.file(aligned, new byte[64]));
    }

    @Test
    void headersMustFitTheFile() throws Exception {
        byte[] file = QWEN3.safetensors("F32", ExpertNames.SINGLE).bytes();
        ByteBuffer.wrap(file).order(ByteOrder.LITTLE_ENDIAN).putLong(0, Long.MAX_VALUE);
        refusedWeights(file)
                .hasMessageContaining(
                        "declares a header of 9223372036854775807 bytes; expected 2 to "
                                + (file.length - 8));
        refusedWeights(new byte[5]).hasMessageContaining("header length at byte 0 needs 8 bytes");
        refusedWeights(new byte[100]).hasMessageContaining("declares a header of 0 bytes");
        refusedHeader("{\"a\"").hasMessageContaining("header, at a: not well-formed JSON");
        refusedHeader("{}{}").hasMessageContaining("not well-formed JSON");
        refusedHeader("[1]").hasMessageContaining("header: not the expected JSON");
        refusedHeader("{\"a\":{\"dtype\":5.5,\"shape\":{}}}")
                .hasMessageContaining("header, at a: not the expected JSON");
    }

    @Test
    void badTensorsOfAHeaderAreNamedAllAtOnce() throws Exception {
        refusedHeader(
                        "{\"a\":{\"dtype\":\"F8_E4M3\",\"shape\":[4],\"data_offsets\":[0,4]},"
                                + "\"b\":{\"dtype\":\"F32\",\"shape\":[4],\"data_offsets\":[0,12]},"
                                + "\"c\":{\"dtype\":\"F32\",\"shape\":[0],\"data_offsets\":[0,0]},"
                                + "\"d\":{\"dtype\":\"F32\",\"shape\":[8],\"data_offsets\":[40,72]},"
                                + "\"e\":{\"dtype\":\"F32\",\"shape\":[8],\"data_offsets\":[-4,28]},"
                                + "\"f\":{\"dtype\":\"F32\",\"data_offsets\":[0,4]},"
                                + "\"g\":{\"dtype\":\"F32\",\"shape\":[2147483647,2147483647,2147483647],"
                                + "\"data_offsets\":[0,4]},"
                                + "\"h\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[1,5]}}   ")
                .hasMessageContaining("8 problems:")
                .hasMessageContaining("tensor a has dtype F8_E4M3; supported are BF16, F16 and F32")
                .hasMessageContaining(
                        "tensor b of dtype F32 and shape [4] has 12 bytes; expected 16")
                .hasMessageContaining("tensor c has shape [0]; every dimension must be from 1")
                .hasMessageContaining(
                        "tensor d has data_offsets [40, 72]; expected a range within the 64 bytes")
                .hasMessageContaining("tensor e has data_offsets [-4, 28]")
                .hasMessageContaining("tensor f lacks one of dtype, shape and data_offsets")
                .hasMessageContaining("has 4 bytes; expected more than a file can have")
                .hasMessageContaining("tensor h begins at byte ")
                .hasMessageContaining("not a multiple of its element size 4");
        refusedHeader(
                        "{\"a\":{\"dtype\":\"F32\",\"shape\":[4],\"data_offsets\":[0,16]},"
                                + "\"b\":{\"dtype\":\"F32\",\"shape\":[4],\"data_offsets\":[8,24]}} ")
                .hasMessageContaining(", inside tensor a which ends at byte ");
        refusedHeader("{\"a\\nb\":{}}")
                .hasMessageContaining(
                        "characters or a control character: \"a?b\"; expected 1 to 512");
        refusedHeader("{\"a\":{},\"a\":{}}").hasMessageContaining("tensor a appears twice");
    }

    @Test
    void missingAndUnknownTensorsAreListed() throws Exception {
        QWEN3.huggingFace(folder, "F32", ExpertNames.SINGLE);
        QWEN3.safetensors("F32", ExpertNames.SINGLE)
                .tensor("model.layers.0.self_attn.q_proj.weight", "F32", new byte[64], 4, 4)
                .tensor("model.layers.0.self_attn.o_proj.bias", "F32", new byte[256], 64)
                .tensor("model.layers.0.self_attn.rotary_emb.inv_freq", "F32", new byte[64], 16)
                .write(folder.resolve("model.safetensors"));
        refusal()
                .hasMessageContaining("2 problems:")
                .hasMessageContaining(
                        "tensor model.layers.0.self_attn.q_proj.weight has shape [4, 4]; expected [128,"
                                + " 64]")
                .hasMessageContaining("model.layers.0.self_attn.o_proj.bias");
        TinyModel qwen2 = TinyModel.of(Family.QWEN2_MOE);
        qwen2.huggingFace(folder, "F32", ExpertNames.SINGLE);
        edit("config.json", config -> config.addProperty("model_type", "qwen3_moe"));
        refusal().hasMessageContaining("tensor blk.0.attn_q_norm.weight is missing");
    }

    private void shard() throws IOException {
        QWEN3.huggingFace(folder, "F32", ExpertNames.SINGLE);
        Path single = folder.resolve("model.safetensors");
        SafetensorsHeader header = SafetensorsHeader.read(single);
        byte[] all = Files.readAllBytes(single);
        SafetensorsWriter[] shards = {new SafetensorsWriter(), new SafetensorsWriter()};
        JsonObject map = new JsonObject();
        int i = 0;
        for (StoredTensor tensor : header.tensors()) {
            int shard = i++ % 2;
            byte[] data =
                    Arrays.copyOfRange(
                            all, (int) tensor.offset(), (int) (tensor.offset() + tensor.bytes()));
            shards[shard].tensor(tensor.name(), "F32", data, tensor.shape());
            map.addProperty(tensor.name(), "model-0000" + (shard + 1) + "-of-00002.safetensors");
        }
        shards[0].write(folder.resolve("model-00001-of-00002.safetensors"));
        shards[1].write(folder.resolve("model-00002-of-00002.safetensors"));
        JsonObject index = new JsonObject();
        index.add("metadata", new JsonObject());
        index.add("weight_map", map);
        write("model.safetensors.index.json", index.toString());
        Files.delete(single);
    }

    @Test
    void shardedFoldersAreOpened() throws Exception {
        shard();
        Checkpoint checkpoint = Checkpoints.open(folder);
        assertThat(read(checkpoint.expert(new ExpertId(1, 2)).up()))
                .isEqualTo(QWEN3.expert(1, "up", 2, TensorType.F32));
    }

    @Test
    void badIndexesAreRefused() throws Exception {
        shard();
        String index = "model.safetensors.index.json";
        edit(
                index,
                json ->
                        json.getAsJsonObject("weight_map")
                                .addProperty(
                                        "model.norm.weight", "model-00001-of-00002.safetensors"));
        edit(
                index,
                json ->
                        json.getAsJsonObject("weight_map")
                                .addProperty("lm_head.weight", "model-00001-of-00002.safetensors"));
        refusal().hasMessageContaining("is not in model-00001-of-00002.safetensors, as promised");
        for (String bad : new String[] {"../secret.safetensors", "/etc/passwd", "..", ""}) {
            shard();
            edit(
                    index,
                    json -> json.getAsJsonObject("weight_map").addProperty("lm_head.weight", bad));
            refusal()
                    .hasMessageContaining("\"weight_map\" puts lm_head.weight in \"" + bad + "\"")
                    .hasMessageContaining("expected the name of a safetensors file in this folder");
        }
        shard();
        Files.delete(folder.resolve("model-00002-of-00002.safetensors"));
        refusal()
                .hasMessageContaining(
                        "the model's file model-00002-of-00002.safetensors is missing in its folder");
        edit(index, json -> json.remove("weight_map"));
        refusal().hasMessageContaining("\"weight_map\" is missing");
    }
}
