// Convolutions, and transposed ones, for processors that multiply tiles of bfloat16 (Intel's AMX).
//
//     y[n, Y, X, o] = bias[o] + sum of x[n, h, v, c] * w[i, j, c, o] over c and all i, j, h, v with
//     h = Y * stride + i - before and v = X * stride + j - before or, if transposed,
//     Y = h * stride + i - before and X = v * stride + j - before
//
// Each of the two also computes the other's gradient of x. Images are copied with their margins, so that a tap of the
// kernel is an offset and a tile's row is contiguous; records/2026-11-26-tile-convolution.md compares the speed with
// oneDNN's.

#pragma once

#include "convolution_pack.h"

#ifdef HAS_TILES

namespace convolving {

constexpr int CHUNK = 16;  // position tiles that all filters and phases use before the next ones

// The sums of R position tiles by C filter tiles: (R * 16, C * 16). sources[i]: packed images at position tile i.
template <int R, int C, int COUNT>
inline void multiply(const Plan &plan, const std::vector<Block> &blocks, const uint16_t *const *sources,
                     const Pair *weights, const float *bias, float *sums) {
    load_sums<R, C>(bias, 0);
    const uint16_t *const one = sources[0], *const two = sources[R - 1];
    const long part_step = plan.room;
    for (const Block &block : blocks) {
        add_products<R, C, COUNT>(
            [=](int i, int part) { return (i ? two : one) + block.source + part * part_step; },
            plan.slot * sizeof(uint16_t), [=](int j, int part) { return weights + (part * C + j) * SIDE; });
        weights += COUNT * C * SIDE;
    }
    store_sums<R, C>(sums, C * SIDE);
}

// Sums over pixels of 32 filters' values and squares, after subtracting the first pixel's values: in float32, a large
// common value would cost the differences their precision.
struct Tally {
    Wide origin[2], values[2], squares[2];
    int pixels;

    INLINE void add(Wide one, Wide two) {
        if (!pixels++) origin[0] = one, origin[1] = two;
        one -= origin[0];
        two -= origin[1];
        values[0] += one;
        values[1] += two;
        squares[0] = multiply_add(one, one, squares[0]);
        squares[1] = multiply_add(two, two, squares[1]);
    }

