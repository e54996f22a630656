package io.greenroom.plugin.http;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.gson.JsonArray;
import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import io.greenroom.cache.CacheListener;
import io.greenroom.cache.ExpertId;
import io.greenroom.plugin.config.PluginSettings;
import io.greenroom.plugin.engine.FakeMoeModel;
import io.greenroom.plugin.engine.Models;
import io.greenroom.plugin.engine.MoeEngineModel;
import io.greenroom.plugin.http.EventPage.Event;
import io.greenroom.plugin.telemetry.SinkStatus;
import io.netty.handler.codec.http.FullHttpResponse;
import io.netty.handler.codec.http.HttpMethod;
import io.netty.handler.codec.http.HttpResponse;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Clock;
import java.time.ZoneOffset;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class EventsRouteTest {

    @TempDir private Path folder;
    private final FakeMoeModel fake = new FakeMoeModel();
    private final FakeServer server = new FakeServer();
    private final ServerLink link = new ServerLink();
    private final HandPulse pulse = new HandPulse();
    private final List<EventPage> pages = new ArrayList<>();
    private MoeEngineModel model;
    private EventStreams streams;
    private EventsRoute route;
    private long nanos;
    private int frames;
    private boolean broken;

    @BeforeEach
    void open() throws Exception {
        model = Models.loaded(fake, folder);
        server.with("demo", model);
        link.connect(server);
        streams =
                new EventStreams(
                        new LiveView(
                                this::models,
                                () -> List.of(new SinkStatus("log", "on", 5, 0, 1, 2, null)),
                                Clock.fixed(Models.NOW, ZoneOffset.UTC),
                                () -> nanos),
                        pulse);
        route = new EventsRoute(link, streams, new StateChanges(new PluginSettings()));
    }

    private List<ServedModel> models() {
        frames++;
        if (broken) {
            throw new IllegalStateException("the server is not well");
        }
        return server.models();
    }

    @AfterEach
    void close() {
        pages.forEach(EventPage::close);
        model.close();
    }

    private EventPage page() {
        EventPage page = new EventPage(route).open();
        pages.add(page);
        return page;
    }

    /** A page that has had its head, greeting and first snapshot. */
    private EventPage settledPage() {
        EventPage page = page();
        pulse.settle();
        page.head();
        assertThat(page.events()).hasSize(2);
        return page;
    }

    private void use(int layer, int expert, CacheListener.Event event) {
        fake.counters().routed(layer, new int[] {expert}, 1);
        fake.counters().on(event, new ExpertId(layer, expert), 0);
    }

    private static JsonObject only(Event event) {
        return event.json().getAsJsonArray("models").get(0).getAsJsonObject();
    }

    @Test
    void aPageIsGreetedAndGetsEverythingAtOnce() {
        use(1, 2, CacheListener.Event.MISS);
        fake.inMemory().set(1 * 4 + 2);
        EventPage page = page();
        pulse.settle();

        HttpResponse head = page.head();
        assertThat(head.status().code()).isEqualTo(200);
        assertThat(head.headers().get("content-type")).startsWith("text/event-stream");
        assertThat(head.headers().get("transfer-encoding")).isEqualTo("chunked");
        assertThat(head.headers().get("x-accel-buffering")).isEqualTo("no");
        List<Event> events = page.events();
        assertThat(events).extracting(Event::name).containsExactly("hello", "snapshot");
        assertThat(events.get(0).json().getAsJsonObject("budget_changes"))
                .hasToString("{\"allowed\":true,\"reason\":null}");
        JsonObject snapshot = events.get(1).json();
        assertThat(snapshot.get("schema").getAsInt()).isEqualTo(1);
        assertThat(snapshot.get("time").getAsLong()).isEqualTo(Models.NOW.toEpochMilli());
        assertThat(snapshot.getAsJsonObject("telemetry"))
                .hasToString(
                        "{\"sinks\":[{\"name\":\"log\",\"state\":\"on\",\"delivered\":5,"
                                + "\"failed\":0,\"dropped\":1,\"queued\":2}]}");
        JsonObject demo = only(events.get(1));
        assertThat(demo.get("name").getAsString()).isEqualTo("demo");
        assertThat(demo.get("layers_with_experts")).hasToString("[0,1]");
        assertThat(demo.get("budget_floor")).hasToString("{\"bytes\":200,\"slots\":2}");
        assertThat(demo.get("budget_ceiling")).hasToString("{\"bytes\":6400,\"slots\":64}");
        assertThat(demo.get("interval").isJsonNull()).isTrue();
        assertThat(demo.get("residents").getAsString()).isEqualTo("QA=="); // bit 6
        assertThat(demo.get("use"))
                .hasToString("{\"at\":[6],\"routed\":[1],\"hits\":[0],\"misses\":[1]}");
        assertThat(demo.getAsJsonObject("memory").get("expert_budget").getAsString())
                .isEqualTo("auto");
        assertThat(demo.getAsJsonObject("prefetch").get("on").getAsBoolean()).isTrue();
    }

    @Test
    void everySecondBringsWhatChanged() {
        use(0, 3, CacheListener.Event.MISS);
        EventPage page = settledPage();
        use(0, 3, CacheListener.Event.HIT);
        use(1, 0, CacheListener.Event.MISS);
        nanos += 1_000_000_000;
        pulse.beat();

        Event update = page.event();
        assertThat(update.name()).isEqualTo("update");
        JsonObject demo = only(update);
        assertThat(demo.has("name")).isFalse();
        assertThat(demo.has("copies")).isFalse();
        assertThat(demo.get("use"))
                .hasToString("{\"at\":[3,1],\"routed\":[1,1],\"hits\":[1,0],\"misses\":[0,1]}");
        assertThat(demo.getAsJsonObject("interval").get("seconds").getAsDouble()).isEqualTo(1);

        pulse.beat();
        assertThat(only(page.event()).getAsJsonObject("use").getAsJsonArray("at"))
                .isEqualTo(new JsonArray());
    }

    @Test
    void aPageThatComesJustBeforeASecondEndsGetsThatFrameOnce() {
        EventPage other = settledPage();
        EventPage page = page();
        use(0, 1, CacheListener.Event.HIT);
        pulse.beatFirst();
        pulse.settle();
        page.head();
        assertThat(page.events()).extracting(Event::name).containsExactly("hello", "snapshot");
        assertThat(other.event().name()).isEqualTo("update");
    }

    @Test
    void theCurveComesWithTheSnapshotAndEveryFewSeconds() {
        EventPage page = page();
        pulse.settle();
        page.head();
        assertThat(only(page.events().get(1)).has("curve")).isTrue();
        List<Boolean> with = new ArrayList<>();
        for (int second = 0; second < ModelMeter.CURVE_EVERY; second++) {
            pulse.beat();
            with.add(only(page.event()).has("curve"));
        }
        assertThat(with).containsExactly(false, false, false, true);
    }

    @Test
    void framesAreComputedOnceForAllPagesAndOnlyWhileThereIsOne() {
        assertThat(pulse.isRunning()).isFalse();
        EventPage first = settledPage();
        EventPage second = settledPage();
        assertThat(frames).isEqualTo(1);
        pulse.beat();
        pulse.beat();
        assertThat(frames).isEqualTo(3);
        assertThat(first.events()).isEqualTo(second.events()).hasSize(2);

        first.close();
        pulse.beat();
        assertThat(frames).isEqualTo(4);
        second.close();
        assertThat(streams.pages()).isZero();
        pulse.beat();
        assertThat(pulse.isRunning()).isFalse();
        assertThat(frames).isEqualTo(4);

        JsonObject again = firstModel();
        assertThat(again.get("interval").isJsonNull()).isTrue();
        assertThat(pulse.isRunning()).isTrue();
    }

    private JsonObject firstModel() {
        EventPage page = page();
        pulse.settle();
        page.head();
        return only(page.events().get(1));
    }

    @Test
    void aPageThatDoesNotReadCostsOneFrameAndThenGetsEverythingAnew() {
        EventPage slow = settledPage();
        EventPage other = settledPage();
        slow.stopReading();
        for (int second = 0; second < EventClient.MOST_MISSED; second++) {
            use(0, 1, CacheListener.Event.HIT);
            pulse.beat();
            assertThat(slow.unread()).isEqualTo(1);
        }
        assertThat(other.events()).hasSize(EventClient.MOST_MISSED);

        slow.readOn();
        assertThat(only(slow.event()).getAsJsonObject("use").get("hits")).hasToString("[1]");
        pulse.beat();
        Event whole = slow.event();
        assertThat(whole.name()).isEqualTo("snapshot");
        assertThat(only(whole).getAsJsonObject("use").get("hits"))
                .hasToString("[" + EventClient.MOST_MISSED + "]");
        pulse.beat();
        assertThat(slow.event().name()).isEqualTo("update");
        assertThat(other.events()).extracting(Event::name).containsOnly("update");
    }

    @Test
    void aPageThatDoesNotReadForLongIsGivenUp() {
        EventPage slow = settledPage();
        slow.stopReading();
        for (int second = 0; second < EventClient.MOST_MISSED; second++) {
            pulse.beat();
        }
        assertThat(slow.isOpen()).isTrue();
        pulse.beat();
        assertThat(slow.isOpen()).isFalse();
        assertThat(streams.pages()).isZero();
    }

    @Test
    void noMorePagesThanTheServerHasPlacesFor() {
        for (int i = 0; i < EventStreams.MOST; i++) {
            page();
        }
        EventPage late = page();
        FullHttpResponse refused = (FullHttpResponse) late.head();
        assertThat(refused.status().code()).isEqualTo(503);
        assertThat(refused.headers().get("retry-after")).isEqualTo("1");
        JsonObject error =
                JsonParser.parseString(refused.content().toString(StandardCharsets.UTF_8))
                        .getAsJsonObject()
                        .getAsJsonObject("error");
        assertThat(error.get("message").getAsString())
                .startsWith("This server already sends events to 64 pages");
        assertThat(error.get("code").getAsString()).isEqualTo("too_many_pages");
        refused.release();

        pages.get(0).close();
        assertThat(page().head().status().code()).isEqualTo(200);
        assertThat(streams.pages()).isEqualTo(EventStreams.MOST);
    }

    @Test
    void modelsComeAndGoWhileAPageIsOpen(@TempDir Path other) throws Exception {
        EventPage page = settledPage();
        fake.close();
        model.close();
        pulse.beat();
        Event without = page.event();
        assertThat(without.name()).isEqualTo("snapshot");
        assertThat(without.json().getAsJsonArray("models")).isEmpty();
        pulse.beat();
        assertThat(page.event().name()).isEqualTo("update");

        MoeEngineModel next = Models.loaded(new FakeMoeModel(), other);
        server.with("next", next);
        pulse.beat();
        assertThat(only(page.event()).get("name").getAsString()).isEqualTo("next");
        next.close();
    }

    @Test
    void aSecondWithoutNewsIsNotSilent() {
        EventPage page = settledPage();
        broken = true;
        pulse.beat();
        assertThat(page.event()).isEqualTo(new Event("", ": no news"));
        broken = false;
        pulse.beat();
        assertThat(page.event().name()).isEqualTo("update");
    }

    @Test
    void whoMayNotChangeBudgetsIsToldWhy() throws Exception {
        InetSocketAddress network = new InetSocketAddress(InetAddress.getByName("192.0.2.7"), 8080);
        EventPage page = new EventPage(route, network).open();
        pages.add(page);
        pulse.settle();
        page.head();
        JsonObject changes = page.events().get(0).json().getAsJsonObject("budget_changes");
        assertThat(changes.get("allowed").getAsBoolean()).isFalse();
        assertThat(changes.get("reason").getAsString())
                .startsWith("Budgets are changed on the management address.");
    }

    @Test
    void theEndOfThePluginEndsEveryStream() {
        EventPage page = settledPage();
        streams.close();
        streams.close();
        assertThat(page.hasEnded()).isTrue();
        assertThat(pulse.isClosed()).isTrue();
        assertThat(page().head().status().code()).isEqualTo(503);
    }

    @Test
    void itIsReadOnly() {
        EventPage page = new EventPage(route);
        pages.add(page);
        page.send(HttpMethod.POST);
        HttpResponse refused = page.head();
        assertThat(refused.status().code()).isEqualTo(405);
        assertThat(refused.headers().get("allow")).isEqualTo("GET");
        assertThat(streams.pages()).isZero();
    }
}
