package io.greenroom.offload.synthetic;

import io.greenroom.offload.kernel.TensorType;
import io.greenroom.offload.store.ModelSpec.Family;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;

/** The tensors and metadata of a recipe. */
final class SyntheticModel {

    private static final String TEMPLATE =
            "{% for message in messages %}{{ message.content }}\n{% endfor %}";

    private static final float EPSILON = 1e-5f;

    private final Recipe recipe;
    private final Geometry g;
    private final Scales scales;
    private final List<SyntheticTensor> tensors = new ArrayList<>();

    SyntheticModel(Recipe recipe) {
        this.recipe = recipe;
        this.g = recipe.geometry();
        this.scales = new Scales(recipe);
        RandomRows embedding = RandomRows.of(recipe.type(), g.hidden(), 1).withConstantFirst();
        matrix("token_embd.weight", embedding, g.vocabulary(), g.hidden());
        for (int layer = 0; layer < g.layers(); layer++) {
            String block = "blk." + layer + ".";
            attention(block, layer);
            experts(block, layer, embedding.constant());
        }
        norm("output_norm.weight", g.hidden(), 1, 0);
        TensorType output = recipe.type() == TensorType.Q4_0 ? TensorType.Q8_0 : recipe.type();
        matrix(
                "output.weight",
                RandomRows.of(output, g.hidden(), Scales.unit(g.hidden())),
                g.vocabulary(),
                g.hidden());
    }

    List<SyntheticTensor> tensors() {
        return tensors;
    }

    private void attention(String block, int layer) {
        int queries = g.heads() * g.headDim();
        int keys = g.kvHeads() * g.headDim();
        boolean normed = g.family() == Family.OLMOE || g.family() == Family.QWEN3_MOE;
        double sharpness = Math.sqrt(Scales.SCORE_DEVIATION);
        double scored = Scales.unit(g.hidden()) * (normed ? 1 : sharpness);
        norm(block + "attn_norm.weight", g.hidden(), 1, 0);
        matrix(block + "attn_q.weight", weights(g.hidden(), scored), queries, g.hidden());
        matrix(block + "attn_k.weight", weights(g.hidden(), scored), keys, g.hidden());
        matrix(
                block + "attn_v.weight",
                weights(g.hidden(), Scales.unit(g.hidden())),
                keys,
                g.hidden());
        matrix(
                block + "attn_output.weight",
                weights(queries, scales.attentionOutput(layer)).silent(g.hidden()),
                g.hidden(),
                queries);
        if (g.family() == Family.OLMOE) {
            norm(block + "attn_q_norm.weight", queries, sharpness, sharpness);
            norm(block + "attn_k_norm.weight", keys, sharpness, sharpness);
        } else if (normed) {
            norm(block + "attn_q_norm.weight", g.headDim(), sharpness, sharpness);
            norm(block + "attn_k_norm.weight", g.headDim(), sharpness, sharpness);
        }
        if (g.family() == Family.QWEN2_MOE) {
            vector(block + "attn_q.bias", queries, 0.1);
            vector(block + "attn_k.bias", keys, 0.1);
            vector(block + "attn_v.bias", keys, 0.1);
        }
    }

    private void experts(String block, int layer, float constant) {
        int hidden = g.hidden();
        int inner = g.expertWidth();
        // So that element 0 of the gate input is 1 whatever the stream's rms has become.
        norm(block + "ffn_norm.weight", hidden, 1, scales.streamRms(layer) / constant);
        vectorOfRows(block + "ffn_gate_inp.weight", new RouterRows(layer), g.experts(), hidden);
        RandomRows wide = weights(hidden, Scales.unit(hidden));
        matrix(block + "ffn_gate_exps.weight", wide, g.experts(), inner, hidden);
        matrix(block + "ffn_up_exps.weight", wide, g.experts(), inner, hidden);
        matrix(
                block + "ffn_down_exps.weight",
                weights(inner, scales.expertDown(layer)).silent(hidden),
                g.experts(),
                hidden,
                inner);
        if (g.sharedWidth() > 0) {
            vector(block + "ffn_gate_inp_shexp.weight", hidden, Scales.unit(hidden));
            matrix(block + "ffn_gate_shexp.weight", wide, g.sharedWidth(), hidden);
            matrix(block + "ffn_up_shexp.weight", wide, g.sharedWidth(), hidden);
            matrix(
                    block + "ffn_down_shexp.weight",
                    weights(g.sharedWidth(), scales.sharedDown(layer)).silent(hidden),
                    hidden,
                    g.sharedWidth());
        }
    }

    /** A router's rows: the bias of the expert's rank, then random weights. */
    private final class RouterRows implements RowFill {

