package io.greenroom.offload.store;

import io.greenroom.offload.kernel.TensorType;
import java.nio.file.Path;

/**
 * Where a tensor, or one expert's part of a stacked tensor, lies on disk. Its bounds were checked
 * against the file's size when the checkpoint was opened.
 *
 * @param name canonical name, as in GGUF ("blk.3.ffn_gate_exps.weight")
 * @param file the file that holds the bytes
 * @param offset first byte in the file
 * @param bytes length
 * @param type element type
 * @param rows number of rows; 1 for vectors
 * @param cols elements per row, contiguous in the file
 */
public record TensorSpan(
        String name, Path file, long offset, long bytes, TensorType type, int rows, int cols) {}
