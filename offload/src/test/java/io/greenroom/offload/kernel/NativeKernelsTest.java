package io.greenroom.offload.kernel;

import static org.assertj.core.api.Assertions.assertThat;

import io.greenroom.offload.memory.LeakCheck;
import io.greenroom.offload.memory.MemoryTag;
import io.greenroom.offload.memory.NativeAllocator;
import io.greenroom.offload.memory.NativeMemory;
import io.greenroom.offload.store.TensorType;
import org.junit.jupiter.api.Test;

class NativeKernelsTest {

    @Test
    void multipliesAnIdentity() {
        NativeAllocator allocator = new NativeAllocator();
        try (LeakCheck leaks = new LeakCheck(allocator);
                NativeKernels kernels = new NativeKernels(2);
                NativeMemory memory = allocator.allocate(MemoryTag.ACTIVATIONS, 4096, 64)) {
            assertThat(leaks).isNotNull();
            Activations identity = new Activations(memory, 0, 4, 4);
            kernels.write(
                    new float[] {1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1}, 4, identity);
            Activations x = new Activations(memory, 256, 3, 4);
            float[] values = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12};
            kernels.write(values, 3, x);
            Activations out = new Activations(memory, 512, 3, 4);
            kernels.matmul(new WeightMatrix(memory, 0, TensorType.F32, 4, 4), x, 3, null, out);
            float[] result = new float[12];
            kernels.read(out, 3, result);
            assertThat(result).containsExactly(values);
        }
    }
}
