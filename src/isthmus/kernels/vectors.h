// Vectors of float32: 512 bits with AVX-512, else 256.

#pragma once

#include <cstring>

#define INLINE inline __attribute__((always_inline))

#ifdef __AVX512F__
constexpr int LANES = 16;
#else
constexpr int LANES = 8;
#endif

typedef float Floats __attribute__((vector_size(4 * LANES)));

INLINE Floats load(const float *from) {
    Floats value;
    std::memcpy(&value, from, sizeof value);
    return value;
}

INLINE void store(float *to, Floats value) { std::memcpy(to, &value, sizeof value); }

// Reads or writes `count` numbers at most: the last numbers of a row may not fill a vector.
INLINE Floats load_some(const float *from, int count) {
    if (count >= LANES) return load(from);
    Floats value = {};
    for (int i = 0; i < count; i++) value[i] = from[i];
    return value;
}

INLINE void store_some(float *to, Floats value, int count) {
    if (count >= LANES) return store(to, value);
    for (int i = 0; i < count; i++) to[i] = value[i];
}
