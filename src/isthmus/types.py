"""The values that parts hand to each other.

x --corrupt--> x_in --encode--> h --bottleneck--> z --expand--> h' --decode--> x_hat
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:  # datasets are listed and read without waiting for torch
    import numpy as np
    from torch import Tensor


@dataclass(frozen=True)
class Latent:
    """What a bottleneck made of h.

    z: (B, D) or (B, C, H, W), the sample in training, its mean in evaluation.
    penalties: name -> (B,), in the unit the bottleneck's docstring states, unweighted.
    codes: integer codes of a discrete bottleneck, (B, ...), else None.
    """

    z: Tensor
    penalties: Mapping[str, Tensor] = field(default_factory=dict)
    codes: Tensor | None = None


@dataclass(frozen=True)
class Trace:
    """One batch's way through the model; pixels in [-1, 1].

    x, x_in, x_hat: (B, C, H, W): the clean target, what the encoder saw, the output.
    h: (B, *feature_shape), the encoder's output.
    """

    x: Tensor
    x_in: Tensor
    h: Tensor
    latent: Latent
    x_hat: Tensor


@dataclass(frozen=True)
class Terms:
    """What an objective made of a trace, one value per image: every tensor is (B,).

    loss: what is minimised, after its mean over the batch.
    terms: the unweighted quantities by name, e.g. `distortion`, `kl`, for the log.
    """

    loss: Tensor
    terms: Mapping[str, Tensor]


@dataclass(frozen=True)
class ImageSet:
    """Images in memory.

    images: (N, 3, H, W) uint8. labels: (N,) int64, or None.
    factors: name -> (N,) float64, the known causes of each image where they are known.
    """

    images: np.ndarray
    labels: np.ndarray | None = None
    factors: Mapping[str, np.ndarray] | None = None

    def __len__(self) -> int:
        return len(self.images)

    def take(self, index: np.ndarray) -> ImageSet:
        """The images at `index` (M,), in that order."""
        return ImageSet(
            self.images[index],
            None if self.labels is None else self.labels[index],
            None if self.factors is None else {k: v[index] for k, v in self.factors.items()},
        )


@dataclass(frozen=True)
class Dataset:
    """What a dataset part's `load()` returns.

    test: None where the source has no test images; the split then carves them from train.
    source: one line that names where the images came from, for pages and records.
    notices: sentences the user must read, e.g. the names of files that were skipped.
    """

    train: ImageSet
    test: ImageSet | None
    source: str
    class_names: tuple[str, ...] = ()
    notices: tuple[str, ...] = ()
