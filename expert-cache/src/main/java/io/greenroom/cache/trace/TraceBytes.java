package io.greenroom.cache.trace;

import java.nio.charset.StandardCharsets;
import java.util.Arrays;

/** Bytes of a trace as they are written; grows. */
final class TraceBytes {

    private byte[] bytes = new byte[4096];
    private int size;

    int size() {
        return size;
    }

    byte[] array() {
        return bytes;
    }

    void clear() {
        size = 0;
    }

    void u8(int value) {
        room(1);
        bytes[size++] = (byte) value;
    }

    void u16(int value) {
        room(2);
        bytes[size++] = (byte) value;
        bytes[size++] = (byte) (value >>> 8);
    }

    void u32(int value) {
        u16(value);
        u16(value >>> 16);
    }

    void u64(long value) {
        u32((int) value);
        u32((int) (value >>> 32));
    }

    /** LEB128 of a number of at least 0. */
    void varint(int value) {
        int left = value;
        while (left >= 0x80) {
            u8(left | 0x80);
            left >>>= 7;
        }
        u8(left);
    }

    void text(String text) {
        byte[] utf8 = text.getBytes(StandardCharsets.UTF_8);
        u16(utf8.length);
        put(utf8, utf8.length);
    }

    void put(byte[] from, int count) {
        room(count);
        System.arraycopy(from, 0, bytes, size, count);
        size += count;
    }

    private void room(int more) {
        if (bytes.length - size < more) {
            bytes = Arrays.copyOf(bytes, Math.max(Math.addExact(size, more), 2 * size));
        }
    }
}
