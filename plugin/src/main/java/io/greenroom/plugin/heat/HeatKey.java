package io.greenroom.plugin.heat;

/**
 * What heat is asked for by.
 *
 * @param model the name clients use, as far as it is known yet
 * @param fingerprint of the checkpoint: only heat of the same weights is of any use
 */
public record HeatKey(String model, String fingerprint) {

    /** As the key of a record in a topic: {@code model@fingerprint}. */
    @Override
    public String toString() {
        return model + "@" + fingerprint;
    }
}
