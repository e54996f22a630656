package io.greenroom.plugin.heat;

import io.greenroom.plugin.config.PluginSettings;
import jakarta.inject.Inject;
import jakarta.inject.Singleton;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.time.Duration;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * A folder with a file for each checkpoint, named by its fingerprint: the model's name is not known
 * for certain when it is loaded, and has no business in a file's name. Files are replaced as a
 * whole, so several processes may share the folder: the last one wins.
 */
@Singleton
final class FileHeatStore implements HeatStore {

    private static final String ENDING = ".heat.json";

    private final @Nullable Path folder;

    @Inject
    FileHeatStore(PluginSettings settings) {
        this(settings.heatDir().orElse(null));
    }

    FileHeatStore(@Nullable Path folder) {
        this.folder = folder;
    }

    @Override
    public String name() {
        return "folder " + folder;
    }

    @Override
    public boolean isOn() {
        return folder != null;
    }

    @Override
    public Optional<HeatRecord> read(HeatKey key, Duration timeout) throws IOException {
        Path file = file(key);
        byte[] bytes;
        try (InputStream in = Files.newInputStream(file)) {
            bytes = in.readNBytes(HeatJson.MOST_BYTES + 1);
        } catch (NoSuchFileException e) {
            return Optional.empty();
        }
        try {
            HeatRecord record = HeatJson.read(bytes);
            if (!record.key().fingerprint().equals(key.fingerprint())) {
                throw new HeatFormatException(
                        "is of checkpoint " + record.key().fingerprint() + ", not of its name's");
            }
            return Optional.of(record);
        } catch (HeatFormatException e) {
            throw new HeatFormatException(file + " " + e.getMessage(), e);
        }
    }

    @Override
    public void write(HeatRecord record) throws IOException {
        Path file = file(record.key());
        Path parent = file.toAbsolutePath().getParent();
        if (parent == null) {
            throw new IOException("There is no folder for " + file);
        }
        Files.createDirectories(parent);
        Path part = Files.createTempFile(parent, record.key().fingerprint(), ".part");
        try {
            Files.writeString(part, HeatJson.toJson(record) + "\n", StandardCharsets.UTF_8);
            Files.move(
                    part,
                    file,
                    StandardCopyOption.ATOMIC_MOVE,
                    StandardCopyOption.REPLACE_EXISTING);
        } finally {
            Files.deleteIfExists(part);
        }
    }

    private Path file(HeatKey key) throws IOException {
        if (folder == null) {
            throw new IOException("No folder for heat is set");
        }
        return folder.resolve(key.fingerprint() + ENDING);
    }
}
