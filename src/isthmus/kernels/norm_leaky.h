// Batch norm over rows, then leaky ReLU: forward, and backward through both.
//
// x, y and their gradients are contiguous (rows, channels), float32 or bfloat16; statistics and parameters are float32,
// sums double. Forward and backward each pass over memory twice, for sums and for values; PyTorch passes over it
// separately for mean, variance, norm and ReLU; see records/2026-11-26-kernels.md.

#pragma once

#include <algorithm>
#include <cmath>
#include <type_traits>
#include <vector>

#include "numbers.h"
#include "parallel.h"

namespace norming {

constexpr long MOST_BLOCKS = 64;
// Rows added in float32 before their sum is added to a double.
constexpr long RUN = 256;

// Adds numbers in place over the processes that share a batch.
typedef void (*Add)(double *numbers, int count);

// add, all_rows: of the rows of all processes that share the batch; null and not read where one has them all.
struct Layer {
    long rows;
    int channels, threads;
    float epsilon, slope;
    long all_rows = 0;
    Add add = nullptr;
    long total_rows() const { return add ? all_rows : rows; }
    // Blocks of rows that are summed separately; neither their number nor the bits depend on the threads.
    int blocks() const { return (int)(rows < RUN ? 1 : rows < MOST_BLOCKS * RUN ? rows / RUN : MOST_BLOCKS); }
};

// The running mean, with `offset` added, and variance: `momentum` moves them towards those of each batch.
struct Running {
    float momentum;
    const float *offset;
    float *mean, *variance;
    void follow(int c, double batch_mean, double batch_variance) const {
        mean[c] += momentum * ((float)(batch_mean + offset[c]) - mean[c]);
        variance[c] += momentum * ((float)batch_variance - variance[c]);
    }
};

// What the forward pass computed, one number per channel: y = leaky((x - mean) * scale + bias).
struct Found {
    float *mean, *variance, *scale, *bias;
};

inline Floats leaky(Floats sign, Floats value, float slope) { return sign > 0 ? value : value * slope; }

// One number per channel, for W vectors of channels, held in registers.
template <int W> struct PerChannel {
    Floats of[W];
    explicit PerChannel(const float *from) {
        for (int i = 0; i < W; i++) of[i] = Float32::load(from + i * LANES);
    }
};

// Calls visit(width, first) for groups of channels: four vectors at a time, the rest one by one.
template <class Visit> inline void over_channels(int channels, Visit visit) {
    int first = 0;
    for (; first + 4 * LANES <= channels; first += 4 * LANES) visit(std::integral_constant<int, 4>(), first);
    for (; first + LANES <= channels; first += LANES) visit(std::integral_constant<int, 1>(), first);
}

// The batch norm of W vectors of x.
template <int W> struct Norm {
    const PerChannel<W> mean, scale, bias;
    Norm(const Found &found, int first) : mean(found.mean + first), scale(found.scale + first), bias(found.bias + first) {}
    Floats of(Floats difference, int i) const { return difference * scale.of[i] + bias.of[i]; }
};

template <class Visit> inline void over_blocks(const Layer &layer, Visit visit) {
    const int blocks = layer.blocks();
    parallel::each(blocks, layer.threads, [&](int block) {
        visit(block, layer.rows * block / blocks, layer.rows * (block + 1) / blocks);
    });
}

// Two sums over all rows, per channel. term(width, first) returns a function that adds a row: add(row, ones, twos).
template <class Term> void sums(const Layer &layer, double *one, double *two, Term term) {
    const size_t channels = layer.channels;
    const int blocks = layer.blocks();
    std::vector<double> partial(2 * blocks * channels);
    over_blocks(layer, [&](int block, long begin, long end) {
        double *here = &partial[2 * block * channels];
        over_channels(layer.channels, [&](auto width, int first) {
            constexpr int W = decltype(width)::value;
            const auto add = term(width, first);
            for (long row = begin; row < end;) {
                Floats ones[W] = {}, twos[W] = {};
                for (const long stop = row + RUN < end ? row + RUN : end; row < stop; row++) add(row, ones, twos);
                for (int i = 0; i < W; i++)
                    for (int lane = 0; lane < LANES; lane++) {
                        here[first + i * LANES + lane] += ones[i][lane];
                        here[channels + first + i * LANES + lane] += twos[i][lane];
                    }
            }
        });
    });
    for (size_t c = 0; c < channels; c++) {
        one[c] = two[c] = 0;
        for (int block = 0; block < blocks; block++) {
            one[c] += partial[2 * block * channels + c];
            two[c] += partial[(2 * block + 1) * channels + c];
        }
    }
}

template <class T>
void forward(const Layer &layer, const typename T::Number *x, const float *weight, const float *bias,
             const double *moments, const Running &running, typename T::Number *y, const Found &found) {
    const int channels = layer.channels;
    std::vector<double> sum(channels), square(channels);
    std::vector<float> origin(channels);
    if (moments) {
        std::copy(moments, moments + channels, sum.begin());
        std::copy(moments + channels, moments + 2 * channels, square.begin());
    } else {
        // minus the first row: in float32, a large common value would cost the differences their precision
        for (int c = 0; c < channels; c += LANES) Float32::store(&origin[c], T::load(x + c));
    }
    if (!moments) sums(layer, sum.data(), square.data(), [&](auto width, int first) {
        constexpr int W = decltype(width)::value;
        const PerChannel<W> about(&origin[first]);
        return [=](long row, Floats *ones, Floats *twos) {
            const typename T::Number *at = x + row * channels + first;
#pragma GCC unroll 4
            for (int i = 0; i < W; i++) {
                Floats difference = T::load(at + i * LANES) - about.of[i];
                ones[i] += difference;
                twos[i] += difference * difference;
            }
        };
    });
    if (layer.add) {
        std::vector<double> both(2 * channels);
        for (int c = 0; c < channels; c++) {  // about zero: every process has an origin of its own
            const double about = origin[c];
            both[c] = sum[c] + layer.rows * about;
            both[channels + c] = square[c] + 2 * about * sum[c] + layer.rows * about * about;
            origin[c] = 0;
        }
        layer.add(both.data(), 2 * channels);
        std::copy(both.begin(), both.begin() + channels, sum.begin());
        std::copy(both.begin() + channels, both.end(), square.begin());
    }
    const long rows = layer.total_rows();
    for (int c = 0; c < channels; c++) {
        double difference = sum[c] / rows, variance = square[c] / rows - difference * difference;
        if (variance < 0) variance = 0;  // not std::max, which may turn a NaN into zero
        found.mean[c] = (float)(origin[c] + difference);
        found.variance[c] = (float)variance;
        found.scale[c] = (float)(weight[c] / std::sqrt(variance + layer.epsilon));
        found.bias[c] = bias[c];
        running.follow(c, origin[c] + difference, variance);
    }
    over_blocks(layer, [&](int, long begin, long end) {
        over_channels(channels, [&](auto width, int first) {
            constexpr int W = decltype(width)::value;
            const Norm<W> norm(found, first);
            for (long row = begin; row < end; row++) {
                const long at = row * channels + first;
#pragma GCC unroll 4
                for (int i = 0; i < W; i++) {
                    Floats value = norm.of(T::load(x + at + i * LANES) - norm.mean.of[i], i);
                    T::store(y + at + i * LANES, leaky(value, value, layer.slope));
                }
            }
        });
    });
}

// dx = scale * (d - mean(d) - (x - mean) / (variance + epsilon) * mean(d * (x - mean))), d: the gradient of the ReLU's
// input; computed as scale * d + along * (x - mean) + level.
template <class T> struct Backward {
    typedef typename T::Number Number;
    const Layer layer;
    const Found found;
    std::vector<float> along, level;

    Backward(const Layer &layer, const Number *dy, const Number *x, const Found &found, float *dweight, float *dbias)
        : layer(layer), found(found), along(layer.channels), level(layer.channels) {
        const int channels = layer.channels;
        std::vector<double> both(2 * channels);
        double *const sum = both.data(), *const dot = sum + channels;
        sums(layer, sum, dot, [&](auto width, int first) {
            constexpr int W = decltype(width)::value;
            const Norm<W> norm(found, first);
            const float slope = layer.slope;
            return [=](long row, Floats *ones, Floats *twos) {
                const long at = row * channels + first;
#pragma GCC unroll 4
                for (int i = 0; i < W; i++) {
                    Floats difference = T::load(x + at + i * LANES) - norm.mean.of[i];
                    Floats d = leaky(norm.of(difference, i), T::load(dy + at + i * LANES), slope);
                    ones[i] += d;
                    twos[i] += d * difference;
                }
            };
        });
        std::vector<double> inverse(channels);
        for (int c = 0; c < channels; c++) {  // the gradients of weight and bias are of this process's rows
            inverse[c] = 1 / std::sqrt((double)found.variance[c] + layer.epsilon);
            dweight[c] = (float)(dot[c] * inverse[c]);
            dbias[c] = (float)sum[c];
        }
        if (layer.add) layer.add(both.data(), 2 * channels);
        const long rows = layer.total_rows();
        for (int c = 0; c < channels; c++) {
            along[c] = (float)(-found.scale[c] * (dot[c] * inverse[c]) * inverse[c] / rows);
            level[c] = (float)(-found.scale[c] * sum[c] / rows);
        }
    }

    // Computes the first `rows` rows of dx.
    void apply(long rows, const Number *dy, const Number *x, Number *dx) const {
        const int channels = layer.channels;
        const float slope = layer.slope;
        over_channels(channels, [&](auto width, int first) {
            constexpr int W = decltype(width)::value;
            const Norm<W> norm(found, first);
            const PerChannel<W> a(&along[first]), b(&level[first]);
            for (long row = 0; row < rows; row++) {
                const long at = row * channels + first;
#pragma GCC unroll 4
                for (int i = 0; i < W; i++) {
                    Floats difference = T::load(x + at + i * LANES) - norm.mean.of[i];
                    Floats d = leaky(norm.of(difference, i), T::load(dy + at + i * LANES), slope);
                    T::store(dx + at + i * LANES, d * norm.scale.of[i] + (difference * a.of[i] + b.of[i]));
                }
            }
        });
    }
};

// The rows of `found`, (4, channels): mean, variance, scale, bias.
inline Found rows_of(float *found, int channels) {
    return {found, found + channels, found + 2 * channels, found + 3 * channels};
}

}  // namespace norming
