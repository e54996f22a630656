package io.greenroom.plugin.host;

import ai.djl.Device;
import ai.djl.Model;
import ai.djl.ModelException;
import ai.djl.engine.Engine;
import ai.djl.engine.EngineException;
import ai.djl.inference.Predictor;
import ai.djl.modality.Input;
import ai.djl.modality.Output;
import ai.djl.translate.NoopServingTranslatorFactory;
import ai.djl.translate.TranslateException;
import ai.djl.translate.Translator;
import io.greenroom.plugin.engine.MoeEngine;
import io.netty.handler.codec.http.HttpResponseStatus;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ArrayBlockingQueue;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CompletableFuture;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * One loaded DJL model, the threads that call its predictors, and a bounded queue before them.
 * Thread-safe.
 */
final class HostedModel implements AutoCloseable {

    private static final Logger logger = LoggerFactory.getLogger(HostedModel.class);

    private final ModelDefinition definition;
    private final Model model;
    private final int batchSize;
    private final BlockingQueue<Job> queue;
    private final List<Thread> workers = new ArrayList<>();
    private volatile boolean closed;

    private record Job(Input input, CompletableFuture<Output> answer) {}

    private HostedModel(ModelDefinition definition, Model model, int batchSize, int queueSize) {
        this.definition = definition;
        this.model = model;
        this.batchSize = batchSize;
        this.queue = new ArrayBlockingQueue<>(queueSize);
    }

    /**
     * Loads a model as the server does: new model named after its folder, properties, load with
     * options, one predictor per worker.
     *
     * @throws EngineException if no such engine is registered, or the engine says so
     */
    static HostedModel load(ModelDefinition definition, int queueSize)
            throws IOException, ModelException, TranslateException {
        // The engine of a model that names none: the one this host exists for.
        String engine = definition.arguments().getOrDefault("engine", MoeEngine.NAME);
        if (!Engine.hasEngine(engine)) {
            throw new IllegalArgumentException(
                    "model "
                            + definition.name()
                            + ": no engine named "
                            + engine
                            + "; there are "
                            + Engine.getAllEngines());
        }
        int queued = definition.intArgument("job_queue_size", queueSize);
        int batchSize = definition.intArgument("batch_size", 1);
        int workerCount = definition.intArgument("minWorkers", 1);
        String folder = ModelDefinition.nameOf(definition.path());
        Model model = Engine.getEngine(engine).newModel(folder, Device.cpu());
        try {
            definition.arguments().forEach(model::setProperty);
            model.load(definition.path(), null, definition.options());
            model.setProperty("metric_dimension", definition.name());
            HostedModel hosted = new HostedModel(definition, model, batchSize, queued);
            hosted.start(workerCount);
            return hosted;
        } catch (IOException | ModelException | TranslateException | RuntimeException | Error e) {
            model.close();
            throw e;
        }
    }

    private void start(int workerCount) throws TranslateException {
        List<Predictor<Input, Output>> predictors = new ArrayList<>();
        for (int i = 0; i < workerCount; i++) {
            Translator<Input, Output> translator =
                    new NoopServingTranslatorFactory()
                            .newInstance(Input.class, Output.class, model, Map.of());
            predictors.add(model.newPredictor(translator));
        }
        for (Predictor<Input, Output> predictor : predictors) {
            Thread worker =
                    new Thread(
                            () -> work(predictor),
                            "greenroom-worker-" + definition.name() + "-" + workers.size());
            worker.setDaemon(true);
            workers.add(worker);
        }
        workers.forEach(Thread::start);
    }

    /**
     * Queues a request. The answer fails with the predictor's exception, or with a {@link
     * HostException} (503) if the queue is full or the model goes away first.
     */
    CompletableFuture<Output> submit(Input input) {
        Job job = new Job(input, new CompletableFuture<>());
        if (closed || !queue.offer(job)) {
            job.answer.completeExceptionally(
                    closed
                            ? unloaded()
                            : new HostException(
                                    HttpResponseStatus.SERVICE_UNAVAILABLE,
                                    "Model "
                                            + definition.name()
                                            + " is overloaded: "
                                            + queue.size()
                                            + " requests are waiting already; try again later"));
        } else if (closed && queue.remove(job)) {
            // Closed between the check and the offer: nobody will come for it.
            job.answer.completeExceptionally(unloaded());
        }
        return job.answer;
    }

    private void work(Predictor<Input, Output> predictor) {
        List<Job> batch = new ArrayList<>();
        try (predictor) {
            while (!closed) {
                batch.clear();
                batch.add(queue.take());
                queue.drainTo(batch, batchSize - 1);
                batch.removeIf(job -> job.input.isCancelled());
                if (!batch.isEmpty()) {
                    predict(predictor, batch);
                }
            }
        } catch (InterruptedException e) {
            logger.debug("Worker of model {} ends", definition.name());
        }
        batch.forEach(job -> job.answer.completeExceptionally(unloaded()));
    }

    /** Every job of the batch has its answer when this returns. */
    private void predict(Predictor<Input, Output> predictor, List<Job> batch) {
        try {
            List<Output> answers = predictor.batchPredict(batch.stream().map(Job::input).toList());
            for (int i = 0; i < batch.size(); i++) {
                batch.get(i).answer.complete(answers.get(i));
            }
        } catch (TranslateException e) {
            batch.forEach(job -> job.answer.completeExceptionally(e));
        } catch (RuntimeException | Error e) {
            // In the server this would end the worker; here the model stays in service.
            logger.error("Model {} failed a request", definition.name(), e);
            HostException failure =
                    new HostException(
                            HttpResponseStatus.SERVICE_UNAVAILABLE,
                            "Model " + definition.name() + " failed: " + e,
                            e);
            batch.forEach(job -> job.answer.completeExceptionally(failure));
        }
    }

    private HostException unloaded() {
        return new HostException(
                HttpResponseStatus.SERVICE_UNAVAILABLE,
                "Model " + definition.name() + " has been unloaded");
    }

    ModelDefinition definition() {
        return definition;
    }

    Model model() {
        return model;
    }

    int queued() {
        return queue.size();
    }

    int workers() {
        return workers.size();
    }

    /** Whether the model has not declared itself failed, as engines do in the server. */
    boolean healthy() {
        return model.intProperty("failed", 0) <= model.intProperty("retry_threshold", 0);
    }

    /**
     * Closes the model first, so that it can end its streams, then its workers; requests still
     * waiting get 503.
     */
    @Override
    public void close() {
        if (closed) {
            return;
        }
        closed = true;
        try {
            model.close();
        } finally {
            workers.forEach(Thread::interrupt);
            List<Job> waiting = new ArrayList<>();
            queue.drainTo(waiting);
            waiting.forEach(job -> job.answer.completeExceptionally(unloaded()));
        }
    }
}
