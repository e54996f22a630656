package io.greenroom.plugin.telemetry;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.gson.JsonArray;
import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import com.networknt.schema.InputFormat;
import com.networknt.schema.JsonSchema;
import com.networknt.schema.JsonSchemaFactory;
import com.networknt.schema.SpecVersion;
import com.networknt.schema.ValidationMessage;
import io.greenroom.cache.CacheListener.Event;
import io.greenroom.cache.ExpertBudget;
import io.greenroom.cache.ExpertId;
import io.greenroom.cache.usage.ExpertUsage;
import io.greenroom.gating.residency.RoutingDial;
import io.greenroom.offload.decoder.FinishReason;
import io.greenroom.offload.decoder.GenerationRequest;
import io.greenroom.offload.decoder.GenerationUsage;
import io.greenroom.offload.decoder.ModelOptions;
import io.greenroom.offload.decoder.MoeModels;
import io.greenroom.offload.decoder.RoutingSettings;
import io.greenroom.offload.decoder.SamplingParameters;
import io.greenroom.offload.decoder.ServingModel;
import io.greenroom.offload.decoder.TokenListener;
import io.greenroom.offload.store.Checkpoint;
import io.greenroom.offload.store.Checkpoints;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Random;
import java.util.Set;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.locks.LockSupport;
import java.util.function.BooleanSupplier;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.IntRange;
import net.jqwik.api.constraints.StringLength;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** What is written is what docs/telemetry.md says, and the schema there would notice if not. */
class UsageSchemaTest {

    private static final Path DOCS = Path.of("..", "docs");
    private static final Path SCHEMA = DOCS.resolve("telemetry/usage-record-1.schema.json");
    private static final Path DEMO =
            Path.of("..", "integration-tests", "demo-model", "greenroom-demo-q8_0.gguf");

    private static final List<String> PER_EXPERT =
            List.of(
                    "routed",
                    "hits",
                    "misses",
                    "prefetch_useful",
                    "prefetch_late",
                    "prefetch_wasted",
                    "prefetch_cancelled",
                    "loads");

    private final JsonSchema schema = schema();

