package io.greenroom.plugin.telemetry.kafka;

import io.greenroom.plugin.heat.HeatFormatException;
import io.greenroom.plugin.heat.HeatJson;
import io.greenroom.plugin.heat.HeatKey;
import io.greenroom.plugin.heat.HeatRecord;
import java.nio.charset.StandardCharsets;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;
import org.apache.kafka.clients.consumer.ConsumerRecord;

/**
 * Looks for the heat of one checkpoint among a topic's records. Which model it was measured in
 * matters less than which weights: a model's served name is not known before it is loaded.
 */
final class HeatSearch {

    /** Models of one checkpoint; there are rarely two. */
    private static final int MOST = 64;

    private final HeatKey wanted;
    private final Map<String, HeatRecord> found = new LinkedHashMap<>(); // by the record's key
    private int refused;
    private String refusal = "";

    HeatSearch(HeatKey wanted) {
        this.wanted = wanted;
    }

    /** Looks at the next record. */
    void add(ConsumerRecord<byte[], byte[]> record) {
        if (record.key() == null) {
            return;
        }
        String key = new String(record.key(), StandardCharsets.UTF_8);
        if (!key.endsWith("@" + wanted.fingerprint())) {
            return;
        }
        if (record.value() == null) { // it was deleted
            found.remove(key);
            return;
        }
        try {
            HeatRecord heat = HeatJson.read(record.value());
            if (heat.key().fingerprint().equals(wanted.fingerprint())
                    && (found.containsKey(key) || found.size() < MOST)) {
                found.put(key, heat);
            }
        } catch (HeatFormatException e) {
            refused++;
            refusal = String.valueOf(e.getMessage());
        }
    }

    /** That of the same model; if there is none, the newest. */
    Optional<HeatRecord> best() {
        HeatRecord same = found.get(wanted.toString());
        return same != null
                ? Optional.of(same)
                : found.values().stream().max(Comparator.comparing(HeatRecord::at));
    }

    /** Records that had the right key and were no heat records. */
    int refused() {
        return refused;
    }

    /** What was wrong with the last of them. */
    String refusal() {
        return refusal;
    }
}
