// The gradients of a convolution that is followed by batch norm and leaky ReLU, on tiles.
//
// The gradient between convolution and norm is never in memory as a whole. It is computed for a few images at a time,
// and used for the gradients of x and of the kernel while it is in the L2 cache; see
// records/2026-11-26-tile-convolution.md.

#include "convolution.h"
#include "norm_leaky.h"
#include "operations.h"
#include "parallel.h"
#include "weight_gradient.h"

#ifdef HAS_TILES

template <class T>
static void run(const Sizes &sizes, bool transposed, const convolving::Weights &weights, int threads, float epsilon,
                float slope, long all_rows, long add, const void *x_given, const void *between_given,
                const void *dy_given, float *found, void *dx_given, float *dkernel, float *dweight, float *dbias) {
    using Number = typename T::Number;
    constexpr int PARTS = GRADIENT_PARTS<T>;
    const Number *x = (const Number *)x_given, *between = (const Number *)between_given, *dy = (const Number *)dy_given;
    Number *dx = (Number *)dx_given;
    const long positions = (long)sizes.rows * sizes.columns, inside = sizes.of_x(), outside = sizes.of_y();
    const norming::Layer layer = {sizes.images * positions, sizes.filters, threads, epsilon, slope, all_rows,
                                  (norming::Add)add};
    const norming::Backward<T> back(layer, dy, between, norming::rows_of(found, sizes.filters), dweight, dbias);
    if (!dx && !dkernel) return;
    const convolving::Shared<T, PARTS> shared(sizes.reversed(), !transposed, nullptr);
    const summing::Shape shape(sizes, transposed, PARTS);
    Buffer<float> sums(dkernel ? shape.blocks * shape.size() : 0);
    const int working = std::min(threads, shape.blocks);
    const PerThread<uint16_t> packs(working, shared.room());
    const summing::Rooms rooms(shape, PARTS, working);
    const PerThread<Number> heres(working, 2 * shape.group * outside);
    if (dx) convolving::pack_weights<PARTS>(shared.plan, weights, threads, shared.weights);
    parallel::over(shape.blocks, working, [&](auto next, int thread) {
        const Tiles ours;
        uint16_t *packed = packs.of(thread);
        const summing::Own own = rooms.of(thread);
        Number *here = heres.of(thread);
        for (int block; (block = next()) >= 0;)
            summing::over_groups(shape, block, sums, [&](long image, int count, bool fresh, float *into) {
                back.apply(count * positions, dy + image * outside, between + image * outside, here);
                const int group = shared.plan.group;
                for (int at = 0; dx && at < count; at += group)
                    convolving::convolve(shared, packed, here + at * outside, std::min(group, count - at),
                                         dx + (image + at) * inside, nullptr);
                if (dkernel) summing::add<T>(shape, own, x + image * inside, here, count, fresh, into);
            });
    });
    if (dkernel) summing::reduce(shape, sums, weights.turned, threads, dkernel);
}

// Sizes and steps are the convolution's, x (images, height, width, channels) is its input, between (images, rows,
// columns, filters) its output; dy, of the same shape, is the gradient of the ReLU's output; found (4, filters) as in
// norm_leaky.h. Overwritten: dx like x, or null; dkernel, float32 (filters, kernel, kernel, channels) or, if
// transposed, (channels, kernel, kernel, filters), or null; dweight and dbias (filters,).
#define KERNEL(NAME, TYPE)                                                                                             \
    OPERATION(convolution_norm_leaky_backward_##NAME,                                                                  \
              (SIZES, float epsilon, float slope, long all_rows, long add, long channel_step, long filter_step,        \
               long row_step, long column_step, const void *x, const float *weight, const void *between,               \
               const void *dy, float *found, void *dx, float *dkernel, float *dweight, float *dbias)) {                \
        const Sizes sizes = SIZES_GIVEN;                                                                               \
        const convolving::Weights weights = {weight,      filter_step,  channel_step, row_step,                        \
                                             column_step, (bool)turned, kernel};                                       \
        return guarded([&] {                                                                                           \
            run<TYPE>(sizes, transposed, weights, threads, epsilon, slope, all_rows, add, x, between, dy, found, dx,   \
                      dkernel, dweight, dbias);                                                                        \
        });                                                                                                            \
    }

KERNEL(float32, Float32)
KERNEL(bfloat16, BFloat16)

#endif
