"""The directions in which images vary most: exact, from one of two matrices, or by Krylov subspaces.

Images are read block by block. Each route returns the sum over squares along each direction that it knows, descending,
in levels, and the leading `components` directions as rows, orthonormal.
"""

from __future__ import annotations

import math

import numpy as np
import torch

from isthmus.core.pixels import Pixels, Rows, blocks, levels
from isthmus.core.streams import sealed
from isthmus.evaluation.evenly import evenly
from isthmus.models.processes import working

# Products of 8-bit values less 128 are at most 2^14, so float32 adds up 2^10 of them without any rounding:
# `BLOCK` rows at the speed of float32, and the sum over blocks in float64 is exact as well. Of 16 bits, float64 adds.
BLOCK = 1024
_BLOCK_VALUES = 1 << 24  # of large images, fewer at a time: 64 MB in float32
_COLUMNS = 8192
# Eigenvectors of a matrix this size take half a minute on two CPU cores; time grows with the cube.
LARGEST_EXACT = 6144
# A direction with less than this share of the first one's variance is rounding error, not data.
_NOISE = 1e-12
# Krylov route, see records/2026-11-29-large-pca-method.md: two passes do not always come within 0.1 % of the exact
# error (0.25 % in records/2026-11-29-large-pca.md), three do.
_PASSES = 3
_SAMPLED = 4096  # images whose exact directions it starts from
_EXTRA_DIRECTIONS = 32  # beside a quarter more than asked for
_APPROXIMATE_NOISE = 1e-7  # the share of the first variance below which float32 products hold rounding error alone


