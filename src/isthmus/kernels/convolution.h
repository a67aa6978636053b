// Convolutions in bfloat16, and transposed ones, for processors that multiply tiles of it (Intel's AMX).
//
//     y[n, Y, X, o] = bias[o] + sum over i, j, c of x[n, Y * stride + i - before, X * stride + j - before, c] * w[i, j, c, o]
//
// and transposed, the sum over all (i, j) and (h, v) with h * stride + i - before = Y and v * stride + j - before = X of
// x[n, h, v, c] * w[i, j, c, o]. Either is also the gradient of the other's images.
// Pictures are copied with their margins, so that a tap of the kernel is an offset and a row of a tile lies in one piece;
// see records/2026-11-26-tile-convolution.md for what that gains over oneDNN's kernels.

#pragma once

#include "tiles.h"

#ifdef HAS_TILES

#include <algorithm>
#include <cstring>
#include <vector>

#include "buffers.h"

namespace convolving {

constexpr long PACKED = 192 << 10;  // numbers of pictures that are worked on at a time, to stay in the second cache
constexpr int MOST_GROUPS = 16;     // of images, unless one alone fills what is packed at a time
constexpr int CHUNK = 16;           // tiles of positions that all filters and phases go over before the next

inline int ceiling(int value, int by) { return value < 0 ? -(-value / by) : (value + by - 1) / by; }

struct Sizes {
    int images, channels, height, width;  // of x
    int filters, rows, columns;           // of y
    int kernel, stride, before;
};

struct Weights {
    const float *data;
    long channel, filter, row, column;  // steps from one to the next, in numbers
    bool turned;
    int kernel;

    const float *tap(int at) const {
        const int tap = turned ? kernel * kernel - 1 - at : at;
        return data + tap / kernel * row + tap % kernel * column;
    }
};

// Pixels (line * stride + down, column * stride + right) of x, zero outside of it.
struct Plane {
    int stride, down, right;
};

// 32 numbers of x beside each other: of one tap's channels, or all of several taps' in a line.
struct Block {
    long source;  // from a position on
    int channel;  // the first, of one tap
    int taps[8];  // in the order in which they lie; -1 for none
};

// Pixels of y that see the kernel alike: of a transposed convolution, one in stride * stride.
struct Phase {
    int first, last, columns;  // lines, from zero on as planes have them, and how many columns
    int start;                 // position of the first column
    int down, right, stride;   // position (line, column) is pixel (line * stride + down, column * stride + right)
    std::vector<Block> blocks;
    long weights;              // where its packed ones begin, in tiles
};

// Positions are counted line by line through a plane, whose lines have all that the kernel reaches.
struct Plan {
    Sizes sizes;
    int slot;                                // numbers of a position: channels, and zeros
    int tiles;                               // of 16 filters
    int band, lines, pitch;                  // lines of a phase worked on at a time; lines of a plane, positions a line
    int last;                                // line of all phases
    int group;                               // images worked on at a time
    long plane, image;                       // numbers of one
    std::vector<Plane> planes;
    std::vector<Phase> phases;
    long weights = 0;                        // tiles

