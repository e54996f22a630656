package io.greenroom.plugin.cli;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorCompletionService;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.function.LongConsumer;

/**
 * Does tasks in order, some at once; the first failure ends it.
 *
 * @param width tasks at once
 */
record SideBySide(int width) {

    /**
     * @param tasks each says how much it has done
     * @param done told the sum so far, on the calling thread
     * @throws Exception what a task has thrown
     */
    void run(List<Callable<Integer>> tasks, LongConsumer done) throws Exception {
        ExecutorService threads = Executors.newFixedThreadPool(width);
        try {
            ExecutorCompletionService<Integer> service = new ExecutorCompletionService<>(threads);
            List<Future<Integer>> started = new ArrayList<>();
            tasks.forEach(task -> started.add(service.submit(task)));
            long sum = 0;
            for (int i = 0; i < started.size(); i++) {
                sum += service.take().get();
                done.accept(sum);
            }
        } catch (ExecutionException e) {
            throw e.getCause() instanceof Exception cause ? cause : e;
        } finally {
            threads.shutdownNow();
        }
    }
}
