package io.greenroom.it.sinks;

import io.greenroom.plugin.telemetry.UsageRecord;
import io.greenroom.plugin.telemetry.UsageSink;
import java.util.concurrent.CountDownLatch;

/** An operator's sink that never comes back, not even when it is interrupted. */
public final class BlockingSink implements UsageSink {

    private final CountDownLatch never = new CountDownLatch(1);

    @Override
    public String name() {
        return "blocking";
    }

    @Override
    public void accept(UsageRecord record) {
        while (true) {
            try {
                never.await();
                return;
            } catch (InterruptedException e) {
                // On purpose.
            }
        }
    }
}
