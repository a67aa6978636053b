// The plan of a convolution by tile products: where numbers lie in packed images, and the order of the work.

#pragma once

#include <algorithm>
#include <vector>

#include "buffers.h"
#include "parts.h"
#include "sizes.h"

#ifdef HAS_TILES

namespace convolving {

constexpr long PACKED = 192 << 10;  // numbers that are packed at a time, to stay in the L2 cache
constexpr int MOST_GROUPS = 16;     // of images; more only if PACKED limits their size

inline int ceiling(int value, int by) { return value < 0 ? -(-value / by) : (value + by - 1) / by; }

// A view of x: position (line, column) is pixel (line * stride + down, column * stride + right), zero outside of x.
struct Plane {
    int stride, down, right;
};

// 32 consecutive packed numbers of x: channels of one tap, or all channels of several taps in a line.
struct Block {
    long source;  // offset from a position, in numbers
    int channel;  // the first channel, if it holds one tap
    int taps[8];  // in the order of memory; -1: none
};

// The first of a tile's sixteen positions: line and column in a phase.
struct Run {
    int line, column;
};

// Pixels of y that use the same taps. In a transposed convolution, a phase has one pixel in stride * stride.
struct Phase {
    int first, last, columns;  // lines first <= line < last, counted as in planes; number of columns
    int start;                 // position of the first column
    int down, right, stride;   // position (line, column) is pixel (line * stride + down, column * stride + right)
    std::vector<Block> blocks;
    long weights;              // where its packed weights begin, in tiles
};

// The tiles of a phase's lines in one band.
struct Part {
    const Phase *phase;
    int last;     // one past its last line
    bool within;  // each tile lies within a line; otherwise tiles cross line ends, because that takes fewer tiles
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

// The lines of y, from `first` on in each phase, that are computed from one packing of images.
struct Band {
    int first;
    std::vector<Part> parts;
};

// Positions are counted line by line through a plane; its lines include the margin that the kernel reaches.
struct Plan {
    const Sizes sizes;
    int slot;                 // numbers of a position: channels, then zeros
    int tiles;                // of 16 filters each
    int lines, pitch;         // of a plane: lines, and positions per line
    int group;                // images packed at a time
    long plane, image, room;  // numbers of a plane, an image, a group
    std::vector<Plane> planes;
    std::vector<Phase> phases;
    std::vector<Band> bands;
    long weights = 0;  // in tiles

    // parts: per number, each packed separately
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
        // many groups, so that no thread waits long; independent of the number of threads, for the same bits of moments
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
    Plan(const Plan &) = delete;  // the parts of its bands point to its phases

  private:
    // One plane for each offset within the stride, and one phase.
    void look_through_planes() {
        const int stride = sizes.stride, views = std::min(sizes.kernel, stride);
        for (int view = 0; view < views * views; view++)
            planes.push_back({stride, view / views - sizes.before, view % views - sizes.before});
        phases.push_back({0, sizes.rows, sizes.columns, 0, 0, 0, 1, {}, 0});
    }

    // One plane, and one phase for each offset within the stride.
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
