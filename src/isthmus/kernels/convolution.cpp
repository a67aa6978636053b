// Convolutions in bfloat16 on tiles; see convolution.h.

#include "convolution.h"

#ifdef HAS_TILES

#include <atomic>

// x (images, height, width, channels), y (images, rows, columns, filters): bfloat16, as they lie in memory; y is
// overwritten. weights: float32, their steps in numbers; turned: taps in reverse. bias (filters,) or null. moments: the
// sums (2, filters) of what y holds and of its squares, or null.
extern "C" void convolution(int images, int channels, int height, int width, int filters, int rows, int columns,
                            int kernel, int stride, int before, int transposed, int turned, int threads,
                            long channel_step, long filter_step, long row_step, long column_step, const uint16_t *x,
                            const float *weight, const float *bias, uint16_t *y, double *moments) {
    using namespace convolving;
    const Shared shared({images, channels, height, width, filters, rows, columns, kernel, stride, before}, transposed,
                        bias);
    const Plan &plan = shared.plan;
    const Weights weights = {weight, channel_step, filter_step, row_step, column_step, (bool)turned, kernel};
    const int groups = ceiling(images, plan.group);
    std::vector<double> partial(moments ? 2L * groups * filters : 0);
    std::atomic<int> next{0};
#pragma omp parallel num_threads(std::clamp(groups, 1, threads))
    {
        pack_weights(plan, weights, shared.weights);
        const Tiles ours;
        const Own own(plan);
        for (int group; (group = next++) < groups;) {
            const long begin = (long)group * plan.group;
            convolve(shared, own, x + begin * height * width * channels, std::min(plan.group, (int)(images - begin)),
                     y + begin * rows * columns * filters, moments ? &partial[2L * group * filters] : nullptr);
        }
    }
    for (int at = 0; moments && at < 2 * filters; at++) {
        moments[at] = 0;
        for (int group = 0; group < groups; group++) moments[at] += partial[2L * group * filters + at];
    }
}

#endif
