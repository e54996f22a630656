package io.greenroom.offload.kernel;

import io.greenroom.offload.memory.NativeLibrary;
import java.util.BitSet;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The kernels in C++, on one instruction set, with a thread pool of their own. Every argument is
 * checked here; after that only addresses cross the border.
 *
 * <p>Calls from several threads are safe; the pool serves one at a time and the others run on their
 * own thread meanwhile, with the same results. Results may differ in rounding between instruction
 * sets, never within one. {@link #close} waits for calls in progress.
 */
public final class NativeKernels implements Kernels, AutoCloseable {

    private static final Logger logger = LoggerFactory.getLogger(NativeKernels.class);

    /** More would be a typing error. */
    private static final int MAX_THREADS = 1024;

    private final NativeContext context;
    private final String description;
    private final KernelIsa isa;

    /**
     * Exact kernels on the best instruction set here, or the one that the system property {@value
     * KernelIsa#PROPERTY} names.
     *
     * @param threads that take part in a call, the calling one included
     */
    public NativeKernels(int threads) {
        this(threads, ActivationPrecision.FLOAT32);
    }

    /** As {@link #NativeKernels(int)}, with a choice of precision. */
    public NativeKernels(int threads, ActivationPrecision precision) {
        this(
                threads,
                KernelIsa.choose(System.getProperty(KernelIsa.PROPERTY), availableIsas()),
                precision);
    }

    /**
     * On a given instruction set.
     *
     * @throws IllegalArgumentException if this processor lacks it
     * @throws KernelException if the threads cannot be started
     */
    public NativeKernels(int threads, KernelIsa isa, ActivationPrecision precision) {
        Set<KernelIsa> available = availableIsas();
        if (threads < 1 || threads > MAX_THREADS) {
            throw new IllegalArgumentException(
                    "Kernel threads must be 1 to " + MAX_THREADS + ", got " + threads);
        }
        if (!available.contains(isa)) {
            throw KernelIsa.unavailable(isa.label(), available);
        }
        long[] created = new long[1];
        KernelCalls.check(
                KernelCalls.create(threads, isa.code(), precision.code(), created),
                "start",
                "with " + threads + " threads");
        this.context = new NativeContext(created[0]);
        this.isa = isa;
        this.description = describe(threads, isa, precision);
        logger.info("Kernels: {}", description);
    }

    /** The instruction sets that this processor and this build of the library both have. */
    public static Set<KernelIsa> availableIsas() {
        NativeLibrary.load();
        return KernelIsa.ofMask(KernelCalls.availableIsas());
    }

    private static String describe(int threads, KernelIsa isa, ActivationPrecision precision) {
        StringBuilder text = new StringBuilder(isa.label());
        if (precision == ActivationPrecision.INT8) {
            text.append(KernelCalls.hasVnni(isa.code()) ? " with int8 VNNI" : " with int8");
        }
        return text.append(", ")
                .append(threads)
                .append(threads == 1 ? " thread" : " threads")
                .toString();
    }

    @Override
    public String describe() {
        return description;
    }

    /** The instruction set in use. */
    public KernelIsa isa() {
        return isa;
    }

    @Override
    public void embed(WeightMatrix table, int[] tokens, int n, Activations out) {
        String what = "embed";
        Checks.rows(what, out, n);
        Checks.equal(what, "width of out", out.cols(), "width of the table", table.cols());
        Checks.indices(what, "tokens", tokens, n, table.rows());
        call(
                what,
                handle ->
                        KernelCalls.embed(
                                handle,
                                table.address(),
                                table.type().ggmlCode(),
                                table.rows(),
                                table.cols(),
                                tokens,
                                n,
                                out.address()));
    }

    @Override
    public void rmsNorm(Activations x, int n, Activations weight, float epsilon, Activations out) {
        String what = "rmsNorm";
        Checks.rows(what, x, n);
        Checks.rows(what, out, n);
        Checks.rows(what, weight, 1);
        Checks.positive(what, "width of x", x.cols());
        Checks.equal(what, "width of the weight", weight.cols(), "width of x", x.cols());
        Checks.equal(what, "width of out", out.cols(), "width of x", x.cols());
        if (x.address() != out.address()) {
            Checks.disjoint(what, "x and out", x.slice(0, n), out.slice(0, n));
        }
        call(
                what,
                handle ->
                        KernelCalls.rmsNorm(
                                handle,
                                x.address(),
                                n,
                                x.cols(),
                                weight.address(),
                                epsilon,
                                out.address()));
    }

    @Override
    public void matmul(
            WeightMatrix w, Activations x, int n, @Nullable Activations bias, Activations out) {
        String what = "matmul";
        Checks.rows(what, x, n);
        Checks.rows(what, out, n);
        Checks.positive(what, "rows of w", w.rows());
        Checks.positive(what, "columns of w", w.cols());
        Checks.equal(what, "width of x", x.cols(), "columns of w", w.cols());
        Checks.equal(what, "width of out", out.cols(), "rows of w", w.rows());
        if (bias != null) {
            Checks.rows(what, bias, 1);
            Checks.equal(what, "width of the bias", bias.cols(), "rows of w", w.rows());
        }
        Checks.disjoint(what, "x and out", x.slice(0, n), out.slice(0, n));
        call(
                what,
                handle ->
                        KernelCalls.matmul(
                                handle,
                                w.address(),
                                w.type().ggmlCode(),
                                w.rows(),
                                w.cols(),
                                x.address(),
                                n,
                                bias == null ? 0 : bias.address(),
                                out.address()));
    }

    @Override
    public void clamp(Activations x, int n, float limit) {
        String what = "clamp";
        Checks.rows(what, x, n);
        if (!(limit >= 0)) {
            throw new IllegalArgumentException(
                    what + ": the limit must be at least 0, got " + limit);
        }
        call(what, handle -> KernelCalls.clamp(handle, x.address(), n, x.cols(), limit));
    }

    @Override
    public void add(Activations x, Activations y, int n) {
        String what = "add";
        Checks.rows(what, x, n);
        Checks.rows(what, y, n);
        Checks.equal(what, "width of y", y.cols(), "width of x", x.cols());
        call(what, handle -> KernelCalls.add(handle, x.address(), y.address(), n, x.cols()));
    }

    @Override
    public void rope(
            Activations x,
            int n,
            int heads,
            int headDim,
            int[] positions,
            Activations table,
            boolean adjacent) {
        String what = "rope";
        Checks.rows(what, x, n);
        Checks.positive(what, "heads", heads);
        Checks.positive(what, "headDim", headDim);
        if (headDim % 2 != 0) {
            throw new IllegalArgumentException(what + ": headDim must be even, got " + headDim);
        }
        Checks.equal(what, "width of x", x.cols(), "heads * headDim", (long) heads * headDim);
        Checks.equal(what, "width of the table", table.cols(), "headDim", headDim);
        Checks.indices(what, "positions", positions, n, table.rows());
        call(
                what,
                handle ->
                        KernelCalls.rope(
                                handle,
                                x.address(),
                                n,
                                heads,
                                headDim,
                                positions,
                                table.address(),
                                adjacent));
    }

    @Override
    public void storeKv(
            KvPages cache, int layer, Activations k, Activations v, int n, int[] cells) {
        String what = "storeKv";
        layer(what, cache, layer);
        Checks.rows(what, k, n);
        Checks.rows(what, v, n);
        long width = (long) cache.kvHeads() * cache.headDim();
        Checks.equal(what, "width of k", k.cols(), "kvHeads * headDim", width);
        Checks.equal(what, "width of v", v.cols(), "kvHeads * headDim", width);
        Checks.indices(what, "cells", cells, n, (long) cache.pages() * cache.pageSize());
        call(
                what,
                handle ->
                        KernelCalls.storeKv(
                                handle,
                                cache.memory().address(),
                                code(cache.type()),
                                cache.layers(),
                                cache.pages(),
                                cache.pageSize(),
                                cache.kvHeads(),
                                cache.headDim(),
                                layer,
                                k.address(),
                                v.address(),
                                n,
                                cells));
    }

    @Override
    public void attention(
            KvPages cache,
            int layer,
            Activations q,
            int n,
            int heads,
            int[] positions,
            int[] sequences,
            int[][] pageTables,
            Activations out) {
        String what = "attention";
        layer(what, cache, layer);
        Checks.rows(what, q, n);
        Checks.rows(what, out, n);
        Checks.positive(what, "heads", heads);
        Checks.positive(what, "kvHeads", cache.kvHeads());
        Checks.positive(what, "headDim", cache.headDim());
        Checks.positive(what, "pageSize", cache.pageSize());
        if (heads % cache.kvHeads() != 0) {
            throw new IllegalArgumentException(
                    what + ": " + heads + " heads cannot share " + cache.kvHeads() + " kvHeads");
        }
        long width = (long) heads * cache.headDim();
        Checks.equal(what, "width of q", q.cols(), "heads * headDim", width);
        Checks.equal(what, "width of out", out.cols(), "heads * headDim", width);
        Checks.disjoint(what, "q and out", q.slice(0, n), out.slice(0, n));
        long cells = (long) cache.pages() * cache.pageSize();
        Checks.indices(what, "positions", positions, n, cells);
        Checks.indices(what, "sequences", sequences, n, pageTables.length);
        FlatPageTables tables = FlatPageTables.of(cache, n, positions, sequences, pageTables);
        call(
                what,
                handle ->
                        KernelCalls.attention(
                                handle,
                                cache.memory().address(),
                                code(cache.type()),
                                cache.layers(),
                                cache.pages(),
                                cache.pageSize(),
                                cache.kvHeads(),
                                cache.headDim(),
                                layer,
                                q.address(),
                                n,
                                heads,
                                positions,
                                sequences,
                                tables.pages(),
                                tables.offsets(),
                                out.address()));
    }

    @Override
    public void feedForward(
            WeightMatrix gate,
            WeightMatrix up,
            WeightMatrix down,
            Activations x,
            int[] rows,
            int[] outRows,
            int n,
            Activations out) {
        String what = "feedForward";
        int hidden = gate.cols();
        int inner = gate.rows();
        Checks.positive(what, "rows of gate", inner);
        Checks.positive(what, "columns of gate", hidden);
        Checks.equal(what, "rows of up", up.rows(), "rows of gate", inner);
        Checks.equal(what, "columns of up", up.cols(), "columns of gate", hidden);
        Checks.equal(what, "rows of down", down.rows(), "columns of gate", hidden);
        Checks.equal(what, "columns of down", down.cols(), "rows of gate", inner);
        Checks.equal(what, "width of x", x.cols(), "columns of gate", hidden);
        Checks.equal(what, "width of out", out.cols(), "columns of gate", hidden);
        if (n < 0) {
            throw new IndexOutOfBoundsException(what + ": " + n + " rows asked");
        }
        Checks.indices(what, "rows", rows, n, x.rows());
        Checks.indices(what, "outRows", outRows, n, out.rows());
        distinct(what, outRows, n);
        call(
                what,
                handle ->
                        KernelCalls.feedForward(
                                handle,
                                gate.address(),
                                gate.type().ggmlCode(),
                                up.address(),
                                up.type().ggmlCode(),
                                down.address(),
                                down.type().ggmlCode(),
                                hidden,
                                inner,
                                x.address(),
                                rows,
                                outRows,
                                n,
                                out.address()));
    }

    @Override
    public void combine(Activations x, Activations partial, float[] weights, int n, int k) {
        String what = "combine";
        Checks.rows(what, x, n);
        Checks.positive(what, "k", k);
        long parts = (long) n * k;
        if (parts > partial.rows()) {
            throw new IndexOutOfBoundsException(
                    what + ": " + parts + " rows asked of " + partial.rows());
        }
        Checks.equal(what, "width of partial", partial.cols(), "width of x", x.cols());
        Checks.length(what, "weights", weights.length, parts);
        call(
                what,
                handle ->
                        KernelCalls.combine(
                                handle, x.address(), partial.address(), weights, n, k, x.cols()));
    }

    @Override
    public void addGated(Activations x, Activations shared, Activations gate, int n) {
        String what = "addGated";
        Checks.rows(what, x, n);
        Checks.rows(what, shared, n);
        Checks.rows(what, gate, n);
        Checks.equal(what, "width of shared", shared.cols(), "width of x", x.cols());
        Checks.equal(what, "width of gate", gate.cols(), "one logit per row", 1);
        call(
                what,
                handle ->
                        KernelCalls.addGated(
                                handle,
                                x.address(),
                                shared.address(),
                                gate.address(),
                                n,
                                x.cols()));
    }

    @Override
    public void read(Activations x, int n, float[] into) {
        int count = elements("read", x, n);
        Checks.length("read", "the array", into.length, count);
        KernelCalls.read(x.address(), count, into);
    }

    @Override
    public void write(float[] from, int n, Activations x) {
        int count = elements("write", x, n);
        Checks.length("write", "the array", from.length, count);
        KernelCalls.write(from, count, x.address());
    }

    @Override
    public void close() {
        context.close();
    }

    /** A call that has the context's handle and answers a status. */
    private interface Call {
        int on(long handle);
    }

    private void call(String what, Call call) {
        long handle = context.enter();
        try {
            KernelCalls.check(call.on(handle), what, null);
        } finally {
            context.leave();
        }
    }

    private static int elements(String what, Activations x, int n) {
        Checks.rows(what, x, n);
        return Math.toIntExact((long) n * x.cols());
    }

    private static void layer(String what, KvPages cache, int layer) {
        if (layer < 0 || layer >= cache.layers()) {
            throw new IndexOutOfBoundsException(
                    what + ": layer " + layer + " of " + cache.layers());
        }
    }

    private static void distinct(String what, int[] outRows, int n) {
        BitSet seen = new BitSet();
        for (int i = 0; i < n; i++) {
            if (seen.get(outRows[i])) {
                throw new IllegalArgumentException(
                        what + ": outRows names row " + outRows[i] + " twice");
            }
            seen.set(outRows[i]);
        }
    }

    private static int code(KvPages.Type type) {
        return switch (type) {
            case F32 -> TensorType.F32.ggmlCode();
            case F16 -> TensorType.F16.ggmlCode();
        };
    }
}
