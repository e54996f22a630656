package io.greenroom.it.browser;

import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.net.URL;
import java.nio.charset.StandardCharsets;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;

/** A network between browser and server that a test can cut. */
public final class CutOffProxy implements AutoCloseable {

    private final URL server;
    private final int port;
    private final Set<Socket> open = ConcurrentHashMap.newKeySet();
    private volatile ServerSocket listening;
    private volatile String from = "";
    private volatile String to = "";

    public CutOffProxy(URL server) throws IOException {
        this.server = server;
        this.listening = listen(0);
        this.port = listening.getLocalPort();
    }

    private ServerSocket listen(int wanted) throws IOException {
        ServerSocket socket = new ServerSocket();
        socket.setReuseAddress(true);
        socket.bind(new InetSocketAddress(InetAddress.getLoopbackAddress(), wanted));
        start(() -> accept(socket));
        return socket;
    }

    public String url() {
        return "http://127.0.0.1:" + port;
    }

    /** Makes the server say something else of the same length. */
    public void replace(String said, String instead) {
        if (said.length() != instead.length()) {
            throw new IllegalArgumentException(said + " is not as long as " + instead);
        }
        to = instead;
        from = said;
    }

    /** Ends every connection and refuses new ones. */
    public void cut() {
        try {
            listening.close();
            for (Socket socket : open) {
                socket.close();
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** Takes connections again. */
    public void mend() throws IOException {
        listening = listen(port);
    }

    private void accept(ServerSocket socket) {
        try {
            while (true) {
                Socket client = socket.accept();
                Socket upstream = new Socket(server.getHost(), server.getPort());
                open.add(client);
                open.add(upstream);
                start(() -> pump(client, upstream, false));
                start(() -> pump(upstream, client, true));
            }
        } catch (IOException e) {
            // Cut.
        }
    }

    private void pump(Socket source, Socket sink, boolean answers) {
        try (source;
                sink) {
            InputStream in = source.getInputStream();
            OutputStream out = sink.getOutputStream();
            byte[] buffer = new byte[1 << 18];
            int length;
            while ((length = in.read(buffer)) > 0) {
                byte[] bytes =
                        answers && !from.isEmpty()
                                ? new String(buffer, 0, length, StandardCharsets.ISO_8859_1)
                                        .replace(from, to)
                                        .getBytes(StandardCharsets.ISO_8859_1)
                                : java.util.Arrays.copyOf(buffer, length);
                out.write(bytes);
                out.flush();
            }
        } catch (IOException e) {
            // One of them has left, or the line is cut.
        } finally {
            open.remove(source);
            open.remove(sink);
        }
    }

    private static void start(Runnable task) {
        Thread thread = new Thread(task, "cut-off-proxy");
        thread.setDaemon(true);
        thread.start();
    }

    @Override
    public void close() {
        cut();
    }
}
