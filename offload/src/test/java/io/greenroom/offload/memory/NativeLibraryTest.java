package io.greenroom.offload.memory;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatCode;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.File;
import java.io.IOException;
import java.lang.reflect.InvocationTargetException;
import java.net.URL;
import java.net.URLClassLoader;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class NativeLibraryTest {

    @TempDir Path folder;

    @Test
    void namesAMissingFile() {
        Path missing = folder.resolve("libnowhere.so");
        assertThatThrownBy(() -> NativeLibrary.loadFrom(missing.toString(), "linux-x86_64"))
                .isInstanceOf(NativeLibraryException.class)
                .hasMessage(
                        "No native library at "
                                + missing
                                + " (linux-x86_64), named by the system property"
                                + " greenroom.native.path; correct it, or remove it to use the"
                                + " bundled library");
    }

    @Test
    void namesAFileThatDoesNotLink() throws IOException {
        Path garbage = Files.writeString(folder.resolve("libgarbage.so"), "not a library");
        assertThatThrownBy(() -> NativeLibrary.loadFrom(garbage.toString(), "linux-x86_64"))
                .isInstanceOf(NativeLibraryException.class)
                .hasMessageStartingWith(
                        "Cannot link the native library "
                                + garbage
                                + " (linux-x86_64, named by the system property"
                                + " greenroom.native.path): ")
                .hasCauseInstanceOf(UnsatisfiedLinkError.class);
    }

    @Test
    void namesAPlatformWithoutALibrary() {
        assertThatThrownBy(() -> NativeLibrary.loadFrom(null, "plan9-vax"))
                .isInstanceOf(NativeLibraryException.class)
                .hasMessage(
                        "This jar has no native library for plan9-vax (resource"
                                + " native/plan9-vax/libgreenroom.so); build it there from source,"
                                + " or name a library with the system property"
                                + " greenroom.native.path");
    }

    @Test
    void aSecondClassLoaderLoadsACopyOfItsOwn() throws Exception {
        NativeLibrary.load();
        for (int i = 0; i < 2; i++) {
            try (URLClassLoader loader = freshLoader()) {
                assertThat(load(loader)).isNotSameAs(NativeLibrary.class);
            }
        }
        // Still ours.
        assertThatCode(() -> new NativeAllocator().allocate(MemoryTag.KV_CACHE, 1, 1).close())
                .doesNotThrowAnyException();
    }

    @Test
    void aFailureIsKept() throws Exception {
        Path garbage = Files.writeString(folder.resolve("libgarbage.so"), "not a library");
        System.setProperty(NativeLibrary.PATH_PROPERTY, garbage.toString());
        try (URLClassLoader loader = freshLoader()) {
            Throwable first = failure(loader);
            System.clearProperty(NativeLibrary.PATH_PROPERTY);
            assertThat(first).hasMessageContaining("Cannot link the native library " + garbage);
            assertThat(failure(loader)).isSameAs(first);
        } finally {
            System.clearProperty(NativeLibrary.PATH_PROPERTY);
        }
    }

    private static Throwable failure(ClassLoader loader) {
        try {
            load(loader);
        } catch (ReflectiveOperationException e) {
            assertThat(e).isInstanceOf(InvocationTargetException.class);
            return e.getCause();
        }
        throw new AssertionError("The library was loaded");
    }

    private static Class<?> load(ClassLoader loader) throws ReflectiveOperationException {
        Class<?> library = Class.forName(NativeLibrary.class.getName(), true, loader);
        library.getMethod("load").invoke(null);
        return library;
    }

    /** All of our classes anew, as a plugin's class loader would see them. */
    private static URLClassLoader freshLoader() throws IOException {
        List<URL> urls = new ArrayList<>();
        for (String entry : System.getProperty("java.class.path").split(File.pathSeparator, -1)) {
            urls.add(Path.of(entry).toUri().toURL());
        }
        return new URLClassLoader(urls.toArray(URL[]::new), ClassLoader.getPlatformClassLoader());
    }
}
