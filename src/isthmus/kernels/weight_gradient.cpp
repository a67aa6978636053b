// The gradient of a convolution's kernel on tiles; see weight_gradient.h.

#include "weight_gradient.h"

#ifdef HAS_TILES

#include <sys/syscall.h>
#include <unistd.h>

// Asks the system for the tiles; 0 where this process may use them.
extern "C" int weight_gradient_ready() {
    constexpr int REQUEST_PERMISSION = 0x1023, TILE_DATA = 18;
    return (int)syscall(SYS_arch_prctl, REQUEST_PERMISSION, TILE_DATA);
}

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

// x (images, height, width, channels), dy (images, rows, columns, filters), as they lie in memory. weight (filters,
// kernel, kernel, channels), transposed (channels, kernel, kernel, filters): float32, is overwritten; turned: taps in
// reverse.
#define KERNEL(NAME, TYPE)                                                                                             \
    extern "C" int weight_gradient_##NAME(int images, int channels, int height, int width, int filters, int rows,      \
                                          int columns, int kernel, int stride, int before, int transposed, int turned, \
                                          int threads, const void *x, const void *dy, float *weight) {                 \
        const Sizes sizes = {images, channels, height, width, filters, rows, columns, kernel, stride, before};         \
        return guarded([&] { run<TYPE>(sizes, transposed, turned, threads, x, dy, weight); });                         \
    }

KERNEL(float32, Float32)
KERNEL(bfloat16, BFloat16)

#else

extern "C" int weight_gradient_ready() { return -1; }

#endif
