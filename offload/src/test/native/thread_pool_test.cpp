#include "thread_pool.h"

#include <atomic>
#include <thread>
#include <vector>

#include "testing.h"

using greenroom::ThreadPool;

namespace {

struct Tally {
    explicit Tally(int count) : times(static_cast<size_t>(count)) {}

    static gr_status body(void* argument, int begin, int end) {
        Tally* tally = static_cast<Tally*>(argument);
        for (int i = begin; i < end; i++) {
            tally->times[size_t(i)].fetch_add(1, std::memory_order_relaxed);
        }
        return GR_OK;
    }

    bool each_once() const {
        for (const std::atomic<int>& times_run : times) {
            if (times_run.load() != 1) {
                return false;
            }
        }
        return true;
    }

    std::vector<std::atomic<int>> times;
};

}  // namespace

TEST(thread_pool, runs_every_index_once) {
    for (int threads : {1, 2, 4}) {
        ThreadPool pool(threads);
        for (int count : {0, 1, 2, 7, 100, 1000}) {
            for (int chunk : {1, 3, 64, 2000}) {
                Tally tally(count);
                CHECK(pool.run(count, chunk, Tally::body, &tally) == GR_OK, "run");
                CHECK(tally.each_once(), std::to_string(count));
            }
        }
    }
}

TEST(thread_pool, many_short_loops_in_a_row) {
    ThreadPool pool(3);
    for (int i = 0; i < 3000; i++) {
        Tally tally(13);
        pool.run(13, 1, Tally::body, &tally);
        CHECK(tally.each_once(), "loop " + std::to_string(i));
    }
}

TEST(thread_pool, serves_several_callers) {
    ThreadPool pool(3);
    std::atomic<int> wrong{0};
    std::vector<std::thread> callers;
    for (int caller = 0; caller < 3; caller++) {
        callers.emplace_back([&] {
            for (int i = 0; i < 500; i++) {
                Tally tally(50);
                pool.run(50, 7, Tally::body, &tally);
                wrong += tally.each_once() ? 0 : 1;
            }
        });
    }
    for (std::thread& caller : callers) {
        caller.join();
    }
    CHECK(wrong.load() == 0, std::to_string(wrong.load()));
}

TEST(thread_pool, passes_a_failure_on) {
    for (int threads : {1, 3}) {
        ThreadPool pool(threads);
        gr_status status = pool.run(
                20, 1,
                [](void*, int begin, int end) {
                    return begin <= 13 && 13 < end ? GR_OUT_OF_MEMORY : GR_OK;
                },
                nullptr);
        CHECK(status == GR_OUT_OF_MEMORY, std::to_string(status));
        Tally tally(5);
        CHECK(pool.run(5, 1, Tally::body, &tally) == GR_OK, "the next loop starts afresh");
    }
}

TEST(thread_pool, starts_and_stops_with_and_without_work) {
    for (int i = 0; i < 50; i++) {
        ThreadPool pool(1 + i % 4);
        if (i % 2 == 0) {
            Tally tally(9);
            pool.run(9, 2, Tally::body, &tally);
            CHECK(tally.each_once(), "run");
        }
    }
}
