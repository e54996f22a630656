// Translates calls of KernelCalls and MemoryCalls into greenroom.h, and nothing else. Java has
// checked every argument; arrays are copied, so that no call holds up the garbage collector.

#include <jni.h>

#include <cstdlib>

#include "greenroom.h"

namespace {

template <class T>
T* pointer(jlong address) {
    return reinterpret_cast<T*>(static_cast<uintptr_t>(address));
}

jlong address_of(const void* pointer) {
    return static_cast<jlong>(reinterpret_cast<uintptr_t>(pointer));
}

// The first elements of a Java array, on the stack if they are few.
template <class T>
class Elements {
public:
    explicit Elements(jsize count) {
        if (count > kOnStack) {
            data_ = static_cast<T*>(std::malloc(sizeof(T) * static_cast<size_t>(count)));
        }
    }

    ~Elements() {
        if (data_ != few_) {
            std::free(data_);
        }
    }

    Elements(const Elements&) = delete;
    Elements& operator=(const Elements&) = delete;

    // Null if there was no memory.
    T* data() { return data_; }

private:
    static constexpr jsize kOnStack = 256;
    T few_[kOnStack];
    T* data_ = few_;
};

class Ints : public Elements<jint> {
public:
    Ints(JNIEnv* env, jintArray array, jsize count) : Elements(count) {
        if (data() != nullptr) {
            env->GetIntArrayRegion(array, 0, count, data());
        }
    }
};

class Floats : public Elements<jfloat> {
public:
    Floats(JNIEnv* env, jfloatArray array, jsize count) : Elements(count) {
        if (data() != nullptr) {
            env->GetFloatArrayRegion(array, 0, count, data());
        }
    }
};

// Writes address and length.
void store_mapping(JNIEnv* env, gr_mapping mapped, jlongArray mapping) {
    jlong values[2] = {address_of(mapped.address), static_cast<jlong>(mapped.bytes)};
    env->SetLongArrayRegion(mapping, 0, 2, values);
}

}  // namespace