    Plan(const Sizes &sizes, bool transposed) : sizes(sizes) {
        const int kernel = sizes.kernel, stride = sizes.stride, before = sizes.before;
        slot = 4;
        while (slot < sizes.channels && slot < DEPTH) slot *= 2;
        slot = up(sizes.channels, slot);
        tiles = ceiling(sizes.filters, SIDE);
        const int reach = (kernel - 1) / stride;
        last = 0;
        int widest = 0;
        if (transposed) {
            planes.push_back({1, -reach, -reach});
            for (int a = 0; a < stride; a++)
                for (int b = 0; b < stride; b++) {
                    const int first = ceiling(before - a, stride), left = ceiling(before - b, stride);
                    const int end = ceiling(sizes.rows + before - a, stride);
                    const int right = ceiling(sizes.columns + before - b, stride);
                    phases.push_back({first, end, right - left, left, a - before, b - before, stride, {}, 0});
                }
        } else {
            for (int a = 0; a < std::min(kernel, stride); a++)
                for (int b = 0; b < std::min(kernel, stride); b++) planes.push_back({stride, a - before, b - before});
            phases.push_back({0, sizes.rows, sizes.columns, 0, 0, 0, 1, {}, 0});
        }
        for (const Phase &phase : phases) {
            last = std::max(last, phase.last);
            widest = std::max(widest, phase.start + phase.columns);
        }
        pitch = widest + reach;
        const long line = (long)planes.size() * pitch * slot;
        band = (int)std::clamp(PACKED / line - reach, 1L, (long)last);
        lines = band + reach;
        plane = (long)lines * pitch * slot;
        image = plane * planes.size();
        // many, so that no thread waits long for another; and as many whatever their number, for moments' bits
        const int share = std::max(1, (sizes.images + MOST_GROUPS - 1) / MOST_GROUPS);
        group = band < last ? 1 : (int)std::clamp(PACKED / image, 1L, (long)share);
        for (int tap = 0; tap < kernel * kernel; tap++) {
            const int i = tap / kernel, j = tap % kernel;
            if (transposed)
                reach_for(phases[i % stride * stride + j % stride], tap, 0, reach - i / stride, reach - j / stride);
            else
                reach_for(phases[0], tap, i % stride * std::min(kernel, stride) + j % stride, i / stride, j / stride);
        }
        for (Phase &phase : phases) {
            phase.weights = weights;
            weights += (long)phase.blocks.size() * tiles;
        }
    }

    void reach_for(Phase &phase, int tap, int of, int down, int right) {
        const long from = of * plane + (long)down * pitch * slot;
        if (slot >= DEPTH) {
            for (int channel = 0; channel < slot; channel += DEPTH)
                phase.blocks.push_back({from + right * slot + channel, channel, {tap}});
            return;
        }
        const int beside = DEPTH / slot;
        const long source = from + (long)right / beside * beside * slot;
        for (Block &block : phase.blocks)
            if (block.source == source) {
                block.taps[right % beside] = tap;
                return;
            }
        phase.blocks.push_back({source, 0, {-1, -1, -1, -1, -1, -1, -1, -1}});
        phase.blocks.back().taps[right % beside] = tap;
    }

