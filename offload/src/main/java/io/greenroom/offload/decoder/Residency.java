package io.greenroom.offload.decoder;

import java.util.BitSet;

/**
 * Which experts of a model are in memory. The sets are this snapshot's own and not to be changed.
 *
 * @param layers layers of the model
 * @param experts experts of each layer that has any
 * @param routed layers that have experts
 * @param resident experts in memory, at {@code layer * experts + expert}
 * @param copies experts of which a low-bit copy is in memory, at the same places; empty where mixed
 *     precision is off
 */
public record Residency(int layers, int experts, BitSet routed, BitSet resident, BitSet copies) {

    /** Whether the expert itself is in memory. */
    public boolean isResident(int layer, int expert) {
        return resident.get(layer * experts + expert);
    }

    /** Whether a low-bit copy of the expert is in memory. */
    public boolean hasCopy(int layer, int expert) {
        return copies.get(layer * experts + expert);
    }
}
