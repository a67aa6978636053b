// Batch norm and leaky ReLU; see norm_leaky.h.

#include "norm_leaky.h"
#include "operations.h"

using namespace norming;

// channels: a multiple of 16. moments (2, channels): the sums of x and of its squares, or null. found (4, channels) is
// written by forward and read by backward. Returns 0, or 1 if there is not enough memory.
#define KERNELS(NAME, TYPE)                                                                                            \
    OPERATION(norm_leaky_##NAME, (long rows, int channels, int threads, float epsilon, float slope, long all_rows,     \
                                  long add, float momentum, const void *x, const float *weight, const float *bias, const double *moments,        \
                                  const float *offset, float *mean, float *variance, void *y, float *found)) {         \
        const Layer layer = {rows, channels, threads, epsilon, slope, all_rows, (Add)add};                             \
        const Running running = {momentum, offset, mean, variance};                                                    \
        return guarded([&] {                                                                                           \
            forward<TYPE>(layer, (const TYPE::Number *)x, weight, bias, moments, running, (TYPE::Number *)y,           \
                          rows_of(found, channels));                                                                   \
        });                                                                                                            \
    }                                                                                                                  \
    OPERATION(norm_leaky_backward_##NAME,                                                                              \
              (long rows, int channels, int threads, float epsilon, float slope, long all_rows, long add,              \
               const void *dy, const void *x, float *found, void *dx, float *dweight, float *dbias)) {                                                \
        const Layer layer = {rows, channels, threads, epsilon, slope, all_rows, (Add)add};                             \
        const TYPE::Number *from = (const TYPE::Number *)dy, *beside = (const TYPE::Number *)x;                        \
        return guarded([&] {                                                                                           \
            const Backward<TYPE> back(layer, from, beside, rows_of(found, channels), dweight, dbias);                  \
            over_blocks(layer, [&](int, long begin, long end) {                                                        \
                const long at = begin * channels;                                                                      \
                back.apply(end - begin, from + at, beside + at, (TYPE::Number *)dx + at);                              \
            });                                                                                                        \
        });                                                                                                            \
    }

KERNELS(float32, Float32)
KERNELS(bfloat16, BFloat16)