    long room() const { return group * image + (long)SIDE * slot + DEPTH; }
};

inline __m512 some(const float *from, int count) {
    return _mm512_maskz_loadu_ps((__mmask16)((1u << std::clamp(count, 0, SIDE)) - 1), from);
}

// Sixteen filters' weights for one channel of one tap; zero beyond the last of either.
inline __m512 weights_of(const Plan &plan, const Weights &weights, int tap, int channel, int filter) {
    if (tap < 0 || channel >= plan.sizes.channels) return _mm512_setzero_ps();
    const float *from = weights.tap(tap) + channel * weights.channel + filter * weights.filter;
    const int filters = std::min(SIDE, plan.sizes.filters - filter);
    if (weights.filter == 1) return some(from, filters);
    float of[SIDE] = {};
    for (int f = 0; f < filters; f++) of[f] = from[f * weights.filter];
    return _mm512_loadu_ps(of);
}

// One tile of weights: word (row, column) has numbers 2 * row and 2 * row + 1 of the block for a filter.
inline void pack_tile(const Plan &plan, const Weights &weights, const Block &block, int filter, Pair *tile) {
    const int slot = plan.slot;
    if (slot >= DEPTH && weights.channel == 1) {
        const float *from = weights.tap(block.taps[0]) + filter * weights.filter + block.channel;
        const int here = plan.sizes.channels - block.channel, filters = plan.sizes.filters - filter;
        Pair words[SIDE];
        for (int f = 0; f < SIDE; f++, from += weights.filter)
            words[f] = f < filters ? (Pair)_mm512_cvtne2ps_pbh(some(from + SIDE, here - SIDE), some(from, here))
                                   : _mm512_setzero_si512();
        transpose(words);
        for (int f = 0; f < SIDE; f++) tile[f] = words[f];
        return;
    }
    const Pair alternate = _mm512_set_epi16(31, 15, 30, 14, 29, 13, 28, 12, 27, 11, 26, 10, 25, 9, 24, 8, 23, 7, 22, 6,
                                            21, 5, 20, 4, 19, 3, 18, 2, 17, 1, 16, 0);
    for (int row = 0; row < SIDE; row++) {
        const int at = 2 * row, tap = block.taps[slot < DEPTH ? at / slot : 0];
        const int channel = slot < DEPTH ? at % slot : block.channel + at;  // slots are even: both of one tap
        const __m512 one = weights_of(plan, weights, tap, channel, filter);
        const __m512 two = weights_of(plan, weights, tap, channel + 1, filter);
        tile[row] = _mm512_permutexvar_epi16(alternate, (Pair)_mm512_cvtne2ps_pbh(two, one));
    }
}

// All weights: pairs of tiles of filters, of each its blocks, of each its tiles; by all threads of a parallel region.
inline void pack_weights(const Plan &plan, const Weights &weights, Pair *packed) {
    for (const Phase &phase : plan.phases) {
        const int blocks = (int)phase.blocks.size();
#pragma omp for schedule(static) nowait
        for (int at = 0; at < blocks * plan.tiles; at++) {
            // tiles of a pair lie beside each other, but for the last of an odd number
            const int pair = at / (2 * blocks), across = std::min(2, plan.tiles - 2 * pair), in = at - 2 * blocks * pair;
            pack_tile(plan, weights, phase.blocks[in / across], (2 * pair + in % across) * SIDE,
                      packed + (phase.weights + at) * SIDE);
        }
    }
#pragma omp barrier
}

// The lines of an image's planes from line `first` of the phases on. Margins to the left and right are zero before.
inline void pack_image(const Plan &plan, const uint16_t *x, int first, uint16_t *to) {
    const int channels = plan.sizes.channels, slot = plan.slot, width = plan.sizes.width;
    for (const Plane &plane : plan.planes) {
        const int left = std::max(0, ceiling(-plane.right, plane.stride));
        const int end = std::clamp(ceiling(width - plane.right, plane.stride), left, plan.pitch);
        for (int line = 0; line < plan.lines; line++, to += (long)plan.pitch * slot) {
            const int y = (first + line) * plane.stride + plane.down;
            if (y < 0 || y >= plan.sizes.height) {
                std::memset(to, 0, sizeof(uint16_t) * plan.pitch * slot);
                continue;
            }
            const uint16_t *from = x + ((long)y * width + left * plane.stride + plane.right) * channels;
            uint16_t *at = to + left * slot;
            if (plane.stride == 1 && slot == channels) {
                std::memcpy(at, from, sizeof(uint16_t) * (end - left) * slot);
                continue;
            }
            const long step = (long)plane.stride * channels;
            for (int column = left; column < end; column++, from += step, at += slot)
                for (int channel = 0; channel < slot; channel += DEPTH) {
                    const int room = std::min(DEPTH, slot - channel);
                    const int here = std::clamp(channels - channel, 0, DEPTH);
                    const __mmask32 load = (__mmask32)((1ul << here) - 1), store = (__mmask32)((1ul << room) - 1);
                    _mm512_mask_storeu_epi16(at + channel, store, _mm512_maskz_loadu_epi16(load, from + channel));
                }
        }
    }
}

// P tiles of positions by F tiles of filters: their sums, each (F * 16) numbers a position.
template <int P, int F>
inline void multiply(const std::vector<Block> &blocks, const uint16_t *one, const uint16_t *two, int slot,
                     const Pair *weights, const float *bias, float *sums) {
    const long bytes = slot * sizeof(uint16_t);
    _tile_loadd(0, bias, 0);
    if (F > 1) _tile_loadd(1, bias + SIDE, 0);
    if (P > 1) _tile_loadd(2, bias, 0);
    if (P > 1 && F > 1) _tile_loadd(3, bias + SIDE, 0);
    for (const Block &block : blocks) {
        _tile_loadd(4, one + block.source, bytes);
        _tile_loadd(6, weights, sizeof(Pair));
        _tile_dpbf16ps(0, 4, 6);
        if (F > 1) {
            _tile_loadd(7, weights + SIDE, sizeof(Pair));
            _tile_dpbf16ps(1, 4, 7);
        }
        if (P > 1) {
            _tile_loadd(5, two + block.source, bytes);
            _tile_dpbf16ps(2, 5, 6);
            if (F > 1) _tile_dpbf16ps(3, 5, 7);
        }
        weights += F * SIDE;
    }
    constexpr long row = F * SIDE, below = SIDE * row;
    _tile_stored(0, sums, row * sizeof(float));
    if (F > 1) _tile_stored(1, sums + SIDE, row * sizeof(float));
    if (P > 1) _tile_stored(2, sums + below, row * sizeof(float));
    if (P > 1 && F > 1) _tile_stored(3, sums + below + SIDE, row * sizeof(float));
}

// Where the sixteen positions of a tile begin, in lines and columns of a phase.
struct Run {
    int line, column;
};

// Tiles of a phase between two lines: each within a line, or over the lines' ends where that makes fewer.
inline std::vector<Run> runs(const Phase &phase, int first, int last, int pitch, bool &within) {
    const int lines = last - first, a_line = ceiling(phase.columns, SIDE);
    const int over = lines > 0 ? ceiling((lines - 1) * pitch + phase.columns, SIDE) : 0;
    within = lines * a_line <= over;
    std::vector<Run> found;
    if (within)
        for (int line = first; line < last; line++)
            for (int tile = 0; tile < a_line; tile++) found.push_back({line, tile * SIDE});
    else
        for (int tile = 0; tile < over; tile++) found.push_back({first + tile * SIDE / pitch, tile * SIDE % pitch});
    return found;
}

// Sums over pixels of 32 filters' values and of their squares.
struct Tally {
    __m512 values[2], squares[2];

