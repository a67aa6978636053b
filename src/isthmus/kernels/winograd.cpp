// Convolutions with 3x3 kernels and stride 1 in float32 by Winograd's minimal filtering, see winograd_turns.h:
// 36 multiplications instead of 144.
//
// Images are contiguous (images, height, width, channels). A block of their tiles is turned, multiplied by the turned
// kernel (one matrix product per point), and turned back before the next block, so that all of it stays in the L2
// cache; records/2026-11-26-winograd.md compares the speed with oneDNN's.

#if defined(__AVX2__) && defined(__FMA__)

#include <algorithm>
#include <cstring>

#include "buffers.h"
#include "operations.h"
#include "parallel.h"
#include "vectors.h"
#include "winograd_turns.h"

namespace {

#ifdef __AVX512F__
constexpr int ROWS = 8;  // a product is summed in registers: ROWS times two vectors
#else
constexpr int ROWS = 4;
#endif
constexpr int MOST_TILES = 256;  // in a block
constexpr int PARTS = 8;         // of the images, whose gradients are summed separately
constexpr long FORWARD_BYTES = 512 << 10, GRADIENT_BYTES = 1 << 20;  // about the size of a block of turned tiles
constexpr long SUM_BYTES = 400 << 10;

// sums[r] = (or +=, if `add`) sum over k < depth of a[r * row + k * step] * b[k * b_row ...]: ROWS by COLUMNS vectors
template <int COLUMNS>
INLINE void multiply_rows(int depth, const float *a, long row, long step, const float *b, long b_row, float *sums,
                          long sums_row, bool add) {
    Floats sum[ROWS][COLUMNS];
#pragma GCC unroll 8
    for (int r = 0; r < ROWS; r++)
#pragma GCC unroll 2
        for (int c = 0; c < COLUMNS; c++) sum[r][c] = Floats{};
    for (int k = 0; k < depth; k++) {
        Floats right[COLUMNS];
#pragma GCC unroll 2
        for (int c = 0; c < COLUMNS; c++) right[c] = load(b + k * b_row + c * LANES);
#pragma GCC unroll 8
        for (int r = 0; r < ROWS; r++) {
            const float left = a[r * row + k * step];
#pragma GCC unroll 2
            for (int c = 0; c < COLUMNS; c++) sum[r][c] += left * right[c];
        }
    }
#pragma GCC unroll 8
    for (int r = 0; r < ROWS; r++)
#pragma GCC unroll 2
        for (int c = 0; c < COLUMNS; c++) {
            float *to = sums + r * sums_row + c * LANES;
            store(to, add ? load(to) + sum[r][c] : sum[r][c]);
        }
}

// sums (rows, columns) = (or +=, if `add`) a b; rows is a multiple of ROWS, columns of LANES.
void multiply(int rows, int columns, int depth, const float *a, long row, long step, const float *b, long b_row,
              float *sums, bool add) {
    for (int c = 0; c < columns; c += 2 * LANES)
        for (int r = 0; r < rows; r += ROWS) {
            float *to = sums + (long)r * columns + c;
            if (columns - c > LANES)
                multiply_rows<2>(depth, a + r * row, row, step, b + c, b_row, to, columns, add);
            else
                multiply_rows<1>(depth, a + r * row, row, step, b + c, b_row, to, columns, add);
        }
}

// Turns a tile along both sides: reads from(i, j) for i, j < BEFORE, calls to(i, j, value) for i, j < AFTER.
template <int BEFORE, int AFTER, void (*turn)(const Floats *, Floats *), class From, class To>
INLINE void turn_tile(From from, To to) {
    Floats half[AFTER][BEFORE];
    for (int j = 0; j < BEFORE; j++) {
        Floats line[BEFORE], turned[AFTER];
#pragma GCC unroll 6
        for (int i = 0; i < BEFORE; i++) line[i] = from(i, j);
        turn(line, turned);
#pragma GCC unroll 6
        for (int i = 0; i < AFTER; i++) half[i][j] = turned[i];
    }
    for (int i = 0; i < AFTER; i++) {
        Floats turned[AFTER];
        turn(half[i], turned);
#pragma GCC unroll 6
        for (int j = 0; j < AFTER; j++) to(i, j, turned[j]);
    }
}

struct Shape {
    int images, height, width, channels;
    int rows, columns, filters;  // of the output
    int padding;
    int down, right;  // numbers of tiles
    int wide_channels, wide_filters;
    int tiles, block, blocks;
    long input_point, output_point;  // step between points of a block of turned tiles

