// The gradient of a convolution's kernel in bfloat16 on tiles; see weight_gradient.h.

#include "weight_gradient.h"

#ifdef HAS_TILES

#include <sys/syscall.h>
#include <unistd.h>

// Asks the system for the tiles; 0 where this process may use them.
extern "C" int weight_gradient_ready() {
    constexpr int REQUEST_PERMISSION = 0x1023, TILE_DATA = 18;
    return (int)syscall(SYS_arch_prctl, REQUEST_PERMISSION, TILE_DATA);
}

// large (images, height, width, large channels), small (images, rows, columns, small channels): bfloat16, as they lie
// in memory. weight (small channels, kernel, kernel, large channels): float32, is overwritten; turned: taps in reverse.
extern "C" void weight_gradient(int images, int large_channels, int small_channels, int height, int width, int rows,
                                int columns, int kernel, int stride, int before, int turned, int threads,
                                const uint16_t *large, const uint16_t *small, float *weight) {
    using namespace summing;
    const Shape shape(images, large_channels, small_channels, height, width, rows, columns, kernel, stride, before);
    Buffer<float> sums(shape.blocks * shape.size());
#pragma omp parallel num_threads(std::min(threads, shape.blocks))
    {
        const Tiles ours;
        const Own own(shape);
#pragma omp for schedule(dynamic)
        for (int block = 0; block < shape.blocks; block++)
            over_groups(shape, block, sums, [&](long image, int count, bool fresh, float *into) {
                add(shape, own, large + image * height * width * large_channels,
                    small + image * rows * columns * small_channels, count, fresh, into);
            });
        reduce(shape, sums, turned, weight);
    }
}

#else

extern "C" int weight_gradient_ready() { return -1; }

#endif