        private final int[] rankOf; // [experts]

        RouterRows(int layer) {
            SplitMix random = new SplitMix(SplitMix.seedOf(recipe.seed(), "ranking " + layer));
            rankOf = new int[g.experts()];
            for (int i = 1; i < rankOf.length; i++) {
                int j = random.nextInt(i + 1);
                rankOf[i] = rankOf[j];
                rankOf[j] = i;
            }
        }

        @Override
        public void fill(long row, SplitMix random, ByteBuffer out) {
            out.putFloat((float) scales.bias(rankOf[(int) row]));
            float deviation = (float) (Scales.LOGIT_DEVIATION * Scales.unit(g.hidden()));
            for (int i = 1; i < g.hidden(); i++) {
                out.putFloat(deviation * random.nextNormal());
            }
        }
    }

    private RandomRows weights(int cols, double deviation) {
        return RandomRows.of(recipe.type(), cols, deviation);
    }

    private void matrix(String name, RandomRows rows, long... shape) {
        tensors.add(SyntheticTensor.of(name, rows.type(), rows, shape));
    }

    private void vectorOfRows(String name, RowFill rows, long... shape) {
        tensors.add(SyntheticTensor.of(name, TensorType.F32, rows, shape));
    }

    private void vector(String name, int width, double deviation) {
        vectorOfRows(name, RandomRows.of(TensorType.F32, width, deviation), width);
    }

    /** A norm's weights, around {@code mean}; the first is as given. */
    private void norm(String name, int width, double mean, double first) {
        float deviation = (float) (Scales.NORM_DEVIATION * mean);
        vectorOfRows(
                name,
                (row, random, out) -> {
                    out.putFloat((float) first);
                    for (int i = 1; i < width; i++) {
                        out.putFloat((float) mean + deviation * random.nextNormal());
                    }
                },
                width);
    }

    /** The file's header: what llama.cpp and this engine's reader ask for, and a vocabulary. */
    GgufLayout layout() {
        String arch =
                switch (g.family()) {
                    case OLMOE -> "olmoe";
                    case QWEN2_MOE -> "qwen2moe";
                    case QWEN3_MOE -> "qwen3moe";
                    case MIXTRAL -> "llama";
                };
        String p = arch + ".";
        GgufLayout layout =
                new GgufLayout()
                        .put("general.architecture", arch)
                        .put("general.name", "synthetic " + arch + ", seed " + recipe.seed())
                        .put("general.quantization_version", 2)
                        .put(p + "block_count", g.layers())
                        .put(p + "context_length", g.contextLength())
                        .put(p + "embedding_length", g.hidden())
                        .put(p + "feed_forward_length", g.expertWidth())
                        .put(p + "attention.head_count", g.heads())
                        .put(p + "attention.head_count_kv", g.kvHeads())
                        .put(p + "attention.key_length", g.headDim())
                        .put(p + "attention.value_length", g.headDim())
                        .put(p + "attention.layer_norm_rms_epsilon", EPSILON)
                        .put(p + "rope.dimension_count", g.headDim())
                        .put(p + "rope.freq_base", 10_000f)
                        .put(p + "vocab_size", g.vocabulary())
                        .put(p + "expert_count", g.experts())
                        .put(p + "expert_used_count", g.expertsPerToken());
        if (g.family() == Family.QWEN2_MOE || g.family() == Family.QWEN3_MOE) {
            layout.put(p + "expert_feed_forward_length", g.expertWidth());
        }
        if (g.sharedWidth() > 0) {
            layout.put(p + "expert_shared_feed_forward_length", g.sharedWidth());
        }
        vocabulary(layout);
        for (SyntheticTensor tensor : tensors) {
            layout.add(tensor.name(), tensor.type(), tensor.shape());
        }
        return layout;
    }

    private void vocabulary(GgufLayout layout) {
        SyntheticVocabulary vocabulary = SyntheticVocabulary.of(g.vocabulary());
        int[] types = new int[g.vocabulary()];
        for (int id = 0; id < types.length; id++) {
            types[id] = id == vocabulary.end() ? 3 : 1; // control, normal
        }
        layout.put("tokenizer.ggml.model", "gpt2")
                .put("tokenizer.ggml.pre", "qwen2")
                .put("tokenizer.ggml.tokens", vocabulary.tokens())
                .put("tokenizer.ggml.token_type", types)
                .put("tokenizer.ggml.merges", vocabulary.merges())
                .put("tokenizer.ggml.eos_token_id", vocabulary.end())
                .put("tokenizer.ggml.add_bos_token", false)
                .put("tokenizer.chat_template", TEMPLATE);
    }
}
