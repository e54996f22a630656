package io.greenroom.plugin.protocol.text;

import java.nio.charset.StandardCharsets;
import java.util.Arrays;

/**
 * The printable characters by which byte-level BPE writes bytes (GPT-2's {@code bytes_to_unicode}):
 * printable Latin-1 characters stand for themselves, the others for 256 and up in order.
 */
final class ByteAlphabet {

    private static final int LETTERS = 256 + 68;

    /** Byte by letter, or -1. */
    private static final short[] BYTES = new short[LETTERS];

    static {
        Arrays.fill(BYTES, (short) -1);
        int next = 256;
        for (int b = 0; b < 256; b++) {
            boolean printable =
                    (b >= '!' && b <= '~') || (b >= 0xA1 && b <= 0xAC) || (b >= 0xAE && b <= 0xFF);
            BYTES[printable ? b : next++] = (short) b;
        }
    }

    private ByteAlphabet() {}

    /** Bytes of a token; a token with any other character stands for itself in UTF-8. */
    static byte[] bytes(String token) {
        byte[] bytes = new byte[token.length()];
        for (int i = 0; i < bytes.length; i++) {
            char letter = token.charAt(i);
            if (letter >= LETTERS || BYTES[letter] < 0) {
                return token.getBytes(StandardCharsets.UTF_8);
            }
            bytes[i] = (byte) BYTES[letter];
        }
        return bytes;
    }
}
