package io.greenroom.it.container;

import java.io.IOException;
import java.net.URI;
import java.net.URLEncoder;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;
import org.jboss.arquillian.container.spi.client.container.DeployableContainer;
import org.jboss.arquillian.container.spi.client.container.DeploymentException;
import org.jboss.arquillian.container.spi.client.container.LifecycleException;
import org.jboss.arquillian.container.spi.client.protocol.ProtocolDescription;
import org.jboss.arquillian.container.spi.client.protocol.metadata.HTTPContext;
import org.jboss.arquillian.container.spi.client.protocol.metadata.ProtocolMetaData;
import org.jboss.shrinkwrap.api.Archive;
import org.jboss.shrinkwrap.api.exporter.ExplodedExporter;

/**
 * A model server as an Arquillian container, run as a process of its own. A deployment is an
 * archive of model folders: each is unpacked and registered by its name with {@code POST /models},
 * and unregistered with {@code DELETE}.
 */
abstract class ModelServerContainer implements DeployableContainer<NoConfiguration> {

    private final HttpClient client = HttpClient.newHttpClient();
    private ServerProcess server;

    /** The folder for everything a run of this container writes. */
    abstract Path workFolder();

    /** Starts the server, with the plugin and without models. */
    abstract ServerProcess launch() throws IOException;

    @Override
    public Class<NoConfiguration> getConfigurationClass() {
        return NoConfiguration.class;
    }

    @Override
    public void setup(NoConfiguration configuration) {
        // Everything comes from the build: system properties and the module's folders.
    }

    @Override
    public void start() throws LifecycleException {
        try {
            Files.createDirectories(workFolder());
            server = launch();
        } catch (IOException e) {
            throw new LifecycleException("The server did not start", e);
        }
    }

    @Override
    public void stop() throws LifecycleException {
        try {
            server.stop();
        } catch (IOException e) {
            throw new LifecycleException("The server did not stop", e);
        }
    }

    @Override
    public ProtocolDescription getDefaultProtocol() {
        return new ProtocolDescription("Local");
    }

    @Override
    public ProtocolMetaData deploy(Archive<?> archive) throws DeploymentException {
        URI url = server.url();
        try {
            Path models = workFolder().resolve("deployments");
            Files.createDirectories(models);
            archive.as(ExplodedExporter.class).exportExploded(models.toFile(), archive.getName());
            for (Path model : folders(models.resolve(archive.getName()))) {
                register(model);
            }
        } catch (IOException | InterruptedException e) {
            throw new DeploymentException("Could not deploy " + archive.getName(), e);
        }
        return new ProtocolMetaData().addContext(new HTTPContext(url.getHost(), url.getPort()));
    }

    private void register(Path model)
            throws IOException, InterruptedException, DeploymentException {
        String query =
                "/models?model_name="
                        + model.getFileName()
                        + "&url="
                        + URLEncoder.encode(model.toUri().toString(), StandardCharsets.UTF_8);
        HttpResponse<String> answer =
                send(
                        HttpRequest.newBuilder(server.url().resolve(query))
                                .POST(BodyPublishers.noBody()));
        if (answer.statusCode() != 200) {
            throw new DeploymentException(
                    "Model " + model + ": " + answer.statusCode() + " " + answer.body());
        }
    }

    @Override
    public void undeploy(Archive<?> archive) throws DeploymentException {
        try {
            for (Path model : folders(workFolder().resolve("deployments/" + archive.getName()))) {
                // A test may have unloaded a model itself: 404 is as good.
                send(
                        HttpRequest.newBuilder(
                                        server.url().resolve("/models/" + model.getFileName()))
                                .DELETE());
            }
        } catch (IOException | InterruptedException e) {
            throw new DeploymentException("Could not undeploy " + archive.getName(), e);
        }
    }

    private HttpResponse<String> send(HttpRequest.Builder request)
            throws IOException, InterruptedException {
        return client.send(request.build(), BodyHandlers.ofString());
    }

    private static List<Path> folders(Path root) throws IOException {
        try (Stream<Path> entries = Files.list(root)) {
            return entries.filter(Files::isDirectory).map(Path::toAbsolutePath).sorted().toList();
        }
    }
}
