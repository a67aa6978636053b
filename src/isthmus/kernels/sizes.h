// What a convolution makes of what.

#pragma once

struct Sizes {
    int images, channels, height, width;  // of x
    int filters, rows, columns;           // of y
    int kernel, stride, before;           // zeros above and to the left; where it is transposed, what is cropped there

    // Of the gradient of x, which is made of that of y.
    Sizes reversed() const { return {images, filters, rows, columns, channels, height, width, kernel, stride, before}; }
    // Numbers of an image.
    long of_x() const { return (long)height * width * channels; }
    long of_y() const { return (long)rows * columns * filters; }
};

// The arguments of an operation that tell it its sizes, and what becomes of them.
#define SIZES                                                                                                          \
    int images, int channels, int height, int width, int filters, int rows, int columns, int kernel, int stride,      \
        int before, int transposed, int turned, int threads
#define SIZES_GIVEN {images, channels, height, width, filters, rows, columns, kernel, stride, before}
