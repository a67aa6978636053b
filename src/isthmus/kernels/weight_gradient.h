// The gradient of a convolution's kernel, for processors that multiply tiles of bfloat16 (Intel's AMX).
//
//     kernel[s, i, j, l] = sum over n, y, x of small[n, y, x, s] * large[n, Y, X, l]
//     with Y = y * stride + i - before and X = x * stride + j - before
//
// For a convolution, `small` is the gradient dy of its output and `large` its input x; for a transposed one, the
// reverse. Images are packed so that the sum over positions is one long matrix product per tap;
// records/2026-11-26-weight-gradient.md compares the speed with oneDNN's.

#pragma once

#include "parts.h"

#ifdef HAS_TILES

#include <algorithm>

#include "buffers.h"
#include "parallel.h"
#include "sizes.h"

namespace summing {

constexpr int PACKED = 1280;    // limits positions times parts that are packed at a time, to stay in the L2 cache
constexpr int CHUNK = 256;      // positions that all taps use before the next ones, to stay in the L1 cache
constexpr int MOST_BLOCKS = 8;  // of images, summed separately; neither their number nor the bits depend on threads

// Positions are counted line by line through the images of a group, with enough margin that a tap of the kernel is an
// offset. Each position holds two images, one in each half of a word, because a tile product sums over both halves.
struct Shape {
    bool transposed;
    int images, large, small;                 // images; channels of large and of small
    int height, width, rows, columns;         // of large; of small
    int kernel, stride, before;
    int taps, large_tiles, small_tiles;
    int views, reach;                         // offsets within the stride, per side; how far the kernel reaches
    int pitch, band, lines;                   // positions per line; lines packed at a time, without and with reach
    int pairs, blocks, group, depth, room;    // pairs packed at a time; their positions; those that taps may read

