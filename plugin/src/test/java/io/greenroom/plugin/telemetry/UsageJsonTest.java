package io.greenroom.plugin.telemetry;

import static org.assertj.core.api.Assertions.assertThat;

import io.greenroom.cache.usage.ExpertUsage;
import java.time.Instant;
import java.util.List;
import org.junit.jupiter.api.Test;

class UsageJsonTest {

    @Test
    void writesWhatHappenedAndNothingElse() {
        assertThat(UsageJson.toJson(Records.record(7)))
                .isEqualTo(
                        "{\"schema\":1,\"model\":\"demo\","
                                + "\"fingerprint\":\"0123456789abcdef0123456789abcdef\","
                                + "\"host\":\"host-1\",\"instance\":\"i-1\",\"sequence\":7,"
                                + "\"intervals\":1,\"begin\":\"2026-01-02T03:04:12Z\","
                                + "\"end\":\"2026-01-02T03:04:13Z\","
                                + "\"tokens_in\":5,\"tokens_out\":30,\"stall_nanos\":500000000,"
                                + "\"bytes_read\":100,\"budget_bytes\":800,\"resident_bytes\":200,"
                                + "\"slot_bytes\":100,"
                                + "\"slots\":8,\"resident_experts\":2,\"total_experts\":8,"
                                + "\"layer_count\":2,\"experts_per_layer\":4,\"layers\":[{\"layer\":1,"
                                + "\"resident_experts\":2,\"resident_bytes\":200,"
                                + "\"bytes_read\":100,\"stall_nanos\":500000000,"
                                + "\"experts\":[0,3],"
                                + "\"routed\":[1,2],\"hits\":[0,1],\"misses\":[1,0],"
                                + "\"loads\":[1,0]}]}");
    }

    @Test
    void howManyExpertsATokenIsSentToIsThereWhereItIsKnown() {
        UsageRecord some = Records.record(7);
        UsageRecord record =
                new UsageRecord(
                        new UsageRecord.Origin("m", "f", "h", "i", 2),
                        0,
                        some.begin(),
                        some.end(),
                        1,
                        1,
                        some.memory(),
                        some.experts());
        assertThat(UsageJson.toJson(record)).contains("\"experts_per_token\":2,");
        assertThat(UsageJson.toJson(some)).doesNotContain("experts_per_token");
    }

    @Test
    void whatYieldingCostIsThereWhereTokensYielded() {
        ExpertUsage usage = new ExpertUsage(2, 4, id -> 100);
        usage.yielded(0, 8, 3, 1, 0.75, 0.000000125);
        UsageRecord record =
                new UsageRecord(
                        Records.ORIGIN,
                        0,
                        Instant.EPOCH,
                        Instant.EPOCH.plusSeconds(1),
                        0,
                        1,
                        new UsageRecord.Memory(800, 100, 8, 8, List.of(0, 0)),
                        usage.snapshot());

        String yielding =
                "\"yielding\":{\"selections\":8,\"altered\":3,\"fallbacks\":1,"
                        + "\"exact_weight\":0.75,\"lost_weight\":1.25E-7}";
        assertThat(UsageJson.toJson(record))
                .contains(",\"experts_per_layer\":4," + yielding)
                .endsWith(
                        "\"layers\":[{\"layer\":0,\"resident_experts\":0,\"resident_bytes\":0,"
                                + "\"bytes_read\":0,\"stall_nanos\":0,"
                                + yielding
                                + ",\"experts\":[]}]}");
    }

    @Test
    void aLineForTheLog() {
        assertThat(LogSink.line(Records.record(0)))
                .isEqualTo(
                        "model demo: 30.0 tokens/s, 5 prompt tokens, 50.0 % of 2 experts found in"
                                + " memory, 0.0 MiB read, guesses: 0 useful, 0 late, 0 wasted, 0 called"
                                + " off; stalled 50 % of the time, 2 of 8 experts resident");
    }
}