extern "C" {

// io.greenroom.offload.memory.MemoryCalls

JNIEXPORT jint JNICALL
Java_io_greenroom_offload_memory_MemoryCalls_abiVersion(JNIEnv*, jclass) {
    return gr_abi_version();
}

// Writes address and length of the mapping into `mapping`.
JNIEXPORT jint JNICALL Java_io_greenroom_offload_memory_MemoryCalls_map(
        JNIEnv* env, jclass, jlong bytes, jlong alignment, jboolean huge, jlongArray mapping) {
    gr_mapping mapped = {nullptr, 0};
    gr_status status = gr_memory_map(
            static_cast<size_t>(bytes), static_cast<size_t>(alignment), huge, &mapped);
    if (status == GR_OK) {
        store_mapping(env, mapped, mapping);
    }
    return status;
}

JNIEXPORT void JNICALL Java_io_greenroom_offload_memory_MemoryCalls_unmap(
        JNIEnv*, jclass, jlong address, jlong bytes) {
    gr_memory_unmap(gr_mapping{pointer<void>(address), static_cast<size_t>(bytes)});
}

JNIEXPORT jint JNICALL Java_io_greenroom_offload_memory_MemoryCalls_reserve(
        JNIEnv* env, jclass, jlong bytes, jlong alignment, jlongArray mapping) {
    gr_mapping mapped = {nullptr, 0};
    gr_status status =
            gr_memory_reserve(static_cast<size_t>(bytes), static_cast<size_t>(alignment), &mapped);
    if (status == GR_OK) {
        store_mapping(env, mapped, mapping);
    }
    return status;
}

JNIEXPORT void JNICALL Java_io_greenroom_offload_memory_MemoryCalls_huge(
        JNIEnv*, jclass, jlong address, jlong bytes) {
    gr_memory_huge(pointer<void>(address), static_cast<size_t>(bytes));
}

JNIEXPORT jint JNICALL Java_io_greenroom_offload_memory_MemoryCalls_discard(
        JNIEnv*, jclass, jlong address, jlong bytes) {
    return gr_memory_discard(pointer<void>(address), static_cast<size_t>(bytes));
}

JNIEXPORT void JNICALL Java_io_greenroom_offload_memory_MemoryCalls_fill(
        JNIEnv*, jclass, jlong address, jlong bytes, jbyte value) {
    gr_memory_fill(pointer<void>(address), static_cast<size_t>(bytes), value);
}

JNIEXPORT jobject JNICALL Java_io_greenroom_offload_memory_MemoryCalls_buffer(
        JNIEnv* env, jclass, jlong address, jint length) {
    return env->NewDirectByteBuffer(pointer<void>(address), length);
}

// io.greenroom.offload.kernel.KernelCalls

JNIEXPORT jint JNICALL
Java_io_greenroom_offload_kernel_KernelCalls_availableIsas(JNIEnv*, jclass) {
    return static_cast<jint>(gr_isa_available());
}

JNIEXPORT jboolean JNICALL
Java_io_greenroom_offload_kernel_KernelCalls_hasVnni(JNIEnv*, jclass, jint isa) {
    return gr_isa_has_vnni(isa) ? JNI_TRUE : JNI_FALSE;
}

// Writes the new context into `context`.
JNIEXPORT jint JNICALL Java_io_greenroom_offload_kernel_KernelCalls_create(
        JNIEnv* env, jclass, jint threads, jint isa, jint precision, jlongArray context) {
    gr_context* created = nullptr;
    gr_status status = gr_context_create(threads, isa, precision, &created);
    if (status == GR_OK) {
        jlong value = address_of(created);
        env->SetLongArrayRegion(context, 0, 1, &value);
    }
    return status;
}

JNIEXPORT void JNICALL
Java_io_greenroom_offload_kernel_KernelCalls_destroy(JNIEnv*, jclass, jlong context) {
    gr_context_destroy(pointer<gr_context>(context));
}

JNIEXPORT jint JNICALL Java_io_greenroom_offload_kernel_KernelCalls_embed(
        JNIEnv* env,
        jclass,
        jlong context,
        jlong table,
        jint type,
        jint rows,
        jint cols,
        jintArray tokens,
        jint n,
        jlong out) {
    Ints token(env, tokens, n);
    gr_matrix matrix = {pointer<void>(table), type, rows, cols};
    if (token.data() == nullptr) {
        return GR_OUT_OF_MEMORY;
    }
    return gr_embed(pointer<gr_context>(context), &matrix, token.data(), n, pointer<float>(out));
}

JNIEXPORT jint JNICALL Java_io_greenroom_offload_kernel_KernelCalls_rmsNorm(
        JNIEnv*,
        jclass,
        jlong context,
        jlong x,
        jint n,
        jint cols,
        jlong weight,
        jfloat epsilon,
        jlong out) {
    return gr_rms_norm(
            pointer<gr_context>(context),
            pointer<float>(x),
            n,
            cols,
            pointer<float>(weight),
            epsilon,
            pointer<float>(out));
}

JNIEXPORT jint JNICALL Java_io_greenroom_offload_kernel_KernelCalls_matmul(
        JNIEnv*,
        jclass,
        jlong context,
        jlong w,
        jint type,
        jint rows,
        jint cols,
        jlong x,
        jint n,
        jlong bias,
        jlong out) {
    gr_matrix matrix = {pointer<void>(w), type, rows, cols};
    return gr_matmul(
            pointer<gr_context>(context),
            &matrix,
            pointer<float>(x),
            n,
            pointer<float>(bias),
            pointer<float>(out));
}

JNIEXPORT jint JNICALL Java_io_greenroom_offload_kernel_KernelCalls_clamp(
        JNIEnv*, jclass, jlong context, jlong x, jint n, jint cols, jfloat limit) {
    return gr_clamp(pointer<gr_context>(context), pointer<float>(x), n, cols, limit);
}

JNIEXPORT jint JNICALL Java_io_greenroom_offload_kernel_KernelCalls_add(
        JNIEnv*, jclass, jlong context, jlong x, jlong y, jint n, jint cols) {
    return gr_add(pointer<gr_context>(context), pointer<float>(x), pointer<float>(y), n, cols);
}

JNIEXPORT jint JNICALL Java_io_greenroom_offload_kernel_KernelCalls_rope(
        JNIEnv* env,
        jclass,
        jlong context,
        jlong x,
        jint n,
        jint heads,
        jint headDim,
        jintArray positions,
        jlong table,
        jboolean adjacent) {
    Ints position(env, positions, n);
    if (position.data() == nullptr) {
        return GR_OUT_OF_MEMORY;
    }
    return gr_rope(
            pointer<gr_context>(context),
            pointer<float>(x),
            n,
            heads,
            headDim,
            position.data(),
            pointer<float>(table),
            adjacent);
}

JNIEXPORT jint JNICALL Java_io_greenroom_offload_kernel_KernelCalls_storeKv(
        JNIEnv* env,
        jclass,
        jlong context,
        jlong cache,
        jint type,
        jint layers,
        jint pages,
        jint pageSize,
        jint kvHeads,
        jint headDim,
        jint layer,
        jlong k,
        jlong v,
        jint n,
        jintArray cells) {
    Ints cell(env, cells, n);
    if (cell.data() == nullptr) {
        return GR_OUT_OF_MEMORY;
    }
    gr_kv_cache kv = {pointer<void>(cache), type, layers, pages, pageSize, kvHeads, headDim};
    return gr_store_kv(
            pointer<gr_context>(context),
            &kv,
            layer,
            pointer<float>(k),
            pointer<float>(v),
            n,
            cell.data());
}

JNIEXPORT jint JNICALL Java_io_greenroom_offload_kernel_KernelCalls_attention(
        JNIEnv* env,
        jclass,
        jlong context,
        jlong cache,
        jint type,
        jint layers,
        jint pages,
        jint pageSize,
        jint kvHeads,
        jint headDim,
        jint layer,
        jlong q,
        jint n,
        jint heads,
        jintArray positions,
        jintArray sequences,
        jintArray pageTables,
        jintArray tableOffsets,
        jlong out) {
    Ints position(env, positions, n);
    Ints sequence(env, sequences, n);
    Ints page(env, pageTables, env->GetArrayLength(pageTables));
    Ints offset(env, tableOffsets, env->GetArrayLength(tableOffsets));
    if (position.data() == nullptr || sequence.data() == nullptr || page.data() == nullptr ||
        offset.data() == nullptr) {
        return GR_OUT_OF_MEMORY;
    }
    gr_kv_cache kv = {pointer<void>(cache), type, layers, pages, pageSize, kvHeads, headDim};
    return gr_attention(
            pointer<gr_context>(context),
            &kv,
            layer,
            pointer<float>(q),
            n,
            heads,
            position.data(),
            sequence.data(),
            page.data(),
            offset.data(),
            pointer<float>(out));
}

JNIEXPORT jint JNICALL Java_io_greenroom_offload_kernel_KernelCalls_feedForward(
        JNIEnv* env,
        jclass,
        jlong context,
        jlong gate,
        jint gateType,
        jlong up,
        jint upType,
        jlong down,
        jint downType,
        jint hidden,
        jint inner,
        jlong x,
        jintArray rows,
        jintArray outRows,
        jint n,
        jlong out) {
    Ints row(env, rows, n);
    Ints outRow(env, outRows, n);
    if (row.data() == nullptr || outRow.data() == nullptr) {
        return GR_OUT_OF_MEMORY;
    }
    gr_matrix gateMatrix = {pointer<void>(gate), gateType, inner, hidden};
    gr_matrix upMatrix = {pointer<void>(up), upType, inner, hidden};
    gr_matrix downMatrix = {pointer<void>(down), downType, hidden, inner};
    return gr_feed_forward(
            pointer<gr_context>(context),
            &gateMatrix,
            &upMatrix,
            &downMatrix,
            pointer<float>(x),
            row.data(),
            outRow.data(),
            n,
            pointer<float>(out));
}

JNIEXPORT jint JNICALL Java_io_greenroom_offload_kernel_KernelCalls_combine(
        JNIEnv* env,
        jclass,
        jlong context,
        jlong x,
        jlong partial,
        jfloatArray weights,
        jint n,
        jint k,
        jint cols) {
    Floats weight(env, weights, n * k);
    if (weight.data() == nullptr) {
        return GR_OUT_OF_MEMORY;
    }
    return gr_combine(
            pointer<gr_context>(context),
            pointer<float>(x),
            pointer<float>(partial),
            weight.data(),
            n,
            k,
            cols);
}

JNIEXPORT jint JNICALL Java_io_greenroom_offload_kernel_KernelCalls_addGated(
        JNIEnv*, jclass, jlong context, jlong x, jlong shared, jlong gate, jint n, jint cols) {
    return gr_add_gated(
            pointer<gr_context>(context),
            pointer<float>(x),
            pointer<float>(shared),
            pointer<float>(gate),
            n,
            cols);
}

JNIEXPORT void JNICALL Java_io_greenroom_offload_kernel_KernelCalls_read(
        JNIEnv* env, jclass, jlong x, jint count, jfloatArray into) {
    env->SetFloatArrayRegion(into, 0, count, pointer<float>(x));
}

JNIEXPORT void JNICALL Java_io_greenroom_offload_kernel_KernelCalls_write(
        JNIEnv* env, jclass, jfloatArray from, jint count, jlong x) {
    env->GetFloatArrayRegion(from, 0, count, pointer<float>(x));
}

}  // extern "C"
