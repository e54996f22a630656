package io.greenroom.plugin;

import static org.assertj.core.api.Assertions.assertThat;

import ai.djl.Model;
import ai.djl.engine.Engine;
import ai.djl.inference.Predictor;
import ai.djl.modality.Input;
import ai.djl.modality.Output;
import io.prometheus.metrics.model.registry.PrometheusRegistry;
import java.net.URL;
import java.net.URLClassLoader;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Clock;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.Supplier;
import java.util.jar.JarFile;
import java.util.zip.ZipEntry;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** The jar an operator drops into plugins/. */
class PluginJarIT {

    private static final Path JAR = Path.of(System.getProperty("greenroom.plugin.jar"));

    /** What the jar may bring; everything else is the server's, or has to be renamed. */
    private static final List<String> ROOTS =
            List.of(
                    "io/greenroom/",
                    "jakarta/",
                    "org/jboss/",
                    "META-INF/",
                    "org/apache/kafka/",
                    // Under their own names: the server's go first, and ours are for servers
                    // without.
                    "io/prometheus/metrics/model/",
                    "io/prometheus/metrics/expositionformats/");

    private static final String REGISTRY =
            "io.prometheus.metrics.model.registry.PrometheusRegistry";

    /** A plugin that was started stays in the registry, as its server's would. */
    @BeforeEach
    void anEmptyRegistry() {
        PrometheusRegistry.defaultRegistry.clear();
    }

    @Test
    void itBringsNothingThatBelongsToTheServer() throws Exception {
        try (JarFile jar = new JarFile(JAR.toFile())) {
            List<String> strangers =
                    jar.stream()
                            .map(ZipEntry::getName)
                            .filter(name -> name.endsWith(".class"))
                            .filter(name -> ROOTS.stream().noneMatch(name::startsWith))
                            .toList();

            assertThat(strangers).isEmpty();
        }
    }

    @Test
    void itIsCompleteAndOfASensibleSize() throws Exception {
        try (JarFile jar = new JarFile(JAR.toFile())) {
            for (String name :
                    List.of(
                            "META-INF/plugin.definition",
                            "META-INF/LICENSE",
                            "META-INF/NOTICE",
                            "META-INF/THIRD-PARTY.md",
                            "io/greenroom/plugin/http/GreenroomRequestHandler.class",
                            "io/greenroom/plugin/http/dashboard/dashboard.html",
                            "io/greenroom/plugin/version.properties")) {
                assertThat(jar.getEntry(name)).as(name).isNotNull();
            }
            assertThat(jar.stream().map(ZipEntry::getName))
                    .as("the kernels")
                    .anyMatch(name -> name.contains("libgreenroom"));
        }
        assertThat(Files.size(JAR)).isBetween(1L << 20, 25L << 20);
    }

    /** Sees what the server's class loader sees: its own libraries, none of ours. */
    private static final class ServerLoader extends ClassLoader {

        private static final List<String> OURS =
                List.of(
                        "io.greenroom.",
                        "jakarta.",
                        "org.apache.kafka.",
                        "org.jboss.",
                        "com.hubspot.",
                        "jinjava.");

        private static final List<String> OURS_TOO =
                List.of("com.github.benmanes.", "com.google.common.", "com.fasterxml.", "picocli.");

        private final List<String> missing;

        /**
         * @param missing prefixes of further classes that this server lacks
         */
        ServerLoader(ClassLoader parent, String... missing) {
            super(parent);
            this.missing = List.of(missing);
        }

        @Override
        protected Class<?> loadClass(String name, boolean resolve) throws ClassNotFoundException {
            if (OURS.stream().anyMatch(name::startsWith)
                    || OURS_TOO.stream().anyMatch(name::startsWith)
                    || missing.stream().anyMatch(name::startsWith)) {
                throw new ClassNotFoundException(name);
            }
            return super.loadClass(name, resolve);
        }

        @Override
        public URL getResource(String name) {
            return name.contains("greenroom") ? null : super.getResource(name);
        }
    }

    @Test
    void itAnswersFromAPluginFoldersClassLoader() throws Exception {
        Path checkpoint =
                Path.of("..", "integration-tests", "src", "test", "resources", "fixtures")
                        .resolve("qwen3moe-q8_0");
        Thread thread = Thread.currentThread();
        ClassLoader before = thread.getContextClassLoader();
        ServerLoader server = new ServerLoader(getClass().getClassLoader());
        try (URLClassLoader plugins = new URLClassLoader(new URL[] {JAR.toUri().toURL()}, server)) {
            thread.setContextClassLoader(server);
            plugins.loadClass("io.greenroom.plugin.http.GreenroomRequestHandler")
                    .getConstructor()
                    .newInstance();
            try (Model model = Engine.getEngine("MoE").newModel("fixture", null)) {
                model.load(checkpoint, null, Map.of("expert_budget", "50%"));
                Input input = new Input();
                input.add(
                        "data",
                        ("{\"messages\":[{\"role\":\"user\",\"content\":\"Hi\"}],\"max_tokens\":3,"
                                        + "\"temperature\":0}")
                                .getBytes(StandardCharsets.UTF_8));
                try (Predictor<Input, Output> predictor =
                        model.newPredictor(null, model.getNDManager().getDevice())) {
                    Output output = predictor.predict(input);
                    assertThat(output.getData().getAsString())
                            .startsWith("{\"id\":\"chatcmpl-")
                            .contains("\"completion_tokens\":3");
                    assertThat(output.getCode()).isEqualTo(200);
                }
            }
        } finally {
            thread.setContextClassLoader(before);
        }
    }

