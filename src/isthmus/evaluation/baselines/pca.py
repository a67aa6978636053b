"""Principal components: the best linear autoencoder of a latent size, and the baseline for every other.

images -> centred pixels -> directions -> z (N, K) -> directions^T -> output
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from safetensors import SafetensorError
from safetensors.numpy import load as from_bytes
from safetensors.numpy import save as to_bytes

from isthmus.core.atomic_files import write_bytes
from isthmus.core.bounded_reading import read_bytes
from isthmus.core.errors import InputError
from isthmus.core.streams import sealed
from isthmus.evaluation.measures.mse import Mse
from isthmus.evaluation.measures.psnr import Psnr
from isthmus.evaluation.statistics.psnr_of_mse import psnr_of_mean_mse
from isthmus.run_files.evaluation import PcaPoint

# Products of 8-bit values less 128 are at most 2^14, so float32 adds up 2^10 of them without any rounding:
# `_BLOCK` rows at the speed of float32, and the sum over blocks in float64 is exact as well.
_BLOCK = 1024
# Eigenvectors of a matrix this size take half a minute on two CPU cores; time grows with the cube.
_LARGEST_EXACT = 6144
# A direction with less than this share of the first one's variance is rounding error, not data.
_NOISE = 1e-12
# Randomised route: on 8,068 CIFAR-10 images this raises the error at 64 and 512 components by less than 0.01 %
# over the exact route (0.0004 dB); 32 extra directions alone leave 0.3 % at 512.
_EXTRA_DIRECTIONS = 32
_PASSES = 6
_KEPT = 512


@dataclass(frozen=True)
class PrincipalComponents:
    """The directions in which training images vary most; pixels in [0, 1], D = 3 H W in (3, H, W) order.

    mean: (D,) float32. directions: (K, D) float32, orthonormal rows, most variance first, the entry of
    largest magnitude positive. variances: (K,) float32, of the training images along each direction.
    complete: whether these are all directions in which the training images vary, so that
    more components could not lower the error.
    """

    mean: np.ndarray
    directions: np.ndarray
    variances: np.ndarray
    complete: bool

    def encode(self, images: np.ndarray, components: int | None = None) -> np.ndarray:
        """images (N, 3, H, W) uint8 -> z (N, K) float32; K is `held(components)`, or all fitted if None."""
        directions = self.directions if components is None else self.directions[: self.held(components)]
        z = np.empty((len(images), len(directions)), np.float32)
        for batch in _batches(images):
            z[batch] = (_unit(images[batch]) - self.mean) @ directions.T
        return z

    def decode(self, z: np.ndarray, image_shape: tuple[int, ...]) -> np.ndarray:
        """z (N, K) float32 -> (N, *image_shape) uint8, clamped and rounded as the evaluator requires."""
        output = np.empty((len(z), *image_shape), np.uint8)
        for batch in _batches(z):
            pixels = self.mean + z[batch] @ self.directions[: z.shape[1]]
            output[batch] = _bytes(pixels).reshape(-1, *image_shape)
        return output

    def reconstruct(self, images: np.ndarray, components: int) -> np.ndarray:
        """images (N, 3, H, W) uint8 -> (N, 3, H, W) uint8, clamped and rounded as the evaluator requires.

        If `components` exceeds the directions in which the training images vary, all directions are used.
        Raises: ValueError for more components than were fitted, unless `complete`.
        """
        return self.decode(self.encode(images, components), images.shape[1:])

    def unrounded_mse(self, images: np.ndarray, components: int) -> np.ndarray:
        """images (N, 3, H, W) uint8 -> (N,) float64, the error (0-1) without clamping or rounding."""
        error = np.empty(len(images))
        for batch in _batches(images):
            residual = self._project(images[batch], components) - _unit(images[batch])
            error[batch] = np.square(residual).mean(axis=1, dtype=np.float64)
        return error

    def save(self, path: Path) -> None:
        """Write as safetensors with a checksum, to a temporary file that is then renamed, so never in part."""
        tensors = {"mean": self.mean, "directions": self.directions, "variances": self.variances}
        tensors["complete"] = np.array([self.complete])
        # safetensors writes the memory of a transposed array as if it were not transposed.
        tensors = {name: np.ascontiguousarray(tensor) for name, tensor in tensors.items()}
        tensors["sha256"] = _checksum(tensors)
        write_bytes(path, to_bytes(tensors))

    @staticmethod
    def load(path: Path) -> PrincipalComponents:
        """Read what `save` wrote. Raises: OSError, or InputError if the file is damaged."""
        try:
            tensors = from_bytes(read_bytes(path))
            checksum = tensors.pop("sha256")
            if not np.array_equal(checksum, _checksum(tensors)):
                raise ValueError("its checksum does not fit")
            complete = bool(tensors.pop("complete")[0])
            return PrincipalComponents(**tensors, complete=complete)
        except (SafetensorError, ValueError, KeyError, TypeError) as error:
            raise InputError(f"{path} is damaged ({error}); delete it and fit again") from error

    def held(self, components: int) -> int:
        """How many directions are used for `components`: fewer if the training images vary in fewer.

        Raises: ValueError for more components than were fitted, unless `complete`.
        """
        if components > len(self.directions) and not self.complete:
            raise ValueError(f"{components} components asked for, {len(self.directions)} were fitted")
        return min(components, len(self.directions))

    def _project(self, images: np.ndarray, components: int) -> np.ndarray:
        directions = self.directions[: self.held(components)]
        return self.mean + (_unit(images) - self.mean) @ directions.T @ directions


def fit(images: np.ndarray, components: int) -> PrincipalComponents:
    """The leading principal components of training images (N, 3, H, W) uint8.

    Exact if the smaller of two matrices, the covariance of the pixels and the images' inner products, is at most
    6,144 wide; otherwise randomised subspace iteration with a fixed seed. Directions along which the images do
    not vary are left out, so there are at most min(N - 1, D).

    Raises: ValueError for images that are not (N, 3, H, W) uint8, or for less than 1 component.
    """
    if images.dtype != np.uint8 or images.ndim != 4 or images.shape[1] != 3 or len(images) == 0:
        raise ValueError(f"PCA needs (N, 3, H, W) uint8, not {images.shape} {images.dtype}")
    if components < 1:
        raise ValueError(f"PCA needs at least 1 component, not {components}")
    rows = images.reshape(len(images), -1)
    count, values = rows.shape
    if min(count, values) > _LARGEST_EXACT:
        spread, directions = _by_subspace(rows, components)
    elif values <= count:
        spread, directions = _by_covariance(rows, components)
    else:
        spread, directions = _by_gram(rows, components)
    varied = int((spread > _NOISE * spread[0]).sum())
    kept = min(components, varied)
    directions, largest = directions[:kept], np.abs(directions[:kept]).argmax(axis=1, keepdims=True)
    directions = directions * np.sign(np.take_along_axis(directions, largest, axis=1))
    return PrincipalComponents(
        mean=(rows.mean(axis=0, dtype=np.float64) / 255).astype(np.float32),
        directions=directions.astype(np.float32),
        variances=(spread[:kept] / 255**2 / max(count - 1, 1)).astype(np.float32),
        complete=kept == varied,
    )


def fit_for(latent_size: int, images: np.ndarray, key: str, folder: Path) -> PrincipalComponents:
    """`fit_cached` with enough components for a latent, and more, so that one fit serves most latents of a study."""
    return fit_cached(images, max(latent_size, _KEPT), key, folder)


def fit_cached(images: np.ndarray, components: int, key: str, folder: Path) -> PrincipalComponents:
    """`fit`, kept in `folder` under `key`, the hash of the training images.

    The result may hold more components than asked for. If the cache is damaged, from other images or too small,
    PCA is fitted again. A folder that cannot be written is not an error: the next caller fits again.
    """
    path = folder / f"pca-{re.sub(r'[^A-Za-z0-9-]+', '-', key)}.safetensors"
    try:
        cached = PrincipalComponents.load(path)
        if len(cached.mean) == images[0].size and (len(cached.directions) >= components or cached.complete):
            return cached
    except (OSError, InputError):
        pass  # missing or damaged: fitted and written below
    fitted = fit(images, components)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        fitted.save(path)
    except (OSError, InputError):
        pass  # read-only or full: the cache only saves time
    return fitted


def curve(pcs: PrincipalComponents, images: np.ndarray, ks: Iterable[int]) -> tuple[PcaPoint, ...]:
    """How quality grows with the number of components: one point for each k of `ks`, ascending, on 8-bit output.

    Each k adds to the output of the k before, so the whole curve costs about one reconstruction at the largest k.
    """
    ks = sorted(set(ks))
    stops = [pcs.held(k) for k in ks]
    mse, psnr, sums = Mse(), Psnr(), np.zeros((len(ks), 2))
    for batch in _batches(images):
        original = torch.from_numpy(np.ascontiguousarray(images[batch]))
        centred = _unit(images[batch]) - pcs.mean
        output, start = np.tile(pcs.mean, (len(centred), 1)), 0
        for row, stop in enumerate(stops):
            added = pcs.directions[start:stop]
            output += centred @ added.T @ added
            rounded = torch.from_numpy(_bytes(output).reshape(original.shape))
            sums[row] += mse(rounded, original).sum().item(), psnr(rounded, original).sum().item()
            start = stop
    means = (sums / len(images)).tolist()
    return tuple(
        PcaPoint(components=k, mse=m, psnr=p, psnr_of_mean_mse=psnr_of_mean_mse(m, images[0].size))
        for k, (m, p) in zip(ks, means, strict=True)
    )


def _by_covariance(rows: np.ndarray, components: int) -> tuple[np.ndarray, np.ndarray]:
    """Eigenvectors of the pixels' (D, D) covariance: rows (N, D) uint8 -> spread (D,), directions (K, D)."""
    count, values = rows.shape
    total, products = np.zeros(values), np.zeros((values, values))
    for start in range(0, count, _BLOCK):
        block = rows[start : start + _BLOCK].astype(np.float32) - 128
        total += block.sum(axis=0, dtype=np.float64)
        products += block.T @ block
    spread, vectors = np.linalg.eigh(products - np.outer(total, total / count))
    return spread[::-1], vectors[:, ::-1][:, :components].T


