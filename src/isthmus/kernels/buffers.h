// Memory aligned for vectors, and how a failed allocation reaches Python.

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

// `count` numbers for each thread of a loop, all allocated before the loop begins.
template <class T> class PerThread {
    static constexpr long LINE = 64 / sizeof(T) ? 64 / sizeof(T) : 1;  // no two threads share a cache line
    const long each;
    const Buffer<T> all;

  public:
    PerThread(int threads, long count) : each((count + LINE - 1) / LINE * LINE), all(threads * each) {}
    T *of(int thread) const { return all + thread * each; }
};

// Runs `work`. Returns 0, or 1 if there is not enough memory: an exception must not reach Python.
template <class Work> inline int guarded(Work work) {
    try {
        work();
    } catch (const std::exception &) {
        return 1;
    }
    return 0;
}
