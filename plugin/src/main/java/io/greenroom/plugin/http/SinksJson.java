package io.greenroom.plugin.http;

import com.google.gson.JsonArray;
import com.google.gson.JsonObject;
import io.greenroom.plugin.telemetry.SinkStatus;
import java.util.List;

/** What becomes of usage records, as JSON. Counts are of reports. */
final class SinksJson {

    private SinksJson() {}

    static JsonObject of(List<SinkStatus> statuses) {
        JsonArray sinks = new JsonArray();
        for (SinkStatus status : statuses) {
            JsonObject sink = new JsonObject();
            sink.addProperty("name", status.name());
            sink.addProperty("state", status.state());
            sink.addProperty("delivered", status.delivered());
            sink.addProperty("failed", status.failed());
            sink.addProperty("dropped", status.dropped());
            sink.addProperty("queued", status.queued());
            if (status.lastFailure() != null) {
                sink.addProperty("last_failure", status.lastFailure());
            }
            sinks.add(sink);
        }
        JsonObject telemetry = new JsonObject();
        telemetry.add("sinks", sinks);
        return telemetry;
    }
}
