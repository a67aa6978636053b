"""The values that parts hand to each other.

x --corrupt--> x_in --encode--> h --bottleneck--> z --expand--> h' --decode--> x_hat
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from isthmus.core.image_changes import Change
from isthmus.core.pixels import chosen
from isthmus.core.share import drawn

if TYPE_CHECKING:  # so that data sets are listed and read without loading torch
    import numpy as np
    from torch import Generator, Tensor, nn

    from isthmus.core.pixels import Pixels


@dataclass(frozen=True)
class Posterior:
    """A Gaussian over latents with independent dimensions, one per image.

    mean, log_variance: (B, D) float32.
    """

    mean: Tensor
    log_variance: Tensor

    def draw(self, generator: Generator | None = None) -> Tensor:
        """One sample per image, (B, D), with gradients to mean and variance."""
        noise = drawn(lambda shape: self.mean.new_empty(shape).normal_(generator=generator), self.mean.shape)
        return self.mean + (0.5 * self.log_variance).exp() * noise

    def log_density(self, z: Tensor) -> Tensor:
        """log q(z) (B,) of z (B, D), in nats."""
        squared = (z - self.mean).square() * (-self.log_variance).exp()
        return -0.5 * (squared + self.log_variance + math.log(2 * math.pi)).sum(1)

    def repeated(self, times: int) -> Posterior:
        """Each image's posterior `times` times in a row: (B * times, D)."""
        return Posterior(self.mean.repeat_interleave(times, 0), self.log_variance.repeat_interleave(times, 0))


@dataclass(frozen=True)
class Latent:
    """What a bottleneck made of h.

    z: (B, D) or (B, C, H, W), the sample in training, its mean in evaluation.
    penalties: name -> (B,), in the unit the bottleneck's docstring states, unweighted.
    codes: integer codes of a discrete bottleneck, (B, ...), else None.
    by_dimension: name -> (B, D), the summands of a penalty that is a sum over the latent's dimensions.
    posterior: q(z|x) of a variational bottleneck, (B, D), else None.
    samples: the number of samples per image in z, one image's after the other. z and the output then have
        B * samples rows; everything else has one row per image. 1 in evaluation.
    log_ratio: (B * samples,) log p(z) - log q(z|x) in nats, where there is a posterior.
    """

    z: Tensor
    penalties: Mapping[str, Tensor] = field(default_factory=dict)
    codes: Tensor | None = None
    by_dimension: Mapping[str, Tensor] = field(default_factory=dict)
    posterior: Posterior | None = None
    samples: int = 1
    log_ratio: Tensor | None = None

    def detached(self) -> Latent:
        """The same numbers without their gradients."""
        return Latent(
            self.z.detach(),
            {name: value.detach() for name, value in self.penalties.items()},
            self.codes,
            {name: value.detach() for name, value in self.by_dimension.items()},
            None
            if self.posterior is None
            else Posterior(self.posterior.mean.detach(), self.posterior.log_variance.detach()),
            self.samples,
            None if self.log_ratio is None else self.log_ratio.detach(),
        )


@dataclass(frozen=True)
class Trace:
    """What one batch became on its way through the model; pixels in [-1, 1].

    x, x_in, x_hat: (B, C, H, W): the clean target, what the encoder saw, the output.
    h: (B, *feature_shape), the encoder's output.
    mask: (B, 1, H, W) bool, true where a corruption hid pixels, if it reports that to the encoder, else None.
    """

    x: Tensor
    x_in: Tensor
    h: Tensor
    latent: Latent
    x_hat: Tensor
    mask: Tensor | None = None

    def detached(self) -> Trace:
        """The same numbers without their gradients: what an adversary of the model may see."""
        return replace(self, h=self.h.detach(), latent=self.latent.detached(), x_hat=self.x_hat.detach())


@dataclass(frozen=True)
class Terms:
    """What an objective computed from a trace, one value per image: every tensor is (B,).

    loss: what is minimised, after its mean over the batch.
    terms: the unweighted quantities by name, e.g. `distortion`, `kl`, for the log.
    """

    loss: Tensor
    terms: Mapping[str, Tensor]


@dataclass(frozen=True)
class Adversary:
    """A network beside the model that trains on a loss of its own, such as a discriminator.

    learning_rate: at its highest; it follows the recipe's schedule. betas: of its Adam.
    """

    network: nn.Module
    learning_rate: float
    betas: tuple[float, float] = (0.5, 0.9)


@dataclass(frozen=True)
class ImageSet:
    """Images, in memory or on disk.

    images: (N, C, H, W) uint8, or uint16 where their sources are deeper.
    labels: (N,) int64, -1 for an image that has none; None where no image has one.
    factors: name -> (N,) float64, the values that each image was drawn from, where they are known.
    hashes: (N, 16) uint8, the images' content hashes, where they were computed before.
    """

    images: Pixels
    labels: np.ndarray | None = None
    factors: Mapping[str, np.ndarray] | None = None
    hashes: np.ndarray | None = None

    def __len__(self) -> int:
        return len(self.images)

    def take(self, index: np.ndarray) -> ImageSet:
        """The images at `index` (M,), in that order; those on disk are read when they are asked for."""
        return ImageSet(
            chosen(self.images, index),
            None if self.labels is None else self.labels[index],
            None if self.factors is None else {k: v[index] for k, v in self.factors.items()},
            None if self.hashes is None else self.hashes[index],
        )


@dataclass(frozen=True)
class Dataset:
    """What a dataset part's `load()` returns.

    test: None where the source has no test images; the split then carves them from train.
    source: one line that names where the images came from, for pages and records.
    notices: sentences for the user, e.g. the names of files that were skipped.
    handling: what was done to the images, see `isthmus.core.image_changes`.
    validation: None where the source has no validation images; the split then carves them from train.
    range: the values of the sources that became black and white; None where those are the ends of 8 bits.
    drew_test: whether the data set drew its test images from the same source as the others.
    """

    train: ImageSet
    test: ImageSet | None
    source: str
    class_names: tuple[str, ...] = ()
    notices: tuple[str, ...] = ()
    handling: tuple[Change, ...] = ()
    validation: ImageSet | None = None
    range: tuple[float, float] | None = None
    drew_test: bool = False
