// Intel's AMX tiles for products of bfloat16: 16 rows of 64 bytes, of which a product sums over 32 numbers.

#pragma once

#if defined(__AMX_BF16__) && defined(__AVX512BF16__) && defined(__AVX512BW__) && defined(__AVX512VL__) && defined(__linux__)
#define HAS_TILES

#include <immintrin.h>

#include <cstdint>

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

#endif
