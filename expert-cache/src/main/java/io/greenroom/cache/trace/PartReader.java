package io.greenroom.cache.trace;

import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.zip.DataFormatException;
import java.util.zip.Inflater;

/**
 * Unpacks the parts of a chunk. What a part claims to be unpacked is believed only if it is what it
 * must be, or no more than deflate can pack into its bytes.
 */
final class PartReader implements AutoCloseable {

    private final Path file;
    private final Inflater inflater = new Inflater(true);
    private final Map<String, Long> packedBytes = new LinkedHashMap<>();

    PartReader(Path file) {
        this.file = file;
    }

    /**
     * @param what its name, for messages
     * @param expected bytes it must have unpacked, or -1 if nobody knows
     */
    byte[] read(TraceCursor cursor, byte[] body, String what, long expected) {
        int size = cursor.count("unpacked size of " + what, TraceFormat.MAX_PART);
        if (expected >= 0 && size != expected) {
            throw cursor.bad("unpacked size of " + what, size + " bytes", expected + " bytes");
        }
        int packed = cursor.count("packed size of " + what, body.length);
        int from = cursor.take(packed, what);
        packedBytes.merge(what, (long) packed, Long::sum);
        long most = (long) packed * TraceFormat.MAX_DEFLATE_RATIO;
        if (size > most) {
            throw cursor.bad(
                    "unpacked size of " + what, size + " bytes", "at most " + most + " bytes");
        }
        byte[] raw = new byte[size];
        inflater.reset();
        inflater.setInput(body, from, packed);
        int done = 0;
        try {
            while (done < size) {
                int inflated = inflater.inflate(raw, done, size - done);
                if (inflated == 0) {
                    break; // it ended, or wants a dictionary or more input
                }
                done += inflated;
            }
            if (done < size) {
                throw cursor.bad(what, done + " bytes unpacked", size + " bytes");
            }
            // All output is there; the end mark of the stream must be as well, and nothing else.
            if (inflater.inflate(new byte[1]) > 0
                    || !inflater.finished()
                    || inflater.getRemaining() > 0) {
                throw cursor.bad(what, "longer when unpacked", size + " bytes");
            }
        } catch (DataFormatException e) {
            throw new TraceException(
                    file,
                    what + " cannot be unpacked: " + e.getMessage() + "; the file is damaged");
        }
        return raw;
    }

    /** Bytes in the file of each part read so far, by its name. */
    Map<String, Long> packedBytes() {
        return packedBytes;
    }

    @Override
    public void close() {
        inflater.end();
    }
}
