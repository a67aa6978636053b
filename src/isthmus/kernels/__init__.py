"""Kernels of our own for training on the CPU, compiled on the user's machine where it has a C++ compiler."""