    void add(__m512i rounded) {
        const __m512 even = (__m512)_mm512_slli_epi32(rounded, 16);
        const __m512 odd = (__m512)_mm512_and_si512(rounded, _mm512_set1_epi32((int)0xffff0000));
        values[0] = _mm512_add_ps(values[0], even);
        values[1] = _mm512_add_ps(values[1], odd);
        squares[0] = _mm512_fmadd_ps(even, even, squares[0]);
        squares[1] = _mm512_fmadd_ps(odd, odd, squares[1]);
    }

    // Of `count` filters: sums (2, filters), from one filter on.
    void into(double *sums, int filters, int count) const {
        for (int filter = 0; filter < count; filter++) {
            sums[filter] += values[filter % 2][filter / 2];
            sums[filters + filter] += squares[filter % 2][filter / 2];
        }
    }
};

// Rounds the sums of sixteen positions into the pixels they are; F tiles of filters from `filter` on.
template <int F, bool Tallied>
void scatter(const Plan &plan, const Phase &phase, Run run, int last, bool within, int filter, const float *sums,
             uint16_t *y, Tally &tallied) {
    Tally tally = tallied;  // in registers
    const int filters = plan.sizes.filters;
    const __mmask32 mask = (__mmask32)((1ul << std::min(F * SIDE, filters - filter)) - 1);
    const long step = (long)phase.stride * filters, line_step = (long)plan.sizes.columns * step;
    const long base = ((long)phase.down * plan.sizes.columns + phase.start * phase.stride + phase.right) * filters + filter;
    int line = run.line, column = run.column;
    uint16_t *to = y + base + line * line_step + column * step;
    for (int position = 0; position < SIDE; position++, sums += F * SIDE) {
        if (column < phase.columns) {
            const __m512 low = _mm512_loadu_ps(sums), high = F > 1 ? _mm512_loadu_ps(sums + SIDE) : low;
            const __m512i rounded = (__m512i)_mm512_cvtne2ps_pbh(high, low);
            if (Tallied) tally.add(rounded);
            if (mask == 0xffffffff)
                _mm512_storeu_si512(to, rounded);
            else
                _mm512_mask_storeu_epi16(to, mask, rounded);
        } else if (within) {
            break;
        }
        to += step;
        if (++column == plan.pitch && !within) {
            if (++line == last) break;
            column = 0;
            to = y + base + line * line_step;
        }
    }
    if (Tallied) tallied = tally;
}

// What a group of packed images, or a band of one, makes of y.
inline void multiply_all(const Plan &plan, const uint16_t *packed, int images, int first, const Pair *weights,
                  const float *bias, uint16_t *y, double *moments) {
    const long picture = (long)plan.sizes.rows * plan.sizes.columns * plan.sizes.filters;
    alignas(64) float sums[2][4 * SIDE * SIDE];
    struct Part {
        int last;
        bool within;
        std::vector<Run> tiles;
    };
    std::vector<Part> parts;
    int most = 0;
    for (const Phase &phase : plan.phases) {
        Part part;
        const int begin = std::max(first, phase.first);
        part.last = std::max(begin, std::min(first + plan.band, phase.last));
        part.tiles = runs(phase, begin, part.last, plan.pitch, part.within);
        most = std::max(most, images * (int)part.tiles.size());
        parts.push_back(part);
    }
    for (int from = 0; from < most; from += CHUNK)
        for (size_t p = 0; p < parts.size(); p++) {
            const Phase &phase = plan.phases[p];
            const Part &part = parts[p];
            const int each = (int)part.tiles.size(), count = std::min(from + CHUNK, images * each);
            if (from >= count) continue;
            const auto source = [&](int at) {
                const Run &run = part.tiles[at % each];
                const long position = (long)(run.line - first) * plan.pitch + phase.start + run.column;
                return packed + at / each * plan.image + position * plan.slot;
            };
            for (int f = 0; f < plan.tiles; f += 2) {
                const Pair *of = weights + (phase.weights + (long)f * phase.blocks.size()) * SIDE;
                const bool two = f + 1 < plan.tiles;
                Tally tally = {};
                const auto scattered = moments ? (two ? scatter<2, true> : scatter<1, true>)
                                               : (two ? scatter<2, false> : scatter<1, false>);
                const auto put = [&](int at) {
                    for (int i = at; i < std::min(at + 2, count); i++)
                        scattered(plan, phase, part.tiles[i % each], part.last, part.within, f * SIDE,
                                  sums[at / 2 % 2] + (i - at) * (1 + two) * SIDE * SIDE, y + i / each * picture, tally);
                };
                for (int at = from; at < count; at += 2) {
                    const bool pair = at + 1 < count;
                    const auto go =
                        two ? (pair ? multiply<2, 2> : multiply<1, 2>) : (pair ? multiply<2, 1> : multiply<1, 1>);
                    go(phase.blocks, source(at), pair ? source(at + 1) : nullptr, plan.slot, of, bias + f * SIDE,
                       sums[at / 2 % 2]);
                    if (at > from) put(at - 2);  // while the tiles multiply: what they store can be read only later
                }
                put((count - 1) / 2 * 2);
                const int filters = plan.sizes.filters;
                if (moments) tally.into(moments + f * SIDE, filters, std::min((1 + two) * SIDE, filters - f * SIDE));
            }
        }
}

// What all threads share: weights and bias as the tiles want them.
struct Shared {
    const Plan plan;
    Buffer<Pair> weights;
    Buffer<float> bias;

