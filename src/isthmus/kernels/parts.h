// Numbers as tiles multiply them: bfloat16, or float32 as several of it.
//
// float32 is multiplied in parts: the number rounded, what that leaves rounded, and so on. Three parts hold all of its 24
// binary digits, and six of their nine products all that float32 can add up; two hold 16 or 17, with three products.

#pragma once

#include "numbers.h"
#include "tiles.h"

#ifdef HAS_TILES

// In how many parts a number is multiplied, where values are computed and where gradients are.
template <class T> constexpr int PARTS = 1;
template <> constexpr int PARTS<Float32> = 3;
template <class T> constexpr int GRADIENT_PARTS = 1;
template <> constexpr int GRADIENT_PARTS<Float32> = 2;

// Parts of 32 numbers, in their order.
template <int COUNT> INLINE void split(Wide low, Wide high, Pair *parts) {
#pragma GCC unroll 3
    for (int part = 0; part < COUNT; part++) {
        parts[part] = rounded(low, high);
        low -= first_half(parts[part]);
        high -= last_half(parts[part]);
    }
}

INLINE Wide some(const float *from, int count) { return load_wide(from, first(count)); }

// Parts of the first `count` of 32 numbers beside each other, and zeros.
template <int COUNT> INLINE void parts_of(const uint16_t *from, int count, Pair *parts) {
    parts[0] = load_halves(from, first_of_both(count));
}

template <int COUNT> INLINE void parts_of(const float *from, int count, Pair *parts) {
    split<COUNT>(some(from, count), some(from + SIDE, count - SIDE), parts);
}

// Words of parts of two times sixteen numbers, of each those under its mask.
INLINE void words_of_parts(const uint16_t *one, Mask16 of_one, const uint16_t *two, Mask16 of_two, Pair *parts) {
    parts[0] = words_of(one, of_one, two, of_two);
}

INLINE void words_of_parts(const float *one, Mask16 of_one, const float *two, Mask16 of_two, Pair *parts) {
    constexpr int COUNT = GRADIENT_PARTS<Float32>;
    split<COUNT>(load_wide(one, of_one), load_wide(two, of_two), parts);
    for (int part = 0; part < COUNT; part++) parts[part] = interleave(parts[part]);
}

#endif
