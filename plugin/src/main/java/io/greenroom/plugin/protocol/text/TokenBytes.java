package io.greenroom.plugin.protocol.text;

import java.nio.charset.StandardCharsets;
import java.util.BitSet;

/**
 * The bytes each token stands for. In the tokenizers of all supported families the text of a
 * sequence is the concatenation of its tokens' bytes, read as UTF-8; a character may be spread over
 * several tokens. Immutable.
 */
public final class TokenBytes {

    private static final byte[] NONE = {};

    private final byte[][] pieces; // [token]
    private final BitSet special;
    private final boolean leadingSpace;
    private final int longest;

    /**
     * @param pieces bytes by token id; empty for an id that no token has
     * @param special tokens that are control marks and not text
     * @param leadingSpace whether the first token of a text carries a space that is not part of it
     */
    TokenBytes(byte[][] pieces, BitSet special, boolean leadingSpace) {
        this.pieces = pieces;
        this.special = special;
        this.leadingSpace = leadingSpace;
        int most = 1;
        for (byte[] piece : pieces) {
            most = Math.max(most, piece.length);
        }
        this.longest = most;
    }

    /** Bytes of the longest token, control marks included; at least 1. */
    int longest() {
        return longest;
    }

    /** One more than the largest token id. */
    public int size() {
        return pieces.length;
    }

    /** Bytes of a token's text; empty for control marks and for ids that no token has. */
    byte[] text(int token) {
        if (token < 0 || token >= pieces.length || special.get(token)) {
            return NONE;
        }
        return pieces[token];
    }

    /** How a token is written, control marks included; "" for an id that no token has. */
    public String written(int token) {
        byte[] piece = token < 0 || token >= pieces.length ? NONE : pieces[token];
        return new String(piece, StandardCharsets.UTF_8);
    }

    public boolean isSpecial(int token) {
        return token >= 0 && special.get(token);
    }

    /** See the constructor. */
    boolean leadingSpace() {
        return leadingSpace;
    }

    /**
     * The text of a whole sequence, without control marks. Bytes that are not UTF-8 become U+FFFD.
     */
    public String decode(int... tokens) {
        TextStream stream = new TextStream(this, StopStrings.NONE, true);
        StringBuilder text = new StringBuilder();
        for (int token : tokens) {
            text.append(stream.accept(token));
        }
        return text.append(stream.finish()).toString();
    }
}