    private static JsonSchema schema() {
        try {
            return JsonSchemaFactory.getInstance(SpecVersion.VersionFlag.V202012)
                    .getSchema(Files.readString(SCHEMA), InputFormat.JSON);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private Set<ValidationMessage> problems(String json) {
        return schema.validate(json, InputFormat.JSON);
    }

    /** The schema, and what a schema cannot say. */
    private JsonObject check(UsageRecord record) {
        String text = UsageJson.toJson(record);
        assertThat(problems(text)).as(text).isEmpty();
        assertThat(text).doesNotContain("\n");
        JsonObject json = JsonParser.parseString(text).getAsJsonObject();
        long bytes = 0;
        long stall = 0;
        long residents = 0;
        int last = -1;
        for (JsonElement element : json.getAsJsonArray("layers")) {
            JsonObject layer = element.getAsJsonObject();
            assertThat(layer.get("layer").getAsInt()).isGreaterThan(last);
            last = layer.get("layer").getAsInt();
            bytes += layer.get("bytes_read").getAsLong();
            stall += layer.get("stall_nanos").getAsLong();
            residents += layer.get("resident_experts").getAsLong();
            JsonArray experts = layer.getAsJsonArray("experts");
            for (String counter : PER_EXPERT) {
                if (layer.has(counter)) {
                    assertThat(layer.getAsJsonArray(counter)).hasSize(experts.size());
                }
            }
        }
        assertThat(json.get("bytes_read").getAsLong()).isEqualTo(bytes);
        assertThat(json.get("stall_nanos").getAsLong()).isEqualTo(stall);
        assertThat(json.get("resident_experts").getAsLong()).isEqualTo(residents);
        return json;
    }

    @Test
    void thePageHasTheSchemaThatIsTested() throws Exception {
        String page = Files.readString(DOCS.resolve("telemetry.md"));
        assertThat(page)
                .as("docs/telemetry.md has docs/telemetry/usage-record-1.schema.json word by word")
                .contains("```json\n" + Files.readString(SCHEMA) + "```\n")
                .contains("telemetry/usage-record-1.schema.json");
    }

    @Test
    void thePageExplainsEveryField() throws Exception {
        String page = Files.readString(DOCS.resolve("telemetry.md"));
        JsonObject root = JsonParser.parseString(Files.readString(SCHEMA)).getAsJsonObject();
        JsonObject definitions = root.getAsJsonObject("$defs");
        List<String> fields = new ArrayList<>(root.getAsJsonObject("properties").keySet());
        for (String object : List.of("layer", "yielding")) {
            fields.addAll(
                    definitions.getAsJsonObject(object).getAsJsonObject("properties").keySet());
        }
        assertThat(fields).hasSizeGreaterThan(35);
        for (String field : fields) {
            assertThat(page).as("a row of a table for %s", field).contains("| `" + field + "` |");
        }
    }

    @Test
    void theExampleOnThePageIsARecord() throws Exception {
        String page = Files.readString(DOCS.resolve("telemetry.md"));
        String example = page.substring(page.indexOf("{\"schema\": 1"));
        example = example.substring(0, example.indexOf("```"));

        assertThat(problems(example)).isEmpty();
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "tokens_in",
                "stall_nanos",
                "intervals",
                "layers",
                "resident_bytes",
                "routed",
                "experts"
            })
    void aFieldOfAnotherNameIsNoticed(String field) {
        String text = UsageJson.toJson(Records.record(0));
        assertThat(problems(text)).isEmpty();

        assertThat(problems(text.replace("\"" + field + "\"", "\"" + field + "x\"")))
                .as("%s with an x", field)
                .isNotEmpty();
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "\"schema\":2", "\"sequence\":-1", "\"intervals\":0", "\"begin\":\"now\"",
                "\"slots\":1.5", "\"fingerprint\":\"x\"", "\"routed\":[1,-2]", "\"experts\":[3,3]"
            })
    void aValueThatCannotBeIsNoticed(String changed) {
        String text = UsageJson.toJson(Records.record(0));
        String name = changed.substring(0, changed.indexOf(':') + 1);
        String other = text.replaceFirst(name + "(\\[[^\\]]*\\]|\"[^\"]*\"|[^,}]*)", changed);

        assertThat(other).isNotEqualTo(text).contains(changed);
        assertThat(problems(other)).as(changed).isNotEmpty();
    }

    @Property(tries = 100)
    void anyCountsMakeARecord(
            @ForAll @IntRange(min = 1, max = 6) int layers,
            @ForAll @IntRange(min = 1, max = 9) int experts,
            @ForAll @IntRange(min = 0, max = 300) int events,
            @ForAll @StringLength(min = 1, max = 12) String name,
            @ForAll long seed) {
        Random random = new Random(seed);
        ExpertUsage usage = new ExpertUsage(layers, experts, id -> 1000 + id.layer());
        Event[] kinds = Event.values();
        for (int i = 0; i < events; i++) {
            ExpertId id = new ExpertId(random.nextInt(layers), random.nextInt(experts));
            usage.on(kinds[random.nextInt(kinds.length)], id, 0);
            usage.routed(id.layer(), new int[] {id.expert()}, 1);
            usage.settled(id, random.nextInt(1 << 30));
            if (random.nextInt(3) == 0) {
                usage.yielded(id.layer(), 2, random.nextInt(3), 0, random.nextDouble(), 1e-9);
            }
        }
        Integer[] residents = new Integer[layers];
        for (int layer = 0; layer < layers; layer++) {
            residents[layer] = random.nextInt(experts + 1);
        }
        Instant begin = Instant.ofEpochSecond(random.nextInt(), random.nextInt(1_000_000_000));
        UsageRecord record =
                new UsageRecord(
                        new UsageRecord.Origin(name, "0".repeat(32), "h\"ö\n", "i"),
                        random.nextInt(1 << 30),
                        begin,
                        begin.plusNanos(random.nextInt(1 << 30)),
                        random.nextInt(1 << 20),
                        random.nextInt(1 << 20),
                        new UsageRecord.Memory(
                                1L << random.nextInt(50),
                                1000,
                                random.nextInt(100),
                                layers * experts,
                                List.of(residents)),
                        usage.snapshot());

        JsonObject json = check(record);
        assertThat(json.get("model").getAsString()).isEqualTo(name);
        long routed = 0;
        for (JsonElement layer : json.getAsJsonArray("layers")) {
            if (layer.getAsJsonObject().has("routed")) {
                for (JsonElement count : layer.getAsJsonObject().getAsJsonArray("routed")) {
                    routed += count.getAsLong();
                }
            }
        }
        assertThat(routed).isEqualTo(events);
    }

