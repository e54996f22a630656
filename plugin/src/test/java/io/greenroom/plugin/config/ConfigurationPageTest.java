package io.greenroom.plugin.config;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;

/** Keeps docs/configuration.md true; with -Dgreenroom.docs.write=true it writes the page. */
class ConfigurationPageTest {

    private static final Path PAGE = Path.of("..", "docs", "configuration.md");

    @Test
    void thePageIsWhatTheKeysSay() throws Exception {
        if (Boolean.getBoolean("greenroom.docs.write")) {
            Files.writeString(PAGE, ConfigurationPage.markdown());
        }

        assertThat(PAGE)
                .as("the command to write the page again is in its first lines")
                .hasContent(ConfigurationPage.markdown());
    }
}
