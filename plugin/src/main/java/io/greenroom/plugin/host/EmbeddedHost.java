package io.greenroom.plugin.host;

import ai.djl.serving.plugins.RequestHandler;
import io.greenroom.offload.decoder.MoeModel;
import io.greenroom.plugin.engine.GreenroomVersion;
import io.netty.bootstrap.ServerBootstrap;
import io.netty.channel.Channel;
import io.netty.channel.ChannelFuture;
import io.netty.channel.ChannelOption;
import io.netty.channel.EventLoopGroup;
import io.netty.channel.WriteBufferWaterMark;
import io.netty.channel.group.ChannelGroup;
import io.netty.channel.group.DefaultChannelGroup;
import io.netty.channel.nio.NioEventLoopGroup;
import io.netty.channel.socket.nio.NioServerSocketChannel;
import io.netty.util.concurrent.DefaultThreadFactory;
import io.netty.util.concurrent.Future;
import io.netty.util.concurrent.GlobalEventExecutor;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A small HTTP server that runs the plugin as DJL Serving would: it finds the plugin through its
 * definition, loads models through the DJL API, and answers the same paths. For a first look, for
 * tests and for development; production belongs in DJL Serving.
 */
@SuppressWarnings("FutureReturnValueIgnored") // closing: who fails to close is closed already
public final class EmbeddedHost implements AutoCloseable {

    private static final Logger logger = LoggerFactory.getLogger(EmbeddedHost.class);

    /** How long answers under way may take to reach their clients once the models are closed. */
    private static final long DRAIN_SECONDS = 3;

    private final HostSettings settings;
    private final HostedModels models;
    private final List<RequestHandler<?>> plugins = new ArrayList<>();
    private final ExecutorService management =
            Executors.newCachedThreadPool(new DefaultThreadFactory("greenroom-management", true));
    private final EventLoopGroup acceptor =
            new NioEventLoopGroup(1, new DefaultThreadFactory("greenroom-accept", true));
    private final EventLoopGroup clients =
            new NioEventLoopGroup(0, new DefaultThreadFactory("greenroom-http", true));
    private final ChannelGroup open = new DefaultChannelGroup(GlobalEventExecutor.INSTANCE, true);
    private final AtomicBoolean closed = new AtomicBoolean();
    private int port;

    private EmbeddedHost(HostSettings settings) {
        this.settings = settings;
        this.models = new HostedModels(settings.jobQueueSize());
    }

    /**
     * Starts plugins, loads models, then opens the port, in the server's order: who can connect
     * finds all models there.
     *
     * @throws HostException if a model cannot be loaded
     * @throws IOException if the port cannot be opened
     */
    public static EmbeddedHost start(HostSettings settings, List<ModelDefinition> definitions)
            throws IOException {
        EmbeddedHost host = new EmbeddedHost(settings);
        try {
            checkPort(settings);
            host.plugins.addAll(PluginDiscovery.start(host.models));
            host.models.loadAtStartup(definitions);
            host.open();
        } catch (IOException | RuntimeException | Error e) {
            host.close();
            throw e;
        }
        logger.info(
                "Greenroom {} embedded host on {}: for trying out and for tests; production belongs"
                        + " in DJL Serving",
                GreenroomVersion.current(),
                host.url());
        return host;
    }

    /** Loading may take minutes; that the port is taken should be said before. */
    private static void checkPort(HostSettings settings) throws IOException {
        try (ServerSocket probe = new ServerSocket()) {
            probe.setReuseAddress(true);
            probe.bind(new InetSocketAddress(settings.address(), settings.port()));
        } catch (IOException e) {
            throw cannotListen(settings, e);
        }
    }

    private static IOException cannotListen(HostSettings settings, Throwable cause) {
        return new IOException(
                "Cannot listen on "
                        + settings.address()
                        + ":"
                        + settings.port()
                        + ": "
                        + cause.getMessage()
                        + "; is another server running there? Choose another port.",
                cause);
    }

    private void open() throws IOException {
        HostPipeline pipeline =
                new HostPipeline(
                        settings.maxRequestBytes(),
                        open,
                        List.of(
                                new PluginRoute(plugins),
                                new InferenceRoute(models),
                                new ManagementRoute(models, management),
                                new LastRoute()));
        ChannelFuture bound =
                new ServerBootstrap()
                        .group(acceptor, clients)
                        .channel(NioServerSocketChannel.class)
                        .childOption(ChannelOption.TCP_NODELAY, true)
                        .childOption(
                                ChannelOption.WRITE_BUFFER_WATER_MARK,
                                new WriteBufferWaterMark(
                                        settings.slowClientBytes() / 2, settings.slowClientBytes()))
                        .childHandler(pipeline)
                        .bind(settings.address(), settings.port())
                        .awaitUninterruptibly();
        if (!bound.isSuccess()) {
            throw cannotListen(settings, bound.cause());
        }
        Channel channel = bound.channel();
        open.add(channel);
        InetSocketAddress address = (InetSocketAddress) channel.localAddress();
        port = address.getPort();
        if (!address.getAddress().isLoopbackAddress()) {
            logger.warn(
                    "Listening on {}: anyone who reaches it can load models and change budgets;"
                            + " there is no login",
                    address);
        }
    }

    /** A model of our engine that is being served. */
    public Optional<MoeModel> model(String name) {
        return models.get(name).flatMap(HostBridge::moe);
    }

    /** The port it listens on, also if the system chose it. */
    public int port() {
        return port;
    }

    /** Where it answers. */
    public String url() {
        String address = settings.address();
        return "http://" + (address.contains(":") ? "[" + address + "]" : address) + ":" + port;
    }

    /**
     * Stops: models end their streams and free their memory, answers under way are sent, then
     * connections close. Closing twice is harmless.
     */
    @Override
    public void close() {
        if (!closed.compareAndSet(false, true)) {
            return;
        }
        open.close(channel -> channel.parent() == null);
        plugins.forEach(EmbeddedHost::end);
        models.close();
        management.shutdown();
        acceptor.shutdownGracefully(0, DRAIN_SECONDS, TimeUnit.SECONDS);
        closeConnections();
        Future<?> ended = clients.shutdownGracefully(0, DRAIN_SECONDS, TimeUnit.SECONDS);
        ended.awaitUninterruptibly(DRAIN_SECONDS, TimeUnit.SECONDS);
    }

    /** Streams that never end by themselves would hold up the rest. */
    private static void end(RequestHandler<?> plugin) {
        if (plugin instanceof AutoCloseable closeable) {
            try {
                closeable.close();
            } catch (Exception e) {
                logger.warn("Plugin handler {} did not close cleanly", plugin, e);
            }
        }
    }

    /**
     * Closes each connection when its answer is out. The end of a stream comes from its model's own
     * thread, a little later than the model is closed.
     */
    private void closeConnections() {
        List<Channel> left = open.stream().filter(channel -> channel.parent() != null).toList();
        for (Channel channel : left) {
            Exchange exchange = Exchange.of(channel);
            if (exchange == null) {
                channel.close();
            } else {
                exchange.answered().thenRun(channel::close);
            }
        }
        long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(DRAIN_SECONDS);
        for (Channel channel : left) {
            long nanos = Math.max(0, deadline - System.nanoTime());
            channel.closeFuture().awaitUninterruptibly(nanos, TimeUnit.NANOSECONDS);
        }
    }
}
