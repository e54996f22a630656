package io.greenroom.plugin.cli;

import com.google.gson.JsonArray;
import com.google.gson.JsonObject;
import io.greenroom.cache.policy.PolicyName;
import io.greenroom.offload.decoder.Footprint;
import io.greenroom.offload.store.Checkpoint;
import io.greenroom.offload.store.ModelSpec;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import org.jspecify.annotations.Nullable;

/**
 * All that a plan says, as text and as JSON.
 *
 * @param speed of the machine
 * @param splits ways of dividing the slots, if they were asked for
 * @param mixes with low-bit copies, if they were asked for
 * @param checked what came of the plan, if that was asked for
 */
record PlanReport(
        Checkpoint checkpoint,
        Footprint footprint,
        PlannedTraffic traffic,
        PolicyName policy,
        MachineSettings.Machine speed,
        Space space,
        PlanTable table,
        @Nullable SplitComparison splits,
        @Nullable MixTable mixes,
        @Nullable PlanCheck checked) {

    /**
     * Memory of the container.
     *
     * @param limit bytes
     * @param heap bytes of Java heap
     * @param overhead Java heap, and a sixteenth of the limit for what nobody accounts for
     * @param source who says so
     */
    record Space(long limit, long heap, long overhead, String source) {}

    List<String> lines() {
        List<String> lines = new ArrayList<>(heading());
        lines.add("");
        lines.addAll(table.lines());
        if (splits != null) {
            lines.addAll(splits.lines());
        }
        if (mixes != null) {
            lines.addAll(mixes.lines());
        }
        if (checked != null) {
            lines.addAll(checked.lines());
        }
        return lines;
    }

    private List<String> heading() {
        ModelSpec shape = checkpoint.spec();
        List<String> lines = new ArrayList<>();
        lines.add(
                String.format(
                        Locale.ROOT,
                        "model     %s (%s): %d layers, %d of them with %d experts, %d for each token",
                        checkpoint.location().getFileName(),
                        shape.family(),
                        shape.layers(),
                        MachineSettings.moeLayers(shape),
                        shape.experts(),
                        shape.expertsPerToken()));
        lines.add(
                String.format(
                        Locale.ROOT,
                        "memory    %s (%s): %s Java heap, %s code and threads, %s dense weights, %s"
                                + " keys and values for %d tokens of context, %s scratch",
                        ModelFacts.size(space.limit()),
                        space.source(),
                        ModelFacts.size(space.heap()),
                        ModelFacts.size(space.overhead() - space.heap()),
                        ModelFacts.size(footprint.denseBytes()),
                        ModelFacts.size(footprint.kvBytes()),
                        footprint.contextLength(),
                        ModelFacts.size(footprint.scratchBytes())));
        lines.add(
                String.format(
                        Locale.ROOT,
                        "experts   %s each, %s all %d of them",
                        ModelFacts.size(footprint.slotBytes()),
                        ModelFacts.size(footprint.allExpertBytes()),
                        footprint.experts()));
        lines.addAll(speed.lines());
        lines.add("traffic   " + traffic.description());
        lines.add("cache     policy " + policy + ", one pool, no prefetch; one request at a time");
        speed.warnings().forEach(warning -> lines.add("note      " + warning));
        return lines;
    }

    JsonObject json() {
        JsonObject result = new JsonObject();
        result.addProperty("model", checkpoint.location().toString());
        result.add("memory", memoryJson());
        if (speed.disk() != null) {
            JsonObject disk = new JsonObject();
            disk.addProperty("expert_seconds", speed.disk().oneSeconds().median());
            disk.addProperty("expert_seconds_low", speed.disk().oneSeconds().low());
            disk.addProperty("expert_seconds_high", speed.disk().oneSeconds().high());
            disk.addProperty("bytes_per_second", speed.disk().bytesPerSecond());
            result.add("disk", disk);
        }
        if (speed.compute() != null) {
            JsonObject compute = new JsonObject();
            compute.addProperty("token_seconds", speed.compute().tokenSeconds().median());
            compute.addProperty("token_seconds_low", speed.compute().tokenSeconds().low());
            compute.addProperty("token_seconds_high", speed.compute().tokenSeconds().high());
            compute.addProperty("expert_seconds", speed.compute().expertSeconds());
            result.add("compute", compute);
        }
        if (speed.misses() != null) {
            JsonObject misses = new JsonObject();
            misses.addProperty("token_seconds", speed.misses().tokenSeconds().median());
            misses.addProperty("token_seconds_low", speed.misses().tokenSeconds().low());
            misses.addProperty("token_seconds_high", speed.misses().tokenSeconds().high());
            misses.addProperty("bytes_per_token", speed.misses().bytesPerToken());
            result.add("every_expert_read", misses);
        }
        result.addProperty("traffic", traffic.description());
        result.addProperty("traffic_assumed", traffic.assumed());
        result.addProperty("policy", policy.toString());
        JsonArray notes = new JsonArray();
        speed.warnings().forEach(notes::add);
        result.add("notes", notes);
        result.add("budgets", table.json());
        if (splits != null) {
            result.add("splits", splits.json());
        }
        if (mixes != null) {
            result.add("low_bit", mixes.json());
        }
        if (checked != null) {
            result.add("check", checked.json());
        }
        return result;
    }

    private JsonObject memoryJson() {
        JsonObject json = new JsonObject();
        json.addProperty("limit_bytes", table.limitBytes());
        json.addProperty("overhead_bytes", table.overheadBytes());
        json.addProperty("dense_bytes", footprint.denseBytes());
        json.addProperty("kv_bytes", footprint.kvBytes());
        json.addProperty("scratch_bytes", footprint.scratchBytes());
        json.addProperty("slot_bytes", footprint.slotBytes());
        json.addProperty("experts", footprint.experts());
        return json;
    }
}
