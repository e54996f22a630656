package io.greenroom.plugin.cli;

import io.greenroom.cache.ByteSize;
import io.greenroom.offload.decoder.MoeModel;
import java.util.List;
import java.util.Locale;

/** What a loaded model takes, in words. */
final class ModelFacts {

    private ModelFacts() {}

    /** Lines of text about a model's memory. */
    static List<String> of(MoeModel model) {
        MoeModel.Status status = model.status();
        long allExperts = status.slotBytes() * status.totalExperts();
        return List.of(
                String.format(
                        Locale.ROOT,
                        "experts   %d of %d fit into %s (%s each, %s in all)",
                        Math.min(status.slots(), status.totalExperts()),
                        status.totalExperts(),
                        size(status.arenaBytes()),
                        size(status.slotBytes()),
                        size(allExperts)),
                String.format(
                        Locale.ROOT,
                        "budget    %s, %.0f %% of all experts; the others wait on disk",
                        size(status.budgetBytes()),
                        100.0 * status.budgetBytes() / Math.max(1, allExperts)),
                String.format(
                        Locale.ROOT,
                        "besides   %s of dense weights, %s of keys and values for %d tokens",
                        size(status.denseBytes()),
                        size(status.kvBytes()),
                        model.contextLength()));
    }

    static String size(long bytes) {
        return new ByteSize(bytes).toString();
    }
}
