// The transforms ("turns") of Winograd's minimal filtering F(4, 3), along one side of a tile:
//
//     turn_output(turn_kernel(w) * turn_input(x))[i] = w[0] x[i] + w[1] x[i + 1] + w[2] x[i + 2]    for i < 4
//
// The product is elementwise and takes 6 multiplications instead of 12; A. Lavin and S. Gray, Fast Algorithms for
// Convolutional Neural Networks, CVPR 2016, arXiv:1509.09308.
//
// `turn_gradient` is the adjoint of `turn_output`, and `turn_sum` that of `turn_kernel`.
//
// All follow from the points at which polynomials are evaluated: 0, plus and minus the roots of 1/2 and 2, and
// infinity. The paper's points 0, 1, -1, 2, -2 lose more digits.

#pragma once

#include "vectors.h"

constexpr int OUT = 4, SIDE = OUT + 2, POINTS = SIDE * SIDE;  // of a tile: output side, turned side, turned numbers
constexpr float HALF = 0.70710678118654752f, TWO = 1.4142135623730950f;  // the roots of 1/2 and 2

// out[1 .. 4]: the values at plus and minus each root, from the sums of even and of odd powers.
INLINE void at_roots(Floats even, Floats odd, Floats even2, Floats odd2, Floats *out) {
    out[1] = even + odd, out[2] = even - odd;
    out[3] = even2 + odd2, out[4] = even2 - odd2;
}

INLINE void turn_input(const Floats *x, Floats *out) {
    out[0] = x[0] - 2.5f * x[2] + x[4];
    at_roots(x[4] - 2 * x[2], HALF * (x[3] - 2 * x[1]), x[4] - .5f * x[2], TWO * (x[3] - .5f * x[1]), out);
    out[5] = x[1] - 2.5f * x[3] + x[5];
}

INLINE void turn_kernel(const Floats *w, Floats *out) {
    out[0] = w[0];
    at_roots((-1.f / 3) * (2 * w[0] + w[2]), (-2 * HALF / 3) * w[1], (1.f / 6) * (w[0] + 2 * w[2]), (TWO / 6) * w[1],
             out);
    out[5] = w[2];
}

INLINE void turn_output(const Floats *in, Floats *y) {
    const Floats even = in[1] + in[2], odd = in[1] - in[2], even2 = in[3] + in[4], odd2 = in[3] - in[4];
    y[0] = in[0] + even + even2;
    y[1] = HALF * odd + TWO * odd2;
    y[2] = .5f * even + 2 * even2;
    y[3] = .5f * HALF * odd + 2 * TWO * odd2 + in[5];
}

INLINE void turn_gradient(const Floats *dy, Floats *out) {
    out[0] = dy[0];
    at_roots(dy[0] + .5f * dy[2], HALF * (dy[1] + .5f * dy[3]), dy[0] + 2 * dy[2], TWO * (dy[1] + 2 * dy[3]), out);
    out[5] = dy[3];
}

INLINE void turn_sum(const Floats *in, Floats *dw) {
    const Floats even = in[1] + in[2], odd = in[1] - in[2], even2 = in[3] + in[4], odd2 = in[3] - in[4];
    dw[0] = in[0] - (2.f / 3) * even + (1.f / 6) * even2;
    dw[1] = (-2 * HALF / 3) * odd + (TWO / 6) * odd2;
    dw[2] = (1.f / 3) * (even2 - even) + in[5];
}
