// Intel's AMX tiles for products of bfloat16: 16 rows of 64 bytes, of which a product sums over 32 numbers.
//
// float32 is multiplied in parts: the number rounded, what that leaves rounded, and so on. Three parts hold all of its 24
// binary digits, and six of their nine products all that float32 can add up; two hold 16 or 17, with three products.

#pragma once

#if defined(__AMX_BF16__) && defined(__AVX512BF16__) && defined(__AVX512BW__) && defined(__AVX512VL__) && defined(__linux__)
#define HAS_TILES

#include <immintrin.h>

#include "numbers.h"

constexpr int SIDE = 16;         // of a tile: rows, and columns of 32 bits
constexpr int DEPTH = 2 * SIDE;  // numbers that one product of tiles sums over

// Sixteen words of two bfloat16 each: a row of a tile.
typedef __m512i Pair;

// words[i][j] becomes words[j][i].
inline void transpose(Pair *words) {
    const Pair lanes = _mm512_set_epi32(15, 14, 13, 12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1, 0);
#pragma GCC unroll 4
    for (int step = SIDE / 2; step > 0; step /= 2) {
        // lanes of the two rows, the second's from 16 on, that go into the first and into the second
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

// This thread's tiles are ours meanwhile; then they are configured as they were.
class Tiles {
    struct alignas(64) Configuration {
        uint8_t palette, start_row, reserved[14];
        uint16_t bytes[16];
        uint8_t rows[16];
    } before;

  public:
    Tiles() {
        Configuration ours = {};
        ours.palette = 1;
        for (int tile = 0; tile < 8; tile++) ours.bytes[tile] = 4 * SIDE, ours.rows[tile] = SIDE;
        _tile_storeconfig(&before);
        _tile_loadconfig(&ours);
    }
    ~Tiles() { _tile_loadconfig(&before); }
};

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

// Two by two tiles of sums, or fewer: 0 and 1 beside each other, 2 and 3 below; `row` numbers from one row to the next.
template <int R, int C> INLINE void load_sums(const float *from, long row) {
    const long bytes = row * sizeof(float), below = SIDE * row;
    _tile_loadd(0, from, bytes);
    if (C > 1) _tile_loadd(1, from + SIDE, bytes);
    if (R > 1) _tile_loadd(2, from + below, bytes);
    if (R > 1 && C > 1) _tile_loadd(3, from + below + SIDE, bytes);
}

INLINE void zero_sums() {
    _tile_zero(0);
    _tile_zero(1);
    _tile_zero(2);
    _tile_zero(3);
}

template <int R, int C> INLINE void store_sums(float *to, long row) {
    const long bytes = row * sizeof(float), below = SIDE * row;
    _tile_stored(0, to, bytes);
    if (C > 1) _tile_stored(1, to + SIDE, bytes);
    if (R > 1) _tile_stored(2, to + below, bytes);
    if (R > 1 && C > 1) _tile_stored(3, to + below + SIDE, bytes);
}

// Adds the products of left(0) and left(1), tiles' addresses with rows `step` bytes apart, with right(0) and right(1);
// without FRESH the tiles of the call before are taken again.
template <int R, int C, bool FRESH_LEFT, bool FRESH_RIGHT, class Left, class Right>
INLINE void add_product(Left left, long step, Right right) {
    if (FRESH_LEFT) _tile_loadd(4, left(0), step);
    if (FRESH_RIGHT) _tile_loadd(6, right(0), sizeof(Pair));
    _tile_dpbf16ps(0, 4, 6);
    if (C > 1) {
        if (FRESH_RIGHT) _tile_loadd(7, right(1), sizeof(Pair));
        _tile_dpbf16ps(1, 4, 7);
    }
    if (R > 1) {
        if (FRESH_LEFT) _tile_loadd(5, left(1), step);
        _tile_dpbf16ps(2, 5, 6);
        if (C > 1) _tile_dpbf16ps(3, 5, 7);
    }
}

// The same of numbers in one to three parts: left(i, part), right(j, part).
template <int R, int C, int COUNT, class Left, class Right>
INLINE void add_products(Left left, long step, Right right) {
    const auto of = [=](int part) { return [=](int i) { return left(i, part); }; };
    const auto by = [=](int part) { return [=](int j) { return right(j, part); }; };
    if constexpr (COUNT == 1) {
        add_product<R, C, true, true>(of(0), step, by(0));
    } else if constexpr (COUNT == 2) {
        add_product<R, C, true, true>(of(1), step, by(0));
        add_product<R, C, true, false>(of(0), step, by(0));
        add_product<R, C, false, true>(of(0), step, by(1));
    } else {
        add_product<R, C, true, true>(of(2), step, by(0));
        add_product<R, C, true, false>(of(1), step, by(0));
        add_product<R, C, false, true>(of(1), step, by(1));
        add_product<R, C, true, false>(of(0), step, by(1));
        add_product<R, C, false, true>(of(0), step, by(2));
        add_product<R, C, false, true>(of(0), step, by(0));
    }
}

#endif
