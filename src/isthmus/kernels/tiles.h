// Intel's AMX tiles for products of bfloat16: 16 rows of 64 bytes, of which a product sums over 32 numbers.

#pragma once

#if defined(__AMX_BF16__) && defined(__AVX512BF16__) && defined(__AVX512BW__) && defined(__AVX512VL__) && defined(__linux__)
#define HAS_TILES

#include <immintrin.h>

#include <cstdint>

#include "vectors.h"

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
