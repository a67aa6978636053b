// Tiles: 16 rows of 64 bytes. A product of two tiles of bfloat16 sums over 32 numbers. Tiles are the processor's
// (Intel's AMX) or, if PORTABLE_TILES is defined, arrays and loops: slow, but as exact, on any processor.

#pragma once

#if defined(PORTABLE_TILES) || (defined(__AMX_BF16__) && defined(__AVX512BF16__) && defined(__AVX512BW__) && \
                                defined(__AVX512VL__) && defined(__linux__))
#define HAS_TILES

#include "wide.h"

#ifndef PORTABLE_TILES

#include <sys/syscall.h>
#include <unistd.h>

// Asks the system for permission to use tiles; 0 if this process may.
inline int ask_for_tiles() {
    constexpr int REQUEST_PERMISSION = 0x1023, TILE_DATA = 18;
    return (int)syscall(SYS_arch_prctl, REQUEST_PERMISSION, TILE_DATA);
}

// Configures this thread's tiles for us; the destructor restores the former configuration.
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

// Macros, because the intrinsics need a tile's number as a literal.
#define tile_load(TILE, FROM, BYTES) _tile_loadd(TILE, FROM, BYTES)  // rows are BYTES apart in memory
#define tile_store(TILE, TO, BYTES) _tile_stored(TILE, TO, BYTES)
#define tile_zero(TILE) _tile_zero(TILE)
#define tile_add_product(SUM, LEFT, RIGHT) _tile_dpbf16ps(SUM, LEFT, RIGHT)  // words of LEFT and RIGHT are two numbers

#else

inline int ask_for_tiles() { return 0; }

struct Tiles {
    Tiles() {}  // not trivial, to avoid a warning about unused variables
};

inline thread_local uint32_t tiles[8][SIDE][SIDE];  // (tile, row, word)

inline void tile_load(int tile, const void *from, long bytes) {
    for (int row = 0; row < SIDE; row++) std::memcpy(tiles[tile][row], (const char *)from + row * bytes, 4 * SIDE);
}
inline void tile_store(int tile, void *to, long bytes) {
    for (int row = 0; row < SIDE; row++) std::memcpy((char *)to + row * bytes, tiles[tile][row], 4 * SIDE);
}
inline void tile_zero(int tile) { std::memset(tiles[tile], 0, sizeof tiles[tile]); }

inline void tile_add_product(int sum, int left_tile, int right_tile) {
    for (int row = 0; row < SIDE; row++) {
        float sums[SIDE];
        std::memcpy(sums, tiles[sum][row], sizeof sums);
        for (int pair = 0; pair < SIDE; pair++)
            for (int upper = 0; upper < 2; upper++) {
                const float left = widened((uint16_t)(tiles[left_tile][row][pair] >> 16 * upper));
                for (int column = 0; column < SIDE; column++)
                    sums[column] += left * widened((uint16_t)(tiles[right_tile][pair][column] >> 16 * upper));
            }
        std::memcpy(tiles[sum][row], sums, sizeof sums);
    }
}

#endif

// R by C tiles of sums, up to 2 by 2: 0 and 1 side by side, 2 and 3 below. Rows are `row` numbers apart in memory.
template <int R, int C> INLINE void load_sums(const float *from, long row) {
    const long bytes = row * sizeof(float), below = SIDE * row;
    tile_load(0, from, bytes);
    if (C > 1) tile_load(1, from + SIDE, bytes);
    if (R > 1) tile_load(2, from + below, bytes);
    if (R > 1 && C > 1) tile_load(3, from + below + SIDE, bytes);
}

INLINE void zero_sums() {
    tile_zero(0);
    tile_zero(1);
    tile_zero(2);
    tile_zero(3);
}

template <int R, int C> INLINE void store_sums(float *to, long row) {
    const long bytes = row * sizeof(float), below = SIDE * row;
    tile_store(0, to, bytes);
    if (C > 1) tile_store(1, to + SIDE, bytes);
    if (R > 1) tile_store(2, to + below, bytes);
    if (R > 1 && C > 1) tile_store(3, to + below + SIDE, bytes);
}

// Adds the products of tiles left(0), left(1) with right(0), right(1), all given by address; rows of left are `step`
// bytes apart. Without FRESH_LEFT or FRESH_RIGHT, that side's tiles are still those of the previous call.
template <int R, int C, bool FRESH_LEFT, bool FRESH_RIGHT, class Left, class Right>
INLINE void add_product(Left left, long step, Right right) {
    if (FRESH_LEFT) tile_load(4, left(0), step);
    if (FRESH_RIGHT) tile_load(6, right(0), sizeof(Pair));
    tile_add_product(0, 4, 6);
    if (C > 1) {
        if (FRESH_RIGHT) tile_load(7, right(1), sizeof(Pair));
        tile_add_product(1, 4, 7);
    }
    if (R > 1) {
        if (FRESH_LEFT) tile_load(5, left(1), step);
        tile_add_product(2, 5, 6);
        if (C > 1) tile_add_product(3, 5, 7);
    }
}

// The same for numbers in one to three parts: left(i, part), right(j, part).
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
