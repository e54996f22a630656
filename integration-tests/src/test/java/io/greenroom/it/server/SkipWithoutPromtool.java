package io.greenroom.it.server;

import java.io.File;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;
import java.util.stream.Stream;
import org.junit.jupiter.api.extension.ConditionEvaluationResult;
import org.junit.jupiter.api.extension.ExecutionCondition;
import org.junit.jupiter.api.extension.ExtensionContext;

/** Skips, and says so, where Prometheus's own checker is not on the path. */
final class SkipWithoutPromtool implements ExecutionCondition {

    /** The program, if there is one. */
    static Optional<Path> promtool() {
        return Stream.of(System.getenv("PATH").split(File.pathSeparator, -1))
                .map(folder -> Path.of(folder).resolve("promtool"))
                .filter(Files::isExecutable)
                .findFirst();
    }

    @Override
    public ConditionEvaluationResult evaluateExecutionCondition(ExtensionContext context) {
        if (promtool().isPresent()) {
            return ConditionEvaluationResult.enabled("promtool is here");
        }
        System.out.println(
                "[promtool] SKIPPED "
                        + context.getDisplayName()
                        + ": promtool is not on the path (Debian: apt install prometheus)");
        return ConditionEvaluationResult.disabled("no promtool on the path");
    }
}
