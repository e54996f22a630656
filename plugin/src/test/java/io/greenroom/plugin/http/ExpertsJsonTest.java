package io.greenroom.plugin.http;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.gson.JsonArray;
import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import com.google.gson.stream.JsonWriter;
import io.greenroom.cache.CacheListener;
import io.greenroom.cache.ExpertId;
import io.greenroom.cache.usage.ExpertCounter;
import io.greenroom.cache.usage.ExpertUsage;
import io.greenroom.cache.usage.UsageSnapshot;
import io.greenroom.offload.decoder.Residency;
import java.io.IOException;
import java.io.StringWriter;
import java.nio.charset.StandardCharsets;
import java.util.Base64;
import java.util.BitSet;
import java.util.Random;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.IntRange;
import org.junit.jupiter.api.Test;

class ExpertsJsonTest {

    private static final Residency NOBODY = residency(2, 3, new BitSet(), new BitSet());

    private static Residency residency(int layers, int experts, BitSet resident, BitSet copies) {
        BitSet routed = new BitSet();
        routed.set(0, layers);
        return new Residency(layers, experts, routed, resident, copies);
    }

    private static ExpertUsage random(int layers, int experts, int events, long seed) {
        Random random = new Random(seed);
        ExpertUsage usage = new ExpertUsage(layers, experts, id -> 1);
        for (int i = 0; i < events; i++) {
            ExpertId id = new ExpertId(random.nextInt(layers), random.nextInt(experts));
            usage.routed(id.layer(), new int[] {id.expert()}, 1);
            usage.on(
                    random.nextBoolean() ? CacheListener.Event.HIT : CacheListener.Event.MISS,
                    id,
                    0);
        }
        return usage;
    }

    private interface Writing {
        void to(JsonWriter json) throws IOException;
    }

    private static String written(Writing writing) throws IOException {
        StringWriter text = new StringWriter();
        writing.to(new JsonWriter(text));
        return text.toString();
    }

    @Property(tries = 200)
    void sparseCountersSayWhatTheWholeOnesSay(
            @ForAll @IntRange(min = 1, max = 9) int layers,
            @ForAll @IntRange(min = 1, max = 70) int experts,
            @ForAll @IntRange(min = 0, max = 300) int events,
            @ForAll long seed)
            throws IOException {
        UsageSnapshot usage = random(layers, experts, events, seed).snapshot();
        JsonObject sparse =
                JsonParser.parseString(written(json -> ExpertsJson.sparse(json, usage)))
                        .getAsJsonObject();
        JsonArray at = sparse.getAsJsonArray("at");
        for (ExpertCounter counter :
                new ExpertCounter[] {
                    ExpertCounter.ROUTED, ExpertCounter.HITS, ExpertCounter.MISSES
                }) {
            JsonArray counts = sparse.getAsJsonArray(counter.name().toLowerCase());
            assertThat(counts).hasSameSizeAs(at);
            long[] whole = new long[layers * experts];
            int place = 0;
            for (int i = 0; i < at.size(); i++) {
                place += at.get(i).getAsInt();
                whole[place] = counts.get(i).getAsLong();
            }
            for (int cell = 0; cell < whole.length; cell++) {
                assertThat(whole[cell])
                        .isEqualTo(usage.get(counter, cell / experts, cell % experts));
            }
        }
    }

    @Property(tries = 200)
    void bitsComeBack(@ForAll @IntRange(min = 1, max = 500) int length, @ForAll long seed)
            throws IOException {
        Random random = new Random(seed);
        BitSet bits = new BitSet();
        for (int i = 0; i < length; i++) {
            bits.set(i, random.nextBoolean());
        }
        String text = written(json -> ExpertsJson.bits(json, bits, length)).replace("\"", "");
        byte[] bytes = Base64.getDecoder().decode(text);
        assertThat(bytes).hasSize((length + 7) / 8);
        assertThat(BitSet.valueOf(bytes)).isEqualTo(bits);
    }

    @Test
    void aSecondInWhichEveryExpertOfALargeModelIsUsedIsOfBoundedSize() throws IOException {
        ExpertUsage usage = new ExpertUsage(48, 128, id -> 1);
        for (int layer = 0; layer < 48; layer++) {
            for (int expert = 0; expert < 128; expert++) {
                for (int i = 0; i < 12; i++) {
                    usage.routed(layer, new int[] {expert}, 1);
                    usage.on(CacheListener.Event.HIT, new ExpertId(layer, expert), 0);
                }
                usage.on(CacheListener.Event.MISS, new ExpertId(layer, expert), 0);
            }
        }
        String text = written(json -> ExpertsJson.sparse(json, usage.snapshot()));
        assertThat(text.getBytes(StandardCharsets.UTF_8)).hasSizeLessThan(64 << 10);
    }

    @Test
    void rowsHaveResidencyAndCounters() {
        ExpertUsage usage = new ExpertUsage(2, 3, id -> 1);
        usage.routed(1, new int[] {2, 2}, 2);
        usage.on(CacheListener.Event.HIT, new ExpertId(1, 2), 0);
        BitSet resident = new BitSet();
        resident.set(5);
        BitSet routed = new BitSet();
        routed.set(1);
        String json =
                ExpertsJson.rows(
                        "a \"model\"",
                        new Residency(2, 3, routed, resident, new BitSet()),
                        usage.snapshot());
        assertThat(json)
                .isEqualTo(
                        "{\"model\":\"a \\\"model\\\"\",\"layers\":2,\"experts_per_layer\":3,"
                                + "\"resident\":1,\"rows\":[{\"layer\":1,\"resident\":[0,0,1],"
                                + "\"routed\":[0,0,2],\"hits\":[0,0,1],\"misses\":[0,0,0]}]}");
    }

    @Test
    void copiesAreToldWhereThereAreAny() {
        UsageSnapshot none = new ExpertUsage(2, 3, id -> 1).snapshot();
        assertThat(ExpertsJson.rows("m", NOBODY, none)).doesNotContain("copy");
        BitSet copies = new BitSet();
        copies.set(1);
        assertThat(ExpertsJson.rows("m", residency(2, 3, new BitSet(), copies), none))
                .contains("\"copy\":[0,1,0]")
                .contains("\"copy\":[0,0,0]");
    }
}
