package io.greenroom.plugin.telemetry.kafka;

import java.util.Map;
import java.util.Optional;

/**
 * Compression of what is sent. Only the JDK's own is brought along: the others are native libraries
 * of several megabytes, for a few kilobytes a second.
 */
final class Codecs {

    static final String DEFAULT = "gzip";

    /**
     * Where the others come from.
     *
     * @param type that it cannot do without
     * @param artifact that brings it
     */
    private record Library(String type, String artifact) {}

    private static final Map<String, Library> LIBRARIES =
            Map.of(
                    "lz4", new Library("net.jpountz.lz4.LZ4Factory", "org.lz4:lz4-java"),
                    "snappy",
                            new Library(
                                    "org.xerial.snappy.Snappy", "org.xerial.snappy:snappy-java"),
                    "zstd",
                            new Library(
                                    "com.github.luben.zstd.ZstdOutputStreamNoFinalizer",
                                    "com.github.luben:zstd-jni"));

    private Codecs() {}

    /** Why a {@code compression.type} would not work here; empty if it does. */
    static Optional<String> problem(String compressionType) {
        Library library = LIBRARIES.get(compressionType);
        if (library == null) {
            return Optional.empty();
        }
        try {
            Class.forName(library.type(), false, Codecs.class.getClassLoader());
            return Optional.empty();
        } catch (ClassNotFoundException | LinkageError e) {
            return Optional.of(
                    "the plugin does not bring its library; put the jar "
                            + library.artifact()
                            + " beside the plugin's, or write gzip or none");
        }
    }
}
