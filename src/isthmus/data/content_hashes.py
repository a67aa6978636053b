"""Identifies images by their content: a digest of each, and one hash for whole sets.

(N, C, H, W) -> (N, 16) -> "sha256:..."
"""

from __future__ import annotations

import hashlib

import numpy as np

from isthmus.core.pixels import blocks
from isthmus.core.values import ImageSet


def hashes_of(images: ImageSet) -> np.ndarray:
    """(N, 16) uint8: the content hashes that came with the images, else of their pixels."""
    if images.hashes is not None:
        return images.hashes
    parts = [content_hashes(images.images[block]) for block in blocks(images.images)]
    return np.concatenate(parts) if parts else np.empty((0, 16), np.uint8)


def content_hashes(images: np.ndarray) -> np.ndarray:
    """(N, C, H, W) uint8 or uint16 -> (N, 16) uint8: a BLAKE2b digest of each image's shape and pixels."""
    # explicitly little-endian, so that every machine computes the same
    return digests(images.astype(images.dtype.newbyteorder("<"), copy=False), f"image {images.shape[1:]}")


def digests(rows: np.ndarray, label: str) -> np.ndarray:
    """(N, ...) -> (N, 16) uint8; different `label`s give different digests of the same row."""
    start = hashlib.blake2b(label.encode() + b"\n", digest_size=16)
    found = bytearray()
    for row in np.ascontiguousarray(rows):
        digest = start.copy()
        digest.update(row)
        found += digest.digest()
    return np.frombuffer(found, dtype=np.uint8).reshape(-1, 16)


def data_hash(*hashes: np.ndarray) -> str:
    """One hash for several sets of images, from the content hashes (N, 16) of each in order: `sha256:...`."""
    whole = hashlib.sha256()
    for part in hashes:
        whole.update(f"{len(part)} images\n".encode())
        whole.update(part.tobytes())
    return f"sha256:{whole.hexdigest()}"


def as_keys(hashes: np.ndarray) -> np.ndarray:
    """(N, 16) uint8 -> (N,): one value that can be compared and sorted for each digest."""
    return np.ascontiguousarray(hashes).view(np.dtype((np.void, 16)))[:, 0]
