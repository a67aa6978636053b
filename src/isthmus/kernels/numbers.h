// The number types of images, loaded and stored as vectors of float32.

#pragma once

#include <cstdint>
#include <cstring>

#include "vectors.h"

typedef uint32_t Words __attribute__((vector_size(4 * LANES)));
typedef uint16_t Halves __attribute__((vector_size(2 * LANES)));

struct Float32 {
    typedef float Number;
    static Floats load(const float *from) { return ::load(from); }
    static void store(float *to, Floats value) { ::store(to, value); }
};

struct BFloat16 {
    typedef uint16_t Number;
    static Floats load(const uint16_t *from) {
        Halves halves;
        std::memcpy(&halves, from, sizeof halves);
        return (Floats)(__builtin_convertvector(halves, Words) << 16);
    }
    // Rounds to nearest, ties to even; a quiet NaN stays a NaN.
    static void store(uint16_t *to, Floats value) {
        Words words = (Words)value;
        Halves halves = __builtin_convertvector((words + 0x7fff + (words >> 16 & 1)) >> 16, Halves);
        std::memcpy(to, &halves, sizeof halves);
    }
};
