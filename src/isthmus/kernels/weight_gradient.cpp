// The gradient of a convolution's kernel on tiles; see weight_gradient.h.

#include "weight_gradient.h"

#ifdef HAS_TILES

#include "operations.h"

// 0 if this process may use tiles.
extern "C" int tiles_ready() { return ask_for_tiles(); }

template <class T>
static void run(const Sizes &sizes, bool transposed, bool turned, int threads, const void *x_given,
                const void *dy_given, float *weight) {
    using Number = typename T::Number;
    const Number *x = (const Number *)x_given, *dy = (const Number *)dy_given;
    const summing::Shape shape(sizes, transposed, GRADIENT_PARTS<T>);
    Buffer<float> sums(shape.blocks * shape.size());
    const int working = std::min(threads, shape.blocks);
    const summing::Rooms rooms(shape, GRADIENT_PARTS<T>, working);
    parallel::over(shape.blocks, working, [&](auto next, int thread) {
        const Tiles ours;
        const summing::Own own = rooms.of(thread);
        for (int block; (block = next()) >= 0;)
            summing::over_groups(shape, block, sums, [&](long image, int count, bool fresh, float *into) {
                summing::add<T>(shape, own, x + image * sizes.of_x(), dy + image * sizes.of_y(), count, fresh, into);
            });
    });
    summing::reduce(shape, sums, turned, threads, weight);
}

// x (images, height, width, channels) and dy (images, rows, columns, filters) are contiguous. weight receives the
// gradient: float32 (filters, kernel, kernel, channels) or, if transposed, (channels, kernel, kernel, filters). turned:
// taps in reverse order.
#define KERNEL(NAME, TYPE)                                                                                             \
    OPERATION(weight_gradient_##NAME, (SIZES, const void *x, const void *dy, float *weight)) {                         \
        const Sizes sizes = SIZES_GIVEN;                                                                               \
        return guarded([&] { run<TYPE>(sizes, transposed, turned, threads, x, dy, weight); });                         \
    }

KERNEL(float32, Float32)
KERNEL(bfloat16, BFloat16)

#else

extern "C" int tiles_ready() { return -1; }

#endif
