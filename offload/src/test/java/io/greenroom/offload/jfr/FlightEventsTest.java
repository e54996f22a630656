package io.greenroom.offload.jfr;

import static org.assertj.core.api.Assertions.assertThat;

import io.greenroom.cache.CacheListener;
import io.greenroom.cache.CacheListener.Event;
import io.greenroom.cache.ExpertId;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import jdk.jfr.Recording;
import jdk.jfr.consumer.RecordedEvent;
import jdk.jfr.consumer.RecordingFile;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class FlightEventsTest {

    private static final ExpertId A = new ExpertId(1, 2);
    private static final ExpertId B = new ExpertId(3, 0);

    @TempDir private Path folder;
    private CacheListener listener;

    @BeforeEach
    void listen() {
        listener =
                FlightEvents.listener(
                        new FlightEvents.Source(
                                "tiny.gguf", false, 8, 4096, id -> 100 + id.layer()));
    }

    private void on(ExpertId id, Event... events) {
        for (Event event : events) {
            listener.on(event, id, 0);
        }
    }

    @Test
    void aMissSaysWhatTheDecoderWaitedFor() throws Exception {
        List<RecordedEvent> events =
                record(
                        () -> {
                            on(A, Event.MISS);
                            on(B, Event.MISS);
                            listener.settled(B, 0);
                            listener.settled(A, 2_500_000);
                        });

        assertThat(events).hasSize(2);
        RecordedEvent first = events.get(0).getInt("layer") == 1 ? events.get(0) : events.get(1);
        assertThat(first.getEventType().getName()).isEqualTo("greenroom.ExpertMiss");
        assertThat(first.getString("model")).isEqualTo("tiny.gguf");
        assertThat(first.getInt("layer")).isEqualTo(1);
        assertThat(first.getInt("expert")).isEqualTo(2);
        assertThat(first.getBoolean("copy")).isFalse();
        assertThat(first.getLong("bytes")).isEqualTo(101);
        assertThat(first.getDuration("stall")).isEqualTo(Duration.ofNanos(2_500_000));
        assertThat(first.getStackTrace()).isNull();
    }

    @Test
    void everyEndOfAReadAheadHasItsStage() throws Exception {
        List<RecordedEvent> events =
                record(
                        () -> {
                            on(A, Event.PREFETCH, Event.LOADED, Event.HIT);
                            on(A, Event.HIT, Event.EVICT); // used before: nothing more to tell
                            on(A, Event.PREFETCH, Event.PROMOTE, Event.LOADED);
                            on(A, Event.HIT, Event.EVICT);
                            on(A, Event.PREFETCH, Event.LOADED, Event.EVICT);
                            on(A, Event.PREFETCH, Event.CANCELLED);
                            on(A, Event.PREFETCH, Event.LOAD_FAILED);
                            on(A, Event.LOAD, Event.LOADED, Event.HIT, Event.EVICT);
                            on(A, Event.BACKGROUND, Event.PROMOTE, Event.LOADED);
                        });

        assertThat(of(events, "greenroom.ExpertPrefetch"))
                .extracting(event -> event.getString("stage"))
                .containsExactly(
                        "ISSUED",
                        "ARRIVED",
                        "USED", //
                        "ISSUED",
                        "LATE", //
                        "ISSUED",
                        "ARRIVED",
                        "WASTED", //
                        "ISSUED",
                        "CALLED_OFF", //
                        "ISSUED",
                        "FAILED");
        assertThat(of(events, "greenroom.ExpertEviction"))
                .extracting(event -> event.getBoolean("unused"))
                .containsExactly(false, false, true, false);
    }

    @Test
    void aBudgetChangeIsInSlotsAndBytes() throws Exception {
        List<RecordedEvent> events = record(() -> listener.resized(9, 4));

        assertThat(events).hasSize(1);
        RecordedEvent change = events.get(0);
        assertThat(change.getEventType().getName()).isEqualTo("greenroom.BudgetChange");
        assertThat(change.getInt("slotsBefore")).isEqualTo(9);
        assertThat(change.getInt("slotsAfter")).isEqualTo(4);
        assertThat(change.getLong("bytesBefore")).isEqualTo(9 * 4096);
        assertThat(change.getLong("bytesAfter")).isEqualTo(4 * 4096);
    }

    /** Who was read ahead before the recording began is known in it. */
    @Test
    void aRecordingMayBeginAtAnyTime() throws Exception {
        on(A, Event.PREFETCH, Event.LOADED, Event.MISS);
        List<RecordedEvent> events =
                record(
                        () -> {
                            on(A, Event.HIT);
                            listener.settled(A, 7); // asked for before: no event without a begin
                        });

        assertThat(events).hasSize(1);
        assertThat(events.get(0).getString("stage")).isEqualTo("USED");
    }

    @Test
    void everyFieldIsLabelledAndSizesAndTimesHaveUnits() throws Exception {
        List<RecordedEvent> events =
                record(
                        () -> {
                            on(A, Event.MISS, Event.PREFETCH, Event.EVICT);
                            listener.settled(A, 1);
                            listener.resized(1, 2);
                        });
        assertThat(events.stream().map(e -> e.getEventType().getName()).distinct()).hasSize(4);
        for (RecordedEvent event : events) {
            assertThat(event.getEventType().getCategoryNames())
                    .containsExactly("Greenroom", "Experts");
            assertThat(event.getEventType().getDescription()).isNotBlank();
            for (var field : event.getFields()) {
                assertThat(field.getLabel()).as(field.getName()).isNotBlank();
                String name = field.getName();
                if (name.startsWith("bytes")) {
                    assertThat(field.getContentType()).isEqualTo("jdk.jfr.DataAmount");
                }
                if (name.equals("stall")) {
                    assertThat(field.getContentType()).isEqualTo("jdk.jfr.Timespan");
                }
            }
        }
    }

    private static List<RecordedEvent> of(List<RecordedEvent> events, String name) {
        return events.stream().filter(e -> e.getEventType().getName().equals(name)).toList();
    }

    private List<RecordedEvent> record(Runnable doings) throws Exception {
        Path file = folder.resolve("test.jfr");
        try (Recording recording = new Recording()) {
            recording.enable("greenroom.ExpertMiss").withoutThreshold();
            recording.enable("greenroom.ExpertEviction");
            recording.enable("greenroom.ExpertPrefetch");
            recording.enable("greenroom.BudgetChange");
            recording.start();
            doings.run();
            recording.stop();
            recording.dump(file);
        }
        return RecordingFile.readAllEvents(file).stream()
                .filter(e -> e.getEventType().getName().startsWith("greenroom."))
                .toList();
    }
}
