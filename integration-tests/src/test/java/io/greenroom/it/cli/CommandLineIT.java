package io.greenroom.it.cli;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import io.greenroom.it.DemoReference;
import io.greenroom.it.TestModels;
import io.greenroom.it.server.ServerClient;
import java.net.URI;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** The commands, as users run them. */
@Timeout(120)
class CommandLineIT {

    private static final Pattern URL = Pattern.compile("serves on (http://127\\.0\\.0\\.1:\\d+)");

    /** 128 for "by a signal" and 15 for SIGTERM. */
    private static final int ENDED_BY_SIGTERM = 143;

    @TempDir private Path folder;
    private GreenroomCommandLine greenroom;

    @BeforeEach
    void prepare() {
        greenroom = new GreenroomCommandLine(folder);
    }

    @Test
    void generateContinuesAPromptAndCountsWhatItTook() throws Exception {
        DemoReference.Prompt prompt = DemoReference.read().prompt("lexicon-raw");

        GreenroomCommandLine.Result result =
                greenroom.run(
                        "generate",
                        "--json",
                        "--raw",
                        "--model",
                        TestModels.demo().toString(),
                        "--budget",
                        "25%",
                        "--max-tokens",
                        Integer.toString(prompt.greedy().size()),
                        "--prompt",
                        prompt.text());

        assertThat(result.exitCode()).as(result.err()).isZero();
        JsonObject json = JsonParser.parseString(result.out()).getAsJsonObject();
        assertThat(json.get("text").getAsString()).isEqualTo(prompt.decoded());
        assertThat(json.get("finish_reason").getAsString()).isEqualTo("length");
        assertThat(json.get("prompt_tokens").getAsInt()).isEqualTo(prompt.ids().size());
        assertThat(json.get("tokens").getAsInt()).isEqualTo(prompt.greedy().size());
        assertThat(json.get("hit_rate").getAsDouble()).isBetween(0.2, 0.99);
        assertThat(json.get("bytes_read").getAsLong()).isPositive();
    }

    @Test
    void generateAnswersAChatWithTheDemoModelUnlessToldOtherwise() throws Exception {
        DemoReference.Prompt prompt = DemoReference.read().prompt("lexicon-short-chat");

        GreenroomCommandLine.Result result =
                greenroom.run("generate", "--prompt", question(prompt.text()));

        assertThat(result.exitCode()).as(result.err()).isZero();
        assertThat(result.out().strip()).isEqualTo(prompt.decoded().strip());
        assertThat(result.err()).contains("tokens/s", "experts found in memory", "ended by stop");
    }

    @Test
    void lowBitCopiesArePackedAndServed() throws Exception {
        Path copies = folder.resolve("demo.lowbit");
        GreenroomCommandLine.Result missing =
                greenroom.run("generate", "--low-bit", copies.toString(), "--prompt", "x");
        assertThat(missing.exitCode()).isEqualTo(1);
        assertThat(missing.err())
                .contains("there is no such file of low-bit copies", "greenroom pack --low-bit");

        GreenroomCommandLine.Result packed =
                greenroom.run("pack", "--low-bit", "q4_0", "--out", copies.toString());
        assertThat(packed.exitCode()).as(packed.err()).isZero();
        assertThat(packed.out()).contains("layer 7: error of gate 8.");

        GreenroomCommandLine.Result result =
                greenroom.run(
                        "generate",
                        "--json",
                        "--budget",
                        "25%",
                        "--low-bit",
                        copies.toString(),
                        "--max-tokens",
                        "20",
                        "--prompt",
                        "What is a cache?");
        assertThat(result.exitCode()).as(result.err()).isZero();
        JsonObject mixed =
                JsonParser.parseString(result.out())
                        .getAsJsonObject()
                        .getAsJsonObject("mixed_precision");
        assertThat(mixed.get("low_bit_selections").getAsLong()).isPositive();
        assertThat(mixed.get("saved_bytes").getAsLong()).isPositive();
    }

    @Test
    void whatCannotBeIsSaidInOneLine() throws Exception {
        GreenroomCommandLine.Result budget =
                greenroom.run("generate", "--budget", "10KiB", "--prompt", "x");

        assertThat(budget.exitCode()).isEqualTo(1);
        assertThat(budget.out()).isEmpty();
        assertThat(budget.err()).contains("10.0 KiB", "smallest budget that works", "384.0 KiB");
        assertThat(budget.err()).doesNotContain("\tat ");

        GreenroomCommandLine.Result temperature =
                greenroom.run("generate", "--temperature", "3", "--prompt", "x");
        assertThat(temperature.exitCode()).isEqualTo(1);
        assertThat(temperature.err()).contains("temperature", "3", "from 0 to 2");
    }

    @Test
    void theDemoServesUntilItIsTold() throws Exception {
        Process demo = greenroom.start("demo", "--port", "0");
        try {
            ServerClient.await("the demo is ready", () -> !demo.isAlive() || ready());
            assertThat(greenroom.out())
                    .as(greenroom.err())
                    .contains("64 of 256 fit", "25 % of all experts", "curl -N", "DJL Serving");
            Matcher url = URL.matcher(greenroom.out());
            assertThat(url.find()).isTrue();
            ServerClient server = new ServerClient(URI.create(url.group(1)).toURL());
            CountDownLatch begun = new CountDownLatch(1);
            CompletableFuture<List<String>> stream = endless(server, begun);
            begun.await();

            demo.destroy();

            assertThat(demo.waitFor(30, TimeUnit.SECONDS)).isTrue();
            assertThat(demo.exitValue()).isEqualTo(ENDED_BY_SIGTERM);
            assertThat(String.join("\n", stream.get())).contains("unloaded");
        } finally {
            demo.destroyForcibly();
        }
    }

    private boolean ready() {
        try {
            return greenroom.out().contains("Ready.");
        } catch (java.io.IOException e) {
            return false;
        }
    }

    private static CompletableFuture<List<String>> endless(
            ServerClient server, CountDownLatch begun) {
        JsonObject chat =
                ServerClient.streaming(ServerClient.chat("greenroom-demo", "Go on.", 1500));
        chat.addProperty("temperature", 2);
        chat.addProperty("seed", 1);
        return CompletableFuture.supplyAsync(
                () -> {
                    try (Stream<String> lines = server.postForLines("/v1/chat/completions", chat)) {
                        return lines.peek(line -> begun.countDown()).toList();
                    }
                });
    }

    /** The user's words in a rendered chat. */
    private static String question(String rendered) {
        String begin = "<|im_start|>user\n";
        int from = rendered.indexOf(begin) + begin.length();
        return rendered.substring(from, rendered.indexOf("<|im_end|>", from));
    }
}
