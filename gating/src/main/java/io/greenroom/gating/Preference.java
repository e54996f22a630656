package io.greenroom.gating;

/**
 * What a batch's tokens had better go to, if their router does not mind much: the experts of a
 * layer that are in memory. A gate asks for the wish of each token, follows it as far as its family
 * allows (a grouped gate within the groups it has chosen), and says what that came to.
 *
 * <p>Must not change while a gate routes by it.
 */
public interface Preference {

    /**
     * How far a token yields: the share of the range of its logits by which a preferred expert is
     * ranked higher. 0 for a token that does not yield at all, positive infinity for one that goes
     * to preferred experts first, whatever the logits.
     */
    double strength(int token);

    /** Whether an expert of the layer is preferred. */
    boolean prefers(int expert);

    /**
     * Is told of each token whose strength is above 0. A token that is routed again is told again;
     * the last time counts.
     *
     * @param altered chosen experts that the router alone would not have chosen
     * @param unwanted chosen experts that are not preferred
     * @param exactWeight sum of the router's probabilities of the experts it would have chosen
     * @param lostWeight the part of {@code exactWeight} that the experts chosen do not have
     */
    void chose(int token, int altered, int unwanted, float exactWeight, float lostWeight);
}
