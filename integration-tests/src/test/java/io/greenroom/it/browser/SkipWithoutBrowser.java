package io.greenroom.it.browser;

import org.junit.jupiter.api.extension.ConditionEvaluationResult;
import org.junit.jupiter.api.extension.ExecutionCondition;
import org.junit.jupiter.api.extension.ExtensionContext;

/** Skips tests of pages where there is no browser; {@code ServerReport} counts and prints them. */
public final class SkipWithoutBrowser implements ExecutionCondition {

    @Override
    public ConditionEvaluationResult evaluateExecutionCondition(ExtensionContext context) {
        return Browser.isHere()
                ? ConditionEvaluationResult.enabled("there is a browser")
                : ConditionEvaluationResult.disabled(
                        "no chromium and chromedriver on the PATH; Debian: apt install"
                                + " chromium chromium-driver");
    }
}
