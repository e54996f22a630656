package io.greenroom.cache.policy;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.Locale;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

class PolicyNameTest {

    @ParameterizedTest
    @EnumSource
    void readsWhatItPrints(PolicyName name) {
        assertThat(PolicyName.parse(" " + name.toString().toUpperCase(Locale.ROOT)))
                .isEqualTo(name);
    }

    @Test
    void listsWhatThereIs() {
        assertThatThrownBy(() -> PolicyName.parse("random"))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessage("Not a cache policy: \"random\"; write one of " + PolicyName.list());
        assertThat(PolicyName.list()).startsWith("tinylfu, reuse, lru, lfu");
    }
}
