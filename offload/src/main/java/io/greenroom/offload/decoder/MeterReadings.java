package io.greenroom.offload.decoder;

import io.greenroom.cache.usage.TimeCounts;
import java.util.Map;

/**
 * What a model's meters show: how long things took and how requests ended, since the load.
 *
 * @param queue time requests waited before their first step
 * @param firstToken time from submission to the first token, of requests that came to one
 * @param betweenTokens time from one token of a request to the next
 * @param stepStall time each step waited for experts with nothing to compute
 * @param expertRead time of each expert's read, waiting for a reader included
 * @param ended requests by how they ended
 * @param rejected requests that were not taken because too many were waiting
 * @param evictions experts that left their slots, by layer
 * @param kvPages pages of the KV cache
 * @param kvPagesUsed of these, pages that running requests have reserved
 */
public record MeterReadings(
        TimeCounts queue,
        TimeCounts firstToken,
        TimeCounts betweenTokens,
        TimeCounts stepStall,
        TimeCounts expertRead,
        Map<FinishReason, Long> ended,
        long rejected,
        long[] evictions,
        int kvPages,
        int kvPagesUsed) {

    /**
     * Bytes of the KV cache that running requests have reserved.
     *
     * @param kvBytes bytes of all its pages
     */
    public long kvBytesUsed(long kvBytes) {
        return kvPages == 0 ? 0 : kvBytes / kvPages * kvPagesUsed;
    }
}
