"""Our own kernels for training on the CPU, compiled on the user's machine if it has a C++ compiler."""
