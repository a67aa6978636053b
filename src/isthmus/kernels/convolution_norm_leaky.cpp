// The gradients of a convolution that batch norm and leaky ReLU follow, in bfloat16 on tiles.
//
// The gradient between convolution and norm is never in memory as a whole: a few images' is computed from what is on
// either side of it, and is used for the images' and the kernel's gradient while it is in the second cache; see
// records/2026-11-26-tile-convolution.md.

#include "convolution.h"
#include "norm_leaky.h"
#include "weight_gradient.h"

#ifdef HAS_TILES

// Sizes and steps are those of the convolution, x (images, height, width, channels) its input, between (images, rows,
// columns, filters) its output and dy, alike, the gradient of what norm and ReLU made of it: bfloat16. found as
// norm_leaky.h has it. dx like x, or null; dkernel (filters, kernel, kernel, channels), transposed (channels, kernel,
// kernel, filters), float32, or null; dweight, dbias (filters,). All of them are overwritten.
extern "C" void convolution_norm_leaky_backward(
    int images, int channels, int height, int width, int filters, int rows, int columns, int kernel, int stride,
    int before, int transposed, int turned, int threads, float epsilon, float slope, long channel_step,
    long filter_step, long row_step, long column_step, const uint16_t *x, const float *weight, const uint16_t *between,
    const uint16_t *dy, float *found, uint16_t *dx, float *dkernel, float *dweight, float *dbias) {
    const long inside = (long)height * width * channels, outside = (long)rows * columns * filters;
    const norming::Backward<norming::BFloat16> back(
        {images * (long)rows * columns, filters, threads, epsilon, slope}, dy, between,
        norming::rows_of(found, filters), dweight, dbias);
    if (!dx && !dkernel) return;
    const convolving::Shared shared({images, filters, rows, columns, channels, height, width, kernel, stride, before},
                                    !transposed, nullptr);
    const convolving::Weights weights = {weight, filter_step, channel_step, row_step, column_step, (bool)turned, kernel};
    // of a convolution the gradient of its output is the smaller picture, of a transposed one its input
    const summing::Shape shape =
        transposed ? summing::Shape(images, filters, channels, rows, columns, height, width, kernel, stride, before)
                   : summing::Shape(images, channels, filters, height, width, rows, columns, kernel, stride, before);
    Buffer<float> sums(dkernel ? shape.blocks * shape.size() : 0);
#pragma omp parallel num_threads(std::min(threads, shape.blocks))
    {
        if (dx) convolving::pack_weights(shared.plan, weights, shared.weights);
        const Tiles ours;
        const convolving::Own own(shared.plan);
        const summing::Own sum_own(shape);
        Buffer<uint16_t> here(2 * shape.group * outside);
#pragma omp for schedule(dynamic)
        for (int block = 0; block < shape.blocks; block++)
            summing::over_groups(shape, block, sums, [&](long image, int count, bool fresh, float *into) {
                back.apply((long)count * rows * columns, dy + image * outside, between + image * outside, here);
                const uint16_t *from = x + image * inside;
                const int group = shared.plan.group;
                for (int at = 0; dx && at < count; at += group)
                    convolving::convolve(shared, own, here + at * outside, std::min(group, count - at),
                                         dx + (image + at) * inside, nullptr);
                if (dkernel)
                    summing::add(shape, sum_own, transposed ? here : from, transposed ? from : here, count, fresh, into);
            });
        if (dkernel) summing::reduce(shape, sums, turned, dkernel);
    }
}

#endif
