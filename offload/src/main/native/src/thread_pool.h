// Worker threads that share the chunks of one loop at a time with the calling thread.
//
// Between loops a worker spins for some tens of microseconds, because a decoder's next operation
// usually follows at once, and then sleeps. A loop never waits for a worker that has not woken up:
// only for those that entered it.
#ifndef GREENROOM_THREAD_POOL_H
#define GREENROOM_THREAD_POOL_H

#include <atomic>
#include <cstdint>
#include <mutex>
#include <thread>
#include <vector>

#include "greenroom.h"

namespace greenroom {

class ThreadPool {
public:
    // One chunk of a loop: indices [begin, end).
    using Body = gr_status (*)(void* argument, int begin, int end);

    // `threads` counts the caller. Throws std::system_error if one cannot be started.
    explicit ThreadPool(int threads);
    ~ThreadPool();
    ThreadPool(const ThreadPool&) = delete;
    ThreadPool& operator=(const ThreadPool&) = delete;

    int threads() const { return static_cast<int>(workers_.size()) + 1; }

    // Runs body over [0, count) in chunks of `chunk` indices and returns when all are done, with the
    // first status that was not GR_OK. Runs on the calling thread alone if the pool is busy with
    // another caller or there is but one chunk.
    gr_status run(int count, int chunk, Body body, void* argument);

private:
    // gate_: bit 32 set while a loop is open to workers; the low bits count those inside.
    static constexpr uint64_t kOpen = uint64_t(1) << 32;

    void work();
    bool enter();
    void leave();
    void run_chunks();
    void stop_and_join();

    std::mutex busy_;  // held by the caller whose loop this is

    // The open loop. Written only while the gate is closed and nobody is inside.
    Body body_ = nullptr;
    void* argument_ = nullptr;
    int count_ = 0;
    int chunk_ = 0;

    std::atomic<int> next_{0};
    std::atomic<int> status_{GR_OK};
    std::atomic<uint64_t> gate_{0};
    std::atomic<uint32_t> epoch_{0};  // moves when there is something new to look at
    std::atomic<bool> stop_{false};
    std::vector<std::thread> workers_;
};

}  // namespace greenroom

#endif