    // sizes: of the convolution; parts: per number
    Shape(const Sizes &sizes, bool transposed, int parts) : transposed(transposed) {
        const Sizes of = transposed ? sizes.reversed() : sizes;
        images = of.images, large = of.channels, small = of.filters;
        height = of.height, width = of.width, rows = of.rows, columns = of.columns;
        kernel = of.kernel, stride = of.stride, before = of.before;
        taps = kernel * kernel, views = std::min(kernel, stride), reach = (kernel - 1) / stride;
        large_tiles = up(large, SIDE) / SIDE, small_tiles = up(small, SIDE) / SIDE;
        pitch = columns + reach;
        const int most = PACKED / parts;
        band = std::clamp(most / pitch - reach, 1, rows);
        lines = band + reach;
        pairs = (images + 1) / 2;
        blocks = std::min(pairs, MOST_BLOCKS);
        group = band < rows ? 1 : std::clamp(most / (lines * pitch), 1, (pairs + blocks - 1) / blocks);
        depth = up(group * lines * pitch, SIDE);
        room = up(depth + reach * pitch + reach, SIDE);
    }
    // Numbers in a row of the sums (small, taps, large), and in all; channels are rounded up to whole tiles.
    long row() const { return (long)taps * large_tiles * SIDE; }
    long size() const { return small_tiles * SIDE * row(); }
};

// A view of (images, height, width, channels): position (line, column) is pixel
// (line * stride + down, column * stride + right).
template <class T> struct View {
    const typename T::Number *data;
    int images, height, width, channels, stride, down, right;
};

// Packs sixteen channels of `count` positions of pairs; parts are `apart` words from each other. Zero outside of the
// images, from line `stop` on, and past the last channel and the last image.
template <class T>
void gather(const View<T> &view, int pairs, int lines, int pitch, int stop, int tile, Pair *to, int count, long apart) {
    const Mask16 mask = first(view.channels - tile * SIDE);
    const int left = std::min(pitch, view.right < 0 ? (-view.right + view.stride - 1) / view.stride : 0);
    const int end = std::clamp((view.width - view.right + view.stride - 1) / view.stride, left, pitch);
    const long step = (long)view.stride * view.channels, line_step = (long)view.width * view.channels;
    const long picture = view.height * line_step;
    const typename T::Number *const data = view.data + (long)view.right * view.channels + tile * SIDE;
    const int height = view.height, stride = view.stride, down = view.down;
    const auto clear = [=](Pair *at, int words) {
        for (int part = 0; part < GRADIENT_PARTS<T>; part++)
            for (int i = 0; i < words; i++) at[part * apart + i] = Pair{};
    };
    Pair *const last = to + count;
    for (int pair = 0; pair < pairs; pair++) {
        const Mask16 second = 2 * pair + 1 < view.images ? mask : 0;
        for (int line = 0; line < lines; line++, to += pitch) {
            const int y = line * stride + down;
            const bool empty = y < 0 || y >= height || line >= stop;
            const typename T::Number *from = data + 2 * pair * picture + y * line_step;
            clear(to, empty ? pitch : left);
            if (empty) continue;
            for (int column = left; column < end; column++) {
                const typename T::Number *at = from + column * step;
                Pair words[GRADIENT_PARTS<T>];
                words_of_parts(at, mask, at + picture, second, words);
                for (int part = 0; part < GRADIENT_PARTS<T>; part++) to[part * apart + column] = words[part];
            }
            clear(to + end, pitch - end);
        }
    }
    clear(to, (int)(last - to));
}

// Packs small from line `first` on into (tiles, parts, depth / 16) tiles of 16 channels by 16 positions of pairs.
template <class T>
void pack_small(const Shape &shape, const typename T::Number *small, int images, int first, Pair *packed) {
    const View<T> view = {small, images, shape.rows, shape.columns, shape.small, 1, first, 0};
    const int depth = shape.depth, all = GRADIENT_PARTS<T> * depth;
    for (int tile = 0; tile < shape.small_tiles; tile++, packed += all) {
        gather(view, (images + 1) / 2, shape.lines, shape.pitch, shape.band, tile, packed, depth, depth);
        for (int at = 0; at < all; at += SIDE) {
            Pair words[SIDE];
            for (int i = 0; i < SIDE; i++) words[i] = packed[at + i];
            transpose(words);
            for (int i = 0; i < SIDE; i++) packed[at + i] = words[i];
        }
    }
}

// Packs what the lines of small from `first` on need of large: (views down, views right, tiles, parts, room).
template <class T>
void pack_large(const Shape &shape, const typename T::Number *large, int images, int first, Pair *packed) {
    const int room = shape.room;
    for (int view = 0; view < shape.views * shape.views; view++) {
        const int down = first * shape.stride + view / shape.views - shape.before;
        const int right = view % shape.views - shape.before;
        const View<T> of = {large, images, shape.height, shape.width, shape.large, shape.stride, down, right};
        for (int tile = 0; tile < shape.large_tiles; tile++, packed += GRADIENT_PARTS<T> * room)
            gather(of, (images + 1) / 2, shape.lines, shape.pitch, shape.lines, tile, packed, room, room);
    }
}

// S by L tiles of sums += small * large over `count` positions of pairs; if `fresh`, they start at zero.
template <int S, int L, int COUNT>
inline void multiply(const Shape &shape, float *sums, bool fresh, const Pair *small, const Pair *large, int count) {
    const long row = shape.row(), depth = shape.depth, room = shape.room;
    if (fresh)
        zero_sums();
    else
        load_sums<S, L>(sums, row);
    for (int at = 0; at < count; at += SIDE)
        add_products<S, L, COUNT>([=](int s, int part) { return small + (s * COUNT + part) * depth + at; },
                                  sizeof(Pair), [=](int l, int part) { return large + (l * COUNT + part) * room + at; });
    store_sums<S, L>(sums, row);
}

template <int COUNT>
inline void multiply_all(const Shape &shape, const Pair *small, const Pair *large, bool fresh, float *sums) {
    for (int from = 0; from < shape.depth; from += CHUNK)
        for (int s = 0; s < shape.small_tiles; s += 2)
            for (int l = 0; l < shape.large_tiles; l += 2)
                for (int tap = 0; tap < shape.taps; tap++) {
                    const int i = tap / shape.kernel, j = tap % shape.kernel;
                    const int view = i % shape.stride * shape.views + j % shape.stride;
                    const int offset = i / shape.stride * shape.pitch + j / shape.stride;
                    const Pair *a = small + (long)s * COUNT * shape.depth + from;
                    const Pair *b = large + ((long)view * shape.large_tiles + l) * COUNT * shape.room + offset + from;
                    float *c = sums + s * SIDE * shape.row() + ((long)tap * shape.large_tiles + l) * SIDE;
                    const auto one = l + 1 < shape.large_tiles ? multiply<1, 2, COUNT> : multiply<1, 1, COUNT>;
                    const auto two = l + 1 < shape.large_tiles ? multiply<2, 2, COUNT> : multiply<2, 1, COUNT>;
                    const auto go = s + 1 < shape.small_tiles ? two : one;
                    go(shape, c, fresh && from == 0, a, b, std::min(CHUNK, shape.depth - from));
                }
}

// A thread's own packed images.
struct Own {
    Pair *small, *large;
};

// The packed images of all threads.
struct Rooms {
    PerThread<Pair> small, large;

