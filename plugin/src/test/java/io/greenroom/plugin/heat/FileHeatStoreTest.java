package io.greenroom.plugin.heat;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class FileHeatStoreTest {

    private static final Duration SOON = Duration.ofSeconds(1);
    private static final HeatKey KEY = new HeatKey("any", HeatJsonTest.PRINT);

    @TempDir private Path folder;

    @Test
    void whatWasWrittenIsThere() throws Exception {
        Path deeper = folder.resolve("a/b");
        FileHeatStore store = new FileHeatStore(deeper);
        assertThat(store.isOn()).isTrue();
        assertThat(store.name()).isEqualTo("folder " + deeper);
        assertThat(store.read(KEY, SOON)).isEmpty();
        store.write(HeatJsonTest.record(2, 4, 1));
        store.write(HeatJsonTest.record(3, 4, 2));
        assertThat(store.read(KEY, SOON).orElseThrow().heat().layers()).isEqualTo(3);
        try (Stream<Path> files = Files.list(deeper)) {
            assertThat(files).containsExactly(deeper.resolve(HeatJsonTest.PRINT + ".heat.json"));
        }
    }

    @Test
    void anotherCheckpointsHeatIsNotRead() throws Exception {
        FileHeatStore store = new FileHeatStore(folder);
        store.write(HeatJsonTest.record(2, 4, 1));
        HeatKey other = new HeatKey("demo", "f".repeat(32));
        assertThat(store.read(other, SOON)).isEmpty();
        Path wrong = folder.resolve("f".repeat(32) + ".heat.json");
        Files.copy(folder.resolve(HeatJsonTest.PRINT + ".heat.json"), wrong);
        assertThatThrownBy(() -> store.read(other, SOON))
                .isInstanceOf(HeatFormatException.class)
                .hasMessage(
                        wrong + " is of checkpoint " + HeatJsonTest.PRINT + ", not of its name's");
    }

    @Test
    void poisonIsRefusedWithTheFilesName() throws Exception {
        FileHeatStore store = new FileHeatStore(folder);
        Path file = folder.resolve(HeatJsonTest.PRINT + ".heat.json");
        Files.write(file, new byte[HeatJson.MOST_BYTES + 100]);
        assertThatThrownBy(() -> store.read(KEY, SOON))
                .hasMessage(file + " is larger than any heat record: 4194305 bytes");
        Files.writeString(file, "{\"schema\":7}");
        assertThatThrownBy(() -> store.read(KEY, SOON))
                .hasMessage(file + " schema is 7, this version reads 1");
    }

    @Test
    void aWriteThatFailsLeavesWhatWasThere() throws Exception {
        Path file = folder.resolve("file");
        Files.writeString(file, "x");
        FileHeatStore store = new FileHeatStore(file);
        assertThatThrownBy(() -> store.write(HeatJsonTest.record(2, 4, 1)))
                .isInstanceOf(IOException.class);
        assertThat(file).hasContent("x");
    }

    @Test
    void withoutAFolderItIsOff() {
        assertThat(new FileHeatStore((Path) null).isOn()).isFalse();
    }
}
