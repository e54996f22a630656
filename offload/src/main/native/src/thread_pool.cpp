#include "thread_pool.h"

namespace greenroom {
namespace {

// About 30 microseconds on a processor whose pause takes 40 cycles.
constexpr int kSpins = 3000;

void pause() {
#if defined(__x86_64__)
    __builtin_ia32_pause();
#elif defined(__aarch64__)
    __asm__ volatile("yield");
#endif
}

}  // namespace

ThreadPool::ThreadPool(int threads) {
    try {
        for (int i = 1; i < threads; i++) {
            workers_.emplace_back([this] { work(); });
        }
    } catch (...) {
        stop_and_join();
        throw;
    }
}

ThreadPool::~ThreadPool() { stop_and_join(); }

void ThreadPool::stop_and_join() {
    stop_.store(true);
    epoch_.fetch_add(1);
    epoch_.notify_all();
    for (std::thread& worker : workers_) {
        worker.join();
    }
}

gr_status ThreadPool::run(int count, int chunk, Body body, void* argument) {
    if (count <= 0) {
        return GR_OK;
    }
    std::unique_lock<std::mutex> turn(busy_, std::defer_lock);
    if (workers_.empty() || count <= chunk || !turn.try_lock()) {
        return body(argument, 0, count);
    }
    body_ = body;
    argument_ = argument;
    count_ = count;
    chunk_ = chunk;
    next_.store(0, std::memory_order_relaxed);
    status_.store(GR_OK, std::memory_order_relaxed);
    gate_.store(kOpen, std::memory_order_release);
    epoch_.fetch_add(1, std::memory_order_release);
    epoch_.notify_all();

    run_chunks();

    uint64_t gate = gate_.fetch_and(~kOpen, std::memory_order_acq_rel) & ~kOpen;
    for (int spin = 0; gate != 0; spin++) {
        if (spin < kSpins) {
            pause();
        } else {
            gate_.wait(gate, std::memory_order_acquire);
        }
        gate = gate_.load(std::memory_order_acquire);
    }
    return static_cast<gr_status>(status_.load(std::memory_order_relaxed));
}

void ThreadPool::run_chunks() {
    for (;;) {
        int begin = next_.fetch_add(chunk_, std::memory_order_relaxed);
        if (begin >= count_) {
            return;
        }
        int end = count_ - begin < chunk_ ? count_ : begin + chunk_;
        gr_status status = body_(argument_, begin, end);
        if (status != GR_OK) {
            int expected = GR_OK;
            status_.compare_exchange_strong(expected, status, std::memory_order_relaxed);
        }
    }
}

bool ThreadPool::enter() {
    uint64_t gate = gate_.load(std::memory_order_relaxed);
    while (gate & kOpen) {
        if (gate_.compare_exchange_weak(
                    gate, gate + 1, std::memory_order_acquire, std::memory_order_relaxed)) {
            return true;
        }
    }
    return false;
}

void ThreadPool::leave() {
    if (gate_.fetch_sub(1, std::memory_order_release) == 1) {
        gate_.notify_one();  // the gate is closed and this was the last one inside
    }
}

void ThreadPool::work() {
    uint32_t seen = 0;
    for (;;) {
        for (int spin = 0; spin < kSpins; spin++) {
            if (epoch_.load(std::memory_order_acquire) != seen) {
                break;
            }
            pause();
        }
        epoch_.wait(seen, std::memory_order_acquire);
        seen = epoch_.load(std::memory_order_acquire);
        if (stop_.load(std::memory_order_relaxed)) {
            return;
        }
        if (enter()) {
            run_chunks();
            leave();
        }
    }
}

}  // namespace greenroom