    /** The demo model decodes, exactly and yielding; every record of it is looked at. */
    @Test
    void recordsOfARunningModelAreOfTheSchemaAndAddUpToItsCounters() throws Exception {
        Checkpoint checkpoint = Checkpoints.open(DEMO);
        ModelOptions options =
                ModelOptions.builder()
                        .budget(ExpertBudget.parse("40%"))
                        .prefetch(ModelOptions.Prefetch.ON)
                        .routing(
                                new RoutingSettings(
                                        RoutingDial.EXACT,
                                        RoutingDial.RESIDENT,
                                        false,
                                        RoutingSettings.Swaps.OFF))
                        .build();
        List<UsageRecord> records = new CopyOnWriteArrayList<>();
        try (ServingModel model = MoeModels.load(checkpoint, options, null, (done, all) -> {});
                UsageReporter reporter =
                        new UsageReporter(
                                () ->
                                        List.of(
                                                new UsageReporter.Source(
                                                        "demo", model, Instant.now())),
                                Duration.ofHours(1),
                                Clock.systemUTC(),
                                List.of(collector(records)))) {
            reporter.start();
            generate(model, "The", RoutingDial.EXACT);
            reporter.report();
            generate(model, "Be", RoutingDial.RESIDENT);
            reporter.report();
            generate(model, "It", RoutingDial.parse("biased:0.5"));
            // A hint's read may end after the request that it was meant for.
            await(
                    () -> {
                        reporter.report();
                        return records.size() >= 3
                                && sum(records).bytesRead() == model.status().cache().bytesLoaded();
                    });

            for (UsageRecord record : records) {
                JsonObject json = check(record);
                assertThat(json.get("fingerprint").getAsString()).matches("[0-9a-f]{32}");
                assertThat(json.getAsJsonArray("layers")).hasSize(checkpoint.spec().layers());
            }
            assertThat(UsageJson.toJson(records.get(0))).doesNotContain("yielding");
            assertThat(UsageJson.toJson(records.get(1))).contains("yielding");
            UsageRecord sum = sum(records);
            check(sum);
            assertThat(sum.tokensOut()).isEqualTo(model.status().tokensOut()).isEqualTo(60);
            assertThat(sum.stallNanos()).isEqualTo(model.status().cache().stallNanos());
        }
    }

    private static UsageRecord sum(List<UsageRecord> records) {
        return records.stream().reduce(UsageRecord::plus).orElseThrow();
    }

    private static void await(BooleanSupplier condition) {
        long deadline = System.nanoTime() + 10_000_000_000L;
        while (!condition.getAsBoolean()) {
            assertThat(System.nanoTime()).as("within 10 s").isLessThan(deadline);
            LockSupport.parkNanos(1_000_000);
        }
    }

    private static void generate(ServingModel model, String text, RoutingDial routing)
            throws InterruptedException {
        CountDownLatch done = new CountDownLatch(1);
        int[] prompt = text.chars().toArray();
        model.submit(
                new GenerationRequest(
                        prompt, 20, SamplingParameters.GREEDY, Collections.emptySet(), routing),
                new TokenListener() {
                    @Override
                    public boolean onToken(int token) {
                        return true;
                    }

                    @Override
                    public void onFinish(
                            FinishReason reason,
                            GenerationUsage usage,
                            @Nullable Throwable failure) {
                        done.countDown();
                    }
                });
        done.await();
    }

    private static UsageSink collector(List<UsageRecord> records) {
        return new UsageSink() {
            @Override
            public String name() {
                return "collector";
            }

            @Override
            public void accept(UsageRecord record) {
                records.add(record);
            }
        };
    }
}