    Shared(const Sizes &sizes, bool transposed, const float *given)
        : plan(sizes, transposed), weights(plan.weights * SIDE), bias(up(plan.tiles, 2) * SIDE) {
        std::memset(bias, 0, sizeof(float) * up(plan.tiles, 2) * SIDE);
        if (given) std::memcpy(bias, given, sizeof(float) * sizes.filters);
    }
};

// What a thread has for itself, while its tiles are ours.
struct Own {
    Buffer<uint16_t> packed;

    explicit Own(const Plan &plan) : packed(plan.room()) { std::memset(packed, 0, sizeof(uint16_t) * plan.room()); }
};

// The convolution of `images`, no more than a group; moments (2, filters) are added to, or null.
inline void convolve(const Shared &shared, const Own &own, const uint16_t *x, int images, uint16_t *y, double *moments) {
    const Plan &plan = shared.plan;
    const Sizes &sizes = plan.sizes;
    for (int first = 0; first < plan.last; first += plan.band) {
        for (int image = 0; image < images; image++)
            pack_image(plan, x + (long)image * sizes.height * sizes.width * sizes.channels, first,
                       own.packed + image * plan.image);
        multiply_all(plan, own.packed, images, first, shared.weights, shared.bias, y, moments);
    }
}

}  // namespace convolving

#endif
