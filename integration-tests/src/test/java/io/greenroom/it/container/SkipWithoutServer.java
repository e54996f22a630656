package io.greenroom.it.container;

import org.junit.jupiter.api.extension.ConditionEvaluationResult;
import org.junit.jupiter.api.extension.ExecutionCondition;
import org.junit.jupiter.api.extension.ExtensionContext;

/** Skips the tests of a server that this machine does not have. */
public final class SkipWithoutServer implements ExecutionCondition {

    @Override
    public ConditionEvaluationResult evaluateExecutionCondition(ExtensionContext context) {
        return DjlServingContainer.NAME.equals(ServerReport.container())
                        && System.getProperty(DjlServingContainer.HOME, "").isBlank()
                ? ConditionEvaluationResult.disabled("no -D" + DjlServingContainer.HOME)
                : ConditionEvaluationResult.enabled("the server is here");
    }
}
