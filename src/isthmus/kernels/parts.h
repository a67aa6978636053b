// Numbers in the form that tiles multiply: bfloat16, or float32 split into several bfloat16 parts.
//
// The first part is the number rounded, the second is the remainder rounded, and so on. Three parts hold all 24 binary
// digits of a float32, and six of their nine products are enough for sums in float32. Two parts hold 16 or 17 digits
// and need three products.

#pragma once

#include "numbers.h"
#include "tiles.h"

#ifdef HAS_TILES

// How many parts a number has, for values and for gradients.
template <class T> constexpr int PARTS = 1;
template <> constexpr int PARTS<Float32> = 3;
template <class T> constexpr int GRADIENT_PARTS = 1;
template <> constexpr int GRADIENT_PARTS<Float32> = 2;

// Splits 32 numbers; each part keeps their order.
template <int COUNT> INLINE void split(Wide low, Wide high, Pair *parts) {
#pragma GCC unroll 3
    for (int part = 0; part < COUNT; part++) {
        parts[part] = rounded(low, high);
        low -= first_half(parts[part]);
        high -= last_half(parts[part]);
    }
}

INLINE Wide some(const float *from, int count) { return load_wide(from, first(count)); }

// The parts of 32 consecutive numbers; those from `count` on are zero and are not read.
template <int COUNT> INLINE void parts_of(const uint16_t *from, int count, Pair *parts) {
    parts[0] = load_halves(from, first_of_both(count));
}

template <int COUNT> INLINE void parts_of(const float *from, int count, Pair *parts) {
    split<COUNT>(some(from, count), some(from + SIDE, count - SIDE), parts);
}

// The parts as words: word i holds one[i] and two[i], each zero where its mask is.
INLINE void words_of_parts(const uint16_t *one, Mask16 of_one, const uint16_t *two, Mask16 of_two, Pair *parts) {
    parts[0] = words_of(one, of_one, two, of_two);
}

INLINE void words_of_parts(const float *one, Mask16 of_one, const float *two, Mask16 of_two, Pair *parts) {
    constexpr int COUNT = GRADIENT_PARTS<Float32>;
    split<COUNT>(load_wide(one, of_one), load_wide(two, of_two), parts);
    for (int part = 0; part < COUNT; part++) parts[part] = interleave(parts[part]);
}

#endif
