package io.greenroom.plugin.host;

import java.io.IOException;
import java.io.InputStreamReader;
import java.io.Reader;
import java.net.URI;
import java.net.URISyntaxException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Properties;

/**
 * What is known of a model before it is loaded: where it lies and what its {@code
 * serving.properties} say. As in the server, {@code option.X} becomes option {@code X} of the load
 * call and every other key a property of the DJL model.
 *
 * @param name the name clients ask for
 * @param path its folder, or its file
 * @param options options of {@code Model.load}
 * @param arguments properties set on the model before it is loaded
 */
public record ModelDefinition(
        String name, Path path, Map<String, String> options, Map<String, String> arguments) {

    /** The file that describes a model folder to the server. */
    static final String PROPERTIES_FILE = "serving.properties";

    private static final String OPTION = "option.";

    public ModelDefinition {
        options = Map.copyOf(options);
        arguments = Map.copyOf(arguments);
    }

    /**
     * Reads the definition of a model.
     *
     * @param name the name it shall have
     * @param path its folder, with or without a serving.properties, or its file
     * @throws NoSuchFileException if nothing is there
     */
    public static ModelDefinition read(String name, Path path) throws IOException {
        if (!Files.exists(path)) {
            throw new NoSuchFileException(path.toString());
        }
        Map<String, String> options = new LinkedHashMap<>();
        Map<String, String> arguments = new LinkedHashMap<>();
        Path file = path.resolve(PROPERTIES_FILE);
        if (Files.isDirectory(path) && Files.isRegularFile(file)) {
            Properties properties = new Properties();
            try (Reader reader =
                    new InputStreamReader(Files.newInputStream(file), StandardCharsets.UTF_8)) {
                properties.load(reader);
            }
            for (String key : properties.stringPropertyNames()) {
                String value = properties.getProperty(key).strip();
                if (key.startsWith(OPTION)) {
                    options.put(key.substring(OPTION.length()), value);
                } else {
                    arguments.put(key, value);
                }
            }
        }
        return new ModelDefinition(name, path, options, arguments);
    }

    /** The same model with further options, which win over those of its file. */
    public ModelDefinition withOptions(Map<String, String> more) {
        Map<String, String> merged = new LinkedHashMap<>(options);
        merged.putAll(more);
        return new ModelDefinition(name, path, merged, arguments);
    }

    /** The same model with one more property. */
    ModelDefinition withArgument(String key, String value) {
        Map<String, String> merged = new LinkedHashMap<>(arguments);
        merged.put(key, value);
        return new ModelDefinition(name, path, options, merged);
    }

    /**
     * The path a model URL names: a {@code file:} URL or a plain path. Nothing is downloaded.
     *
     * @throws IllegalArgumentException if the URL names anything else
     */
    static Path pathOf(String url) {
        try {
            if (url.startsWith("file:")) {
                URI uri = new URI(url);
                return Path.of(uri.isOpaque() ? uri.getSchemeSpecificPart() : uri.getPath());
            }
            if (url.matches("[a-zA-Z][a-zA-Z0-9+.-]+://.*")) {
                throw new IllegalArgumentException(
                        "model URL "
                                + url
                                + ": the embedded host loads local folders and files only, not "
                                + url.substring(0, url.indexOf(':')));
            }
            return Path.of(url);
        } catch (URISyntaxException | InvalidPathException e) {
            throw new IllegalArgumentException("model URL " + url + ": " + e.getMessage(), e);
        }
    }

    /** The name a model has if nobody gave it one: that of its folder or file. */
    public static String nameOf(Path path) {
        Path last = path.toAbsolutePath().normalize().getFileName();
        String name = last == null ? "model" : last.toString();
        return name.endsWith(".gguf") ? name.substring(0, name.length() - 5) : name;
    }

    /** The number a property holds, or a default. */
    int intArgument(String key, int otherwise) {
        String value = arguments.get(key);
        if (value == null) {
            return otherwise;
        }
        try {
            int number = Integer.parseInt(value);
            if (number >= 1) {
                return number;
            }
        } catch (NumberFormatException e) {
            // falls through to the one message for all of it
        }
        throw new IllegalArgumentException(
                PROPERTIES_FILE
                        + " of model "
                        + name
                        + ": "
                        + key
                        + " is \""
                        + value
                        + "\", expected a whole number of at least 1");
    }
}
