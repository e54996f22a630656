package io.greenroom.plugin.telemetry;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

class UsageJsonTest {

    @Test
    void writesWhatHappenedAndNothingElse() {
        assertThat(UsageJson.toJson(Records.record(7)))
                .isEqualTo(
                        "{\"schema\":1,\"model\":\"demo\","
                                + "\"fingerprint\":\"0123456789abcdef0123456789abcdef\","
                                + "\"host\":\"host-1\",\"instance\":\"i-1\",\"sequence\":7,"
                                + "\"begin\":\"2026-01-02T03:04:12Z\","
                                + "\"end\":\"2026-01-02T03:04:14Z\","
                                + "\"tokens_in\":5,\"tokens_out\":30,\"stall_nanos\":500000000,"
                                + "\"bytes_read\":100,\"budget_bytes\":800,\"resident_bytes\":200,"
                                + "\"slots\":8,\"resident_experts\":2,\"total_experts\":8,"
                                + "\"experts_per_layer\":4,\"layers\":[{\"layer\":1,"
                                + "\"routed\":[1,0,0,2],\"hits\":[0,0,0,1],\"misses\":[1,0,0,0],"
                                + "\"bytes_read\":100}]}");
    }

    @Test
    void aLineForTheLog() {
        assertThat(LogSink.line(Records.record(0)))
                .isEqualTo(
                        "model demo: 15.0 tokens/s, 5 prompt tokens, 50.0 % of 2 experts found in"
                                + " memory, 0.0 MiB read, stalled 25 % of the time, 2 of 8 experts"
                                + " resident");
    }
}
