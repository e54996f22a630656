package io.greenroom.plugin.http;

import io.netty.buffer.Unpooled;
import io.netty.channel.ChannelHandlerContext;
import io.netty.handler.codec.http.DefaultHttpContent;
import io.netty.handler.codec.http.LastHttpContent;

/**
 * One page's stream of events. At most one frame is on its way: while the client has not read it,
 * later ones are left out, and then it gets everything anew. So a slow client costs one frame of
 * memory, never more. Offers come from one thread at a time.
 */
@SuppressWarnings("FutureReturnValueIgnored") // a failed write is a client that left
final class EventClient {

    /** A client that has not read a frame in so many is gone, or as good as. */
    static final int MOST_MISSED = 30;

    private static final byte[] NOTHING = {};

    private final ChannelHandlerContext ctx;
    private byte[] greeting;
    private boolean busy = true; // until the head of the answer is out, then while a frame is
    private boolean ended;
    private boolean lacksFrame = true;
    private int missed;

    /**
     * @param greeting event that comes before all others
     */
    EventClient(ChannelHandlerContext ctx, byte[] greeting) {
        this.ctx = ctx;
        this.greeting = greeting;
    }

    /** The head of the answer is on its way, events may follow. */
    synchronized void ready() {
        busy = false;
    }

    /** Whether a whole frame is what this client needs next. */
    synchronized boolean lacksFrame() {
        return lacksFrame;
    }

    /** Sends what this client needs of a frame, or nothing if it has not read the last one. */
    void offer(LiveFrame frame) {
        if (begins()) {
            write(takesWhole() ? frame.snapshot() : frame.update());
        }
    }

    private synchronized boolean takesWhole() {
        boolean whole = lacksFrame;
        lacksFrame = false;
        return whole;
    }

    /** Sends bytes that say nothing of the models. */
    void offer(byte[] event) {
        if (begins()) {
            write(event);
        }
    }

    /** Whether this client can take something now; if not, it needs a whole frame next time. */
    private synchronized boolean begins() {
        if (ended) {
            return false;
        }
        if (!busy) {
            busy = true;
            missed = 0;
            return true;
        }
        lacksFrame = true;
        if (++missed >= MOST_MISSED) {
            ended = true;
            ctx.close();
        }
        return false;
    }

    private void write(byte[] event) {
        byte[] before = greeting;
        greeting = NOTHING;
        ctx.writeAndFlush(new DefaultHttpContent(Unpooled.wrappedBuffer(before, event)))
                .addListener(future -> ready());
    }

    /** Ends the stream; the page may open another. */
    synchronized void end() {
        if (!ended) {
            ended = true;
            ctx.writeAndFlush(LastHttpContent.EMPTY_LAST_CONTENT);
        }
    }

    /** Calls back when the client has left, or at once if it has. */
    void whenGone(Runnable task) {
        ctx.channel().closeFuture().addListener(future -> task.run());
    }
}
