// A context: the kernels of one instruction set and a thread pool.
#ifndef GREENROOM_CONTEXT_H
#define GREENROOM_CONTEXT_H

#include <type_traits>

#include "int8.h"
#include "kernel_table.h"
#include "thread_pool.h"

struct gr_context {
    gr_context(
            const greenroom::KernelTable* kernels, const greenroom::Int8Table* int8, int threads)
            : kernels(kernels), int8(int8), pool(threads) {}

    const greenroom::KernelTable* kernels;
    const greenroom::Int8Table* int8;  // null in the exact mode
    greenroom::ThreadPool pool;
};

namespace greenroom {

// Below this many multiply-adds (about ten microseconds for one thread) sharing the work costs more
// than it saves.
constexpr int64_t kMinParallelWork = 1 << 18;

// Splits `count` independent results, each of `work` multiply-adds, among the threads: body(begin,
// end) -> gr_status. Chunks are multiples of `multiple` and small enough to even out a slow core.
template <class F>
gr_status parallel(gr_context* context, int count, int64_t work, int multiple, F&& body) {
    int64_t chunk = count;
    int threads = context->pool.threads();
    if (threads > 1 && count * work >= kMinParallelWork) {
        chunk = (count + int64_t(threads) * 4 - 1) / (int64_t(threads) * 4);
        int64_t smallest = kMinParallelWork / 8 / (work > 0 ? work : 1);
        chunk = chunk < smallest ? smallest : chunk;
        chunk = (chunk + multiple - 1) / multiple * multiple;
        chunk = chunk < 1 ? 1 : chunk > count ? count : chunk;
    }
    using Callable = std::remove_reference_t<F>;
    return context->pool.run(
            count,
            static_cast<int>(chunk),
            [](void* argument, int begin, int end) {
                return (*static_cast<Callable*>(argument))(begin, end);
            },
            &body);
}

}  // namespace greenroom

#endif
