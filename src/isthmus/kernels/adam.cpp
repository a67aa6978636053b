// A step of Adam, or with `decoupled` of AdamW, for many parameters at once.
//
// PyTorch's fused step asks for threads once a parameter, of which a small network has forty, and prepares each in
// Python; see records/2026-11-26-tile-convolution.md.

#include <cmath>
#include <vector>

#include "buffers.h"
#include "parallel.h"

namespace {

constexpr long PIECE = 1 << 13;  // numbers that a thread takes at a time

struct Adam {
    float rate, beta1, beta2, epsilon, decay;
    bool decoupled;
};

struct Piece {
    int of;
    long begin, end;
};

void update(const Adam &adam, double step, long count, float *parameter, const float *gradient, float *mean,
            float *square) {
    const float size = (float)(adam.rate / (1 - std::pow((double)adam.beta1, step)));
    const float root = (float)std::sqrt(1 - std::pow((double)adam.beta2, step));
    const float keep = adam.decoupled ? 1 - adam.rate * adam.decay : 1, pull = adam.decoupled ? 0 : adam.decay;
    const float beta1 = adam.beta1, beta2 = adam.beta2, epsilon = adam.epsilon;
#pragma omp simd
    for (long i = 0; i < count; i++) {
        const float g = gradient[i] + pull * parameter[i];
        const float m = mean[i] + (1 - beta1) * (g - mean[i]);
        const float s = beta2 * square[i] + (1 - beta2) * g * g;
        mean[i] = m;
        square[i] = s;
        parameter[i] = keep * parameter[i] - size * m / (std::sqrt(s) / root + epsilon);
    }
}

}  // namespace

// Of `tensors` parameters: sizes, parameters, gradients, both moments, and numbers of steps, which are counted here.
// 1, and nothing is done, where the memory does not suffice; else 0.
extern "C" int adam(int tensors, int threads, int decoupled, float rate, float beta1, float beta2, float epsilon,
                    float decay, const long *sizes, float *const *parameters, const float *const *gradients,
                    float *const *means, float *const *squares, float *const *steps) {
    const Adam how = {rate, beta1, beta2, epsilon, decay, (bool)decoupled};
    std::vector<Piece> pieces;
    const int failed = guarded([&] {
        long count = 0;
        for (int i = 0; i < tensors; i++) count += (sizes[i] + PIECE - 1) / PIECE;
        pieces.reserve(count);
        for (int i = 0; i < tensors; i++)
            for (long begin = 0; begin < sizes[i]; begin += PIECE)
                pieces.push_back({i, begin, sizes[i] < begin + PIECE ? sizes[i] : begin + PIECE});
    });
    if (failed) return failed;
    return guarded([&] {
        parallel::each((int)pieces.size(), threads, [&](int at) {
            const auto [i, begin, end] = pieces[at];
            update(how, *steps[i] + 1, end - begin, parameters[i] + begin, gradients[i] + begin, means[i] + begin,
                   squares[i] + begin);
        });
        for (int i = 0; i < tensors; i++) *steps[i] += 1;
    });
}
