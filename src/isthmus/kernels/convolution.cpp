// Convolutions on tiles; see convolution.h.

#include "convolution.h"

#ifdef HAS_TILES

#include "operations.h"
#include "parallel.h"

using namespace convolving;

template <class T, int COUNT>
static void run(const Sizes &sizes, bool transposed, const Weights &weights, int threads, const void *x,
                const float *bias, void *y, double *moments) {
    using Number = typename T::Number;
    const Shared<T, COUNT> shared(sizes, transposed, bias);
    const Plan &plan = shared.plan;
    const int groups = ceiling(sizes.images, plan.group), count = 2 * sizes.filters;
    std::vector<double> partial(moments ? (long)groups * count : 0);
    const int working = std::clamp(groups, 1, threads);
    const PerThread<uint16_t> rooms(working, shared.room());
    pack_weights<COUNT>(plan, weights, threads, shared.weights);
    parallel::over(groups, working, [&](auto next, int thread) {
        const Tiles ours;
        uint16_t *packed = rooms.of(thread);
        for (int group; (group = next()) >= 0;) {
            const long begin = (long)group * plan.group;
            convolve(shared, packed, (const Number *)x + begin * sizes.of_x(),
                     std::min(plan.group, (int)(sizes.images - begin)), (Number *)y + begin * sizes.of_y(),
                     moments ? &partial[(long)group * count] : nullptr);
        }
    });
    for (int at = 0; moments && at < count; at++) {
        moments[at] = 0;
        for (int group = 0; group < groups; group++) moments[at] += partial[(long)group * count + at];
    }
}

// x (images, height, width, channels) and y (images, rows, columns, filters) are contiguous; y is overwritten. weight:
// float32, with steps in numbers; turned: taps in reverse order. bias (filters,) or null. moments (2, filters): the
// sums of the stored y and of its squares, or null. Returns 0, or 1 if there is not enough memory.
#define KERNEL(NAME, TYPE, COUNT)                                                                                      \
    OPERATION(NAME, (SIZES, long channel_step, long filter_step, long row_step, long column_step, const void *x,       \
                     const float *weight, const float *bias, void *y, double *moments)) {                              \
        const Sizes sizes = SIZES_GIVEN;                                                                               \
        const Weights weights = {weight, channel_step, filter_step, row_step, column_step, (bool)turned, kernel};      \
        return guarded([&] { run<TYPE, COUNT<TYPE>>(sizes, transposed, weights, threads, x, bias, y, moments); });     \
    }

KERNEL(convolution_float32, Float32, PARTS)
KERNEL(convolution_bfloat16, BFloat16, PARTS)
KERNEL(image_gradient_float32, Float32, GRADIENT_PARTS)
KERNEL(image_gradient_bfloat16, BFloat16, GRADIENT_PARTS)

#endif
