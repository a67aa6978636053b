// Memory for numbers that are worked on in vectors, and what becomes of there being none.

#pragma once

#include <cstdlib>
#include <exception>
#include <new>

inline int up(int value, int to) { return (value + to - 1) / to * to; }

template <class T> class Buffer {
    T *const start;

  public:
    // Throws std::bad_alloc.
    explicit Buffer(long count) : start((T *)std::aligned_alloc(64, (count * sizeof(T) + 63) / 64 * 64)) {
        if (!start) throw std::bad_alloc();
    }
    Buffer(const Buffer &) = delete;
    ~Buffer() { std::free(start); }
    operator T *() const { return start; }
};

// As many numbers for each thread of a loop, all of them there before it begins.
template <class T> class PerThread {
    static constexpr long LINE = 64 / sizeof(T) ? 64 / sizeof(T) : 1;  // no two threads share a line of the cache
    const long each;
    const Buffer<T> all;

  public:
    PerThread(int threads, long count) : each((count + LINE - 1) / LINE * LINE), all(threads * each) {}
    T *of(int thread) const { return all + thread * each; }
};

// 0 once `work` is done, 1 where the memory does not suffice: Python asks, and no exception reaches it.
template <class Work> inline int guarded(Work work) {
    try {
        work();
    } catch (const std::exception &) {
        return 1;
    }
    return 0;
}
