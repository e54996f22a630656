package io.greenroom.plugin.host;

import io.netty.channel.Channel;
import io.netty.channel.ChannelHandler;
import io.netty.channel.ChannelInitializer;
import io.netty.channel.group.ChannelGroup;
import io.netty.handler.codec.http.HttpServerCodec;
import java.util.List;

/** Sets up a connection: bytes to requests, then the routes in the server's order. */
final class HostPipeline extends ChannelInitializer<Channel> {

    private final int maxRequestBytes;
    private final ChannelGroup open;
    private final List<ChannelHandler> routes;

    /**
     * @param open where connections are kept until they close
     * @param routes sharable handlers; a request goes to the first that accepts it
     */
    HostPipeline(int maxRequestBytes, ChannelGroup open, List<ChannelHandler> routes) {
        this.maxRequestBytes = maxRequestBytes;
        this.open = open;
        this.routes = List.copyOf(routes);
    }

    @Override
    protected void initChannel(Channel channel) {
        open.add(channel);
        channel.pipeline()
                .addLast(new HttpServerCodec())
                .addLast(new BodyLimit(maxRequestBytes))
                .addLast(new OneAtATime());
        routes.forEach(route -> channel.pipeline().addLast(route));
    }
}
