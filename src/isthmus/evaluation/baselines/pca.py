"""Principal components: the best linear autoencoder of a latent size, and the baseline for every other.

images -> centred pixels -> directions -> z (N, K) -> directions^T -> output
"""

from __future__ import annotations

import hashlib
import math
import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from safetensors import SafetensorError
from safetensors.numpy import load as from_bytes
from safetensors.numpy import save as to_bytes

from isthmus.core.atomic_files import write_bytes
from isthmus.core.bounded_reading import read_bytes
from isthmus.core.errors import InputError
from isthmus.core.pixels import Pixels, is_real, levels
from isthmus.evaluation.baselines.curve_errors import CurveErrors
from isthmus.evaluation.baselines.principal_directions import is_exact, mean_of, principal_directions, row_blocks
from isthmus.models.processes import working
from isthmus.run_files.evaluation import PcaPoint

_KEPT = 512  # components, where these cost little
_KEPT_VALUES = 1 << 25  # of all directions together, 128 MB
_KEPT_PRODUCTS = 1 << 40  # of all images with all directions: half a minute for a pass over the images


@dataclass(frozen=True)
class PrincipalComponents:
    """The directions in which training images vary most; pixels in [0, 1], D = C H W in (C, H, W) order.

    mean: (D,) float32. directions: (K, D) float32, orthonormal rows, most variance first, the entry of
    largest magnitude positive. variances: (K,) float32, of the training images along each direction.
    complete: whether these are all directions in which the training images vary, so that
    more components could not lower the error.
    """

    mean: np.ndarray
    directions: np.ndarray
    variances: np.ndarray
    complete: bool

    def encode(self, images: Pixels, components: int | None = None) -> np.ndarray:
        """images (N, C, H, W) -> z (N, K) float32; K is `held(components)`, or all fitted if None."""
        directions = self.directions if components is None else self.directions[: self.held(components)]
        z = np.empty((len(images), len(directions)), np.float32)
        for batch in row_blocks(images):
            z[batch] = (_unit(images[batch]) - self.mean) @ directions.T
        return z

    def decode(self, z: np.ndarray, image_shape: tuple[int, ...], dtype: np.dtype[Any]) -> np.ndarray:
        """z (N, K) float32 -> (N, *image_shape) uint8 or uint16, clamped and rounded as the evaluator requires."""
        channels, height, width = image_shape
        output = np.empty((len(z), channels, height, width), dtype)
        for batch in row_blocks(output):
            pixels = self.mean + z[batch] @ self.directions[: z.shape[1]]
            output[batch] = _rounded(pixels, dtype).reshape(-1, *image_shape)
        return output

    def reconstruct(self, images: np.ndarray, components: int) -> np.ndarray:
        """images (N, C, H, W) -> the same shape and type, clamped and rounded as the evaluator requires.

        If `components` exceeds the directions in which the training images vary, all directions are used.
        Raises: ValueError for more components than were fitted, unless `complete`.
        """
        return self.decode(self.encode(images, components), images.shape[1:], images.dtype)

    def unrounded_mse(self, images: Pixels, components: int) -> np.ndarray:
        """images (N, C, H, W) -> (N,) float64, the error (0-1) without clamping or rounding."""
        error = np.empty(len(images))
        for batch in row_blocks(images):
            given = _unit(images[batch])
            error[batch] = np.square(self._project(given, components) - given).mean(axis=1, dtype=np.float64)
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

    def _project(self, given: np.ndarray, components: int) -> np.ndarray:
        directions = self.directions[: self.held(components)]
        return self.mean + (given - self.mean) @ directions.T @ directions


