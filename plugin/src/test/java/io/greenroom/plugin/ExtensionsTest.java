package io.greenroom.plugin;

import static org.assertj.core.api.Assertions.assertThat;

import io.greenroom.plugin.config.PluginSettings;
import io.greenroom.plugin.engine.MoeEngine;
import io.greenroom.plugin.telemetry.SinkStatus;
import io.greenroom.plugin.telemetry.UsageRecord;
import io.greenroom.plugin.telemetry.UsageReporter;
import io.greenroom.plugin.telemetry.UsageSink;
import jakarta.inject.Inject;
import java.net.URL;
import java.net.URLClassLoader;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.function.Function;
import java.util.stream.Collectors;
import org.jboss.weld.environment.se.WeldContainer;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** What operators' jars may name, and what becomes of it. */
@Timeout(60)
class ExtensionsTest {

    private static final String SERVICE = "META-INF/services/" + UsageSink.class.getName();

    @TempDir private Path folder;

    /** Asks for a bean of ours. */
    public static final class Injected implements UsageSink {

        private final PluginSettings settings;

        @Inject
        Injected(PluginSettings settings) {
            this.settings = settings;
        }

        @Override
        public String name() {
            return "injected";
        }

        @Override
        public String state() {
            return "reports every " + settings.telemetryInterval().toMillis() + " ms";
        }

        @Override
        public void accept(UsageRecord record) {}
    }

    /** Asks for what nobody has. */
    public static final class Unsatisfied implements UsageSink {

        @Inject
        Unsatisfied(Thread whose) {
            throw new IllegalStateException("not called with " + whose);
        }

        @Override
        public String name() {
            return "unsatisfied";
        }

        @Override
        public void accept(UsageRecord record) {}
    }

    /** An inner class needs an outer one. */
    public final class Inner implements UsageSink {

        @Override
        public String name() {
            return "inner of " + ExtensionsTest.this;
        }

        @Override
        public void accept(UsageRecord record) {}
    }

    /** Cannot be initialised. */
    public static final class Broken implements UsageSink {

        static final int NUMBER = Integer.parseInt("no number");

        @Override
        public String name() {
            return "broken " + NUMBER;
        }

        @Override
        public void accept(UsageRecord record) {}
    }

    @Test
    void eachIsAddedOrItSaysWhyNot() throws Exception {
        Map<String, SinkStatus> sinks =
                sinks(
                        "# an operator's sinks",
                        Injected.class.getName() + "   # the good one",
                        "",
                        Unsatisfied.class.getName(),
                        Inner.class.getName(),
                        Broken.class.getName(),
                        String.class.getName(),
                        "com.acme.Missing");

        assertThat(sinks).containsKeys("log", "prometheus");
        assertThat(sinks.get("injected").state()).isEqualTo("reports every 1000 ms");
        assertThat(state(sinks, Unsatisfied.class.getName()))
                .startsWith("not added: ")
                .contains("Unsatisfied dependencies for type Thread");
        assertThat(state(sinks, Inner.class.getName()))
                .startsWith("not added: it cannot be a bean: that takes a public class");
        assertThat(state(sinks, Broken.class.getName()))
                .startsWith("broken: it could not be made: java.lang.NumberFormatException");
        assertThat(state(sinks, "java.lang.String"))
                .isEqualTo("not added: it does not implement " + UsageSink.class.getName());
        assertThat(state(sinks, "com.acme.Missing")).isEqualTo("not added: there is no such class");
    }

    @Test
    void withoutAnyThePluginHasItsOwn() throws Exception {
        assertThat(sinks()).containsKeys("log", "prometheus").doesNotContainKey("injected");
    }

    private static String state(Map<String, SinkStatus> sinks, String name) {
        assertThat(sinks).containsKey(name);
        return sinks.get(name).state();
    }

    /** States of the sinks when each was asked or made once. */
    private Map<String, SinkStatus> sinks(String... services) throws Exception {
        Path file = folder.resolve(SERVICE);
        Files.createDirectories(file.getParent());
        Files.write(file, List.of(services));
        try (URLClassLoader loader =
                        new URLClassLoader(
                                new URL[] {folder.toUri().toURL()}, getClass().getClassLoader());
                WeldContainer container = Beans.start(loader)) {
            assertThat(container.select(MoeEngine.class).get().getEngineName()).isEqualTo("MoE");
            UsageReporter reporter = container.select(UsageReporter.class).get();
            reporter.close(); // when its threads have done what they were to do
            return reporter.sinks().stream()
                    .collect(Collectors.toMap(SinkStatus::name, Function.identity()));
        }
    }
}
