package io.greenroom.cache.trace;

import java.nio.file.Path;
import java.util.Arrays;
import java.util.EnumSet;
import java.util.Set;
import java.util.zip.CRC32C;

/** The header of a trace as bytes. */
final class HeaderCodec {

    private HeaderCodec() {}

    /** Preamble, header and checksum. */
    static byte[] encode(TraceHeader header) {
        TraceBytes fields = new TraceBytes();
        int flags = header.normalized() ? TraceFormat.NORMALIZED : 0;
        for (TraceSection section : header.sections()) {
            flags |= section.flag();
        }
        fields.u32(flags);
        fields.text(header.model());
        fields.text(header.fingerprint());
        fields.u32(header.layers());
        fields.u32(header.experts());
        fields.u32(header.expertsPerToken());
        fields.u32(header.topSet());
        fields.u32(header.predictedSet());
        fields.u64(header.slotBytes());
        for (long bytes : header.expertBytes()) {
            fields.u64(bytes);
        }
        TraceBytes all = new TraceBytes();
        all.put(TraceFormat.MAGIC, TraceFormat.MAGIC.length);
        all.u16(TraceFormat.MAJOR);
        all.u16(TraceFormat.MINOR);
        all.u32(fields.size());
        all.put(fields.array(), fields.size());
        all.u32(crc(all.array(), all.size()));
        return Arrays.copyOf(all.array(), all.size());
    }

    /**
     * Checks magic and version.
     *
     * @param bytes the first {@link TraceFormat#PREAMBLE_BYTES} of the file
     * @return bytes of the header after them
     */
    static int headerBytes(Path file, byte[] bytes) {
        if (!Arrays.equals(bytes, 0, 8, TraceFormat.MAGIC, 0, 8)) {
            throw new TraceException(
                    file, "does not begin with GRNTRACE at byte 0; it is no routing trace");
        }
        TraceCursor cursor = new TraceCursor(file, "the preamble", bytes, 8, bytes.length);
        int major = cursor.u16("major version");
        if (major != TraceFormat.MAJOR) {
            throw new TraceException(
                    file,
                    "is of format version "
                            + major
                            + " at byte 8, but this program reads version "
                            + TraceFormat.MAJOR
                            + "; "
                            + (major > TraceFormat.MAJOR
                                    ? "use a newer Greenroom"
                                    : "the file is damaged"));
        }
        cursor.u16("minor version");
        return cursor.count("length of the header", TraceFormat.MAX_HEADER);
    }

    /**
     * @param bytes preamble, header and checksum
     */
    static TraceHeader decode(Path file, byte[] bytes) {
        int end = bytes.length - Integer.BYTES;
        int stored = new TraceCursor(file, "the header", bytes, end, bytes.length).u32("checksum");
        if (stored != crc(bytes, end)) {
            throw new TraceException(
                    file,
                    "the checksum of the header at byte " + end + " is wrong; the file is damaged");
        }
        TraceCursor cursor =
                new TraceCursor(
                        file,
                        "the header at byte " + TraceFormat.PREAMBLE_BYTES,
                        bytes,
                        TraceFormat.PREAMBLE_BYTES,
                        end);
        int flags = cursor.u32("flags");
        int unknown = flags & ~TraceFormat.KNOWN_FLAGS;
        if (unknown != 0) {
            throw new TraceException(
                    file,
                    "has flags 0x"
                            + Integer.toHexString(unknown)
                            + " at byte "
                            + TraceFormat.PREAMBLE_BYTES
                            + " that this program does not know (it knows 0x"
                            + Integer.toHexString(TraceFormat.KNOWN_FLAGS)
                            + "); use a newer Greenroom");
        }
        String model = cursor.text("model name");
        String fingerprint = cursor.text("checkpoint fingerprint");
        int layers = cursor.count("number of layers", TraceHeader.MAX_LAYERS);
        int experts = cursor.count("experts per layer", TraceHeader.MAX_EXPERTS);
        int k = cursor.count("experts per token", TraceHeader.MAX_EXPERTS);
        int m = cursor.count("top set", TraceHeader.MAX_EXPERTS);
        int w = cursor.count("predicted set", TraceHeader.MAX_EXPERTS);
        long slotBytes = cursor.u64("slot bytes");
        long[] expertBytes = new long[layers]; // at most MAX_LAYERS
        for (int layer = 0; layer < layers; layer++) {
            expertBytes[layer] = cursor.u64("expert bytes");
        }
        boolean older = Short.toUnsignedInt(minor(bytes)) <= TraceFormat.MINOR;
        if (older && cursor.remaining() > 0) {
            throw cursor.bad("length", cursor.remaining() + " bytes too long", "no more bytes");
        }
        try {
            return new TraceHeader(
                    model,
                    fingerprint,
                    experts,
                    k,
                    m,
                    w,
                    (flags & TraceFormat.NORMALIZED) != 0,
                    slotBytes,
                    expertBytes,
                    sections(flags));
        } catch (IllegalArgumentException e) {
            throw new TraceException(
                    file,
                    "the header at byte "
                            + TraceFormat.PREAMBLE_BYTES
                            + " makes no sense: "
                            + e.getMessage(),
                    e);
        }
    }

    private static short minor(byte[] bytes) {
        return (short) (Byte.toUnsignedInt(bytes[10]) | Byte.toUnsignedInt(bytes[11]) << 8);
    }

    private static Set<TraceSection> sections(int flags) {
        Set<TraceSection> sections = EnumSet.noneOf(TraceSection.class);
        for (TraceSection section : TraceSection.values()) {
            if ((flags & section.flag()) != 0) {
                sections.add(section);
            }
        }
        return sections;
    }

    static int crc(byte[] bytes, int count) {
        CRC32C crc = new CRC32C();
        crc.update(bytes, 0, count);
        return (int) crc.getValue();
    }
}
