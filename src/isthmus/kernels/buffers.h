// Memory for numbers that are worked on in vectors.

#pragma once

#include <cstdlib>

inline int up(int value, int to) { return (value + to - 1) / to * to; }

template <class T> class Buffer {
    T *const start;

  public:
    explicit Buffer(long count) : start((T *)std::aligned_alloc(64, (count * sizeof(T) + 63) / 64 * 64)) {
        if (!start) std::abort();  // no exception can leave a parallel region, nor a function that Python calls
    }
    Buffer(const Buffer &) = delete;
    ~Buffer() { std::free(start); }
    operator T *() const { return start; }
};
