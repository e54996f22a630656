// Scratch memory that each thread keeps, so that no kernel allocates in its steady state.
#ifndef GREENROOM_SCRATCH_H
#define GREENROOM_SCRATCH_H

#include <cstddef>
#include <cstdlib>

namespace greenroom {

class Scratch {
public:
    // Uses that live at the same time on one thread.
    enum Slot { kPointers, kInner, kQuantized, kQuantizedRows, kPanel, kScores, kSlots };

    // At least `bytes` bytes aligned to 64, with undefined content, valid until the thread asks for
    // the same slot again. Null if the system has no memory.
    template <class T>
    static T* get(Slot slot, size_t count) {
        return static_cast<T*>(mine().reserve(slot, count * sizeof(T)));
    }

    ~Scratch() {
        for (Buffer& buffer : buffers_) {
            std::free(buffer.data);
        }
    }

private:
    struct Buffer {
        void* data = nullptr;
        size_t bytes = 0;
    };

    static Scratch& mine() {
        static thread_local Scratch scratch;
        return scratch;
    }

    void* reserve(Slot slot, size_t bytes) {
        Buffer& buffer = buffers_[slot];
        if (buffer.bytes < bytes || buffer.data == nullptr) {
            std::free(buffer.data);
            size_t rounded = (bytes + 4095) & ~size_t(4095);
            rounded = rounded == 0 ? 4096 : rounded;
            buffer.data = std::aligned_alloc(64, rounded);
            buffer.bytes = buffer.data == nullptr ? 0 : rounded;
        }
        return buffer.data;
    }

    Buffer buffers_[kSlots];
};

}  // namespace greenroom

#endif
