package io.greenroom.plugin.heat;

import io.greenroom.offload.decoder.MoeModel;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CancellationException;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Warm start from what stores have kept: the newest record of all of them that fits the model. */
final class StoredWarmStart implements WarmStart {

    private static final Logger logger = LoggerFactory.getLogger(StoredWarmStart.class);

    /** Between two lines about how far it has come. */
    private static final Duration PROGRESS = Duration.ofSeconds(2);

    private final ModelHeat heat;
    private final MoeModel model;
    private final List<HeatStore> stores;
    private final HeatSettings settings;
    private final Runnable end;
    private final CompletableFuture<Void> cancelled = new CompletableFuture<>();

    StoredWarmStart(
            ModelHeat heat,
            MoeModel model,
            List<HeatStore> stores,
            HeatSettings settings,
            Runnable end) {
        this.heat = heat;
        this.model = model;
        this.stores = stores;
        this.settings = settings;
        this.end = end;
    }

    /** A record and where it was found. */
    private record Found(HeatStore store, HeatRecord record) {}

    @Override
    public void await() {
        try {
            Found newest = newest(read());
            if (newest == null) {
                return;
            }
            heat.begin(newest.record().heat());
            warm(newest);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        } catch (RuntimeException e) {
            logger.warn("Model {} does not begin warm", name(), e);
        }
    }

    /** Asks all stores at once, each on a thread of its own: a folder can hang like a broker. */
    private List<Found> read() throws InterruptedException {
        Map<HeatStore, CompletableFuture<Optional<HeatRecord>>> reads = new LinkedHashMap<>();
        for (HeatStore store : stores) {
            CompletableFuture<Optional<HeatRecord>> read = new CompletableFuture<>();
            reads.put(store, read);
            Thread thread = new Thread(() -> read(store, read), "greenroom-heat-read");
            thread.setDaemon(true);
            thread.start();
        }
        long deadline = System.nanoTime() + settings.readTimeout().toNanos();
        List<Found> found = new ArrayList<>();
        for (Map.Entry<HeatStore, CompletableFuture<Optional<HeatRecord>>> read :
                reads.entrySet()) {
            HeatStore store = read.getKey();
            try {
                long left = Math.max(0, deadline - System.nanoTime());
                CompletableFuture<Optional<HeatRecord>> answer = read.getValue();
                var unused =
                        CompletableFuture.anyOf(answer, cancelled).get(left, TimeUnit.NANOSECONDS);
                answer.getNow(Optional.empty())
                        .ifPresent(record -> found.add(new Found(store, record)));
            } catch (ExecutionException e) {
                @Nullable Throwable cause = e.getCause();
                logger.warn(
                        "Model {}: no heat from the {}: {}",
                        name(),
                        store.name(),
                        cause == null ? e : cause.getMessage());
            } catch (TimeoutException e) {
                logger.warn(
                        "Model {}: no heat from the {} within {}",
                        name(),
                        store.name(),
                        seconds(settings.readTimeout().toNanos()));
            }
        }
        return found;
    }

    private void read(HeatStore store, CompletableFuture<Optional<HeatRecord>> answer) {
        try {
            answer.complete(store.read(heat.key(), settings.readTimeout()));
        } catch (Exception | LinkageError e) {
            answer.completeExceptionally(e);
        }
    }

    /**
     * The newest record of this model's shape; null, with a reason in the log, if there is none.
     */
    private @Nullable Found newest(List<Found> found) {
        Found newest = null;
        for (Found one : found) {
            HeatRecord record = one.record();
            if (!heat.fits(record.heat())) {
                logger.warn(
                        "Model {}: the heat in the {} is of a model of {} layers of {} experts, not"
                                + " of this one; it is ignored",
                        name(),
                        one.store().name(),
                        record.heat().layers(),
                        record.heat().experts());
                continue;
            }
            heat.found(one.store(), record.heat());
            if (newest == null || record.at().isAfter(newest.record().at())) {
                newest = one;
            }
        }
        if (newest == null && !cancelled.isDone()) {
            logger.info(
                    "Model {} begins cold: no heat of checkpoint {} in the {}",
                    name(),
                    heat.key().fingerprint(),
                    String.join(" and the ", stores.stream().map(HeatStore::name).toList()));
        }
        return newest;
    }

    private void warm(Found from) throws InterruptedException {
        HeatRecord record = from.record();
        long begin = System.nanoTime();
        CompletableFuture<Integer> reading = model.warm(record.heat());
        int wanted = record.heat().hottest(model.status().slots()).size();
        logger.info(
                "Model {} begins warm with {} experts, hottest in {} tokens on {} until {} ({})",
                name(),
                wanted,
                Math.round(record.heat().tokens()),
                record.host(),
                record.at(),
                from.store().name());
        var unused = cancelled.whenComplete((done, never) -> reading.cancel(false));
        while (true) {
            long left = settings.warmTimeout().toNanos() - (System.nanoTime() - begin);
            try {
                int read =
                        reading.get(
                                Math.max(0, Math.min(left, PROGRESS.toNanos())),
                                TimeUnit.NANOSECONDS);
                logger.info(
                        "Model {} is warm after {}: {} experts read",
                        name(),
                        seconds(System.nanoTime() - begin),
                        read);
                return;
            } catch (TimeoutException e) {
                long read = model.status().cache().background().warmed();
                if (left <= PROGRESS.toNanos()) {
                    logger.info(
                            "Model {} is ready after {} with {} of {} experts; the others follow"
                                    + " in the background",
                            name(),
                            seconds(System.nanoTime() - begin),
                            read,
                            wanted);
                    return;
                }
                logger.info("Model {} is warming: {} of {} experts", name(), read, wanted);
            } catch (ExecutionException | CancellationException e) {
                logger.info("Model {} stopped warming: {}", name(), e.toString());
                return;
            }
        }
    }

    private String name() {
        return heat.key().model();
    }

    private static String seconds(long nanos) {
        return String.format(Locale.ROOT, "%.1f s", nanos / 1e9);
    }

    @Override
    public void cancel() {
        cancelled.complete(null);
    }

    @Override
    public void close() {
        cancel();
        end.run();
    }
}
