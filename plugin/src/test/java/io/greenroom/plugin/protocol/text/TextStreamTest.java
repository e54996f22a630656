package io.greenroom.plugin.protocol.text;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.ByteArrayOutputStream;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.List;
import net.jqwik.api.Arbitraries;
import net.jqwik.api.Arbitrary;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.Provide;
import net.jqwik.api.constraints.Size;
import org.junit.jupiter.api.Test;

class TextStreamTest {

    /** One token per byte, and one special token. */
    private static final TokenBytes BYTES = bytes(false);

    private static TokenBytes bytes(boolean leadingSpace) {
        byte[][] pieces = new byte[257][];
        for (int b = 0; b < 256; b++) {
            pieces[b] = new byte[] {(byte) b};
        }
        pieces[256] = "<|end|>".getBytes(StandardCharsets.UTF_8);
        BitSet special = new BitSet();
        special.set(256);
        return new TokenBytes(pieces, special, leadingSpace);
    }

    @Property
    void piecesMakeTheWholeForAnyTokens(@ForAll @Size(max = 40) List<Byte> tokens) {
        ByteArrayOutputStream all = new ByteArrayOutputStream();
        TextStream stream = new TextStream(BYTES, StopStrings.NONE, true);
        StringBuilder text = new StringBuilder();
        for (byte token : tokens) {
            all.write(token);
            text.append(stream.accept(token & 0xFF));
        }
        text.append(stream.finish());

        assertThat(text.toString()).isEqualTo(all.toString(StandardCharsets.UTF_8));
    }

    @Property
    void noPieceEndsInHalfACharacter(@ForAll("words") String text) {
        TextStream stream = new TextStream(BYTES, StopStrings.NONE, true);
        StringBuilder pieces = new StringBuilder();
        for (byte token : text.getBytes(StandardCharsets.UTF_8)) {
            String piece = stream.accept(token & 0xFF);
            assertThat(piece).doesNotContain("\uFFFD");
            if (!piece.isEmpty()) {
                assertThat(Character.isHighSurrogate(piece.charAt(piece.length() - 1))).isFalse();
            }
            pieces.append(piece);
        }

        assertThat(pieces.append(stream.finish()).toString()).isEqualTo(text);
    }

    @Property
    void stopStringsCutTheTextWhereTheyFirstBegin(
            @ForAll("ab") String text, @ForAll("stops") List<String> stops) {
        int cut = text.length();
        int end = Integer.MAX_VALUE;
        for (String stop : stops) {
            int at = text.indexOf(stop);
            // The first to be complete wins, as tokens arrive one by one.
            if (at >= 0 && (at + stop.length() < end || (at + stop.length() == end && at < cut))) {
                end = at + stop.length();
                cut = at;
            }
        }
        TextStream stream = new TextStream(BYTES, new StopStrings(stops), true);
        StringBuilder out = new StringBuilder();
        for (int i = 0; i < text.length() && !stream.stopped(); i++) {
            out.append(stream.accept(text.charAt(i)));
        }
        out.append(stream.finish());

        assertThat(out.toString()).isEqualTo(text.substring(0, cut));
        assertThat(stream.stopped()).isEqualTo(end != Integer.MAX_VALUE);
    }

    @Provide
    Arbitrary<String> words() {
        return Arbitraries.strings()
                .withChars('a', ' ', '\n', '\u00e9', '\u20ac', '\u4e16')
                .ofMaxLength(20)
                .map(text -> text.replace("\n", "\ud83c\udfad"));
    }

    @Provide
    Arbitrary<String> ab() {
        return Arbitraries.strings().withChars('a', 'b', 'c').ofMaxLength(30);
    }

    @Provide
    Arbitrary<List<String>> stops() {
        return Arbitraries.strings()
                .withChars('a', 'b', 'c')
                .ofMinLength(1)
                .ofMaxLength(5)
                .list()
                .ofMaxSize(3);
    }

    @Test
    void textThatMayBeginAStopStringWaits() {
        TextStream stream = new TextStream(BYTES, new StopStrings(List.of("END")), true);

        List<String> pieces = new ArrayList<>();
        for (char c : "an ENtry".toCharArray()) {
            pieces.add(stream.accept(c));
        }

        assertThat(pieces).containsExactly("a", "n", " ", "", "", "ENt", "r", "y");
    }

    @Test
    void controlMarksAreNotText() {
        TextStream stream = new TextStream(BYTES, StopStrings.NONE, true);

        assertThat(stream.accept('a') + stream.accept(256) + stream.accept('b')).isEqualTo("ab");
        assertThat(stream.accept(100_000)).isEmpty();
    }

    @Test
    void anIncompleteCharacterAtTheEndIsReplaced() {
        TextStream stream = new TextStream(BYTES, StopStrings.NONE, true);

        assertThat(stream.accept(0xE2)).isEmpty();
        assertThat(stream.accept(0x82)).isEmpty();
        assertThat(stream.finish()).isEqualTo("\uFFFD");
    }

    @Test
    void theSpaceBeforeAFirstWordIsNotText() {
        TextStream fresh = new TextStream(bytes(true), StopStrings.NONE, true);
        TextStream continuing = new TextStream(bytes(true), StopStrings.NONE, false);

        assertThat(fresh.accept(' ') + fresh.accept('a') + fresh.accept(' ')).isEqualTo("a ");
        assertThat(continuing.accept(' ') + continuing.accept('a')).isEqualTo(" a");
    }
}
