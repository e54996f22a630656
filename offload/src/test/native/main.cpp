// greenroom_tests [GROUP]: runs all cases, or those of one group. GREENROOM_SEED replays a run.

#include <chrono>
#include <cstring>

#include "testing.h"

int main(int argc, char** argv) {
    const char* replay = std::getenv("GREENROOM_SEED");
    testing::seed = replay != nullptr
            ? std::strtoull(replay, nullptr, 10)
            : static_cast<uint64_t>(
                      std::chrono::system_clock::now().time_since_epoch().count());
    std::printf("GREENROOM_SEED=%llu\n", static_cast<unsigned long long>(testing::seed));
    int run = 0;
    for (testing::Case* entry = testing::cases; entry != nullptr; entry = entry->next) {
        if (argc > 1 && std::strcmp(argv[1], entry->group) != 0) {
            continue;
        }
        int before = testing::failures;
        entry->run();
        run++;
        std::printf("%s %s.%s\n", testing::failures == before ? "ok  " : "FAIL", entry->group,
                    entry->name);
    }
    if (run == 0) {
        std::printf("no case in group %s\n", argc > 1 ? argv[1] : "(all)");
        return 2;
    }
    std::printf("%d cases, %d failed checks\n", run, testing::failures);
    return testing::failures == 0 ? 0 : 1;
}
