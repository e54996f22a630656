package io.greenroom.plugin.cli;

import com.google.gson.Gson;
import com.google.gson.GsonBuilder;
import com.google.gson.JsonArray;
import com.google.gson.JsonObject;
import io.greenroom.offload.lowbit.LowBitPacker;
import io.greenroom.offload.lowbit.LowBitType;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.util.Locale;

/** What packing says: a line as each layer is done, or one JSON object at the end. */
final class PackReport {

    private static final Gson GSON =
            new GsonBuilder().setPrettyPrinting().disableHtmlEscaping().create();

    private final boolean json;
    private final PrintWriter out;
    private final PrintWriter err;
    private final JsonArray layers = new JsonArray();

    PackReport(boolean json, PrintWriter out, PrintWriter err) {
        this.json = json;
        this.out = out;
        this.err = err;
    }

    /** Hears of layers, and moves a bar on. */
    LowBitPacker.Listener over(ProgressBar bar) {
        return new LowBitPacker.Listener() {
            @Override
            public void begun(int layersDone, int all, long fileBytes) {
                if (layersDone > 0) {
                    err.println(layersDone + " of " + all + " layers are there already");
                }
            }

            @Override
            public void copied(int done, int all) {
                bar.update(done, all);
            }

            @Override
            public void layerDone(int layer, float[] errors) {
                add(layer, errors);
            }
        };
    }

    private void add(int layer, float[] errors) {
        JsonObject entry = new JsonObject();
        entry.addProperty("layer", layer);
        entry.addProperty("gate_error", errors[0]);
        entry.addProperty("up_error", errors[1]);
        entry.addProperty("down_error", errors[2]);
        layers.add(entry);
        if (!json) {
            out.printf(
                    Locale.ROOT,
                    "layer %d: error of gate %.2f %%, up %.2f %%, down %.2f %%%n",
                    layer,
                    100 * errors[0],
                    100 * errors[1],
                    100 * errors[2]);
            out.flush();
        }
    }

    void end(Path file, LowBitType type, long bytes, long expertBytes, double seconds) {
        if (json) {
            JsonObject result = new JsonObject();
            result.addProperty("file", file.toString());
            result.addProperty("type", type.label());
            result.addProperty("bytes", bytes);
            result.addProperty("expert_bytes", expertBytes);
            result.addProperty("seconds", seconds);
            result.add("layers", layers);
            out.println(GSON.toJson(result));
        } else {
            out.printf(
                    Locale.ROOT,
                    "%s: %s, %.0f %% of the experts' %s, in %.1f s%n",
                    file,
                    ModelFacts.size(bytes),
                    100.0 * bytes / expertBytes,
                    ModelFacts.size(expertBytes),
                    seconds);
        }
        out.flush();
    }
}
