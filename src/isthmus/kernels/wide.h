// Vectors of 512 bits, by the processor's instructions or, if PORTABLE_TILES is defined, in plain C++, so that packing
// and masking for tiles can be tested on any processor.

#pragma once

#include <cstdint>
#include <cstring>

#include "vectors.h"

constexpr int SIDE = 16;         // rows of a tile, and columns of 32 bits
constexpr int DEPTH = 2 * SIDE;  // 16-bit numbers in a vector; a tile product sums over as many

typedef uint16_t Mask16;
typedef uint32_t Mask32;

INLINE Mask16 first(int count) { return (Mask16)((1u << (count < 0 ? 0 : count > SIDE ? SIDE : count)) - 1); }

INLINE Mask32 first_of_both(int count) {
    return (Mask32)((1ull << (count < 0 ? 0 : count > DEPTH ? DEPTH : count)) - 1);
}

#ifndef PORTABLE_TILES

#include <immintrin.h>

typedef __m512 Wide;   // sixteen float32
typedef __m512i Pair;  // sixteen words of two bfloat16 each: a row of a tile

INLINE Wide load_wide(const float *from) { return _mm512_loadu_ps(from); }
INLINE Wide load_wide(const float *from, Mask16 mask) { return _mm512_maskz_loadu_ps(mask, from); }
INLINE void store_wide(float *to, Mask16 mask, Wide value) { _mm512_mask_storeu_ps(to, mask, value); }
INLINE Wide multiply_add(Wide one, Wide two, Wide sum) { return _mm512_fmadd_ps(one, two, sum); }

INLINE Pair load_halves(const uint16_t *from, Mask32 mask) { return _mm512_maskz_loadu_epi16(mask, from); }
INLINE void store_halves(uint16_t *to, Mask32 mask, Pair value) { _mm512_mask_storeu_epi16(to, mask, value); }

// 32 float32 as bfloat16, rounded to nearest.
INLINE Pair rounded(Wide low, Wide high) { return (Pair)_mm512_cvtne2ps_pbh(high, low); }

// As float32: the first or last sixteen of 32 bfloat16, or those in the lower or upper halves of words.
INLINE Wide widened(__m256i halves) { return (Wide)_mm512_slli_epi32(_mm512_cvtepu16_epi32(halves), 16); }
INLINE Wide first_half(Pair halves) { return widened(_mm512_castsi512_si256(halves)); }
INLINE Wide last_half(Pair halves) { return widened(_mm512_extracti64x4_epi64(halves, 1)); }
INLINE Wide lower_halves(Pair words) { return (Wide)_mm512_slli_epi32(words, 16); }
INLINE Wide upper_halves(Pair words) { return (Wide)_mm512_and_si512(words, _mm512_set1_epi32((int)0xffff0000)); }

// Word i holds numbers i and i + 16.
INLINE Pair interleave(Pair halves) {
    const Pair alternate = _mm512_set_epi16(31, 15, 30, 14, 29, 13, 28, 12, 27, 11, 26, 10, 25, 9, 24, 8, 23, 7, 22, 6,
                                            21, 5, 20, 4, 19, 3, 18, 2, 17, 1, 16, 0);
    return _mm512_permutexvar_epi16(alternate, halves);
}

// Word i holds one[i] and two[i], each zero where its mask is.
INLINE Pair words_of(const uint16_t *one, Mask16 of_one, const uint16_t *two, Mask16 of_two) {
    const __m256i low = _mm256_maskz_loadu_epi16(of_one, one), high = _mm256_maskz_loadu_epi16(of_two, two);
    return _mm512_or_si512(_mm512_cvtepu16_epi32(low), _mm512_slli_epi32(_mm512_cvtepu16_epi32(high), 16));
}

