package io.greenroom.cache.trace;

import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;

/** Bytes of a trace as they are read: never beyond the end, and an error says where it stood. */
final class TraceCursor {

    private final Path file;
    private final String where;
    private final byte[] bytes;
    private final int end;
    private int at;

    /**
     * @param where the place of {@code bytes} in the file, as in "the header at byte 16"
     */
    TraceCursor(Path file, String where, byte[] bytes, int from, int end) {
        this.file = file;
        this.where = where;
        this.bytes = bytes;
        this.at = from;
        this.end = end;
    }

    int remaining() {
        return end - at;
    }

    int position() {
        return at;
    }

    int u8(String what) {
        require(1, what);
        return Byte.toUnsignedInt(bytes[at++]);
    }

    int u16(String what) {
        require(2, what);
        int value = Byte.toUnsignedInt(bytes[at]) | Byte.toUnsignedInt(bytes[at + 1]) << 8;
        at += 2;
        return value;
    }

    int u32(String what) {
        require(4, what);
        return u16(what) | u16(what) << 16;
    }

    long u64(String what) {
        require(8, what);
        return Integer.toUnsignedLong(u32(what)) | (long) u32(what) << 32;
    }

    /** A 32-bit number that counts something. */
    int count(String what, int most) {
        int value = u32(what);
        if (value < 0 || value > most) {
            throw bad(what, Integer.toUnsignedString(value), "0 to " + most);
        }
        return value;
    }

    int varint(String what, int most) {
        long value = 0;
        for (int shift = 0; shift < 35; shift += 7) {
            int next = u8(what);
            value |= (long) (next & 0x7f) << shift;
            if (next < 0x80) {
                if (value > most) {
                    throw bad(what, Long.toString(value), "0 to " + most);
                }
                return (int) value;
            }
        }
        throw bad(what, "a number of more than 5 bytes", "0 to " + most);
    }

    String text(String what) {
        int length = u16(what);
        require(length, what);
        try {
            String text =
                    StandardCharsets.UTF_8
                            .newDecoder()
                            .decode(ByteBuffer.wrap(bytes, at, length))
                            .toString();
            at += length;
            return text;
        } catch (CharacterCodingException e) {
            throw new TraceException(
                    file, what + " in " + where + " is not UTF-8; the file is damaged", e);
        }
    }

    /** Moves past bytes and tells where they began. */
    int take(int count, String what) {
        require(count, what);
        int from = at;
        at += count;
        return from;
    }

    TraceException bad(String what, String found, String expected) {
        return new TraceException(
                file,
                what
                        + " in "
                        + where
                        + " is "
                        + found
                        + ", expected "
                        + expected
                        + "; the file is damaged");
    }

    private void require(int count, String what) {
        if (count > end - at) {
            throw new TraceException(
                    file,
                    what
                            + " in "
                            + where
                            + " needs "
                            + count
                            + " bytes, but only "
                            + (end - at)
                            + " are left; the file is damaged");
        }
    }
}