    // bytes: about the size of a block of turned tiles
    Shape(int images, int height, int width, int channels, int filters, int padding, long bytes)
        : images(images), height(height), width(width), channels(channels), rows(height + 2 * padding - 2),
          columns(width + 2 * padding - 2), filters(filters), padding(padding), down((rows + OUT - 1) / OUT),
          right((columns + OUT - 1) / OUT), wide_channels(up(channels, LANES)), wide_filters(up(filters, LANES)),
          tiles(images * down * right) {
        const int fit = bytes / (4 * POINTS * (wide_channels + wide_filters));
        block = std::clamp(up(std::min(fit, tiles), ROWS), ROWS, MOST_TILES);
        blocks = (tiles + block - 1) / block;
        // points a power of two apart would share few sets of the L1 cache
        input_point = (long)block * wide_channels + 16, output_point = (long)block * wide_filters + 16;
    }
};

struct Place {
    int image, down, right;  // of a tile
    Place(const Shape &shape, int tile)
        : image(tile / (shape.right * shape.down)), down(tile / shape.right % shape.down), right(tile % shape.right) {}
    void advance(const Shape &shape) {
        if (++right < shape.right) return;
        right = 0;
        if (++down < shape.down) return;
        down = 0;
        image++;
    }
};

// The addresses of COUNT x COUNT pixels of an image from (row, column) on; `zeros` for pixels outside.
template <int COUNT>
INLINE void find(const float *from, int image, int images, int height, int width, int channels, int row, int column,
                 const float *zeros, const float *(*at)[COUNT]) {
    const float *first = from + (((long)image * height + row) * width + column) * channels;
    const bool inside = image < images && row >= 0 && column >= 0 && row + COUNT <= height && column + COUNT <= width;
    for (int i = 0; i < COUNT; i++)
        for (int j = 0; j < COUNT; j++) {
            const bool here = inside || (image < images && row + i >= 0 && row + i < height && column + j >= 0 &&
                                         column + j < width);
            at[i][j] = here ? first + ((long)i * width + j) * channels : zeros;
        }
}

// Turns tiles begin..end of a block of x: to[point][tile][channel]; tiles past the last are zero.
void turn_inputs(const Shape &shape, const float *x, const float *zeros, int block, int begin, int end, float *to) {
    Place place(shape, block * shape.block + begin);
    for (int tile = begin; tile < end; tile++, place.advance(shape)) {
        const float *at[SIDE][SIDE];
        find<SIDE>(x, place.image, shape.images, shape.height, shape.width, shape.channels,
                   place.down * OUT - shape.padding, place.right * OUT - shape.padding, zeros, at);
        for (int channel = 0; channel < shape.channels; channel += LANES) {
            float *out = to + (long)tile * shape.wide_channels + channel;
            turn_tile<SIDE, SIDE, turn_input>(
                [&](int i, int j) { return load_some(at[i][j] + channel, shape.channels - channel); },
                [&](int i, int j, Floats value) { store(out + (SIDE * i + j) * shape.input_point, value); });
        }
    }
}

// Turns from[point][tile][filter] back into a block of tiles of y, and adds the bias.
void turn_outputs(const Shape &shape, const float *from, const float *bias, int block, float *y) {
    const int first = block * shape.block, count = std::min(shape.block, shape.tiles - first);
    Place place(shape, first);
    for (int tile = 0; tile < count; tile++, place.advance(shape)) {
        const int row = place.down * OUT, column = place.right * OUT;
        const int rows = std::min(OUT, shape.rows - row), columns = std::min(OUT, shape.columns - column);
        float *corner = y + (((long)place.image * shape.rows + row) * shape.columns + column) * shape.filters;
        for (int filter = 0; filter < shape.filters; filter += LANES) {
            const float *in = from + (long)tile * shape.wide_filters + filter;
            const Floats add = load(bias + filter);
            turn_tile<SIDE, OUT, turn_output>(
                [&](int i, int j) { return load(in + (SIDE * i + j) * shape.output_point); },
                [&](int i, int j, Floats value) {
                    if (i < rows && j < columns)
                        store_some(corner + ((long)i * shape.columns + j) * shape.filters + filter, value + add,
                                   shape.filters - filter);
                });
        }
    }
}

// Turns tiles begin..end of a block of dy by the adjoint of `turn_outputs`: to[point][tile][filter].
void turn_gradients(const Shape &shape, const float *dy, const float *zeros, int block, int begin, int end,
                    float *to) {
    Place place(shape, block * shape.block + begin);
    for (int tile = begin; tile < end; tile++, place.advance(shape)) {
        const float *at[OUT][OUT];
        find<OUT>(dy, place.image, shape.images, shape.rows, shape.columns, shape.filters, place.down * OUT,
                  place.right * OUT, zeros, at);
        for (int filter = 0; filter < shape.filters; filter += LANES) {
            float *out = to + (long)tile * shape.wide_filters + filter;
            turn_tile<OUT, SIDE, turn_gradient>(
                [&](int i, int j) { return load_some(at[i][j] + filter, shape.filters - filter); },
                [&](int i, int j, Floats value) { store(out + (SIDE * i + j) * shape.output_point, value); });
        }
    }
}

// Turns the kernel of a channel: to[point][channel][filter].
void turn_kernels(const Shape &shape, const float *weight, bool reversed, int channel, float *to) {
    for (int filter = 0; filter < shape.wide_filters; filter += LANES)
        turn_tile<3, SIDE, turn_kernel>(
            [&](int i, int j) {
                const int tap = reversed ? 8 - 3 * i - j : 3 * i + j;
                return load_some(weight + ((long)tap * shape.channels + channel) * shape.filters + filter,
                                 shape.filters - filter);
            },
            [&](int i, int j, Floats value) {
                store(to + ((long)(SIDE * i + j) * shape.channels + channel) * shape.wide_filters + filter, value);
            });
}

// Writes a block's gradient of the turned kernel to sums[point][filter][channel]; adds it if `add`.
void add_gradient(const Shape &shape, int point, const float *in, const float *out, bool add, float *sums) {
    const int rows = up(shape.filters, ROWS);
    multiply(rows, shape.wide_channels, shape.block, out + point * shape.output_point, 1, shape.wide_filters,
             in + point * shape.input_point, shape.wide_channels, sums + (long)point * rows * shape.wide_channels, add);
}

// y = x convolved with weight (3, 3, channels, filters), taps reversed if `reversed`, plus bias (filters,) or null.
void filter(int images, int height, int width, int channels, int filters, int padding, int reversed, int threads,
            const float *x, const float *weight, const float *bias, float *y) {
    const Shape shape(images, height, width, channels, filters, padding, FORWARD_BYTES);
    const long kernel = (long)shape.channels * shape.wide_filters;
    const Buffer<float> kernels(POINTS * kernel), zeros(shape.wide_channels), add(shape.wide_filters);
    std::memset(zeros, 0, 4 * shape.wide_channels);
    std::memset(add, 0, 4 * shape.wide_filters);
    if (bias) std::memcpy(add, bias, 4 * shape.filters);
    const PerThread<float> ins(threads, POINTS * shape.input_point), outs(threads, POINTS * shape.output_point);
    parallel::each(shape.channels, threads,
                   [&](int channel) { turn_kernels(shape, weight, reversed, channel, kernels); });
    parallel::over(shape.blocks, threads, [&](auto next, int thread) {
        float *in = ins.of(thread), *out = outs.of(thread);
        for (int block; (block = next()) >= 0;) {
            turn_inputs(shape, x, zeros, block, 0, shape.block, in);
            for (int p = 0; p < POINTS; p++)
                multiply(shape.block, shape.wide_filters, shape.channels, in + p * shape.input_point,
                         shape.wide_channels, 1, kernels + p * kernel, shape.wide_filters,
                         out + p * shape.output_point, false);
            turn_outputs(shape, out, add, block, y);
        }
    });
}

// Writes the kernel's gradient to weight (filters, 3, 3, channels), taps reversed if `reversed`.
//
// Small sums fit the L2 cache together with a block, so each part of the images has its own blocks and sums. Large sums
// would be read and written for every block, so blocks are large, all threads turn the same block, and a thread keeps
// the sums of its points. Either way, neither the order of additions nor the bits depend on the number of threads.
void sum_gradient(int images, int height, int width, int channels, int filters, int padding, int reversed, int threads,
                  const float *x, const float *dy, float *weight) {
    const long point = (long)up(filters, ROWS) * up(channels, LANES), size = POINTS * point;
    const bool apart = 4 * size <= SUM_BYTES;
    const Shape shape(images, height, width, channels, filters, padding, apart ? FORWARD_BYTES : GRADIENT_BYTES);
    const int parts = apart ? std::min(PARTS, shape.blocks) : 1;
    const int most = std::max(shape.wide_channels, shape.wide_filters);
    const Buffer<float> zeros(most), sums(parts * size);
    std::memset(zeros, 0, 4 * most);
    const int rooms = apart ? std::min(threads, parts) : 1;
    const PerThread<float> ins(rooms, POINTS * shape.input_point), outs(rooms, POINTS * shape.output_point);
    if (apart) {
        parallel::over(parts, rooms, [&](auto next, int thread) {
            float *in = ins.of(thread), *out = outs.of(thread);
            for (int part; (part = next()) >= 0;) {
                const int begin = (long)shape.blocks * part / parts, end = (long)shape.blocks * (part + 1) / parts;
                for (int block = begin; block < end; block++) {
                    turn_inputs(shape, x, zeros, block, 0, shape.block, in);
                    turn_gradients(shape, dy, zeros, block, 0, shape.block, out);
                    for (int p = 0; p < POINTS; p++) add_gradient(shape, p, in, out, block > begin, sums + part * size);
                }
            }
        });
    } else {
        float *in = ins.of(0), *out = outs.of(0);  // shared by all threads
        for (int block = 0; block < shape.blocks; block++) {
            parallel::chunks(shape.block, ROWS, threads, [&](long begin, long end) {
                turn_inputs(shape, x, zeros, block, (int)begin, (int)end, in);
                turn_gradients(shape, dy, zeros, block, (int)begin, (int)end, out);
            });
            parallel::each(POINTS, threads, [&](int p) { add_gradient(shape, p, in, out, block > 0, sums); });
        }
    }
    parallel::each(shape.filters, threads, [&](int filter) {
        for (int channel = 0; channel < shape.channels; channel += LANES) {
            const float *from = sums + (long)filter * shape.wide_channels + channel;
            turn_tile<SIDE, 3, turn_sum>(
                [&](int i, int j) {
                    Floats value = {};
                    for (int part = 0; part < parts; part++)
                        value += load(from + part * size + (SIDE * i + j) * point);
                    return value;
                },
                [&](int i, int j, Floats value) {
                    const int tap = reversed ? 8 - 3 * i - j : 3 * i + j;
                    store_some(weight + ((long)filter * 9 + tap) * shape.channels + channel, value,
                               shape.channels - channel);
                });
        }
    });
}

}  // namespace

// Arguments as those of `filter` and `sum_gradient`. Returns 0, or 1 if there is not enough memory.
#define SIZES                                                                                                          \
    int images, int height, int width, int channels, int filters, int padding, int reversed, int threads

OPERATION(winograd, (SIZES, const float *x, const float *weight, const float *bias, float *y)) {
    return guarded(
        [=] { filter(images, height, width, channels, filters, padding, reversed, threads, x, weight, bias, y); });
}

OPERATION(winograd_gradient, (SIZES, const float *x, const float *dy, float *weight)) {
    return guarded(
        [=] { sum_gradient(images, height, width, channels, filters, padding, reversed, threads, x, dy, weight); });
}

extern "C" int winograd_ready() { return 0; }

#else

extern "C" int winograd_ready() { return -1; }

#endif
