package io.greenroom.offload.decoder;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.greenroom.cache.ExpertCache;
import io.greenroom.cache.ExpertId;
import io.greenroom.cache.ExpertLease;
import io.greenroom.cache.ExpertLoadException;
import io.greenroom.cache.ExpertLoader;
import io.greenroom.cache.ExpertVisit;
import io.greenroom.cache.LoadPriority;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(30)
class WholeVisitTest {

    private final List<CompletableFuture<Void>> reads = new ArrayList<>();
    private final ExecutorService visitor = Executors.newSingleThreadExecutor();
    private final ExpertCache cache =
            ExpertCache.builder(new Loader()).shape(1, 8).slots(4).floor(4).build();
    private final ExpertStage.Experts experts =
            new ExpertStage.Experts(
                    cache,
                    (id, slot) -> {
                        throw new UnsupportedOperationException();
                    },
                    false);

    private final class Loader implements ExpertLoader {
        @Override
        public CompletableFuture<Void> load(ExpertId id, int slot, LoadPriority priority) {
            CompletableFuture<Void> read = new CompletableFuture<>();
            reads.add(read);
            return read;
        }
    }

    @AfterEach
    void stop() {
        visitor.shutdownNow();
    }

    private Future<@Nullable ExpertLease> next(ExpertVisit visit) {
        return visitor.submit(visit::next);
    }

    private static ExpertLease get(Future<@Nullable ExpertLease> lease) throws Exception {
        ExpertLease there = lease.get(20, TimeUnit.SECONDS);
        assertThat(there).isNotNull();
        return there;
    }

    @Test
    void nothingIsHandedOutBeforeEverythingIsThere() throws Exception {
        try (ExpertVisit visit = experts.visit(0, new int[] {1, 2, 3})) {
            Future<@Nullable ExpertLease> first = next(visit);
            reads.get(0).complete(null);
            reads.get(1).complete(null);
            assertThat(first.isDone()).isFalse();
            reads.get(2).complete(null);
            get(first).close();
            get(next(visit)).close();
            get(next(visit)).close();
            assertThat(next(visit).get(20, TimeUnit.SECONDS)).isNull();
        }
        cache.close();
    }

    @Test
    void aFailedReadIsToldAndTheOthersAreStillHandedOut() throws Exception {
        try (ExpertVisit visit = experts.visit(0, new int[] {1, 2})) {
            reads.get(0).completeExceptionally(new IOException("the disk is gone"));
            reads.get(1).complete(null);
            assertThatThrownBy(visit::next).isInstanceOf(ExpertLoadException.class);
            ExpertLease lease = visit.next();
            assertThat(lease).isNotNull();
            assertThat(lease.id()).isEqualTo(new ExpertId(0, 2));
            lease.close();
            assertThat(visit.next()).isNull();
        }
        cache.close();
    }

    @Test
    void whatWasNotTakenIsGivenBack() throws Exception {
        ExpertVisit visit = experts.visit(0, new int[] {1, 2});
        reads.forEach(read -> read.complete(null));
        ExpertLease lease = visit.next();
        assertThat(lease).isNotNull();
        lease.close();
        visit.close();
        cache.close(); // it refuses while a lease is open
    }

    @Test
    void moreExpertsThanSlotsCannotAllWait() throws Exception {
        try (ExpertVisit visit = experts.visit(0, new int[] {0, 1, 2, 3, 4})) {
            reads.get(0).complete(null);
            ExpertLease lease = visit.next();
            assertThat(lease).isNotNull();
            lease.close();
            reads.forEach(read -> read.complete(null));
        }
        cache.close();
    }
}