def row_blocks(images: Pixels) -> list[slice]:
    """Slices of at most `BLOCK` images, fewer of large ones."""
    return list(blocks(images, max(1, min(BLOCK, _BLOCK_VALUES // math.prod(images.shape[1:])))))


def is_exact(images: Pixels) -> bool:
    """Whether the directions of these images are computed exactly."""
    return min(len(images), math.prod(images.shape[1:])) <= LARGEST_EXACT


def principal_directions(images: Pixels, mean: np.ndarray, components: int) -> tuple[np.ndarray, np.ndarray, bool]:
    """images (N, C, H, W) with their mean (D,) -> spread (K,), directions (K, D), and whether these are all.

    K is `components`, or fewer where the images vary in fewer directions.
    """
    count, values = len(images), math.prod(images.shape[1:])
    noise = _NOISE
    if not is_exact(images):
        spread, directions, noise = *by_krylov(images, mean, components), _APPROXIMATE_NOISE
    elif values <= count:
        spread, directions = by_covariance(images, components)
    else:
        spread, directions = by_gram(images, components)
    varied = int((spread > noise * spread[0]).sum())
    kept = min(components, varied)
    return spread[:kept], directions[:kept], kept == varied


def by_covariance(images: Pixels, components: int) -> tuple[np.ndarray, np.ndarray]:
    """Eigenvectors of the pixels' (D, D) covariance."""
    count, values = len(images), math.prod(images.shape[1:])
    total, products = np.zeros(values), np.zeros((values, values))
    for rows in working().own(row_blocks(images)):
        block = _exact(images[rows])
        total += block.sum(axis=0, dtype=np.float64)
        products += block.T @ block
    total, products = (working().added(torch.from_numpy(part)).numpy() for part in (total, products))
    spread, vectors = np.linalg.eigh(products - np.outer(total, total / count))
    return spread[::-1], vectors[:, ::-1][:, :components].T


def by_gram(images: Pixels, components: int) -> tuple[np.ndarray, np.ndarray]:
    """Eigenvectors of the images' (N, N) products."""
    products = _products(images)
    means = products.mean(axis=0)
    spread, vectors = np.linalg.eigh(products - means - means[:, None] + means.mean())
    leading = vectors[:, ::-1][:, :components]
    leading = leading - leading.mean(axis=0)  # so that the images need no centring below
    directions = np.zeros((leading.shape[1], math.prod(images.shape[1:])))
    for rows in blocks(images, BLOCK):  # in float64, and so a part of large images at a time
        block = _flat(images[rows])
        for start in range(0, block.shape[1], _COLUMNS):
            columns = slice(start, start + _COLUMNS)
            directions[:, columns] += leading[rows].T @ block[:, columns]
    lengths = np.linalg.norm(directions, axis=1, keepdims=True)
    directions /= np.where(lengths > 0, lengths, 1)
    return spread[::-1], directions


def by_krylov(images: Pixels, mean: np.ndarray, components: int) -> tuple[np.ndarray, np.ndarray]:
    """A Krylov subspace in three passes over the images, and Nystroem's approximation of the covariance C on it.

    Q0: the exact directions of some images. Q1: what C Q0 adds to Q0. Q2: what C Q1 adds to both. Then C is nearly
    Y (Q^T Y)^-1 Y^T with Q = [Q0 Q1 Q2] and Y = C Q, whose columns lie in the space that a fourth pass would reach.
    Sources: Musco and Musco 2015, arXiv:1504.05477, algorithm 2; Tropp, Yurtsever, Udell and Cevher 2017,
    arXiv:1706.05736, algorithm 3, for the shift that keeps the inverse stable.
    """
    values = math.prod(images.shape[1:])
    width = min(components + components // 4 + _EXTRA_DIRECTIONS, values, len(images))
    mean = mean.astype(np.float32)
    basis = newest = _start(images, width)
    grown = last = _times_covariance(images, mean, newest)
    for _ in range(_PASSES - 1):
        newest = _new_directions(last, basis)
        last = _times_covariance(images, mean, newest)
        basis, grown = np.hstack((basis, newest)), np.hstack((grown, last))
    shift = float(np.finfo(np.float32).eps * np.linalg.norm(grown)) or 1.0  # 1 where all images are equal
    grown += np.float32(shift) * basis
    inner = _inner(basis, grown)
    root = np.linalg.cholesky((inner + inner.T) / 2)
    half = (grown @ np.linalg.inv(root).T.astype(np.float32)).astype(np.float32)
    spread, vectors = np.linalg.eigh(_inner(half, half))
    spread, vectors = spread[::-1], vectors[:, ::-1]
    kept = vectors[:, :components] / np.sqrt(np.maximum(spread[:components], np.finfo(np.float64).tiny))
    # of what is left of a shift alone, the digits are rounding errors
    spread = np.where(spread > (1 + 1e-5) * shift, spread - shift, 0)
    return spread, (half @ kept.astype(np.float32)).T


def _start(images: Pixels, width: int) -> np.ndarray:
    """(D, `width`) float32: orthonormal directions of a sample of the images, with random ones where it has fewer."""
    sample = Rows(images, evenly(len(images), _SAMPLED))
    spread, directions = by_gram(sample, width)
    known = directions[spread[: len(directions)] > _APPROXIMATE_NOISE * spread[0]].astype(np.float32).T
    random = np.random.default_rng(sealed("pca")).standard_normal((len(known), width - known.shape[1]), np.float32)
    return np.linalg.qr(np.hstack([known, random])).Q


def _new_directions(grown: np.ndarray, known: np.ndarray) -> np.ndarray:
    """Orthonormal directions (D, <= W) in `grown` (D, W) beside those of `known`, without those of rounding error."""
    scale = np.linalg.norm(grown)
    for _ in range(2):  # once more, because the first time leaves rounding errors
        grown = grown - known @ (known.T @ grown)
    left, sizes = np.linalg.qr(grown)
    turned, sizes, _ = np.linalg.svd(sizes)
    return left @ turned[:, sizes > 1e-6 * scale]


def _times_covariance(images: Pixels, mean: np.ndarray, basis: np.ndarray) -> np.ndarray:
    """The images' covariance, times N, times basis (D, W): (D, W) float32."""
    # PyTorch adds a product to a matrix in place, numpy makes another one of that size first
    total, given = torch.zeros(basis.shape), torch.from_numpy(basis)
    for rows in working().own(row_blocks(images)):
        block = _flat(images[rows]).astype(np.float32)
        block -= mean
        held = torch.from_numpy(block)
        total.addmm_(held.T, held @ given)
    return working().added(total).numpy()


def _inner(one: np.ndarray, other: np.ndarray) -> np.ndarray:
    """one^T other of (D, V) and (D, W) float32, added up in float64."""
    total = np.zeros((one.shape[1], other.shape[1]))
    for start in range(0, len(one), BLOCK):
        total += one[start : start + BLOCK].T @ other[start : start + BLOCK]
    return total


def _products(images: Pixels) -> np.ndarray:
    """(N, N): inner products of images less their middle grey, exact."""
    rows = row_blocks(images)
    products = np.zeros((len(images), len(images)))
    for place, one in enumerate(rows):
        ours = _exact(images[one])
        for other in rows[place:]:
            theirs = ours if other == one else _exact(images[other])
            part = np.zeros((len(ours), len(theirs)))
            for start in range(0, ours.shape[1], BLOCK):
                part += ours[:, start : start + BLOCK] @ theirs[:, start : start + BLOCK].T
            products[one, other] = part
            products[other, one] = part.T
    return products


def mean_of(images: Pixels) -> np.ndarray:
    """(D,) float64, in levels."""
    total = np.zeros(math.prod(images.shape[1:]))
    for rows in working().own(row_blocks(images)):
        total += _flat(images[rows]).sum(axis=0, dtype=np.float64)  # whole numbers: exact
    return working().added(torch.from_numpy(total)).numpy() / len(images)


def _flat(images: np.ndarray) -> np.ndarray:
    return images.reshape(len(images), -1)


def _exact(images: np.ndarray) -> np.ndarray:
    """(B, D) less the middle grey, in the numbers that add up the products of a block exactly."""
    wide = np.float32 if images.dtype == np.uint8 else np.float64
    return _flat(images).astype(wide) - (levels(images.dtype) // 2 + 1)
