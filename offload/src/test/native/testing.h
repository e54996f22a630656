// A test runner of one page: cases register themselves, a failed CHECK prints where, what and the
// seed, and the program exits non-zero.
#ifndef GREENROOM_TESTING_H
#define GREENROOM_TESTING_H

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>

namespace testing {

struct Case {
    const char* group;
    const char* name;
    void (*run)();
    Case* next;
};

inline Case* cases = nullptr;
inline uint64_t seed = 0;
inline int failures = 0;

struct Registration {
    explicit Registration(Case* entry) {
        entry->next = cases;
        cases = entry;
    }
};

inline void fail(const char* file, int line, const std::string& text) {
    if (failures++ < 20) {
        std::printf("%s:%d: %s (GREENROOM_SEED=%llu)\n", file, line, text.c_str(),
                    static_cast<unsigned long long>(seed));
    }
}

// Deterministic numbers (SplitMix64, by Steele, Lea and Flood).
class Random {
public:
    explicit Random(uint64_t stream) : state_(seed * 0x9E3779B97F4A7C15u + stream) {}

    uint64_t next() {
        uint64_t z = (state_ += 0x9E3779B97F4A7C15u);
        z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9u;
        z = (z ^ (z >> 27)) * 0x94D049BB133111EBu;
        return z ^ (z >> 31);
    }

    int below(int limit) { return static_cast<int>(next() % static_cast<uint64_t>(limit)); }

    // In [-1, 1).
    float real() { return static_cast<float>(int64_t(next() >> 40) - (1 << 23)) * 0x1p-23f; }

private:
    uint64_t state_;
};

}  // namespace testing

#define TEST(group, name)                                                                  \
    static void group##_##name();                                                          \
    static testing::Case group##_##name##_case = {#group, #name, group##_##name, nullptr}; \
    static testing::Registration group##_##name##_entry(&group##_##name##_case);           \
    static void group##_##name()

#define CHECK(condition, text)                                                                 \
    do {                                                                                       \
        if (!(condition)) {                                                                    \
            testing::fail(__FILE__, __LINE__, std::string(#condition) + ": " + (text));        \
        }                                                                                      \
    } while (false)

#endif
