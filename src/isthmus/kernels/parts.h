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

INLINE Pair rounded(__m512 low, __m512 high) { return (Pair)_mm512_cvtne2ps_pbh(high, low); }

INLINE __m512 widened(__m256i halves) { return (__m512)_mm512_slli_epi32(_mm512_cvtepu16_epi32(halves), 16); }

// Parts of 32 numbers, in their order.
template <int COUNT> INLINE void split(__m512 low, __m512 high, Pair *parts) {
#pragma GCC unroll 3
    for (int part = 0; part < COUNT; part++) {
        parts[part] = rounded(low, high);
        low = _mm512_sub_ps(low, widened(_mm512_castsi512_si256(parts[part])));
        high = _mm512_sub_ps(high, widened(_mm512_extracti64x4_epi64(parts[part], 1)));
    }
}

// Words of a number out of the first half of 32 and one out of the second.
INLINE Pair interleave(Pair halves) {
    const Pair alternate = _mm512_set_epi16(31, 15, 30, 14, 29, 13, 28, 12, 27, 11, 26, 10, 25, 9, 24, 8, 23, 7, 22, 6,
                                            21, 5, 20, 4, 19, 3, 18, 2, 17, 1, 16, 0);
    return _mm512_permutexvar_epi16(alternate, halves);
}

INLINE __mmask16 first(int count) { return (__mmask16)((1u << (count < 0 ? 0 : count > SIDE ? SIDE : count)) - 1); }

INLINE __mmask32 first_of_both(int count) {
    return (__mmask32)((1ul << (count < 0 ? 0 : count > DEPTH ? DEPTH : count)) - 1);
}

INLINE __m512 some(const float *from, int count) { return _mm512_maskz_loadu_ps(first(count), from); }

// Parts of the first `count` of 32 numbers beside each other, and zeros.
template <int COUNT> INLINE void parts_of(const uint16_t *from, int count, Pair *parts) {
    parts[0] = _mm512_maskz_loadu_epi16(first_of_both(count), from);
}

template <int COUNT> INLINE void parts_of(const float *from, int count, Pair *parts) {
    split<COUNT>(some(from, count), some(from + SIDE, count - SIDE), parts);
}

// Words of parts of two times sixteen numbers, of each those under its mask.
INLINE void words_of(const uint16_t *one, __mmask16 of_one, const uint16_t *two, __mmask16 of_two, Pair *parts) {
    const __m256i low = _mm256_maskz_loadu_epi16(of_one, one), high = _mm256_maskz_loadu_epi16(of_two, two);
    parts[0] = _mm512_or_si512(_mm512_cvtepu16_epi32(low), _mm512_slli_epi32(_mm512_cvtepu16_epi32(high), 16));
}

INLINE void words_of(const float *one, __mmask16 of_one, const float *two, __mmask16 of_two, Pair *parts) {
    constexpr int COUNT = GRADIENT_PARTS<Float32>;
    split<COUNT>(_mm512_maskz_loadu_ps(of_one, one), _mm512_maskz_loadu_ps(of_two, two), parts);
    for (int part = 0; part < COUNT; part++) parts[part] = interleave(parts[part]);
}

#endif
