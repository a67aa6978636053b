// Packs kernels and images for tile products; each part of the numbers is packed separately.

#pragma once

#include <cstring>

#include "convolution_plan.h"
#include "parallel.h"

#ifdef HAS_TILES

namespace convolving {

struct Weights {
    const float *data;
    long channel, filter, row, column;  // steps in memory, in numbers
    bool turned;
    int kernel;

    const float *tap(int at) const {
        const int tap = turned ? kernel * kernel - 1 - at : at;
        return data + tap / kernel * row + tap % kernel * column;
    }
};

// Sixteen filters' weights for one channel of one tap; zero past the last filter or channel.
inline Wide weights_of(const Plan &plan, const Weights &weights, int tap, int channel, int filter) {
    if (tap < 0 || channel >= plan.sizes.channels) return Wide{};
    const float *from = weights.tap(tap) + channel * weights.channel + filter * weights.filter;
    const int filters = std::min(SIDE, plan.sizes.filters - filter);
    if (weights.filter == 1) return some(from, filters);
    float of[SIDE] = {};
    for (int f = 0; f < filters; f++) of[f] = from[f * weights.filter];
    return load_wide(of);
}

// One tile of weights per part: word (row, column) holds numbers 2 * row and 2 * row + 1 of filter `column`'s block.
template <int COUNT>
inline void pack_tile(const Plan &plan, const Weights &weights, const Block &block, int filter, Pair (*tiles)[SIDE]) {
    const int slot = plan.slot;
    Pair parts[COUNT];
    if (slot >= DEPTH && weights.channel == 1) {
        const float *from = weights.tap(block.taps[0]) + filter * weights.filter + block.channel;
        const int here = plan.sizes.channels - block.channel, filters = plan.sizes.filters - filter;
        for (int f = 0; f < SIDE; f++, from += weights.filter) {
            const int count = f < filters ? here : 0;
            split<COUNT>(some(from, count), some(from + SIDE, count - SIDE), parts);
            for (int part = 0; part < COUNT; part++) tiles[part][f] = parts[part];
        }
        for (int part = 0; part < COUNT; part++) transpose(tiles[part]);
        return;
    }
    for (int row = 0; row < SIDE; row++) {
        const int at = 2 * row, tap = block.taps[slot < DEPTH ? at / slot : 0];
        const int channel = slot < DEPTH ? at % slot : block.channel + at;  // slots are even: both are of one tap
        split<COUNT>(weights_of(plan, weights, tap, channel, filter), weights_of(plan, weights, tap, channel + 1, filter),
                     parts);
        for (int part = 0; part < COUNT; part++) tiles[part][row] = interleave(parts[part]);
    }
}

// Packs all weights, from the outermost to the innermost: phase, pair of filter tiles, block, part, tile.
template <int COUNT> inline void pack_weights(const Plan &plan, const Weights &weights, int threads, Pair *packed) {
    for (const Phase &phase : plan.phases) {
        const int blocks = (int)phase.blocks.size();
        parallel::each(blocks * plan.tiles, threads, [&](int at) {
            // a pair's tiles lie side by side; the last of an odd number is alone
            const int pair = at / (2 * blocks), across = std::min(2, plan.tiles - 2 * pair), in = at - 2 * blocks * pair;
            Pair tiles[COUNT][SIDE];
            pack_tile<COUNT>(plan, weights, phase.blocks[in / across], (2 * pair + in % across) * SIDE, tiles);
            Pair *to = packed + (phase.weights + at - in % across) * COUNT * SIDE + in % across * SIDE;
            for (int part = 0; part < COUNT; part++, to += across * SIDE)
                for (int row = 0; row < SIDE; row++) to[row] = tiles[part][row];
        });
    }
}

// Packs the lines of an image's planes from line `first` of the phases on; parts are `plan.room` numbers apart.
template <class T, int COUNT>
inline void pack_image(const Plan &plan, const typename T::Number *x, int first, uint16_t *to) {
    const int channels = plan.sizes.channels, slot = plan.slot, width = plan.sizes.width;
    const auto clear = [&](uint16_t *at, int positions) {
        for (int part = 0; part < COUNT; part++)
            std::memset(at + part * plan.room, 0, sizeof(uint16_t) * positions * slot);
    };
    const auto put = [&](uint16_t *at, const typename T::Number *from, int here, int room) {
        Pair parts[COUNT];
        parts_of<COUNT>(from, here, parts);
        for (int part = 0; part < COUNT; part++)
            store_halves(at + part * plan.room, first_of_both(room), parts[part]);
    };
    for (const Plane &plane : plan.planes) {
        const int left = std::max(0, ceiling(-plane.right, plane.stride));
        const int end = std::clamp(ceiling(width - plane.right, plane.stride), left, plan.pitch);
        for (int line = 0; line < plan.lines; line++, to += (long)plan.pitch * slot) {
            const int y = (first + line) * plane.stride + plane.down;
            if (y < 0 || y >= plan.sizes.height) {
                clear(to, plan.pitch);
                continue;
            }
            clear(to, left);
            clear(to + end * slot, plan.pitch - end);
            const typename T::Number *from = x + ((long)y * width + left * plane.stride + plane.right) * channels;
            uint16_t *at = to + left * slot;
            if (plane.stride == 1 && slot == channels) {
                for (int number = 0, count = (end - left) * slot; number < count; number += DEPTH)
                    put(at + number, from + number, count - number, count - number);
                continue;
            }
            const long step = (long)plane.stride * channels;
            for (int column = left; column < end; column++, from += step, at += slot)
                for (int channel = 0; channel < slot; channel += DEPTH)
                    put(at + channel, from + channel, channels - channel, slot - channel);
        }
    }
}

}  // namespace convolving

#endif
