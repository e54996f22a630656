package io.greenroom.offload.store;

import io.greenroom.offload.kernel.WeightMatrix;

/**
 * The three matrices of an expert in its slot; valid as long as the expert's lease.
 *
 * @param gate {@code [expertHidden, hidden]}
 * @param up {@code [expertHidden, hidden]}
 * @param down {@code [hidden, expertHidden]}
 */
public record ExpertWeights(WeightMatrix gate, WeightMatrix up, WeightMatrix down) {}