    // Adds a filter's sums, with the first pixel's value added back: double is precise enough for that.
    void hand_over(int vector, int lane, double &sum, double &square) const {
        const double about = origin[vector][lane], value = values[vector][lane];
        sum += pixels * about + value;
        square += (pixels * about + 2 * value) * about + squares[vector][lane];
    }
};

// Writes sums as numbers of y; `vector` and `lane` say where a tally holds a filter.
template <class T> struct Written;

template <> struct Written<BFloat16> {
    INLINE static void write(uint16_t *to, Wide low, Wide high, Mask32 mask, Tally *tally) {
        const Pair halves = rounded(low, high);
        if (tally) tally->add(lower_halves(halves), upper_halves(halves));
        store_halves(to, mask, halves);
    }
    static int vector(int filter) { return filter % 2; }
    static int lane(int filter) { return filter / 2; }
};

template <> struct Written<Float32> {
    INLINE static void write(float *to, Wide low, Wide high, Mask32 mask, Tally *tally) {
        if (tally) tally->add(low, high);
        store_wide(to, (Mask16)mask, low);
        if (mask >> SIDE) store_wide(to + SIDE, (Mask16)(mask >> SIDE), high);
    }
    static int vector(int filter) { return filter / SIDE; }
    static int lane(int filter) { return filter % SIDE; }
};

// Writes the sums of sixteen positions to their pixels, for C tiles of filters from `filter` on.
template <class T, int C, bool TALLIED>
void scatter(const Plan &plan, const Part &part, Run run, int filter, const float *sums, typename T::Number *y,
             Tally &tallied) {
    Tally tally = tallied;  // a copy stays in registers
    const Phase &phase = *part.phase;
    const int filters = plan.sizes.filters;
    const Mask32 mask = first_of_both(std::min(C * SIDE, filters - filter));
    const long step = (long)phase.stride * filters, line_step = (long)plan.sizes.columns * step;
    const long corner = (long)phase.down * plan.sizes.columns + phase.start * phase.stride + phase.right;
    const long base = corner * filters + filter;
    int line = run.line, column = run.column;
    typename T::Number *to = y + base + line * line_step + column * step;
    for (int position = 0; position < SIDE; position++, sums += C * SIDE) {
        if (column < phase.columns) {
            const Wide low = load_wide(sums), high = C > 1 ? load_wide(sums + SIDE) : low;
            Written<T>::write(to, low, high, mask, TALLIED ? &tally : nullptr);
        } else if (part.within) {
            break;
        }
        to += step;
        if (++column == plan.pitch && !part.within) {
            if (++line == part.last) break;
            column = 0;
            to = y + base + line * line_step;
        }
    }
    if (TALLIED) tallied = tally;
}

// What all threads share: the packed weights and the bias.
template <class T, int COUNT> struct Shared {
    const Plan plan;
    Buffer<Pair> weights;
    Buffer<float> bias;

    // Packed numbers per thread. Tile rows past the last image give sums that are never read.
    long room() const { return COUNT * plan.room; }

    Shared(const Sizes &sizes, bool transposed, const float *given)
        : plan(sizes, transposed, COUNT), weights(plan.weights * COUNT * SIDE), bias(up(plan.tiles, 2) * SIDE) {
        std::memset(bias, 0, sizeof(float) * up(plan.tiles, 2) * SIDE);
        if (given) std::memcpy(bias, given, sizeof(float) * sizes.filters);
    }
};

// C tiles of filters from tile `f` on, for position tiles from <= tile < count of a part, over all packed images.
template <class T, int C, int COUNT>
void multiply_strip(const Shared<T, COUNT> &shared, const Part &part, const uint16_t *packed, int first, int from,
                    int count, int f, typename T::Number *y, double *moments) {
    const Plan &plan = shared.plan;
    const Phase &phase = *part.phase;
    const int each = (int)part.tiles.size(), filters = plan.sizes.filters;
    const Pair *weights = shared.weights + (phase.weights + (long)f * phase.blocks.size()) * COUNT * SIDE;
    alignas(64) float sums[2][2 * C * SIDE * SIDE];
    Tally tally = {};
    const auto put = [&](int at) {
        const auto go = moments ? scatter<T, C, true> : scatter<T, C, false>;
        for (int i = at; i < std::min(at + 2, count); i++)
            go(plan, part, part.tiles[i % each], f * SIDE, sums[at / 2 % 2] + (i - at) * C * SIDE * SIDE,
               y + i / each * plan.sizes.of_y(), tally);
    };
    for (int at = from; at < count; at += 2) {
        const int pair = std::min(2, count - at);
        const uint16_t *sources[2];
        for (int i = 0; i < pair; i++) {
            const Run &run = part.tiles[(at + i) % each];
            const long position = (long)(run.line - first) * plan.pitch + phase.start + run.column;
            sources[i] = packed + (at + i) / each * plan.image + position * plan.slot;
        }
        const auto go = pair > 1 ? multiply<2, C, COUNT> : multiply<1, C, COUNT>;
        go(plan, phase.blocks, sources, weights, shared.bias + f * SIDE, sums[at / 2 % 2]);
        if (at > from) put(at - 2);  // the previous pair, while this one is multiplied: its sums cannot be read at once
    }
    put((count - 1) / 2 * 2);
    for (int i = 0; moments && i < std::min(C * SIDE, filters - f * SIDE); i++) {
        const int filter = f * SIDE + i;
        tally.hand_over(Written<T>::vector(i), Written<T>::lane(i), moments[filter], moments[filters + filter]);
    }
}

// Computes a band of y from a group of packed images.
template <class T, int COUNT>
void multiply_all(const Shared<T, COUNT> &shared, const Band &band, const uint16_t *packed, int images,
                  typename T::Number *y, double *moments) {
    size_t most = 0;
    for (const Part &part : band.parts) most = std::max(most, images * part.tiles.size());
    for (int from = 0; from < (int)most; from += CHUNK)
        for (const Part &part : band.parts) {
            const int count = std::min(from + CHUNK, images * (int)part.tiles.size());
            for (int f = 0; from < count && f < shared.plan.tiles; f += 2) {
                const auto go = f + 1 < shared.plan.tiles ? multiply_strip<T, 2, COUNT> : multiply_strip<T, 1, COUNT>;
                go(shared, part, packed, band.first, from, count, f, y, moments);
            }
        }
}

// Convolves `images` images, at most a group; `packed` is scratch. Adds to moments (2, filters) unless it is null.
template <class T, int COUNT>
void convolve(const Shared<T, COUNT> &shared, uint16_t *packed, const typename T::Number *x, int images,
              typename T::Number *y, double *moments) {
    const Plan &plan = shared.plan;
    for (const Band &band : plan.bands) {
        for (int image = 0; image < images; image++)
            pack_image<T, COUNT>(plan, x + image * plan.sizes.of_x(), band.first, packed + image * plan.image);
        // a block of several taps reads past the last image: its weights are zero there, but zero times NaN is NaN
        for (int part = 0; part < COUNT; part++)
            std::memset(packed + part * plan.room + images * plan.image, 0, DEPTH * sizeof(uint16_t));
        multiply_all(shared, band, packed, images, y, moments);
    }
}

}  // namespace convolving

#endif
