package io.greenroom.offload.kernel;

import java.util.Arrays;
import java.util.EnumSet;
import java.util.Locale;
import java.util.Set;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/** Instruction sets that kernels exist for, slowest first. */
public enum KernelIsa {
    /** Portable C++: the definition of every kernel. */
    SCALAR(0),
    /** AVX2, FMA and F16C. */
    AVX2(1),
    /** AVX-512 F, BW, VL and DQ. */
    AVX512(2);

    /** System property that overrides the choice. */
    public static final String PROPERTY = "greenroom.kernel.isa";

    private final int code;

    KernelIsa(int code) {
        this.code = code;
    }

    /** The number at the native border. */
    int code() {
        return code;
    }

    /** As operators write it, for example {@code avx2}. */
    public String label() {
        return name().toLowerCase(Locale.ROOT);
    }

    /** The members of a mask in which bit {@link #code} means available. */
    static Set<KernelIsa> ofMask(int mask) {
        Set<KernelIsa> available = EnumSet.noneOf(KernelIsa.class);
        for (KernelIsa isa : values()) {
            if ((mask >> isa.code & 1) != 0) {
                available.add(isa);
            }
        }
        return available;
    }

    /**
     * The wish if it can be had, the best available without one.
     *
     * @throws IllegalArgumentException for an unknown or unavailable wish, listing what there is
     */
    static KernelIsa choose(@Nullable String wish, Set<KernelIsa> available) {
        if (wish == null) {
            return available.stream().reduce(SCALAR, (worse, better) -> better);
        }
        return Arrays.stream(values())
                .filter(isa -> isa.label().equals(wish.trim().toLowerCase(Locale.ROOT)))
                .filter(available::contains)
                .findFirst()
                .orElseThrow(() -> unavailable(wish, available));
    }

    static IllegalArgumentException unavailable(String wish, Set<KernelIsa> available) {
        return new IllegalArgumentException(
                "Instruction set \""
                        + wish
                        + "\" ("
                        + PROPERTY
                        + ") cannot run here; this processor and build have: "
                        + available.stream()
                                .map(KernelIsa::label)
                                .collect(Collectors.joining(", ")));
    }
}
