package io.greenroom.offload.decoder;

/**
 * A binary heap over all token ids with the best logit on top, ties by lower id. Filling it takes
 * time linear in the vocabulary; each token taken takes logarithmic time. The array is kept between
 * uses: one heap serves all generations of a scheduler. Used by one thread.
 */
final class TokenHeap {

    private float[] logits = new float[0];
    private int[] heap = new int[0];
    private int size;

    /**
     * Forgets what was there and takes in all tokens of {@code newLogits}, which it reads later.
     */
    void fill(float[] newLogits) {
        logits = newLogits;
        size = newLogits.length;
        if (heap.length < size) {
            heap = new int[size];
        }
        for (int i = 0; i < size; i++) {
            heap[i] = i;
        }
        for (int i = size / 2 - 1; i >= 0; i--) {
            sink(i);
        }
    }

    /** Takes the best token left; there must be one. */
    int pop() {
        int top = heap[0];
        heap[0] = heap[--size];
        sink(0);
        return top;
    }

    private void sink(int from) {
        int parent = from;
        while (true) {
            int child = 2 * parent + 1;
            if (child >= size) {
                return;
            }
            if (child + 1 < size && better(heap[child + 1], heap[child])) {
                child++;
            }
            if (!better(heap[child], heap[parent])) {
                return;
            }
            int moved = heap[parent];
            heap[parent] = heap[child];
            heap[child] = moved;
            parent = child;
        }
    }

    private boolean better(int a, int b) {
        return logits[a] > logits[b] || (logits[a] == logits[b] && a < b);
    }
}
