package io.greenroom.it.server;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import io.greenroom.it.TestModels;
import io.greenroom.it.container.OwnServer;
import io.greenroom.it.container.SkipWithoutServer;
import io.greenroom.it.sinks.BlockingSink;
import io.greenroom.it.sinks.BrokenSink;
import io.greenroom.it.sinks.NotingSink;
import io.greenroom.it.sinks.ThrowingSink;
import io.greenroom.it.sinks.UnsatisfiedSink;
import io.greenroom.plugin.telemetry.UsageSink;
import java.net.http.HttpResponse;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.TimeUnit;
import org.jboss.shrinkwrap.api.ShrinkWrap;
import org.jboss.shrinkwrap.api.asset.StringAsset;
import org.jboss.shrinkwrap.api.exporter.ZipExporter;
import org.jboss.shrinkwrap.api.spec.JavaArchive;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.io.TempDir;

/** An operator's jar beside the plugin's, with one sink that works and four that do not. */
@ExtendWith(SkipWithoutServer.class)
@Timeout(value = 180, unit = TimeUnit.SECONDS)
class OperatorSinksIT {

    private static final String MODEL = "sinks-demo";

    @TempDir private Path folder;

    @Test
    void theGoodOneWorksAndTheBadOnesHarmNobody() throws Exception {
        try (OwnServer own = OwnServer.start("operator-sinks", List.of(operatorsJar()))) {
            ServerClient server = new ServerClient(own.url());
            HttpResponse<String> loaded = server.register(MODEL, model());
            assertThat(loaded.statusCode()).as(loaded.body()).isEqualTo(200);
            String first = answer(server);
            ServerClient.await(
                    "records at every sink",
                    () -> {
                        Map<String, JsonObject> sinks = sinks(server);
                        return count(sinks, "noting", "delivered") > 0
                                && count(sinks, "throwing", "failed") > 0
                                && count(sinks, "prometheus", "delivered") > 0;
                    });

            // A second interval: the one that blocks has the first record and never another.
            assertThat(answer(server)).isEqualTo(first);
            ServerClient.await(
                    "a second record",
                    () ->
                            count(sinks(server), "noting", "delivered") > 1
                                    && count(sinks(server), "blocking", "queued") > 0);

            Map<String, JsonObject> sinks = sinks(server);
            assertThat(state(sinks, "noting")).endsWith("the last of sinks-demo, every 1000 ms");
            assertThat(sinks.get("throwing").get("last_failure").getAsString())
                    .isEqualTo("java.io.IOException: no such database");
            assertThat(count(sinks, "blocking", "delivered")).isZero();
            assertThat(state(sinks, BrokenSink.class.getName()))
                    .isEqualTo(
                            "broken: it could not be made: java.lang.IllegalStateException: no"
                                    + " configuration");
            assertThat(state(sinks, UnsatisfiedSink.class.getName()))
                    .startsWith("not added: ")
                    .contains("Unsatisfied dependencies");
            assertThat(state(sinks, "com.acme.Missing"))
                    .isEqualTo("not added: there is no such class");
            assertThat(count(sinks, "prometheus", "dropped")).isZero();

            Scrape scrape = Scrape.of(server.get("/metrics").body());
            assertThat(scrape.samples())
                    .anyMatch(
                            s ->
                                    s.name().equals("greenroom_sink_records_failed_total")
                                            && s.labels().containsValue("throwing")
                                            && s.value() > 0);
            assertThat(own.log()).contains("io.greenroom.it.sinks.UnsatisfiedSink is not added");
        }
    }

    private static String answer(ServerClient server) {
        HttpResponse<String> response =
                server.post("/v1/chat/completions", ServerClient.chat(MODEL, "Who are you?", 6));
        assertThat(response.statusCode()).as(response.body()).isEqualTo(200);
        return ServerClient.content(ServerClient.json(response));
    }

    private static Map<String, JsonObject> sinks(ServerClient server) {
        Map<String, JsonObject> sinks = new TreeMap<>();
        for (JsonElement sink :
                ServerClient.json(server.get("/moe/models"))
                        .getAsJsonObject("telemetry")
                        .getAsJsonArray("sinks")) {
            sinks.put(sink.getAsJsonObject().get("name").getAsString(), sink.getAsJsonObject());
        }
        return sinks;
    }

    private static long count(Map<String, JsonObject> sinks, String name, String what) {
        JsonObject sink = sinks.get(name);
        return sink == null ? 0 : sink.get(what).getAsLong();
    }

    private static String state(Map<String, JsonObject> sinks, String name) {
        assertThat(sinks).containsKey(name);
        return sinks.get(name).get("state").getAsString();
    }

    private Path operatorsJar() {
        JavaArchive archive =
                ShrinkWrap.create(JavaArchive.class, "operator-sinks.jar")
                        .addClasses(
                                NotingSink.class,
                                ThrowingSink.class,
                                BlockingSink.class,
                                BrokenSink.class,
                                UnsatisfiedSink.class)
                        .addAsManifestResource(
                                new StringAsset(
                                        String.join(
                                                "\n",
                                                NotingSink.class.getName(),
                                                ThrowingSink.class.getName(),
                                                BlockingSink.class.getName(),
                                                BrokenSink.class.getName(),
                                                UnsatisfiedSink.class.getName(),
                                                "com.acme.Missing")),
                                "services/" + UsageSink.class.getName());
        Path jar = folder.resolve("operator-sinks.jar");
        archive.as(ZipExporter.class).exportTo(jar.toFile());
        return jar;
    }

    /** A model folder as DJL Serving wants it. */
    private Path model() throws Exception {
        Path model = Files.createDirectories(folder.resolve(MODEL));
        Files.writeString(model.resolve("serving.properties"), TestModels.servingProperties());
        Path checkpoint = TestModels.tiny();
        Files.copy(checkpoint, model.resolve(checkpoint.getFileName()));
        return model;
    }
}
