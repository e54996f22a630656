package io.greenroom.cache.trace;

/**
 * The file, all numbers little-endian.
 *
 * <pre>
 * file    = preamble header crc32c(of both) chunk* [end]
 * preamble= "GRNTRACE" u16 major u16 minor u32 bytes of header
 * header  = u32 flags                  bit 0..3 sections, in the order of TraceSection; bit 16 normalized
 *           text model, text fingerprint            text = u16 bytes, UTF-8
 *           u32 layers, experts, k, m, w            w = 0 without predictions
 *           u64 slot bytes
 *           u64 expert bytes [layers]               0: no routed experts
 * chunk   = "STEP" u32 bytes of body, u32 steps, u32 rows, crc32c(of those 16 bytes and body) body
 * body    = part+                      structure, experts, then those of the flags in their order
 * part    = u32 raw bytes, u32 packed bytes, packed (raw deflate, RFC 1951)
 * end     = "ENDS" u64 steps, u64 rows, u64 dropped steps, u8 limited, crc32c(of the 29 bytes before)
 * </pre>
 *
 * Raw parts, for the S steps, R rows and L MoE layers of a chunk (v = LEB128 of at most 31 bits, id
 * = u8 up to 256 experts, else u16, p16 = all low bytes, then all high bytes):
 *
 * <pre>
 * structure      per step    v sequences, per sequence v request, v rows, u8 (1 prefill, 2 begins);
 *                            v ended, v request for each; with predictions ceil(L / 8) bytes, one
 *                            bit a layer: predicted
 * experts        id [L][R][m]
 * probabilities  p16 [L][R][m], from the second of a row on less the one before, modulo 65536
 * norms          p16 [L][R]
 * similarities   p16 [L][R]
 * predictions    id [L][rows of the steps with the bit][w]
 * </pre>
 *
 * <p>A newer minor version may add to the end of the header; anything else that is unknown is a new
 * major one.
 */
final class TraceFormat {

    static final byte[] MAGIC = {'G', 'R', 'N', 'T', 'R', 'A', 'C', 'E'};
    static final int MAJOR = 1;
    static final int MINOR = 0;

    static final int PREAMBLE_BYTES = MAGIC.length + 2 + 2 + 4;
    static final int CHUNK_BYTES = 20;
    static final int END_BYTES = 33;

    /** "STEP" and "ENDS" as they read in little-endian order. */
    static final int STEPS = 'S' | 'T' << 8 | 'E' << 16 | 'P' << 24;

    static final int END = 'E' | 'N' << 8 | 'D' << 16 | 'S' << 24;

    static final int NORMALIZED = 1 << 16;
    static final int KNOWN_FLAGS = NORMALIZED | (1 << TraceSection.values().length) - 1;

    static final int PREFILL = 1;
    static final int BEGINS = 2;

    /** No header is larger: the most layers, and two texts. */
    static final int MAX_HEADER =
            TraceHeader.MAX_LAYERS * Long.BYTES + 2 * TraceHeader.MAX_TEXT + 1024;

    /** Deflate packs at most 1032 bytes into one. */
    static final int MAX_DEFLATE_RATIO = 1032;

    /** Most bytes of a part, unpacked; several times what a step of a large model takes. */
    static final int MAX_PART = 64 << 20;

    private TraceFormat() {}

    static int idBytes(TraceHeader header) {
        return header.experts() <= 256 ? 1 : 2;
    }
}
