package io.greenroom.offload.decoder;

import io.greenroom.offload.kernel.Activations;
import io.greenroom.offload.kernel.Kernels;
import io.greenroom.offload.store.ModelSpec;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * The forward pass of a decoder-only transformer with routed experts: embedding, layers, final norm
 * and projection onto the vocabulary. All buffers are passed in; a step allocates next to nothing.
 */
final class MoeDecoder implements BatchDecoder {

    private final ModelSpec spec;
    private final ModelWeights weights;
    private final List<DecoderLayer> layers;
    private final @Nullable TransferScheduler transfers;
    private final RoutingObserver observer;
    private final Kernels kernels;
    private final Scratch scratch;
    private final float[] logits; // [vocabulary]

    MoeDecoder(
            ModelSpec spec,
            ModelWeights weights,
            List<DecoderLayer> layers,
            @Nullable TransferScheduler transfers,
            RoutingObserver observer,
            Kernels kernels,
            Scratch scratch) {
        this.spec = spec;
        this.weights = weights;
        this.layers = layers;
        this.transfers = transfers;
        this.observer = observer;
        this.kernels = kernels;
        this.scratch = scratch;
        this.logits = new float[spec.vocabulary()];
    }

    @Override
    public void forward(Batch batch) throws InterruptedException {
        Activations x = scratch.x();
        kernels.embed(weights.embedding(), batch.tokens(), batch.rows(), x);
        observer.stepBegins(batch, x);
        if (transfers != null) {
            transfers.stepBegins(batch, x);
        }
        for (DecoderLayer layer : layers) {
            layer.forward(batch, x);
            if (batch.hasFailedRows()) {
                dropFailedRows(batch, x);
            }
            if (batch.rows() == 0) {
                return;
            }
        }
        if (transfers != null) {
            transfers.stepDone();
        }
        observer.stepDone(batch);
    }

    @Override
    public void logits(Batch batch, Sink sink) {
        int[] rows = new int[scratch.logits().rows()];
        int count = 0;
        for (int row = 0; row < batch.rows(); row++) {
            if (batch.wantsLogits(row)) {
                rows[count++] = row;
            }
            if (count == rows.length || (row == batch.rows() - 1 && count > 0)) {
                project(batch, rows, count, sink);
                count = 0;
            }
        }
    }

    @Override
    public void ended(int request) {
        observer.requestEnded(request);
    }

    /** Final norm and output projection, for the rows named only. */
    private void project(Batch batch, int[] rows, int count, Sink sink) {
        Activations normed = scratch.finalNormed();
        for (int i = 0; i < count; i++) {
            kernels.rmsNorm(
                    scratch.x().slice(rows[i], 1),
                    1,
                    weights.outputNorm(),
                    spec.rmsEpsilon(),
                    normed.slice(i, 1));
        }
        kernels.matmul(weights.output(), normed, count, null, scratch.logits());
        for (int i = 0; i < count; i++) {
            kernels.read(scratch.logits().slice(i, 1), 1, logits);
            sink.accept(batch.sequences()[rows[i]], batch.positions()[rows[i]], logits);
        }
    }

    /** Rare: a sequence failed in this layer, the others' rows close ranks. */
    private void dropFailedRows(Batch batch, Activations x) {
        float[] hidden = new float[Math.multiplyExact(batch.rows(), spec.hidden())];
        kernels.read(x, batch.rows(), hidden);
        batch.dropFailedRows(hidden, spec.hidden());
        kernels.write(hidden, batch.rows(), x);
    }
}
