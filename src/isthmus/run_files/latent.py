"""Measures of a latent, in evaluation.json and findings.json."""

from __future__ import annotations

import math
from typing import Annotated

from pydantic import Field

from isthmus.run_files.record import Bits, Count, Nats, Number, Record, Unit


class Beside(Record):
    """A measure of the model's latent and of PCA's latent of the same size."""

    model: Number = math.nan
    """For the model's latent."""
    pca: Number = math.nan
    """For PCA's latent."""


class Rate(Record):
    """Mean KL from posterior to prior, per image."""

    nats: Nats = math.nan
    """In nats."""
    bits: Bits = math.nan
    """In bits."""


class PartRecord(Record):
    """A number out of a total."""

    count: Number = math.nan
    """The number."""
    of: Number = math.nan
    """The total."""


class CodesRecord(Record):
    """The codes of a discrete latent."""

    count: Number = math.nan
    """Number of different codes."""
    per_image: Number = math.nan
    """Codes per image."""
    bits: Bits = math.nan
    """Capacity of the codes of one image."""
    perplexity: Number = math.nan
    """Perplexity: the number of equally frequent codes that would have the same entropy."""
    used: Number = math.nan
    """Share of the codes that are used, 0 to 1."""


class Likelihood(Record):
    """Lower bounds of log p(x) of images as pixels of their depth, means over 500 test images."""

    elbo_nats: Nats = math.nan
    """The evidence lower bound."""
    importance_weighted_nats: Nats = math.nan
    """The importance-weighted bound, which is never below it."""
    samples: Number = math.nan
    """Draws from the posterior per image."""
    bits_per_dimension: Annotated[Number, Unit("bits per pixel value")] = math.nan
    """Upper bound, computed from the importance-weighted bound."""


class Labels(Record):
    """Accuracies, 0 to 1, of classifying test images by their latents."""

    classes: Number = math.nan
    """Number of classes."""
    linear_probe: Beside = Beside()
    """A linear classifier, fitted to at most 5,000 training images."""
    nearest_neighbours: Beside = Beside()
    """A vote of the 10 nearest among the same training images."""


class Dci(Record):
    """Disentanglement, completeness and informativeness, each up to 1."""

    disentanglement: Number = math.nan
    """How much each number of the latent represents only one factor."""
    completeness: Number = math.nan
    """How much each factor is represented by only one number."""
    informativeness: Number = math.nan
    """How well the latent predicts the factors."""


class Factors(Record):
    """How the latent represents the known factors of variation of the images."""

    linear_r2: dict[str, Number] = Field(default_factory=dict)
    """R2 of a linear probe, by factor."""
    mig: Number = math.nan
    """Mutual information gap; left out above 128 numbers and under 200 training images, like `dci`."""
    dci: Dci = Dci()
    """Disentanglement, completeness and informativeness."""


class LatentRecord(Record):
    """Measures of the latent. A key is there only if it applies to the model and its images."""

    images: Count | None = None
    """Test images, evenly spread, on which all below but `rate` is measured; only if these are not all test images."""
    rate: Rate | None = None
    """Mean KL from posterior to prior; only for bottlenecks that have one."""
    active_units: PartRecord | None = None
    """Numbers of the latent whose posterior mean has a variance above 0.01; only for variational bottlenecks."""
    codes: CodesRecord | None = None
    """Use of the codes; only for discrete bottlenecks."""
    likelihood: Likelihood | None = None
    """Likelihood of the images; only for variational bottlenecks whose distortion is a likelihood."""
    labels: Labels | None = None
    """How well the latent separates classes; only for images with 2 to 100 classes."""
    factors: Factors | None = None
    """How the latent represents known factors; only for images whose factors are known."""
