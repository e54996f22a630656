package io.greenroom.gating;

/** A router produced a number that decides nothing: the weights it came from are damaged. */
public final class InvalidLogitException extends RuntimeException {

    private static final long serialVersionUID = 1L;

    private final int token;
    private final int expert;

    /**
     * @param token index within the batch
     * @param expert index within the layer
     */
    public InvalidLogitException(int token, int expert, float logit) {
        super(
                "Cannot route token "
                        + token
                        + " of the batch: the router's logit for expert "
                        + expert
                        + " is "
                        + logit
                        + "; the checkpoint's weights up to this layer are damaged, or overflow in"
                        + " the precision they are stored in");
        this.token = token;
        this.expert = expert;
    }

    /** Index within the batch. */
    public int token() {
        return token;
    }

    /** Index within the layer. */
    public int expert() {
        return expert;
    }
}
