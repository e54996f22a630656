package io.greenroom.it.llamacpp;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.greenroom.cache.ExpertBudget;
import io.greenroom.it.DemoReference;
import io.greenroom.it.TestModels;
import io.greenroom.offload.decoder.ModelOptions;
import io.greenroom.offload.decoder.MoeModels;
import io.greenroom.offload.decoder.ServingModel;
import io.greenroom.offload.store.ModelSpec;
import java.util.List;
import org.junit.jupiter.api.Test;

/**
 * The demo model against llama.cpp on the same file, greedily. llama.cpp rounds activations to
 * eight bits before every product and keeps keys and values in half precision; we compute in
 * float32. So tokens agree until two candidates lie closer than that noise.
 *
 * <p><b>The tolerance.</b> Rounding a block of 32 activations to 255 steps of its largest one
 * leaves a relative error of about 1/2 % in a product. A layer has about seven products in a row,
 * whose errors are independent and add up in squares: with L layers and the output projection,
 * sqrt(7 L + 1) times 1/2 % of the largest logit. Where the engines part, the two tokens' logits
 * must lie within that.
 */
class LlamaCppIT {

    private static final int TOKENS = 48;
    private static final double PRODUCT_NOISE = 0.005;

    @Test
    void greedyTokensAgreeUpToItsRounding() throws Exception {
        LlamaCpp.missing()
                .ifPresent(
                        reason -> {
                            System.out.println("[llama.cpp] SKIPPED: " + reason);
                            assumeTrue(false, reason);
                        });
        List<List<Integer>> prompts =
                DemoReference.read().prompts().stream().map(DemoReference.Prompt::ids).toList();
        LlamaCpp.Answer theirs = LlamaCpp.greedy(TestModels.demo(), prompts, TOKENS);

        int same = 0;
        try (ServingModel model = load()) {
            for (int i = 0; i < prompts.size(); i++) {
                same += compare(model, prompts.get(i), theirs.greedy().get(i)) ? 1 : 0;
            }
        }

        System.out.printf(
                "[llama.cpp] %s: %d of %d prompts agree on all tokens, the others part within its"
                        + " rounding%n",
                theirs.llamaCpp(), same, prompts.size());
        assertThat(same).as("prompts that agree on all tokens").isPositive();
    }

    /** Follows their tokens; returns whether each is our best too, and fails if one is far off. */
    private static boolean compare(ServingModel model, List<Integer> prompt, List<Integer> theirs) {
        int[] tokens = new int[prompt.size() + theirs.size() - 1];
        for (int i = 0; i < tokens.length; i++) {
            tokens[i] = i < prompt.size() ? prompt.get(i) : theirs.get(i - prompt.size());
        }
        float[][] logits = model.evaluate(tokens);
        for (int i = 0; i < theirs.size(); i++) {
            float[] row = logits[prompt.size() - 1 + i];
            int ours = best(row);
            int their = theirs.get(i);
            if (ours != their) {
                double gap = row[ours] - row[their];
                double tolerance = tolerance(model.checkpoint().spec(), row);
                System.out.printf(
                        "[llama.cpp] prompt of %d tokens parts at token %d: %d, theirs %d, logits"
                                + " %.4f apart, its rounding explains %.4f%n",
                        prompt.size(), i, ours, their, gap, tolerance);
                assertThat(gap).as("gap at token %d", i).isLessThanOrEqualTo(tolerance);
                return false;
            }
        }
        return true;
    }

    private static double tolerance(ModelSpec spec, float[] row) {
        double largest = 0;
        for (float logit : row) {
            largest = Math.max(largest, Math.abs(logit));
        }
        return Math.sqrt(7 * spec.layers() + 1) * PRODUCT_NOISE * largest;
    }

    private static int best(float[] row) {
        int best = 0;
        for (int v = 1; v < row.length; v++) {
            if (row[v] > row[best]) {
                best = v;
            }
        }
        return best;
    }

    private static ServingModel load() throws Exception {
        ModelOptions options =
                ModelOptions.builder()
                        .budget(ExpertBudget.parse("25%"))
                        .maxConcurrent(1)
                        .maxQueued(1)
                        .prefillChunk(64)
                        .build();
        return MoeModels.load(TestModels.demo(), options, (done, total) -> {});
    }
}
