package io.greenroom.plugin.config;

import java.util.ArrayList;
import java.util.List;

/** Writes docs/configuration.md from the keys themselves. */
public final class ConfigurationPage {

    private ConfigurationPage() {}

    public static String markdown() {
        StringBuilder page = new StringBuilder();
        page.append(
                """
                # Configuration

                <!-- Written from the definitions in plugin/src/main/java/io/greenroom/plugin/config by
                     mvn -q -pl plugin -am test -Dtest=ConfigurationPageTest \\
                         -Dsurefire.failIfNoSpecifiedTests=false -Dgreenroom.docs.write=true -->

                ## Per model

                A model is a folder (or a `.gguf` file) with a `serving.properties` like this:

                ```properties
                engine=MoE
                minWorkers=1
                maxWorkers=1
                option.expert_budget=6GiB
                ```

                One worker is enough: it hands requests to the model's scheduler, which decodes them together.
                Every mistake in these options is reported at once when the model is loaded, and an unknown
                option is a mistake.

                """);
        table(page, "option.", ModelOptionKeys.ALL);
        page.append(
                """

                ## Whole plugin

                Set as a system property, or in the environment: `greenroom.max-unsent` is also
                `GREENROOM_MAX_UNSENT`. The system property goes first. Read when the plugin starts.

                """);
        List<OptionKey<?>> settings = new ArrayList<>(PluginSettings.ALL);
        settings.add(PluginSettings.KAFKA_CLIENT);
        table(page, "", settings);
        return page.toString();
    }

    private static void table(StringBuilder page, String prefix, List<OptionKey<?>> keys) {
        page.append("| key | values | unless set | meaning |\n|---|---|---|---|\n");
        for (OptionKey<?> key : keys) {
            page.append("| `")
                    .append(prefix)
                    .append(key.name())
                    .append("` | ")
                    .append(key.accepted())
                    .append(" | ")
                    .append(key.unset())
                    .append(" | ")
                    .append(key.meaning())
                    .append(" |\n");
        }
    }
}
