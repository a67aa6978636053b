// Products of matrices of which one side is narrow, as in a dense layer to or from a latent of a few numbers.
//
// x, y are (rows, wide) in memory, bfloat16, w is (few, wide) float32; `wide` a multiple of 16. Sums are float32, each
// by one thread in one order. oneDNN's bfloat16 kernels lay their operands out anew for each of these products, which
// takes longer than multiplying; see records/2026-11-27-parts.md.

#include <algorithm>
#include <type_traits>

#include "buffers.h"
#include "numbers.h"
#include "parallel.h"

namespace {

constexpr int ROWS = 4;                 // of sums that are held in registers
constexpr int COLUMNS = LANES / 4;      // of vectors of them: 4 with AVX-512, 2 with half of its registers
constexpr int CHUNK = COLUMNS * LANES;  // numbers of `wide` that a thread works on at a time

INLINE float total(Floats sums) {
    float sum = 0;
#pragma GCC unroll 16
    for (int lane = 0; lane < LANES; lane++) sum += sums[lane];
    return sum;
}

// R by C numbers of x w^T + bias.
template <int R, int C>
void dot(int wide, int few, const uint16_t *x, const float *w, const float *bias, float *y) {
    Floats sums[R][C] = {};
    for (int at = 0; at < wide; at += LANES) {
        Floats right[C];
#pragma GCC unroll 4
        for (int c = 0; c < C; c++) right[c] = load(w + (long)c * wide + at);
#pragma GCC unroll 4
        for (int r = 0; r < R; r++) {
            const Floats left = BFloat16::load(x + (long)r * wide + at);
#pragma GCC unroll 4
            for (int c = 0; c < C; c++) sums[r][c] += left * right[c];
        }
    }
    for (int r = 0; r < R; r++)
        for (int c = 0; c < C; c++) y[(long)r * few + c] = total(sums[r][c]) + (bias ? bias[c] : 0);
}

template <int R> void dots_of(int wide, int few, const uint16_t *x, const float *w, const float *bias, float *y) {
    int c = 0;
    const auto from = [&] { return w + (long)c * wide; };
    const auto added = [&] { return bias ? bias + c : nullptr; };
    for (; c + COLUMNS <= few; c += COLUMNS) dot<R, COLUMNS>(wide, few, x, from(), added(), y + c);
    for (; c < few; c++) dot<R, 1>(wide, few, x, from(), added(), y + c);
}

}  // namespace

// y (rows, few) = x w^T + bias (few,), or null
extern "C" int dots_bfloat16(int rows, int wide, int few, int threads, const uint16_t *x, const float *w,
                             const float *bias, float *y) {
    const int blocks = (rows + ROWS - 1) / ROWS;
    return guarded([=] {
        parallel::each(blocks, threads, [=](int block) {
            const int row = block * ROWS, end = std::min(row + ROWS, rows);
            if (end - row == ROWS)
                dots_of<ROWS>(wide, few, x + (long)row * wide, w, bias, y + (long)row * few);
            else
                for (int at = row; at < end; at++)
                    dots_of<1>(wide, few, x + (long)at * wide, w, bias, y + (long)at * few);
        });
    });
}

namespace {

// R rows by C vectors of the sum over `depth` of left[r * row + d * step] * right[d, ...] + bias[...].
template <class From, class To, int R, int C>
void combination(int depth, int wide, const float *left, long row, long step, const typename From::Number *right,
                 const float *bias, typename To::Number *to) {
    Floats sums[R][C];
#pragma GCC unroll 4
    for (int r = 0; r < R; r++)
#pragma GCC unroll 4
        for (int c = 0; c < C; c++) sums[r][c] = bias ? load(bias + c * LANES) : Floats{};
    for (int d = 0; d < depth; d++, right += wide) {
        Floats by[C];
#pragma GCC unroll 4
        for (int c = 0; c < C; c++) by[c] = From::load(right + c * LANES);
#pragma GCC unroll 4
        for (int r = 0; r < R; r++) {
            const float factor = left[r * row + d * step];
#pragma GCC unroll 4
            for (int c = 0; c < C; c++) sums[r][c] += factor * by[c];
        }
    }
#pragma GCC unroll 4
    for (int r = 0; r < R; r++)
#pragma GCC unroll 4
        for (int c = 0; c < C; c++) To::store(to + (long)r * wide + c * LANES, sums[r][c]);
}

// to (rows, wide) = left (rows, depth) right (depth, wide) + bias (wide,), or null; left by its steps.
template <class From, class To>
void combinations(int rows, int depth, int wide, int threads, const float *left, long row, long step, const void *right,
                  const float *bias, void *to) {
    const auto strip = [&](auto vectors, int at) {
        constexpr int C = decltype(vectors)::value;
        const typename From::Number *from = (const typename From::Number *)right + at;
        typename To::Number *into = (typename To::Number *)to + at;
        const float *added = bias ? bias + at : nullptr;
        int r = 0;
        for (; r + ROWS <= rows; r += ROWS)
            combination<From, To, ROWS, C>(depth, wide, left + r * row, row, step, from, added, into + (long)r * wide);
        for (; r < rows; r++)
            combination<From, To, 1, C>(depth, wide, left + r * row, row, step, from, added, into + (long)r * wide);
    };
    const int chunks = (wide + CHUNK - 1) / CHUNK;
    parallel::each(chunks, threads, [&](int chunk) {
        int at = chunk * CHUNK;
        if (at + CHUNK <= wide)
            strip(std::integral_constant<int, COLUMNS>(), at);
        else
            for (; at < wide; at += LANES) strip(std::integral_constant<int, 1>(), at);
    });
}

}  // namespace

constexpr long TURNED = 256;  // of many rows or columns, that a thread takes at a time

// to (columns, rows) = from (rows, columns); few columns.
extern "C" int transposition(int rows, int columns, int threads, const float *from, float *to) {
    return guarded([=] {
        parallel::chunks(rows, TURNED, threads, [=](long begin, long end) {
            for (long row = begin; row < end; row++)
                for (int column = 0; column < columns; column++)
                    to[(long)column * rows + row] = from[(long)row * columns + column];
        });
    });
}

// to (columns, rows) = from (rows, columns); few rows.
extern "C" int transposition_back(int rows, int columns, int threads, const float *from, float *to) {
    return guarded([=] {
        parallel::chunks(columns, TURNED, threads, [=](long begin, long end) {
            for (long column = begin; column < end; column++)
                for (int row = 0; row < rows; row++) to[(long)column * rows + row] = from[(long)row * columns + column];
        });
    });
}

#define COMBINATIONS(NAME, FROM, TO)                                                                                   \
    extern "C" int combinations_##NAME(int rows, int depth, int wide, int threads, long row, long step,                \
                                       const float *left, const void *right, const float *bias, void *to) {            \
        return guarded([=] { combinations<FROM, TO>(rows, depth, wide, threads, left, row, step, right, bias, to); }); \
    }

COMBINATIONS(float32_bfloat16, Float32, BFloat16)
COMBINATIONS(bfloat16_float32, BFloat16, Float32)