def fit(images: Pixels, components: int) -> PrincipalComponents:
    """The leading principal components of training images (N, C, H, W), which are read block by block.

    Exact if the smaller of two matrices, the covariance of the pixels and the images' inner products, is at most
    6,144 wide; otherwise the error is within 0.1 % of the exact one. Directions along which the images do not vary are
    left out, so there may be fewer than `components`. Deterministic on one machine.

    Raises: ValueError for anything but images of uint8, uint16 or real numbers, or fewer than one component.
    """
    if images.dtype.name not in ("uint8", "uint16", "float32") or len(images.shape) != 4 or len(images) == 0:
        raise ValueError(f"PCA needs (N, C, H, W) uint8, uint16 or float32, not {images.shape} {images.dtype}")
    if components < 1:
        raise ValueError(f"PCA needs at least 1 component, not {components}")
    highest, mean = levels(images.dtype), mean_of(images)
    spread, directions, complete = principal_directions(images, mean, components)
    for direction in directions:  # one by one, because copies of all would take as much memory again
        direction *= np.sign(direction[np.abs(direction).argmax()])
    return PrincipalComponents(
        mean=(mean / highest).astype(np.float32),
        directions=directions.astype(np.float32),
        variances=(spread / highest**2 / max(len(images) - 1, 1)).astype(np.float32),
        complete=complete,
    )


def fit_for(latent_size: int, images: Pixels, key: str, folder: Path) -> PrincipalComponents:
    """`fit_cached` with enough components for a latent, and more, so that one fit serves most latents of a study.

    More are fitted where that costs little: up to 512, fewer (a power of two) of many or large images.
    """
    values = math.prod(images.shape[1:])
    most = _KEPT_VALUES // values
    if not is_exact(images):
        most = min(most, _KEPT_PRODUCTS // (values * len(images)))
    kept = min(_KEPT, 1 << max(most, 1).bit_length() - 1)
    return fit_cached(images, max(latent_size, kept), key, folder)


def fit_cached(images: Pixels, components: int, key: str, folder: Path) -> PrincipalComponents:
    """`fit`, kept in `folder` under `key`, the hash of the training images.

    The result may hold more components than asked for. If the cache is damaged, from other images or too small,
    PCA is fitted again. A folder that cannot be written is not an error: the next caller fits again.
    """
    path = folder / f"pca-{re.sub(r'[^A-Za-z0-9-]+', '-', key)}.safetensors"
    processes = working()
    # one process looks, so that all fit, or none
    known = processes.told(_cached(path, images, components) if processes.first else None)
    if known is not None:
        return known
    fitted = fit(images, components)
    if not processes.first:
        return fitted
    try:
        folder.mkdir(parents=True, exist_ok=True)
        fitted.save(path)
    except (OSError, InputError):
        pass  # read-only or full: the cache only saves time
    return fitted


def _cached(path: Path, images: Pixels, components: int) -> PrincipalComponents | None:
    """What `path` holds, if it is whole and enough."""
    try:
        cached = PrincipalComponents.load(path)
    except (OSError, InputError):
        return None
    enough = len(cached.directions) >= components or cached.complete
    return cached if enough and len(cached.mean) == math.prod(images.shape[1:]) else None


def curve(pcs: PrincipalComponents, images: Pixels, ks: Iterable[int]) -> tuple[PcaPoint, ...]:
    """How quality grows with the number of components: one point for each k of `ks`, ascending, on rounded output.

    Each k adds to the output of the k before, so the whole curve costs about one reconstruction at the largest k.
    """
    ks = sorted(set(ks))
    stops = [pcs.held(k) for k in ks]
    errors = CurveErrors(ks, images)
    for batch in row_blocks(images):
        block = images[batch]
        centred = _unit(block) - pcs.mean
        output, start = np.tile(pcs.mean, (len(centred), 1)), 0
        for row, stop in enumerate(stops):
            added = pcs.directions[start:stop]
            output += centred @ added.T @ added
            errors.add(row, _rounded(output, images.dtype).reshape(block.shape), block)
            start = stop
    return errors.points()


def _unit(images: np.ndarray) -> np.ndarray:
    """(B, C, H, W) pixels -> (B, D) float32 in [0, 1]"""
    return images.reshape(len(images), -1).astype(np.float32) / levels(images.dtype)


def _rounded(pixels: np.ndarray, dtype: np.dtype[Any]) -> np.ndarray:
    if is_real(dtype):
        return pixels.astype(dtype)
    return np.rint(np.clip(pixels, 0, 1) * levels(dtype)).astype(dtype)


def _checksum(tensors: dict[str, np.ndarray]) -> np.ndarray:
    """(32,) uint8, the SHA-256 of the tensors' bytes in the order of their names."""
    digest = hashlib.sha256(b"".join(tensors[name].tobytes() for name in sorted(tensors))).digest()
    return np.frombuffer(digest, np.uint8)
