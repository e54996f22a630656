package io.greenroom.offload.store;

import java.util.List;

/**
 * The three matrices of one routed expert.
 *
 * @param gate {@code [expertHidden, hidden]}
 * @param up {@code [expertHidden, hidden]}
 * @param down {@code [hidden, expertHidden]}
 */
public record ExpertSpans(TensorSpan gate, TensorSpan up, TensorSpan down) {

    /** Gate, up, down. */
    public List<TensorSpan> inOrder() {
        return List.of(gate, up, down);
    }
}
