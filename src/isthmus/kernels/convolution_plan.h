// How a convolution is done by products of tiles: where its numbers lie in packed pictures, and in what order it goes.

#pragma once

#include <algorithm>
#include <vector>

#include "buffers.h"
#include "parts.h"
#include "sizes.h"

#ifdef HAS_TILES

namespace convolving {

constexpr long PACKED = 192 << 10;  // numbers of pictures that are worked on at a time, to stay in the second cache
constexpr int MOST_GROUPS = 16;     // of images, unless one alone fills what is packed at a time

inline int ceiling(int value, int by) { return value < 0 ? -(-value / by) : (value + by - 1) / by; }

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

// Where the sixteen positions of a tile begin, in lines and columns of a phase.
struct Run {
    int line, column;
};

// Pixels of y that see the kernel alike: of a transposed convolution, one in stride * stride.
struct Phase {
    int first, last, columns;  // lines, from zero on as planes have them, and how many columns
    int start;                 // position of the first column
    int down, right, stride;   // position (line, column) is pixel (line * stride + down, column * stride + right)
    std::vector<Block> blocks;
    long weights;              // where its packed ones begin, in tiles
};

// The tiles of a phase's lines that one packing of pictures holds.
struct Part {
    const Phase *phase;
    int last;     // line
    bool within;  // each tile lies within a line; otherwise they go over the lines' ends, where that makes fewer
    std::vector<Run> tiles;

    Part(const Phase &of, int begin, int end, int pitch)
        : phase(&of), last(std::max(std::max(begin, of.first), std::min(end, of.last))) {
        const int first = std::max(begin, of.first), lines = last - first, a_line = ceiling(of.columns, SIDE);
        const int over = lines > 0 ? ceiling((lines - 1) * pitch + of.columns, SIDE) : 0;
        within = lines * a_line <= over;
        for (int tile = 0; tile < (within ? lines * a_line : over); tile++)
            if (within)
                tiles.push_back({first + tile / a_line, tile % a_line * SIDE});
            else
                tiles.push_back({first + tile * SIDE / pitch, tile * SIDE % pitch});
    }
};

// What one packing of pictures makes: lines of all phases from `first` on.
struct Band {
    int first;
    std::vector<Part> parts;
};

// Positions are counted line by line through a plane, whose lines have all that the kernel reaches.
struct Plan {
    const Sizes sizes;
    int slot;                 // numbers of a position: channels, and zeros
    int tiles;                // of 16 filters
    int lines, pitch;         // of a plane: lines, and positions a line
    int group;                // images worked on at a time
    long plane, image, room;  // numbers of one, and of a group
    std::vector<Plane> planes;
    std::vector<Phase> phases;
    std::vector<Band> bands;
    long weights = 0;  // tiles

    // parts: of a number, each packed apart
    Plan(const Sizes &given, bool transposed, int parts) : sizes(given) {
        slot = 4;
        while (slot < sizes.channels && slot < DEPTH) slot *= 2;
        slot = up(sizes.channels, slot);
        tiles = ceiling(sizes.filters, SIDE);
        const int reach = (sizes.kernel - 1) / sizes.stride;
        transposed ? look_from_phases(reach) : look_through_planes();
        int last = 0, widest = 0;
        for (const Phase &phase : phases) {
            last = std::max(last, phase.last);
            widest = std::max(widest, phase.start + phase.columns);
        }
        pitch = widest + reach;
        const long most = PACKED / parts, line = (long)planes.size() * pitch * slot;
        const int band = (int)std::clamp(most / line - reach, 1L, (long)last);
        lines = band + reach;
        plane = (long)lines * pitch * slot;
        image = plane * planes.size();
        // many, so that no thread waits long for another; and as many whatever their number, for moments' bits
        const int share = std::max(1, ceiling(sizes.images, MOST_GROUPS));
        group = band < last ? 1 : (int)std::clamp(most / image, 1L, (long)share);
        room = group * image + (long)SIDE * slot + DEPTH;
        place_taps(transposed, reach);
        for (Phase &phase : phases) {
            phase.weights = weights;
            weights += (long)phase.blocks.size() * tiles;
        }
        for (int first = 0; first < last; first += band) {
            bands.push_back({first, {}});
            for (const Phase &phase : phases) bands.back().parts.emplace_back(phase, first, first + band, pitch);
        }
    }
    Plan(const Plan &) = delete;  // parts of bands point to its phases

  private:
    // One plane of pictures for each place under the stride, and one phase.
    void look_through_planes() {
        const int stride = sizes.stride, views = std::min(sizes.kernel, stride);
        for (int view = 0; view < views * views; view++)
            planes.push_back({stride, view / views - sizes.before, view % views - sizes.before});
        phases.push_back({0, sizes.rows, sizes.columns, 0, 0, 0, 1, {}, 0});
    }

    // One plane, and a phase for each place under the stride.
    void look_from_phases(int reach) {
        const int stride = sizes.stride, before = sizes.before;
        planes.push_back({1, -reach, -reach});
        for (int a = 0; a < stride; a++)
            for (int b = 0; b < stride; b++) {
                const int first = ceiling(before - a, stride), left = ceiling(before - b, stride);
                const int end = ceiling(sizes.rows + before - a, stride);
                const int right = ceiling(sizes.columns + before - b, stride);
                phases.push_back({first, end, right - left, left, a - before, b - before, stride, {}, 0});
            }
    }

    void place_taps(bool transposed, int reach) {
        const int kernel = sizes.kernel, stride = sizes.stride, views = std::min(kernel, stride);
        for (int tap = 0; tap < kernel * kernel; tap++) {
            const int i = tap / kernel, j = tap % kernel;
            if (transposed)
                place(phases[i % stride * stride + j % stride], tap, 0, reach - i / stride, reach - j / stride);
            else
                place(phases[0], tap, i % stride * views + j % stride, i / stride, j / stride);
        }
    }

    void place(Phase &phase, int tap, int of, int down, int right) {
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
};

}  // namespace convolving

#endif
