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
static void run(const summing::Shape &shape, bool turned, int threads, const void *large, const void *small,
                float *weight) {
    using Number = typename T::Number;
    const long outside = (long)shape.height * shape.width * shape.large;
    const long inside = (long)shape.rows * shape.columns * shape.small;
    Buffer<float> sums(shape.blocks * shape.size());
#pragma omp parallel num_threads(std::min(threads, shape.blocks))
    {
        const Tiles ours;
        const summing::Own own(shape, GRADIENT_PARTS<T>);
#pragma omp for schedule(dynamic)
        for (int block = 0; block < shape.blocks; block++)
            summing::over_groups(shape, block, sums, [&](long image, int count, bool fresh, float *into) {
                summing::add<T>(shape, own, (const Number *)large + image * outside,
                                (const Number *)small + image * inside, count, fresh, into);
            });
        summing::reduce(shape, sums, turned, weight);
    }
}

// large (images, height, width, large channels), small (images, rows, columns, small channels), as they lie in memory.
// weight (small channels, kernel, kernel, large channels): float32, is overwritten; turned: taps in reverse.
#define KERNEL(NAME, TYPE)                                                                                             \
    extern "C" void weight_gradient_##NAME(int images, int large_channels, int small_channels, int height, int width,  \
                                           int rows, int columns, int kernel, int stride, int before, int turned,      \
                                           int threads, const void *large, const void *small, float *weight) {         \
        run<TYPE>({images, large_channels, small_channels, height, width, rows, columns, kernel, stride, before,       \
                   GRADIENT_PARTS<TYPE>},                                                                                       \
                  turned, threads, large, small, weight);                                                              \
    }

KERNEL(float32, Float32)
KERNEL(bfloat16, BFloat16)

#else

extern "C" int weight_gradient_ready() { return -1; }

#endif
