package io.greenroom.plugin.heat;

import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CountDownLatch;
import org.jspecify.annotations.Nullable;

/** A store whose answers a test decides. */
final class FakeStore implements HeatStore {

    private final String name;
    final List<HeatRecord> written = new ArrayList<>();
    final CountDownLatch hangs = new CountDownLatch(1);
    @Nullable HeatRecord holds;
    @Nullable IOException failure;
    boolean hanging;
    boolean closed;

    FakeStore(String name) {
        this.name = name;
    }

    @Override
    public String name() {
        return name;
    }

    @Override
    public boolean isOn() {
        return true;
    }

    @Override
    public Optional<HeatRecord> read(HeatKey key, Duration timeout)
            throws IOException, InterruptedException {
        if (hanging) {
            hangs.await();
        }
        if (failure != null) {
            throw failure;
        }
        return Optional.ofNullable(holds);
    }

    @Override
    public void write(HeatRecord record) throws IOException {
        if (failure != null) {
            throw failure;
        }
        written.add(record);
    }

    @Override
    public void close() {
        closed = true;
    }
}
