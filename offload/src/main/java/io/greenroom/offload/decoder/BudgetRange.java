package io.greenroom.offload.decoder;

/**
 * Between which limits a model's expert budget can be changed to any effect.
 *
 * @param floor the smallest that works
 * @param ceiling what all experts take; a larger budget brings nothing more
 */
public record BudgetRange(BudgetChange.Size floor, BudgetChange.Size ceiling) {}
