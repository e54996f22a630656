package io.greenroom.offload.store;

import io.greenroom.cache.ExpertId;
import java.io.EOFException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.Comparator;
import java.util.HashMap;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;

/**
 * Tells checkpoints apart without reading them whole: what was learnt about the experts of one
 * checkpoint (a trace, a popularity) must not be applied to another.
 *
 * <p>SHA-256 over names, types and shapes of all tensors and the first {@value #SAMPLE} bytes of
 * each dense tensor and of every layer's first expert; routers, which decide who is used, are among
 * them. Where the files lie and how they are split does not matter; the same weights stored in
 * another format or type are another checkpoint. Not a proof against somebody who wants two
 * checkpoints to look alike.
 */
public final class Fingerprint {

    private static final int SAMPLE = 4096;
    private static final int HEX_DIGITS = 32;

    private Fingerprint() {}

    /**
     * The fingerprint of a checkpoint, 32 hexadecimal digits.
     *
     * @throws CheckpointException if a file can no longer be read
     */
    public static String of(Checkpoint checkpoint) throws CheckpointException {
        MessageDigest digest = sha256();
        Map<Path, FileChannel> files = new HashMap<>();
        try {
            List<TensorSpan> dense =
                    checkpoint.tensors().stream()
                            .sorted(Comparator.comparing(TensorSpan::name))
                            .toList();
            for (TensorSpan tensor : dense) {
                add(digest, tensor, files);
            }
            ModelSpec spec = checkpoint.spec();
            add(digest, spec.family() + " " + spec.experts() + " " + spec.expertsPerToken());
            for (int layer = 0; layer < spec.layers(); layer++) {
                if (spec.moeLayers()[layer]) {
                    for (TensorSpan part : checkpoint.expert(new ExpertId(layer, 0)).inOrder()) {
                        add(digest, part, files);
                    }
                }
            }
        } finally {
            for (FileChannel file : files.values()) {
                closeQuietly(file);
            }
        }
        return HexFormat.of().formatHex(digest.digest()).substring(0, HEX_DIGITS);
    }

    private static void add(MessageDigest digest, TensorSpan span, Map<Path, FileChannel> files)
            throws CheckpointException {
        add(digest, span.name() + " " + span.type() + " " + span.rows() + "x" + span.cols());
        ByteBuffer sample = ByteBuffer.allocate((int) Math.min(SAMPLE, span.bytes()));
        try {
            FileChannel file = files.get(span.file());
            if (file == null) {
                file = FileChannel.open(span.file(), StandardOpenOption.READ);
                files.put(span.file(), file);
            }
            while (sample.hasRemaining()) {
                if (file.read(sample, span.offset() + sample.position()) < 0) {
                    throw new EOFException("the file ends within " + span.name());
                }
            }
        } catch (IOException e) {
            throw new CheckpointException(
                    span.file(), "cannot be read for its fingerprint: " + e.getMessage(), e);
        }
        digest.update(sample.flip());
    }

    private static void add(MessageDigest digest, String text) {
        digest.update(text.getBytes(StandardCharsets.UTF_8));
        digest.update((byte) 0);
    }

    private static void closeQuietly(FileChannel file) {
        try {
            file.close();
        } catch (IOException e) {
            // only read from: nothing is lost
        }
    }

    private static MessageDigest sha256() {
        try {
            return MessageDigest.getInstance("SHA-256");
        } catch (NoSuchAlgorithmException e) {
            throw new AssertionError("Every Java platform has SHA-256", e);
        }
    }
}
