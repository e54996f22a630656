/**
 * How much memory, and for whom: miss curves, the split of a budget over layers, and what a budget
 * brings in hits, bytes and tokens per second.
 */
@org.jspecify.annotations.NullMarked
package io.greenroom.cache.plan;
