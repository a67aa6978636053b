"""Architectures: an encoder and its decoder."""
