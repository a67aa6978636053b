"""What evaluation.json and findings.json say of a latent."""

from __future__ import annotations

import math
from typing import Annotated

from pydantic import Field

from isthmus.run_files.record import Bits, Nats, Number, Record, Unit


class Beside(Record):
    """A measure of the model's latent, and of PCA's of the same size."""

    model: Number = math.nan
    """Of the model's latent."""
    pca: Number = math.nan
    """Of PCA's numbers, as many."""


class Rate(Record):
    """Mean KL from posterior to prior, per image."""

    nats: Nats = math.nan
    """In nats."""
    bits: Bits = math.nan
    """In bits."""


class PartRecord(Record):
    """So many of so many."""

    count: Number = math.nan
    """How many."""
    of: Number = math.nan
    """Of how many."""


class CodesRecord(Record):
    """The codes of a discrete latent."""

    count: Number = math.nan
    """Codes that there are."""
    per_image: Number = math.nan
    """Codes that one image has."""
    bits: Bits = math.nan
    """What the codes of one image can hold."""
    perplexity: Number = math.nan
    """As how many equally frequent codes they are used."""
    used: Number = math.nan
    """Share of the codes that is used, 0 to 1."""


class Likelihood(Record):
    """Lower bounds of log p(x) of 8-bit images, means over 500 test images."""

    elbo_nats: Nats = math.nan
    """The evidence lower bound."""
    importance_weighted_nats: Nats = math.nan
    """The importance-weighted bound, which is never below it."""
    samples: Number = math.nan
    """Draws from the posterior for each image."""
    bits_per_dimension: Annotated[Number, Unit("bits per pixel value")] = math.nan
    """From the importance-weighted bound; an upper bound."""


class Labels(Record):
    """Accuracies, 0 to 1, of telling classes apart by the latent, on test images."""

    classes: Number = math.nan
    """Number of classes."""
    linear_probe: Beside = Beside()
    """A linear classifier, fitted to at most 5,000 training images."""
    nearest_neighbours: Beside = Beside()
    """A vote of the 10 nearest of those training images."""


class Dci(Record):
    """Disentanglement, completeness and informativeness, each up to 1."""

    disentanglement: Number = math.nan
    """How far each number of the latent is about one cause."""
    completeness: Number = math.nan
    """How far each cause is in one number."""
    informativeness: Number = math.nan
    """How well the causes are predicted."""


class Factors(Record):
    """How known causes of the images are held in the latent."""

    linear_r2: dict[str, Number] = Field(default_factory=dict)
    """R2 of a linear probe, by cause."""
    mig: Number = math.nan
    """Mutual information gap; left out for latents of more than 128 numbers, as `dci`."""
    dci: Dci = Dci()
    """Disentanglement, completeness and informativeness."""


class LatentRecord(Record):
    """What the latent holds. A key is there where it applies to the model and its images."""

    rate: Rate | None = None
    """Mean KL from posterior to prior; of bottlenecks that have one."""
    active_units: PartRecord | None = None
    """Numbers of the latent whose posterior mean varies by more than 0.01; of variational bottlenecks."""
    codes: CodesRecord | None = None
    """How codes are used; of discrete bottlenecks."""
    likelihood: Likelihood | None = None
    """How likely the images are; of variational bottlenecks with a distortion that is a likelihood."""
    labels: Labels | None = None
    """How well classes can be told apart; of images with 2 to 100 classes."""
    factors: Factors | None = None
    """How known causes are held; of images whose causes are known."""
