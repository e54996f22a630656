package io.greenroom.plugin.host;

import io.netty.buffer.Unpooled;
import io.netty.channel.Channel;
import io.netty.handler.codec.http.DefaultHttpContent;
import io.netty.handler.codec.http.LastHttpContent;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Sends each piece of a model's stream as one HTTP chunk, at once. A client that does not read is
 * cut off when its unread bytes reach the channel's high-water mark: the model must never wait for
 * it, nor its answer fill the memory.
 */
@SuppressWarnings("FutureReturnValueIgnored") // a failed write closes the connection
final class StreamedAnswer implements Consumer<byte @Nullable []> {

    private static final Logger logger = LoggerFactory.getLogger(StreamedAnswer.class);

    private final Channel channel;
    private volatile boolean cutOff;

    StreamedAnswer(Channel channel) {
        this.channel = channel;
    }

    /** Takes the next bytes, or null at the end. */
    @Override
    public void accept(byte @Nullable [] bytes) {
        if (cutOff || !channel.isActive()) {
            return;
        }
        if (bytes == null) {
            channel.writeAndFlush(LastHttpContent.EMPTY_LAST_CONTENT);
        } else if (!channel.isWritable()) {
            cutOff = true;
            logger.warn("Client {} does not read its answer: closed", channel.remoteAddress());
            channel.close();
        } else if (bytes.length > 0) {
            // An empty chunk would end the answer.
            channel.writeAndFlush(new DefaultHttpContent(Unpooled.wrappedBuffer(bytes)));
        }
    }
}