    Rooms(const Shape &shape, int parts, int threads)
        : small(threads, (long)parts * shape.small_tiles * shape.depth),
          large(threads, (long)parts * shape.views * shape.views * shape.large_tiles * shape.room) {}
    Own of(int thread) const { return {small.of(thread), large.of(thread)}; }
};

// Adds the products of `images` images, at most a group of pairs, to `sums`; if `fresh`, overwrites these.
template <class T>
void add(const Shape &shape, const Own &own, const typename T::Number *x, const typename T::Number *dy, int images,
         bool fresh, float *sums) {
    const typename T::Number *large = shape.transposed ? dy : x, *small = shape.transposed ? x : dy;
    for (int first = 0; first < shape.rows; first += shape.band) {
        pack_large<T>(shape, large, images, first, own.large);
        pack_small<T>(shape, small, images, first, own.small);
        multiply_all<GRADIENT_PARTS<T>>(shape, own.small, own.large, fresh && first == 0, sums);
    }
}

// Calls visit(image, count, fresh, sums) for a block's groups of images in order; fresh: it is the first group.
template <class Visit> inline void over_groups(const Shape &shape, int block, float *sums, Visit visit) {
    const int begin = (int)((long)shape.pairs * block / shape.blocks);
    const int end = (int)((long)shape.pairs * (block + 1) / shape.blocks);
    for (int pair = begin; pair < end; pair += shape.group)
        visit(2L * pair, std::min(2 * std::min(shape.group, end - pair), shape.images - 2 * pair), pair == begin,
              sums + block * shape.size());
}

// Adds up the sums of all blocks: the kernel's gradient (small, taps, large).
inline void reduce(const Shape &shape, const float *sums, bool turned, int threads, float *weight) {
    const int taps = shape.taps;
    const long lines = (long)shape.small * taps, line = shape.large_tiles * SIDE, size = shape.size();
    parallel::chunks(lines, taps, threads, [&](long begin, long end) {
        for (long at = begin; at < end; at++) {
            float *to = weight + (turned ? at + taps - 1 - at % taps * 2 : at) * shape.large;
            for (int first = 0; first < shape.large; first += SIDE) {
                Wide sum = {};
                for (int block = 0; block < shape.blocks; block++)
                    sum += load_wide(sums + block * size + at * line + first);
                store_wide(to + first, ::first(shape.large - first), sum);
            }
        }
    });
}

}  // namespace summing

#endif
