package io.greenroom.plugin.cli;

import com.google.gson.JsonArray;
import com.google.gson.JsonObject;
import io.greenroom.cache.usage.ExpertCounter;
import io.greenroom.cache.usage.UsageSnapshot;
import io.greenroom.offload.decoder.MoeModel;
import java.io.PrintWriter;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;

/**
 * What came of the experts that were read ahead for one layer.
 *
 * @param layer the layer
 * @param inTime resident when the layer asked for them
 * @param late still on their way
 * @param wasted gone before anybody asked
 * @param calledOff given up before they had arrived
 * @param expertBytes bytes of one of them
 * @param misses experts asked for that had to be waited for
 */
record ReadAhead(
        int layer,
        long inTime,
        long late,
        long wasted,
        long calledOff,
        long expertBytes,
        long misses) {

    /** Of each layer that has read anything. */
    static List<ReadAhead> of(UsageSnapshot usage) {
        List<ReadAhead> layers = new ArrayList<>();
        for (int layer = 0; layer < usage.layers(); layer++) {
            long loads = usage.sum(ExpertCounter.LOADS, layer);
            if (loads > 0) {
                layers.add(
                        new ReadAhead(
                                layer,
                                usage.sum(ExpertCounter.PREFETCH_USEFUL, layer),
                                usage.sum(ExpertCounter.PREFETCH_LATE, layer),
                                usage.sum(ExpertCounter.PREFETCH_WASTED, layer),
                                usage.sum(ExpertCounter.PREFETCH_CANCELLED, layer),
                                usage.sum(ExpertCounter.BYTES_READ, layer) / loads,
                                usage.sum(ExpertCounter.MISSES, layer)));
            }
        }
        return layers;
    }

    /** Share of the experts read ahead and wanted that had arrived. */
    double onTime() {
        return inTime + late == 0 ? 0 : (double) inTime / (inTime + late);
    }

    long wastedBytes() {
        return wasted * expertBytes;
    }

    static void table(PrintWriter out, List<ReadAhead> layers) {
        out.println();
        out.println("reading ahead, as the engine does it with prefetch on");
        String row = "%-8s %8s %8s %8s %10s %10s %12s %8s%n";
        out.printf(
                row,
                "layer",
                "in time",
                "late",
                "wasted",
                "called off",
                "on time",
                "wasted",
                "misses");
        for (ReadAhead l : layers) {
            out.printf(
                    row,
                    l.layer,
                    l.inTime,
                    l.late,
                    l.wasted,
                    l.calledOff,
                    String.format(Locale.ROOT, "%.1f %%", 100 * l.onTime()),
                    ModelFacts.size(l.wastedBytes()),
                    l.misses);
        }
    }

    static void csv(PrintWriter out, String model, MoeModel.Status status, List<ReadAhead> layers) {
        out.println("model,slots,experts,layer,in_time,late,wasted,called_off,wasted_bytes,misses");
        for (ReadAhead l : layers) {
            out.printf(
                    Locale.ROOT,
                    "%s,%d,%d,%d,%d,%d,%d,%d,%d,%d%n",
                    model,
                    status.slots(),
                    status.totalExperts(),
                    l.layer,
                    l.inTime,
                    l.late,
                    l.wasted,
                    l.calledOff,
                    l.wastedBytes(),
                    l.misses);
        }
    }

    static JsonArray json(List<ReadAhead> layers) {
        JsonArray array = new JsonArray();
        for (ReadAhead l : layers) {
            JsonObject object = new JsonObject();
            object.addProperty("layer", l.layer);
            object.addProperty("in_time", l.inTime);
            object.addProperty("late", l.late);
            object.addProperty("wasted", l.wasted);
            object.addProperty("called_off", l.calledOff);
            object.addProperty("on_time_share", l.onTime());
            object.addProperty("wasted_bytes", l.wastedBytes());
            object.addProperty("misses", l.misses);
            array.add(object);
        }
        return array;
    }
}
