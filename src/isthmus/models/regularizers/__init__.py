"""Regularizers, one per file: further loss terms beside the distortion and the bottleneck's penalties."""