def _by_gram(rows: np.ndarray, components: int) -> tuple[np.ndarray, np.ndarray]:
    """Eigenvectors of the images' (N, N) products: rows (N, D) uint8 -> spread (N,), directions (K, D)."""
    count, values = rows.shape
    products = np.zeros((count, count))
    for start in range(0, values, _BLOCK):
        block = rows[:, start : start + _BLOCK].astype(np.float32) - 128
        products += block @ block.T
    means = products.mean(axis=0)
    spread, vectors = np.linalg.eigh(products - means - means[:, None] + means.mean())
    leading = vectors[:, ::-1][:, :components]
    leading = leading - leading.mean(axis=0)  # so that the images need no centring below
    directions = np.zeros((leading.shape[1], values))
    for start in range(0, count, _BLOCK):
        directions += leading[start : start + _BLOCK].T @ rows[start : start + _BLOCK]
    lengths = np.linalg.norm(directions, axis=1, keepdims=True)
    return spread[::-1], directions / np.where(lengths > 0, lengths, 1)


def _by_subspace(rows: np.ndarray, components: int) -> tuple[np.ndarray, np.ndarray]:
    """Randomised subspace iteration: rows (N, D) uint8 -> spread (L,), directions (K, D), both approximate.

    Source: Halko, Martinsson and Tropp 2011, arXiv:0909.4061, algorithm 4.4, on the covariance and streaming.
    """
    width = min(components + components // 4 + _EXTRA_DIRECTIONS, *rows.shape)
    basis = np.random.default_rng(sealed("pca")).standard_normal((rows.shape[1], width), dtype=np.float32)
    mean = rows.mean(axis=0, dtype=np.float64).astype(np.float32)
    for _ in range(_PASSES):
        grown = np.zeros(basis.shape)
        for start in range(0, len(rows), _BLOCK):
            block = rows[start : start + _BLOCK] - mean
            grown += block.T @ (block @ basis)
        basis = np.linalg.qr(grown).Q.astype(np.float32)
    products = np.zeros((width, width))
    for start in range(0, len(rows), _BLOCK):
        coordinates = (rows[start : start + _BLOCK] - mean) @ basis
        products += coordinates.T @ coordinates
    spread, vectors = np.linalg.eigh(products)
    return spread[::-1], (basis @ vectors[:, ::-1][:, :components]).T


def _batches(images: np.ndarray) -> Iterator[slice]:
    return (slice(start, start + _BLOCK) for start in range(0, len(images), _BLOCK))


def _unit(images: np.ndarray) -> np.ndarray:
    """(B, 3, H, W) uint8 -> (B, D) float32 in [0, 1]"""
    return images.reshape(len(images), -1).astype(np.float32) / 255


def _bytes(pixels: np.ndarray) -> np.ndarray:
    return np.rint(np.clip(pixels, 0, 1) * 255).astype(np.uint8)


def _checksum(tensors: dict[str, np.ndarray]) -> np.ndarray:
    """(32,) uint8, the SHA-256 of the tensors' bytes in the order of their names."""
    digest = hashlib.sha256(b"".join(tensors[name].tobytes() for name in sorted(tensors))).digest()
    return np.frombuffer(digest, np.uint8)
