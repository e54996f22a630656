package io.greenroom.offload.decoder;

import io.greenroom.cache.ByteSize;
import io.greenroom.cache.ExpertId;
import io.greenroom.cache.trace.RoutingTraceWriter;
import io.greenroom.cache.trace.TraceHeader;
import io.greenroom.cache.trace.TraceSection;
import io.greenroom.offload.store.Checkpoint;
import io.greenroom.offload.store.CheckpointException;
import io.greenroom.offload.store.ExpertLayout;
import io.greenroom.offload.store.Fingerprint;
import io.greenroom.offload.store.ModelSpec;
import java.io.IOException;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.FileSystemException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.EnumSet;
import java.util.Set;

/** Finds the file a trace goes to: a server that starts again must neither fail nor overwrite. */
final class TraceFile {

    /** More traces than this are an accident. */
    private static final int MOST_FILES = 99;

    private static final int MOST_NAME = 255;

    private TraceFile() {}

    /**
     * Begins a trace in the file that was named, or in the first of {@code name-2}, {@code name-3}
     * and so on that holds nothing.
     *
     * @param location of the checkpoint; relative files lie in its folder
     * @throws IOException saying why there can be no trace
     */
    static RoutingTraceWriter create(TraceOptions options, Path location, TraceHeader header)
            throws IOException {
        Path folder =
                Files.isDirectory(location) ? location : location.toAbsolutePath().getParent();
        Path named = folder == null ? options.file() : folder.resolve(options.file());
        if (Files.isDirectory(named)) {
            throw new IOException(
                    "The routing trace cannot be recorded: " + named + " is a folder; name a file");
        }
        for (int number = 1; number <= MOST_FILES; number++) {
            try {
                return RoutingTraceWriter.create(
                        numbered(named, number), header, options.limit().bytes());
            } catch (FileAlreadyExistsException e) {
                continue; // the next number
            } catch (IllegalArgumentException e) {
                throw new IOException(
                        "The routing trace cannot be recorded within "
                                + new ByteSize(options.limit().bytes())
                                + ": "
                                + e.getMessage(),
                        e);
            } catch (IOException e) {
                throw new IOException(
                        "The routing trace cannot be recorded: " + named + ": " + reason(e), e);
            }
        }
        throw new IOException(
                "The routing trace cannot be recorded: "
                        + named
                        + " and "
                        + (MOST_FILES - 1)
                        + " files numbered after it hold traces already; move them away");
    }

    /**
     * What a trace of a checkpoint begins with.
     *
     * @param topSet experts recorded for a token and layer; 0 for twice as many as it is routed to
     * @param predicted whether predictions will be recorded
     */
    static TraceHeader header(
            Checkpoint checkpoint, ExpertLayout layout, int topSet, boolean predicted)
            throws CheckpointException {
        ModelSpec spec = checkpoint.spec();
        int k = spec.expertsPerToken();
        int twice = Math.min(2 * k, spec.experts());
        long[] expertBytes = new long[spec.layers()];
        for (int layer = 0; layer < expertBytes.length; layer++) {
            expertBytes[layer] =
                    spec.moeLayers()[layer] ? layout.expertBytes(new ExpertId(layer, 0)) : 0;
        }
        Set<TraceSection> sections = EnumSet.allOf(TraceSection.class);
        if (!predicted) {
            sections.remove(TraceSection.PREDICTIONS);
        }
        return new TraceHeader(
                name(checkpoint.location()),
                Fingerprint.of(checkpoint),
                spec.experts(),
                k,
                topSet == 0 ? twice : Math.min(Math.max(topSet, k), spec.experts()),
                predicted ? twice : 0,
                spec.normalizeTopK(),
                layout.slotBytes(),
                expertBytes,
                sections);
    }

    /** The name of the file or folder, as far as a header takes it. */
    private static String name(Path location) {
        String name =
                String.valueOf(location.toAbsolutePath().normalize().getFileName())
                        .replaceAll("\\p{Cntrl}", "?");
        String bare = name.endsWith(".gguf") ? name.substring(0, name.length() - 5) : name;
        return bare.length() > MOST_NAME ? bare.substring(0, MOST_NAME) : bare;
    }

    private static Path numbered(Path file, int number) {
        if (number == 1) {
            return file;
        }
        String name = String.valueOf(file.getFileName());
        int dot = name.lastIndexOf('.');
        return file.resolveSibling(
                dot <= 0
                        ? name + "-" + number
                        : name.substring(0, dot) + "-" + number + name.substring(dot));
    }

    /** The reason without the path, which file system exceptions carry as their message. */
    private static String reason(IOException e) {
        String kind = e.getClass().getSimpleName();
        if (e instanceof FileSystemException failed) {
            return failed.getReason() == null
                    ? switch (kind) {
                        case "NoSuchFileException" -> "there is no such folder";
                        case "AccessDeniedException" -> "permission denied";
                        default -> kind;
                    }
                    : failed.getReason();
        }
        return String.valueOf(e.getMessage());
    }
}
