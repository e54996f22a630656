package io.greenroom.plugin;

import static org.assertj.core.api.Assertions.assertThat;

import ai.djl.Model;
import ai.djl.engine.Engine;
import ai.djl.inference.Predictor;
import ai.djl.modality.Input;
import ai.djl.modality.Output;
import java.net.URL;
import java.net.URLClassLoader;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.jar.JarFile;
import java.util.zip.ZipEntry;
import org.junit.jupiter.api.Test;

/** The jar an operator drops into plugins/. */
class PluginJarIT {

    private static final Path JAR = Path.of(System.getProperty("greenroom.plugin.jar"));

    /** What the jar may bring; everything else is the server's, or has to be renamed. */
    private static final List<String> ROOTS =
            List.of("io/greenroom/", "jakarta/", "org/jboss/", "META-INF/");

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
                List.of("io.greenroom.", "jakarta.", "org.jboss.", "com.hubspot.", "jinjava.");

        private static final List<String> OURS_TOO =
                List.of("com.github.benmanes.", "com.google.common.", "com.fasterxml.", "picocli.");

        ServerLoader(ClassLoader parent) {
            super(parent);
        }

        @Override
        protected Class<?> loadClass(String name, boolean resolve) throws ClassNotFoundException {
            if (OURS.stream().anyMatch(name::startsWith)
                    || OURS_TOO.stream().anyMatch(name::startsWith)) {
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
}
