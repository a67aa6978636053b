// Convolutions with 3x3 kernels and without a stride in float32, by Winograd's minimal filtering F(4x4, 3x3): 36
// multiplications where 144 are needed otherwise. A. Lavin and S. Gray, Fast Algorithms for Convolutional Neural
// Networks, CVPR 2016, arXiv:1509.09308, equation 8; the kernel's gradient is the adjoint of the same turns:
//
//     y  = A' [(G w G') * (B' x B)] A        for every tile: 6x6 numbers of x, 4x4 of y
//     dw = G' [sum of (A dy A') * (B' x B)] G
//
// A, B and G follow from five numbers at which polynomials are multiplied. The paper's 0, 1, -1, 2, -2 lose more
// digits than 0 and plus and minus the roots of 1/2 and 2 do, which are taken here.
//
// Images are (images, height, width, channels) as they lie in memory. A block of tiles is turned, multiplied (16
// products of matrices) and turned back before the next, so that all of it stays in the second cache; see
// records/2026-11-26-winograd.md for what that gains over oneDNN.

#if defined(__AVX2__) && defined(__FMA__)

#include <algorithm>
#include <cstring>
#include <memory>

namespace {

#ifdef __AVX512F__
constexpr int LANES = 16, ROWS = 8;  // of a product that is summed in registers: ROWS times two vectors
#else
constexpr int LANES = 8, ROWS = 4;
#endif
constexpr int OUT = 4, IN = OUT + 2, POINTS = IN * IN;  // of a tile
constexpr int MOST_TILES = 256;  // in a block
constexpr int PARTS = 8;         // of a gradient that are summed apart
constexpr long FORWARD_BYTES = 512 << 10, GRADIENT_BYTES = 1 << 20;  // of a block of turned tiles, about
constexpr long SUM_BYTES = 400 << 10;

typedef float Floats __attribute__((vector_size(4 * LANES)));
typedef std::unique_ptr<Floats[]> Buffer;

Buffer buffer(long floats) { return Buffer(new Floats[(floats + LANES - 1) / LANES]); }
float *floats(const Buffer &buffer) { return reinterpret_cast<float *>(buffer.get()); }
int up(int value, int to) { return (value + to - 1) / to * to; }

Floats load(const float *from) {
    Floats value;
    std::memcpy(&value, from, sizeof value);
    return value;
}

void store(float *to, Floats value) { std::memcpy(to, &value, sizeof value); }

// The last channels may be fewer than a vector.
Floats load_some(const float *from, int count) {
    if (count >= LANES) return load(from);
    Floats value = {};
    for (int i = 0; i < count; i++) value[i] = from[i];
    return value;
}

void store_some(float *to, Floats value, int count) {
    if (count >= LANES) return store(to, value);
    for (int i = 0; i < count; i++) to[i] = value[i];
}

// sums[r][0 .. COLUMNS vectors] (+)= sum over k < depth of a[r * row + k * step] * b[k * b_row + ...]
template <int COLUMNS>
inline void multiply_rows(int depth, const float *a, long row, long step, const float *b, long b_row, float *sums,
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

// sums (rows, columns) (+)= a b; rows a multiple of ROWS, columns of LANES.
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

// One side of each turn; numbers are `stride` apart.
constexpr float HALF = 0.70710678118654752f, TWO = 1.4142135623730950f;  // the roots of

#define INLINE inline __attribute__((always_inline))

INLINE void turn_input(const Floats *in, Floats *out, int stride) {  // B'
    const Floats a = in[0], b = in[stride], c = in[2 * stride], d = in[3 * stride], e = in[4 * stride],
                 f = in[5 * stride];
    const Floats even = e - 2 * c, odd = HALF * (d - 2 * b), even2 = e - .5f * c, odd2 = TWO * (d - .5f * b);
    out[0] = a - 2.5f * c + e;
    out[stride] = even + odd, out[2 * stride] = even - odd;
    out[3 * stride] = even2 + odd2, out[4 * stride] = even2 - odd2;
    out[5 * stride] = b - 2.5f * d + f;
}

INLINE void turn_output(const Floats *in, Floats *out) {  // A'
    const Floats even = in[1] + in[2], odd = in[1] - in[2], even2 = in[3] + in[4], odd2 = in[3] - in[4];
    out[0] = in[0] + even + even2;
    out[1] = HALF * odd + TWO * odd2;
    out[2] = .5f * even + 2 * even2;
    out[3] = .5f * HALF * odd + 2 * TWO * odd2 + in[5];
}

INLINE void turn_gradient(const Floats *in, Floats *out) {  // A
    const Floats even = in[0] + .5f * in[2], odd = HALF * (in[1] + .5f * in[3]);
    const Floats even2 = in[0] + 2 * in[2], odd2 = TWO * (in[1] + 2 * in[3]);
    out[0] = in[0];
    out[1] = even + odd, out[2] = even - odd;
    out[3] = even2 + odd2, out[4] = even2 - odd2;
    out[5] = in[3];
}

INLINE void turn_kernel(const Floats *in, Floats *out) {  // G
    const Floats even = (-1.f / 3) * (2 * in[0] + in[2]), odd = (-2 * HALF / 3) * in[1];
    const Floats even2 = (1.f / 6) * (in[0] + 2 * in[2]), odd2 = (TWO / 6) * in[1];
    out[0] = in[0];
    out[1] = even + odd, out[2] = even - odd;
    out[3] = even2 + odd2, out[4] = even2 - odd2;
    out[5] = in[2];
}

INLINE void turn_sum(const Floats *in, Floats *out) {  // G'
    const Floats even = in[1] + in[2], odd = in[1] - in[2], even2 = in[3] + in[4], odd2 = in[3] - in[4];
    out[0] = in[0] - (2.f / 3) * even + (1.f / 6) * even2;
    out[1] = (-2 * HALF / 3) * odd + (TWO / 6) * odd2;
    out[2] = (1.f / 3) * (even2 - even) + in[5];
}

struct Shape {
    int images, height, width, channels;
    int rows, columns, filters;  // of the output
    int padding;
    int down, right;  // tiles
    int wide_channels, wide_filters;
    int tiles, block, blocks;
    long input_point, output_point;  // numbers from one point of a block of turned tiles to the next

    // bytes: of a block of turned tiles, about
    Shape(int images, int height, int width, int channels, int filters, int padding, long bytes)
        : images(images), height(height), width(width), channels(channels), rows(height + 2 * padding - 2),
          columns(width + 2 * padding - 2), filters(filters), padding(padding), down((rows + OUT - 1) / OUT),
          right((columns + OUT - 1) / OUT), wide_channels(up(channels, LANES)), wide_filters(up(filters, LANES)),
          tiles(images * down * right) {
        const int fit = bytes / (4 * POINTS * (wide_channels + wide_filters));
        block = std::clamp(up(std::min(fit, tiles), ROWS), ROWS, MOST_TILES);
        blocks = (tiles + block - 1) / block;
        // points a power of two apart would share few places of the first cache
        input_point = (long)block * wide_channels + 16, output_point = (long)block * wide_filters + 16;
    }
};

struct Place {
    int image, y, x;  // of a tile's first output
    Place(const Shape &shape, int tile)
        : image(tile / (shape.right * shape.down)), y(tile / shape.right % shape.down * OUT),
          x(tile % shape.right * OUT) {}
    void advance(const Shape &shape) {
        if ((x += OUT) < shape.columns) return;
        x = 0;
        if ((y += OUT) < shape.rows) return;
        y = 0;
        image++;
    }
};

// Where SIDE x SIDE numbers from (row, column) of an image on lie; `zeros` where that is outside.
template <int SIDE>
INLINE void find(const float *from, int image, int images, int height, int width, int channels, int row, int column,
                 const float *zeros, const float **at) {
    const float *first = from + (((long)image * height + row) * width + column) * channels;
    const bool inside = image < images && row >= 0 && column >= 0 && row + SIDE <= height && column + SIDE <= width;
    for (int i = 0; i < SIDE; i++)
        for (int j = 0; j < SIDE; j++) {
            const bool here = inside || (image < images && row + i >= 0 && row + i < height && column + j >= 0 &&
                                         column + j < width);
            at[SIDE * i + j] = here ? first + ((long)i * width + j) * channels : zeros;
        }
}

// A block of tiles of x, turned: to[point][tile][channel]; tiles beyond the last are zero.
void turn_inputs(const Shape &shape, const float *x, const float *zeros, int first, int begin, int end, float *to) {
    Place place(shape, first + begin);
    for (int tile = begin; tile < end; tile++, place.advance(shape)) {
        const float *at[POINTS];
        find<IN>(x, place.image, shape.images, shape.height, shape.width, shape.channels, place.y - shape.padding,
                 place.x - shape.padding, zeros, at);
        for (int channel = 0; channel < shape.channels; channel += LANES) {
            float *out = to + (long)tile * shape.wide_channels + channel;
            const int some = shape.channels - channel;
            Floats half[POINTS];
            for (int j = 0; j < IN; j++) {
                Floats in[IN];
#pragma GCC unroll 6
                for (int i = 0; i < IN; i++) in[i] = load_some(at[IN * i + j] + channel, some);
                Floats turned[IN];
                turn_input(in, turned, 1);
#pragma GCC unroll 6
                for (int i = 0; i < IN; i++) half[IN * i + j] = turned[i];
            }
            for (int i = 0; i < IN; i++) {
                Floats turned[IN];
                turn_input(half + IN * i, turned, 1);
#pragma GCC unroll 6
                for (int j = 0; j < IN; j++) store(out + (IN * i + j) * shape.input_point, turned[j]);
            }
        }
    }
}

// from[point][tile][filter], turned back to a block of tiles of y, plus bias.
void turn_outputs(const Shape &shape, const float *from, const float *bias, int first, float *y) {
    Place place(shape, first);
    for (int tile = 0; tile < std::min(shape.block, shape.tiles - first); tile++, place.advance(shape)) {
        const int rows = std::min(OUT, shape.rows - place.y), columns = std::min(OUT, shape.columns - place.x);
        for (int filter = 0; filter < shape.filters; filter += LANES) {
            const float *in = from + (long)tile * shape.wide_filters + filter;
            const int some = shape.filters - filter;
            const Floats add = load(bias + filter);
            Floats half[OUT][IN];
            for (int j = 0; j < IN; j++) {
                Floats column[IN], turned[OUT];
#pragma GCC unroll 6
                for (int i = 0; i < IN; i++) column[i] = load(in + (IN * i + j) * shape.output_point);
                turn_output(column, turned);
#pragma GCC unroll 4
                for (int i = 0; i < OUT; i++) half[i][j] = turned[i];
            }
            for (int i = 0; i < rows; i++) {
                float *out = y + (((long)place.image * shape.rows + place.y + i) * shape.columns + place.x) *
                                     shape.filters + filter;
                Floats turned[OUT];
                turn_output(half[i], turned);
#pragma GCC unroll 4
                for (int j = 0; j < OUT; j++)
                    if (j < columns) store_some(out + (long)j * shape.filters, turned[j] + add, some);
            }
        }
    }
}

// A block of tiles of dy, turned as the adjoint of that has it: to[point][tile][filter].
void turn_gradients(const Shape &shape, const float *dy, const float *zeros, int first, int begin, int end, float *to) {
    Place place(shape, first + begin);
    for (int tile = begin; tile < end; tile++, place.advance(shape)) {
        const float *at[OUT * OUT];
        find<OUT>(dy, place.image, shape.images, shape.rows, shape.columns, shape.filters, place.y, place.x, zeros, at);
        for (int filter = 0; filter < shape.filters; filter += LANES) {
            float *out = to + (long)tile * shape.wide_filters + filter;
            const int some = shape.filters - filter;
            Floats half[IN][OUT];
            for (int j = 0; j < OUT; j++) {
                Floats column[OUT], turned[IN];
#pragma GCC unroll 4
                for (int i = 0; i < OUT; i++) column[i] = load_some(at[OUT * i + j] + filter, some);
                turn_gradient(column, turned);
#pragma GCC unroll 6
                for (int i = 0; i < IN; i++) half[i][j] = turned[i];
            }
            for (int i = 0; i < IN; i++) {
                Floats turned[IN];
                turn_gradient(half[i], turned);
#pragma GCC unroll 6
                for (int j = 0; j < IN; j++) store(out + (IN * i + j) * shape.output_point, turned[j]);
            }
        }
    }
}

// The kernel of a channel, turned: to[point][channel][filter].
void turn_kernels(const Shape &shape, const float *weight, bool reversed, int channel, float *to) {
    for (int filter = 0; filter < shape.wide_filters; filter += LANES) {
        Floats half[IN][3];
        for (int j = 0; j < 3; j++) {
            Floats column[3], turned[IN];
            for (int i = 0; i < 3; i++) {
                const int tap = reversed ? 8 - 3 * i - j : 3 * i + j;
                column[i] = load_some(weight + ((long)tap * shape.channels + channel) * shape.filters + filter,
                                      shape.filters - filter);
            }
            turn_kernel(column, turned);
            for (int i = 0; i < IN; i++) half[i][j] = turned[i];
        }
        for (int i = 0; i < IN; i++) {
            Floats turned[IN];
            turn_kernel(half[i], turned);
            for (int j = 0; j < IN; j++)
                store(to + ((long)(IN * i + j) * shape.channels + channel) * shape.wide_filters + filter, turned[j]);
        }
    }
}

// sums[point][filter][channel] (+)= what a block of turned tiles gives of the kernel's gradient, at one point.
void add_point(const Shape &shape, int p, const float *in, const float *out, bool add, float *sums) {
    const int rows = up(shape.filters, ROWS);
    multiply(rows, shape.wide_channels, shape.block, out + p * shape.output_point, 1, shape.wide_filters,
             in + p * shape.input_point, shape.wide_channels, sums + (long)p * rows * shape.wide_channels, add);
}

}  // namespace

// y = x convolved with weight (3, 3, channels, filters), whose taps are reversed or not. bias: a number a filter, or
// null.
extern "C" void winograd(int images, int height, int width, int channels, int filters, int padding, int reversed,
                         int threads, const float *x, const float *weight, const float *bias, float *y) {
    const Shape shape(images, height, width, channels, filters, padding, FORWARD_BYTES);
    const Buffer kernel = buffer((long)POINTS * channels * shape.wide_filters), zeros = buffer(shape.wide_channels),
                 add = buffer(shape.wide_filters);
    std::memset(floats(zeros), 0, 4 * shape.wide_channels);
    std::memset(floats(add), 0, 4 * shape.wide_filters);
    if (bias) std::memcpy(floats(add), bias, 4 * filters);
#pragma omp parallel num_threads(threads)
    {
        const Buffer in = buffer(POINTS * shape.input_point), out = buffer(POINTS * shape.output_point);
#pragma omp for schedule(static)
        for (int channel = 0; channel < channels; channel++)
            turn_kernels(shape, weight, reversed, channel, floats(kernel));
#pragma omp for schedule(static)
        for (int block = 0; block < shape.blocks; block++) {
            turn_inputs(shape, x, floats(zeros), block * shape.block, 0, shape.block, floats(in));
            for (int p = 0; p < POINTS; p++)
                multiply(shape.block, shape.wide_filters, channels, floats(in) + p * shape.input_point,
                         shape.wide_channels, 1, floats(kernel) + (long)p * channels * shape.wide_filters,
                         shape.wide_filters, floats(out) + p * shape.output_point, false);
            turn_outputs(shape, floats(out), floats(add), block * shape.block, y);
        }
    }
}

// The gradient of the kernel, (filters, 3, 3, channels), is overwritten; its taps are reversed or not.
//
// Small sums fit the second cache beside a block: each thread has blocks and sums of its own. Large ones would be
// fetched and written for every block: so blocks are large, each turned by all threads, and a thread keeps the sums
// of its points. Either way the order of sums does not depend on the number of threads, and neither do the bits.
extern "C" void winograd_gradient(int images, int height, int width, int channels, int filters, int padding,
                                  int reversed, int threads, const float *x, const float *dy, float *weight) {
    const long point = (long)up(filters, ROWS) * up(channels, LANES), size = POINTS * point;
    const bool apart = 4 * size <= SUM_BYTES;
    const Shape shape(images, height, width, channels, filters, padding, apart ? FORWARD_BYTES : GRADIENT_BYTES);
    const int parts = apart ? std::min(PARTS, shape.blocks) : 1, most = std::max(shape.wide_channels, shape.wide_filters);
    const Buffer zeros = buffer(most), sums = buffer(parts * size);
    std::memset(floats(zeros), 0, 4 * most);
    if (apart) {
#pragma omp parallel for schedule(static) num_threads(std::min(threads, parts))
        for (int part = 0; part < parts; part++) {
            const Buffer in = buffer(POINTS * shape.input_point), out = buffer(POINTS * shape.output_point);
            const int begin = (long)shape.blocks * part / parts, end = (long)shape.blocks * (part + 1) / parts;
            for (int block = begin; block < end; block++) {
                const int first = block * shape.block;
                turn_inputs(shape, x, floats(zeros), first, 0, shape.block, floats(in));
                turn_gradients(shape, dy, floats(zeros), first, 0, shape.block, floats(out));
                for (int p = 0; p < POINTS; p++)
                    add_point(shape, p, floats(in), floats(out), block > begin, floats(sums) + part * size);
            }
        }
    } else {
        const Buffer in = buffer(POINTS * shape.input_point), out = buffer(POINTS * shape.output_point);
#pragma omp parallel num_threads(threads)
        for (int block = 0; block < shape.blocks; block++) {
            const int first = block * shape.block;
#pragma omp for schedule(static)
            for (int tile = 0; tile < shape.block; tile += ROWS) {
                turn_inputs(shape, x, floats(zeros), first, tile, tile + ROWS, floats(in));
                turn_gradients(shape, dy, floats(zeros), first, tile, tile + ROWS, floats(out));
            }
#pragma omp for schedule(static)
            for (int p = 0; p < POINTS; p++) add_point(shape, p, floats(in), floats(out), block > 0, floats(sums));
        }
    }
#pragma omp parallel for schedule(static) num_threads(threads)
    for (int filter = 0; filter < filters; filter++)
        for (int channel = 0; channel < channels; channel += LANES) {
            const float *from = floats(sums) + (long)filter * shape.wide_channels + channel;
            Floats half[3][IN];
            for (int j = 0; j < IN; j++) {
                Floats column[IN] = {}, turned[3];
                for (int i = 0; i < IN; i++)
                    for (int part = 0; part < parts; part++)
                        column[i] += load(from + part * size + (IN * i + j) * point);
                turn_sum(column, turned);
                for (int i = 0; i < 3; i++) half[i][j] = turned[i];
            }
            for (int i = 0; i < 3; i++) {
                Floats turned[3];
                turn_sum(half[i], turned);
                for (int j = 0; j < 3; j++) {
                    const int tap = reversed ? 8 - 3 * i - j : 3 * i + j;
                    store_some(weight + ((long)filter * 9 + tap) * channels + channel, turned[j], channels - channel);
                }
            }
        }
}

extern "C" int winograd_ready() { return 0; }

#else

extern "C" int winograd_ready() { return -1; }

#endif
