package io.greenroom.it.cli;

import io.greenroom.it.container.BuiltPlugin;
import java.io.File;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.stream.Collectors;

/** The command line as the launcher runs it: a process of its own, from the built jar. */
final class GreenroomCommandLine {

    private static final long LIMIT_SECONDS = 60;

    /** What a command left behind. */
    record Result(int exitCode, String out, String err) {}

    private final Path folder;

    /**
     * @param folder for what the commands print
     */
    GreenroomCommandLine(Path folder) {
        this.folder = folder;
    }

    /** Starts a command; its output goes to {@link #out} and {@link #err}. */
    Process start(String... arguments) throws IOException {
        return start(Map.of(), arguments);
    }

    /**
     * Starts a command.
     *
     * @param environment variables besides those of this process
     */
    Process start(Map<String, String> environment, String... arguments) throws IOException {
        String classPath =
                BuiltPlugin.hostClassPath().stream()
                        .map(Path::toString)
                        .collect(Collectors.joining(File.pathSeparator));
        List<String> command =
                new ArrayList<>(
                        List.of(
                                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                                "-Xmx256m",
                                "-Dgreenroom.home=" + Path.of("").toAbsolutePath().getParent(),
                                "-cp",
                                classPath,
                                "io.greenroom.plugin.cli.Greenroom"));
        command.addAll(List.of(arguments));
        ProcessBuilder builder =
                new ProcessBuilder(command)
                        .redirectOutput(file("out").toFile())
                        .redirectError(file("err").toFile());
        builder.environment().putAll(environment);
        return builder.start();
    }

    /** Runs a command to its end. */
    Result run(String... arguments) throws IOException, InterruptedException {
        Process process = start(arguments);
        if (!process.waitFor(LIMIT_SECONDS, TimeUnit.SECONDS)) {
            process.destroyForcibly();
            throw new IOException("Not within " + LIMIT_SECONDS + " s: " + List.of(arguments));
        }
        return new Result(process.exitValue(), out(), err());
    }

    String out() throws IOException {
        return Files.readString(file("out"), StandardCharsets.UTF_8);
    }

    String err() throws IOException {
        return Files.readString(file("err"), StandardCharsets.UTF_8);
    }

    private Path file(String name) {
        return folder.resolve(name + ".txt");
    }
}
