package io.greenroom.plugin.cli;

import io.greenroom.offload.decoder.FinishReason;
import io.greenroom.offload.decoder.GenerationRequest;
import io.greenroom.offload.decoder.GenerationUsage;
import io.greenroom.offload.decoder.MoeModel;
import io.greenroom.offload.decoder.SamplingParameters;
import io.greenroom.offload.decoder.TokenListener;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.Semaphore;
import org.jspecify.annotations.Nullable;

/** Clients that ask one model the same few things again and again, and compare the answers. */
final class BackgroundRequests implements AutoCloseable {

    private static final int PROMPTS = 4;
    private static final int PROMPT_TOKENS = 24;
    private static final long SEED = 1;

    private final MoeModel model;
    private final int tokens;
    private final List<List<Integer>> expected = new ArrayList<>();
    private final List<Thread> clients = new ArrayList<>();
    private final Semaphore answers = new Semaphore(0);
    private final List<String> failures = new ArrayList<>(); // guarded by itself
    private int answered; // guarded by failures
    private int different; // guarded by failures
    private volatile boolean ended;

    private BackgroundRequests(MoeModel model, int tokens) {
        this.model = model;
        this.tokens = tokens;
    }

    /**
     * How the requests fared.
     *
     * @param answered all that ended
     * @param failed those that ended badly
     * @param different those with other tokens than at first
     * @param failures the first few reasons
     */
    record Result(int answered, int failed, int different, List<String> failures) {}

    /** Asks everything once, alone, then starts the clients. */
    static BackgroundRequests start(MoeModel model, int clients, int tokens) {
        BackgroundRequests requests = new BackgroundRequests(model, tokens);
        for (int prompt = 0; prompt < PROMPTS; prompt++) {
            requests.expected.add(requests.ask(prompt));
        }
        for (int client = 0; client < clients; client++) {
            Random random = new Random(SEED + client);
            Thread thread = new Thread(() -> requests.askOnAndOn(random), "bench-client-" + client);
            thread.setDaemon(true);
            requests.clients.add(thread);
            thread.start();
        }
        return requests;
    }

    /** Waits until so many more answers have come. */
    void await(int count) throws InterruptedException {
        answers.acquire(count);
    }

    /** Ends the clients, waits for their last answers. */
    Result end() throws InterruptedException {
        ended = true;
        for (Thread client : clients) {
            client.join();
        }
        synchronized (failures) {
            return new Result(
                    answered,
                    failures.size(),
                    different,
                    List.copyOf(failures.subList(0, Math.min(5, failures.size()))));
        }
    }

    @Override
    public void close() {
        ended = true;
    }

    private void askOnAndOn(Random random) {
        while (!ended) {
            int prompt = random.nextInt(PROMPTS);
            try {
                boolean same = ask(prompt).equals(expected.get(prompt));
                synchronized (failures) {
                    answered++;
                    different += same ? 0 : 1;
                }
            } catch (RuntimeException e) {
                Throwable cause = e.getCause() == null ? e : e.getCause();
                synchronized (failures) {
                    answered++;
                    failures.add(String.valueOf(cause.getMessage()));
                }
            }
            answers.release();
        }
    }

    private List<Integer> ask(int prompt) {
        int vocabulary = model.checkpoint().spec().vocabulary();
        int[] text =
                new Random(SEED * 31 + prompt)
                        .ints(PROMPT_TOKENS + prompt, 0, vocabulary)
                        .toArray();
        Collected answer = new Collected();
        model.submit(
                new GenerationRequest(text, tokens, SamplingParameters.GREEDY, Set.of()), answer);
        return answer.done.join();
    }

    private static final class Collected implements TokenListener {

        private final List<Integer> tokens = new ArrayList<>();
        private final CompletableFuture<List<Integer>> done = new CompletableFuture<>();

        @Override
        public boolean onToken(int token) {
            tokens.add(token);
            return true;
        }

        @Override
        public void onFinish(
                FinishReason reason, GenerationUsage usage, @Nullable Throwable failure) {
            if (failure != null) {
                done.completeExceptionally(new CompletionException(failure));
            } else if (reason == FinishReason.UNLOADED || reason == FinishReason.ERROR) {
                done.completeExceptionally(new IllegalStateException("ended by " + reason));
            } else {
                done.complete(tokens);
            }
        }
    }
}
