// The sizes of a convolution's input and output.

#pragma once

struct Sizes {
    int images, channels, height, width;  // of x
    int filters, rows, columns;           // of y
    int kernel, stride, before;           // zeros above and to the left; if transposed, what is cropped there

    // Sizes of the convolution that computes the gradient of x from that of y.
    Sizes reversed() const { return {images, filters, rows, columns, channels, height, width, kernel, stride, before}; }
    // Numbers in one image.
    long of_x() const { return (long)height * width * channels; }
    long of_y() const { return (long)rows * columns * filters; }
};

// The size arguments of an operation, and the `Sizes` built from them.
#define SIZES                                                                                                          \
    int images, int channels, int height, int width, int filters, int rows, int columns, int kernel, int stride,      \
        int before, int transposed, int turned, int threads
#define SIZES_GIVEN {images, channels, height, width, filters, rows, columns, kernel, stride, before}
