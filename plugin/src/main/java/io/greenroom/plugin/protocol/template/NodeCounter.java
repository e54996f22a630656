package io.greenroom.plugin.protocol.template;

/** Ends a rendering that goes on and on. */
final class NodeCounter {

    /** Not a name a template can spell. */
    static final String NAME = "greenroom nodes";

    private final int limit;
    private int rendered;

    NodeCounter(int limit) {
        this.limit = limit;
    }

    void next() {
        if (++rendered > limit) {
            throw new IllegalStateException(
                    "The template rendered more than " + limit + " nodes; does it loop for ever?");
        }
    }
}
