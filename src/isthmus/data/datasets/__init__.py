"""Data sets: uint8 images in memory."""