// words[i][j] becomes words[j][i].
inline void transpose(Pair *words) {
    const Pair lanes = _mm512_set_epi32(15, 14, 13, 12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1, 0);
#pragma GCC unroll 4
    for (int step = SIDE / 2; step > 0; step /= 2) {
        // low, high: which lanes of the two rows form the new first and second; those of the second row count from 16
        const __mmask16 odd = _mm512_test_epi32_mask(lanes, _mm512_set1_epi32(step));
        const Pair low = _mm512_mask_add_epi32(lanes, odd, lanes, _mm512_set1_epi32(SIDE - step));
        const Pair after = _mm512_add_epi32(lanes, _mm512_set1_epi32(step));
        const Pair high = _mm512_mask_add_epi32(after, odd, lanes, _mm512_set1_epi32(SIDE));
#pragma GCC unroll 16
        for (int row = 0; row < SIDE; row++)
            if (!(row & step)) {
                const Pair one = words[row], two = words[row + step];
                words[row] = _mm512_permutex2var_epi32(one, low, two);
                words[row + step] = _mm512_permutex2var_epi32(one, high, two);
            }
    }
}

#else

typedef float Wide __attribute__((vector_size(4 * SIDE)));
typedef uint32_t Pair __attribute__((vector_size(4 * SIDE)));

INLINE Wide load_wide(const float *from, Mask16 mask) {
    Wide value = {};
    for (int i = 0; i < SIDE; i++)
        if (mask >> i & 1) value[i] = from[i];
    return value;
}
INLINE Wide load_wide(const float *from) { return load_wide(from, first(SIDE)); }
INLINE void store_wide(float *to, Mask16 mask, Wide value) {
    for (int i = 0; i < SIDE; i++)
        if (mask >> i & 1) to[i] = value[i];
}
INLINE Wide multiply_add(Wide one, Wide two, Wide sum) { return one * two + sum; }

INLINE uint16_t half(Pair halves, int at) { return (uint16_t)(halves[at / 2] >> at % 2 * 16); }
INLINE void put_half(Pair &halves, int at, uint16_t value) { halves[at / 2] |= (uint32_t)value << at % 2 * 16; }
INLINE float widened(uint16_t half) {
    const uint32_t word = (uint32_t)half << 16;
    float value;
    std::memcpy(&value, &word, sizeof value);
    return value;
}
INLINE uint16_t rounded(float value) {
    uint32_t word;
    std::memcpy(&word, &value, sizeof word);
    if (value != value) return (uint16_t)(word >> 16 | 0x40);  // a NaN stays a NaN
    return (uint16_t)((word + 0x7fff + (word >> 16 & 1)) >> 16);
}

INLINE Pair load_halves(const uint16_t *from, Mask32 mask) {
    Pair value = {};
    for (int i = 0; i < DEPTH; i++)
        if (mask >> i & 1) put_half(value, i, from[i]);
    return value;
}
INLINE void store_halves(uint16_t *to, Mask32 mask, Pair value) {
    for (int i = 0; i < DEPTH; i++)
        if (mask >> i & 1) to[i] = half(value, i);
}

INLINE Pair rounded(Wide low, Wide high) {
    Pair value = {};
    for (int i = 0; i < DEPTH; i++) put_half(value, i, rounded(i < SIDE ? low[i] : high[i - SIDE]));
    return value;
}

// Halves number first, first + step, ... of 32.
INLINE Wide every(Pair halves, int first, int step) {
    Wide value = {};
    for (int i = 0; i < SIDE; i++) value[i] = widened(half(halves, first + i * step));
    return value;
}
INLINE Wide first_half(Pair halves) { return every(halves, 0, 1); }
INLINE Wide last_half(Pair halves) { return every(halves, SIDE, 1); }
INLINE Wide lower_halves(Pair words) { return every(words, 0, 2); }
INLINE Wide upper_halves(Pair words) { return every(words, 1, 2); }

INLINE Pair interleave(Pair halves) {
    Pair value = {};
    for (int i = 0; i < DEPTH; i++) put_half(value, i, half(halves, i / 2 + i % 2 * SIDE));
    return value;
}

INLINE Pair words_of(const uint16_t *one, Mask16 of_one, const uint16_t *two, Mask16 of_two) {
    Pair value = {};
    for (int i = 0; i < SIDE; i++) {
        if (of_one >> i & 1) put_half(value, 2 * i, one[i]);
        if (of_two >> i & 1) put_half(value, 2 * i + 1, two[i]);
    }
    return value;
}

inline void transpose(Pair *words) {
    for (int i = 0; i < SIDE; i++)
        for (int j = 0; j < i; j++) {
            const uint32_t word = words[i][j];
            words[i][j] = words[j][i];
            words[j][i] = word;
        }
}

#endif
