package io.greenroom.plugin.cli;

import com.sun.nio.file.ExtendedOpenOption;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Random;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.LongConsumer;

/** Reads of a file around the page cache, to make the disk know it or to keep the disk busy. */
final class DirectReads {

    private static final int BLOCK = 4096;
    private static final int SIZE = 4 << 20;

    private DirectReads() {}

    /**
     * Reads a file once.
     *
     * @param progress told how many bytes were read so far
     */
    static void once(Path file, LongConsumer progress) throws IOException {
        ByteBuffer buffer = buffer();
        try (FileChannel channel = open(file)) {
            long at = 0;
            while (true) {
                int read = channel.read(buffer.clear(), at);
                if (read <= 0) {
                    return;
                }
                at += read;
                progress.accept(at);
                if (read % BLOCK != 0) {
                    return; // the last block is no whole one
                }
            }
        }
    }

    /** Reads a file at random places with one thread, without a pause, until it is closed. */
    static final class Competitor implements AutoCloseable {

        private final AtomicBoolean stop = new AtomicBoolean();
        private final AtomicLong bytes = new AtomicLong();
        private final Thread thread;
        private volatile String problem = "";

        Competitor(Path file) {
            thread = new Thread(() -> run(file), "greenroom-competing-reader");
            thread.setDaemon(true);
            thread.start();
        }

        private void run(Path file) {
            ByteBuffer buffer = buffer();
            Random random = new Random(7);
            try (FileChannel channel = open(file)) {
                long places = Math.max(1, (channel.size() - SIZE) / BLOCK);
                while (!stop.get()) {
                    long at = (long) (random.nextDouble() * places) * BLOCK;
                    bytes.addAndGet(Math.max(0, channel.read(buffer.clear(), at)));
                }
            } catch (IOException e) {
                problem = String.valueOf(e.getMessage());
            }
        }

        /** Bytes read so far. */
        long bytes() {
            return bytes.get();
        }

        /**
         * @throws IOException if it could not read
         */
        @Override
        public void close() throws IOException {
            stop.set(true);
            try {
                thread.join();
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
            }
            if (!problem.isEmpty()) {
                throw new IOException("The competing reader failed: " + problem);
            }
        }
    }

    private static FileChannel open(Path file) throws IOException {
        try {
            return FileChannel.open(file, StandardOpenOption.READ, ExtendedOpenOption.DIRECT);
        } catch (IOException | UnsupportedOperationException e) {
            return FileChannel.open(
                    file, StandardOpenOption.READ); // the file system knows no other
        }
    }

    private static ByteBuffer buffer() {
        return ByteBuffer.allocateDirect(SIZE + BLOCK).alignedSlice(BLOCK).limit(SIZE).slice();
    }
}
