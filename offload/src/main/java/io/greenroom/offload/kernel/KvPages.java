package io.greenroom.offload.kernel;

import io.greenroom.offload.memory.NativeMemory;

/**
 * The paged KV cache: equal pages of {@code pageSize} positions, each page holding every layer.
 * Layout: {@code [layers][2 (k, v)][pages][kvHeads][pageSize][headDim]} of {@code type}: what one
 * head of a page holds lies together, as attention reads it.
 *
 * @param memory the cells
 * @param type {@link Type#F32} or {@link Type#F16}
 * @param layers number of layers
 * @param pages number of pages
 * @param pageSize positions per page
 * @param kvHeads key and value heads
 * @param headDim width of a head
 */
public record KvPages(
        NativeMemory memory,
        Type type,
        int layers,
        int pages,
        int pageSize,
        int kvHeads,
        int headDim) {

    /** Precision of cached keys and values. */
    public enum Type {
        F32(4),
        F16(2);

        private final int bytes;

        Type(int bytes) {
            this.bytes = bytes;
        }

        public int bytes() {
            return bytes;
        }
    }

    public KvPages {
        memory.checkRange(0, bytesFor(type, layers, pages, pageSize, kvHeads, headDim));
    }

    /** Bytes a cache of these dimensions takes. */
    public static long bytesFor(
            Type type, int layers, int pages, int pageSize, int kvHeads, int headDim) {
        long cell = Math.multiplyExact((long) kvHeads, headDim) * type.bytes();
        return Math.multiplyExact(Math.multiplyExact(2L * layers, (long) pages * pageSize), cell);
    }
}
