package io.greenroom.plugin.protocol.text;

import java.nio.ByteBuffer;
import java.nio.CharBuffer;
import java.nio.charset.CharsetDecoder;
import java.nio.charset.CodingErrorAction;
import java.nio.charset.StandardCharsets;

/**
 * Turns tokens into text as they come. A character whose bytes are spread over several tokens comes
 * with the last of them, never in halves; text that may be the beginning of a stop string is held
 * back until it is known not to be.
 *
 * <p>Without a stop, the pieces and the {@link #finish} together are exactly {@link
 * TokenBytes#decode} of all tokens. One answer, one stream; used by one thread at a time.
 */
public final class TextStream {

    /** A character of UTF-8 has at most four bytes, so at most three wait for more. */
    private static final int MAX_WAITING = 3;

    private final TokenBytes tokens;
    private final StopStrings stops;
    private final CharsetDecoder decoder =
            StandardCharsets.UTF_8
                    .newDecoder()
                    .onMalformedInput(CodingErrorAction.REPLACE)
                    .onUnmappableCharacter(CodingErrorAction.REPLACE);
    private final StringBuilder pending = new StringBuilder();
    private byte[] waiting = {};
    private boolean atStart;
    private boolean stopped;

    /**
     * @param fresh whether the text stands for itself rather than continuing another; then the
     *     space that some tokenizers put before a first word is left out
     */
    public TextStream(TokenBytes tokens, StopStrings stops, boolean fresh) {
        this.tokens = tokens;
        this.stops = stops;
        this.atStart = fresh && tokens.leadingSpace();
    }

    /** Takes a token and gives the text that is now certain, possibly none. */
    public String accept(int token) {
        if (stopped) {
            return "";
        }
        append(tokens.text(token), false);
        return release(false);
    }

    /** Whether a stop string has come up. What follows it is dropped. */
    public boolean stopped() {
        return stopped;
    }

    /** Gives what was held back, at the end. */
    public String finish() {
        if (stopped) {
            return "";
        }
        append(new byte[0], true);
        return release(true);
    }

    private void append(byte[] piece, boolean end) {
        byte[] bytes = piece;
        if (atStart && bytes.length > 0) {
            atStart = false;
            if (bytes[0] == ' ') {
                bytes = java.util.Arrays.copyOfRange(bytes, 1, bytes.length);
            }
        }
        ByteBuffer in = ByteBuffer.allocate(waiting.length + bytes.length);
        in.put(waiting).put(bytes).flip();
        CharBuffer out = CharBuffer.allocate(in.remaining() + 1);
        decoder.decode(in, out, end);
        if (end) {
            decoder.flush(out);
        }
        waiting = new byte[in.remaining()];
        in.get(waiting);
        assert waiting.length <= MAX_WAITING;
        pending.append(out.flip());
    }

    private String release(boolean end) {
        int stop = stops.find(pending);
        if (stop >= 0) {
            stopped = true;
            return pending.substring(0, stop);
        }
        int ready = pending.length() - (end ? 0 : stops.held(pending));
        String text = pending.substring(0, ready);
        pending.delete(0, ready);
        return text;
    }
}