    /** A server with Prometheus's library gets our series into its own registry. */
    @Test
    void aServersOwnRegistryHasOurSeries() throws Exception {
        ServerLoader server = new ServerLoader(getClass().getClassLoader());
        try (URLClassLoader plugins = new URLClassLoader(new URL[] {JAR.toUri().toURL()}, server);
                AutoCloseable sink = prometheus(plugins)) {
            assertThat(sink.getClass().getClassLoader()).isSameAs(plugins);
            assertThat(plugins.loadClass(REGISTRY)).isSameAs(PrometheusRegistry.class);
            assertThat(PrometheusRegistry.defaultRegistry.scrape())
                    .extracting(snapshot -> snapshot.getMetadata().getPrometheusName())
                    .contains("greenroom_build", "greenroom_models_left_out");
        }
        assertThat(PrometheusRegistry.defaultRegistry.scrape()).isEmpty();
    }

    /** A server without it does not keep them from being there. */
    @Test
    void withoutTheServersLibraryThereIsACopy() throws Exception {
        ServerLoader server = new ServerLoader(getClass().getClassLoader(), "io.prometheus.");
        try (URLClassLoader plugins = new URLClassLoader(new URL[] {JAR.toUri().toURL()}, server);
                AutoCloseable sink = prometheus(plugins)) {
            Class<?> registry = plugins.loadClass(REGISTRY);
            assertThat(registry.getClassLoader()).isSameAs(plugins);
            byte[] text =
                    (byte[]) sink.getClass().getMethod("text", Set.class).invoke(sink, Set.of());
            assertThat(new String(text, StandardCharsets.UTF_8)).contains("greenroom_build_info{");
        }
        assertThat(PrometheusRegistry.defaultRegistry.scrape()).isEmpty();
    }

    /** The jar's Prometheus sink, of no models. */
    private static AutoCloseable prometheus(ClassLoader plugins) throws Exception {
        Class<?> models = plugins.loadClass("io.greenroom.plugin.engine.ModelRegistry");
        Supplier<List<?>> noSinks = List::of;
        return (AutoCloseable)
                plugins.loadClass("io.greenroom.plugin.telemetry.prometheus.PrometheusSink")
                        .getConstructor(models, boolean.class, Clock.class, Supplier.class)
                        .newInstance(
                                models.getConstructor().newInstance(),
                                true,
                                Clock.systemUTC(),
                                noSinks);
    }

    /** Kafka loads by the thread's class loader what it is given by name. */
    @Test
    void kafkasClientsAreMadeFromAPluginFoldersClassLoader() throws Exception {
        Thread thread = Thread.currentThread();
        ClassLoader before = thread.getContextClassLoader();
        ServerLoader server = new ServerLoader(getClass().getClassLoader());
        try (URLClassLoader plugins = new URLClassLoader(new URL[] {JAR.toUri().toURL()}, server)) {
            thread.setContextClassLoader(server);
            Class<?> pluginSettings =
                    plugins.loadClass("io.greenroom.plugin.config.PluginSettings");
            Object settings =
                    pluginSettings
                            .getConstructor(Map.class, Map.class)
                            .newInstance(
                                    Map.of(
                                            "greenroom.kafka.bootstrap-servers",
                                            "127.0.0.1:1",
                                            "greenroom.kafka.client.security.protocol",
                                            "SASL_PLAINTEXT",
                                            "greenroom.kafka.client.sasl.mechanism",
                                            "PLAIN",
                                            "greenroom.kafka.client.sasl.jaas.config",
                                            "org.apache.kafka.common.security.plain."
                                                    + "PlainLoginModule required username=\"u\""
                                                    + " password=\"swordfish\";"),
                                    Map.of());
            Class<?> kafka = plugins.loadClass("io.greenroom.plugin.telemetry.kafka.KafkaSettings");
            Object made = kafka.getConstructor(pluginSettings).newInstance(settings);
            for (String client : List.of("newProducer", "newConsumer", "newAdmin")) {
                Object each = kafka.getMethod(client, String.class).invoke(made, "test");
                assertThat(each.getClass().getClassLoader()).as(client).isSameAs(plugins);
                ((AutoCloseable) each).close();
            }
        } finally {
            thread.setContextClassLoader(before);
        }
        try (JarFile jar = new JarFile(JAR.toFile())) {
            assertThat(jar.stream().map(ZipEntry::getName))
                    .as("what only Kafka's own client telemetry needs")
                    .noneMatch(name -> name.startsWith("org/apache/kafka/shaded/"));
        }
    }
}
