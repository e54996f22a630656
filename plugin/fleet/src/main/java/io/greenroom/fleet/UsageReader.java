package io.greenroom.fleet;

import com.google.gson.FieldNamingPolicy;
import com.google.gson.Gson;
import com.google.gson.GsonBuilder;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import org.apache.kafka.common.serialization.Deserializer;
import org.jspecify.annotations.Nullable;

/**
 * Reads usage records. Never throws: what cannot be counted becomes a {@link Message.Rejected} that
 * says why. Fields that are not known are passed over, so records of later minor versions are read.
 */
final class UsageReader implements Deserializer<Message> {

    /** The version of usage records that is read. */
    static final int SCHEMA = 1;

    private static final int MOST_BYTES = 16 << 20;
    private static final int MOST_LAYERS = 4096;
    private static final int MOST_EXPERTS = 1 << 20; // of all layers
    private static final long MOST_COUNT = 1L << 48;
    private static final int MOST_TEXT = 1024;
    private static final Duration LONGEST = Duration.ofDays(1);

    private static final Gson GSON =
            new GsonBuilder()
                    .setFieldNamingPolicy(FieldNamingPolicy.LOWER_CASE_WITH_UNDERSCORES)
                    .create();

    /** Only the version: with another one, other fields may mean something else. */
    private record Version(int schema) {}

    private static final class NotCountable extends Exception {
        private static final long serialVersionUID = 1;

        NotCountable(String message) {
            super(message);
        }
    }

    @Override
    public Message deserialize(String topic, byte @Nullable [] data) {
        if (data == null) {
            return new Message.Rejected(new byte[0], "has no value");
        }
        try {
            return new Message.Good(read(data), data);
        } catch (NotCountable e) {
            return new Message.Rejected(data, String.valueOf(e.getMessage()));
        } catch (RuntimeException e) {
            return new Message.Rejected(data, "is no usage record: " + e.getMessage());
        }
    }

    private static Usage read(byte[] data) throws NotCountable {
        check(data.length <= MOST_BYTES, "is too large: " + data.length + " bytes");
        String text = new String(data, StandardCharsets.UTF_8);
        Version version = GSON.fromJson(text, Version.class);
        check(version != null, "is empty");
        check(
                version.schema() == SCHEMA,
                "schema is " + version.schema() + ", this version reads " + SCHEMA);
        Usage usage = GSON.fromJson(text, Usage.class);
        check(isText(usage.model()), "model is missing or too long");
        check(isText(usage.instance()), "instance is missing or too long");
        String print = usage.fingerprint();
        check(
                print != null && print.matches("[0-9a-f]{32}"),
                "fingerprint is not 32 hexadecimal digits");
        check(usage.begin() != null && usage.end() != null, "begin or end is missing");
        Duration length = usage.length();
        check(!length.isNegative() && length.compareTo(LONGEST) <= 0, "begin and end do not fit");
        check(usage.layerCount() >= 1 && usage.layerCount() <= MOST_LAYERS, "layer_count is not");
        check(
                usage.expertsPerLayer() >= 1
                        && usage.expertsPerLayer() <= MOST_EXPERTS / usage.layerCount(),
                "experts_per_layer is missing or too large");
        check(
                usage.expertsPerToken() >= 0 && usage.expertsPerToken() <= usage.expertsPerLayer(),
                "experts_per_token is too large");
        for (long count :
                List.of(
                        usage.sequence(),
                        (long) usage.intervals(),
                        usage.tokensIn(),
                        usage.tokensOut(),
                        usage.stallNanos(),
                        usage.bytesRead(),
                        (long) usage.slots())) {
            check(isCount(count), "has a counter of " + count);
        }
        check(usage.missed() == 0, "counts its own losses");
        checkLayers(usage);
        return usage;
    }

    private static void checkLayers(Usage usage) throws NotCountable {
        Set<Integer> seen = new HashSet<>();
        for (Usage.Layer layer : usage.used()) {
            check(
                    layer.layer() >= 0 && layer.layer() < usage.layerCount(),
                    "has no layer " + layer.layer());
            check(seen.add(layer.layer()), "has layer " + layer.layer() + " twice");
            int[] experts = layer.experts() == null ? new int[0] : layer.experts();
            int before = -1;
            for (int expert : experts) {
                check(
                        expert > before && expert < usage.expertsPerLayer(),
                        "names experts of layer " + layer.layer() + " that are not");
                before = expert;
            }
            for (long @Nullable [] counts :
                    new long[] @Nullable [] {
                        layer.routed(),
                        layer.hits(),
                        layer.misses(),
                        layer.prefetchUseful(),
                        layer.prefetchLate(),
                        layer.prefetchWasted()
                    }) {
                check(
                        counts == null || counts.length == experts.length,
                        "counts other experts of layer " + layer.layer() + " than it names");
                for (int i = 0; counts != null && i < counts.length; i++) {
                    check(isCount(counts[i]), "has a counter of " + counts[i]);
                }
            }
        }
    }

    private static boolean isText(@Nullable String text) {
        return text != null && !text.isEmpty() && text.length() <= MOST_TEXT;
    }

    private static boolean isCount(long count) {
        return count >= 0 && count <= MOST_COUNT;
    }

    private static void check(boolean holds, String otherwise) throws NotCountable {
        if (!holds) {
            throw new NotCountable(otherwise);
        }
    }
}
