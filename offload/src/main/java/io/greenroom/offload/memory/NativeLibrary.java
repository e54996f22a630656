package io.greenroom.offload.memory;

import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.Locale;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Finds and loads {@code libgreenroom}, once per class loader:
 *
 * <ol>
 *   <li>the file named by the system property {@value #PATH_PROPERTY}, if set;
 *   <li>else the resource {@code native/<os>-<arch>/libgreenroom.so} beside this class, copied to a
 *       temporary file. Each class loader gets a file of its own, because the JVM ties a library
 *       file to one loader; the copy is deleted as soon as it is loaded;
 *   <li>then both sides compare the version of their border.
 * </ol>
 *
 * <p>A failure is kept: every later use throws it again.
 */
public final class NativeLibrary {

    /** System property with the path of a library to use instead of the bundled one. */
    public static final String PATH_PROPERTY = "greenroom.native.path";

    /** What {@code GR_ABI_VERSION} must be in {@code greenroom.h}. */
    static final int ABI_VERSION = 2;

    private static final Logger logger = LoggerFactory.getLogger(NativeLibrary.class);

    private NativeLibrary() {}

    /**
     * Makes the native methods of this package and of the kernels callable.
     *
     * @throws NativeLibraryException if the library is missing, does not link or is of another
     *     version; the same one each time
     */
    public static void load() {
        if (Holder.FAILURE != null) {
            throw Holder.FAILURE;
        }
    }

    /** Loads when first asked for, under the lock of class initialisation. */
    private static final class Holder {

        static final @Nullable NativeLibraryException FAILURE = attempt();

        private static @Nullable NativeLibraryException attempt() {
            try {
                loadFrom(System.getProperty(PATH_PROPERTY), platform());
                return null;
            } catch (NativeLibraryException e) {
                return e;
            }
        }
    }

    static void loadFrom(@Nullable String explicit, String platform) {
        if (explicit != null) {
            // Step 1.
            Path file = Path.of(explicit).toAbsolutePath();
            if (!Files.isRegularFile(file)) {
                throw new NativeLibraryException(
                        "No native library at "
                                + file
                                + " ("
                                + platform
                                + "), named by the system property "
                                + PATH_PROPERTY
                                + "; correct it, or remove it to use the bundled library");
            }
            link(file, platform, "named by the system property " + PATH_PROPERTY);
        } else {
            // Step 2.
            loadBundled("native/" + platform + "/libgreenroom.so", platform);
        }
    }

    private static void loadBundled(String resource, String platform) {
        Path copy = null;
        try (InputStream library =
                NativeLibrary.class.getClassLoader().getResourceAsStream(resource)) {
            if (library == null) {
                throw new NativeLibraryException(
                        "This jar has no native library for "
                                + platform
                                + " (resource "
                                + resource
                                + "); build it there from source, or name a library with the"
                                + " system property "
                                + PATH_PROPERTY);
            }
            copy = Files.createTempFile("libgreenroom-", ".so");
            Files.copy(library, copy, StandardCopyOption.REPLACE_EXISTING);
            link(copy, platform, "a copy of the bundled " + resource);
        } catch (IOException e) {
            throw new NativeLibraryException(
                    "Cannot copy the bundled native library "
                            + resource
                            + " to "
                            + (copy != null ? copy : System.getProperty("java.io.tmpdir"))
                            + ": "
                            + e
                            + "; point java.io.tmpdir at a writable folder, or name a library with"
                            + " the system property "
                            + PATH_PROPERTY,
                    e);
        } finally {
            delete(copy);
        }
    }

    /** A loaded library stays mapped when its file goes. */
    private static void delete(@Nullable Path copy) {
        if (copy != null) {
            try {
                Files.deleteIfExists(copy);
            } catch (IOException e) {
                logger.warn("Cannot delete the temporary native library {}", copy, e);
            }
        }
    }

    @SuppressWarnings("restricted")
    private static void link(Path file, String platform, String origin) {
        int version;
        try {
            System.load(file.toString());
            version = MemoryCalls.abiVersion();
        } catch (UnsatisfiedLinkError e) {
            throw new NativeLibraryException(
                    "Cannot link the native library "
                            + file
                            + " ("
                            + platform
                            + ", "
                            + origin
                            + "): "
                            + e.getMessage(),
                    e);
        }
        // Step 3.
        if (version != ABI_VERSION) {
            throw new NativeLibraryException(
                    "The native library "
                            + file
                            + " ("
                            + platform
                            + ", "
                            + origin
                            + ") has border version "
                            + version
                            + ", this jar needs "
                            + ABI_VERSION
                            + "; use the library that was built with it");
        }
        logger.debug("Native library loaded from {} ({})", file, origin);
    }

    /** For example {@code linux-x86_64}. */
    static String platform() {
        String os = System.getProperty("os.name").toLowerCase(Locale.ROOT).replace(' ', '-');
        String arch = System.getProperty("os.arch").toLowerCase(Locale.ROOT);
        return os + "-" + (arch.equals("amd64") ? "x86_64" : arch);
    }
}
