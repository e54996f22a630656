package io.greenroom.it.container;

import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.Stream;
import org.junit.platform.engine.TestExecutionResult;
import org.junit.platform.engine.support.descriptor.MethodSource;
import org.junit.platform.launcher.TestExecutionListener;
import org.junit.platform.launcher.TestIdentifier;
import org.junit.platform.launcher.TestPlan;

/** Says at the end of a run which container it was for and how many tests ran or were skipped. */
public final class ServerReport implements TestExecutionListener {

    private final AtomicInteger passed = new AtomicInteger();
    private final AtomicInteger failed = new AtomicInteger();
    private final AtomicInteger skipped = new AtomicInteger();
    private volatile String skipReason = "";
    private TestPlan plan;

    /** The container this run is for, as Arquillian is told; empty outside its runs. */
    static String container() {
        return System.getProperty("arquillian.launch", "");
    }

    @Override
    public void testPlanExecutionStarted(TestPlan started) {
        plan = started;
    }

    @Override
    public void executionSkipped(TestIdentifier test, String reason) {
        long tests =
                Stream.concat(Stream.of(test), plan.getDescendants(test).stream())
                        // A method with parameters counts once: its cases are not known yet.
                        .filter(
                                t ->
                                        t.getSource()
                                                .filter(MethodSource.class::isInstance)
                                                .isPresent())
                        .count();
        skipped.addAndGet((int) tests);
        skipReason = reason;
    }

    @Override
    public void executionFinished(TestIdentifier test, TestExecutionResult result) {
        boolean success = result.getStatus() == TestExecutionResult.Status.SUCCESSFUL;
        if (test.isTest() || !success) {
            (success ? passed : failed).incrementAndGet();
        }
    }

    @Override
    public void testPlanExecutionFinished(TestPlan finished) {
        if (container().isEmpty()) {
            return;
        }
        StringBuilder line = new StringBuilder("[containers] ").append(container()).append(": ");
        if (passed.get() + failed.get() > 0) {
            line.append(passed).append(" passed, ").append(failed).append(" failed");
        }
        if (skipped.get() > 0) {
            line.append(passed.get() + failed.get() > 0 ? ", " : "")
                    .append(skipped)
                    .append(" SKIPPED (")
                    .append(skipReason)
                    .append(')');
        }
        System.out.println(line);
    }
}
