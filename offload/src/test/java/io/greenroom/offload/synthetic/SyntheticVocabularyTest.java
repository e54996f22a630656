package io.greenroom.offload.synthetic;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.fail;

import java.util.HashSet;
import java.util.Set;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class SyntheticVocabularyTest {

    @ParameterizedTest
    @ValueSource(ints = {257, 258, 300, 2048, 50304, 151936})
    void tokensAreDistinctAndMergesMakeThem(int size) {
        SyntheticVocabulary vocabulary = SyntheticVocabulary.of(size);
        // Sets, since AssertJ compares each with each.
        Set<String> distinct = new HashSet<>(vocabulary.tokens());
        assertThat(vocabulary.tokens()).hasSize(size);
        assertThat(distinct.size()).isEqualTo(size);
        assertThat(vocabulary.tokens().get(vocabulary.end())).isEqualTo("<|endoftext|>");
        Set<String> known = new HashSet<>(vocabulary.tokens().subList(0, 256));
        assertThat(known).allSatisfy(token -> assertThat(token).hasSize(1));
        for (String merge : vocabulary.merges()) {
            String[] parts = merge.split(" ", -1);
            if (!known.contains(parts[0]) || !known.contains(parts[1])) {
                fail("The parts of %s are not there yet", merge);
            }
            known.add(parts[0] + parts[1]);
        }
        assertThat(distinct.containsAll(known)).isTrue();
        if (size == 50304) {
            assertThat(vocabulary.tokens()).contains("\u0120t", "he", "\u0120the", "tion");
        }
    }

    @ParameterizedTest
    @ValueSource(ints = {0, ' ', 0x7F, 0xA0, 0xAD})
    void bytesThatCannotBeSeenAreSpelledAsGpt2Does(int value) {
        // GPT-2 gives them the characters from 256 on, in order of the byte.
        int before = 0;
        for (int other = 0; other < value; other++) {
            boolean seen =
                    (other >= '!' && other <= '~')
                            || (other >= 0xA1 && other <= 0xAC)
                            || other >= 0xAE;
            before += seen ? 0 : 1;
        }
        assertThat(SyntheticVocabulary.of(257).tokens().get(value))
                .isEqualTo(String.valueOf((char) (256 + before)));
    }
}
