package io.greenroom.gating.predict;

import io.greenroom.cache.ExpertId;

/**
 * A guess that an expert will be asked for.
 *
 * @param id the expert
 * @param probability how likely, by whoever guessed; from 0 to 1
 */
public record PrefetchHint(ExpertId id, float probability) {}
