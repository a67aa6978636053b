"""What evaluation.json and findings.json say of a latent."""

from __future__ import annotations

import math

from pydantic import Field

from isthmus.run_files.record import Number, Record


class Beside(Record):
    """A measure of the model's latent, and of PCA's of the same size."""

    model: Number = math.nan
    pca: Number = math.nan


class Rate(Record):
    """Mean KL from posterior to prior, per image."""

    nats: Number = math.nan
    bits: Number = math.nan


class PartRecord(Record):
    """So many of so many."""

    count: Number = math.nan
    of: Number = math.nan


class CodesRecord(Record):
    """The codes of a discrete latent: how many there are, how many an image has, the bits these can hold, the
    perplexity of their use, and the share in use."""

    count: Number = math.nan
    per_image: Number = math.nan
    bits: Number = math.nan
    perplexity: Number = math.nan
    used: Number = math.nan


class Likelihood(Record):
    """Lower bounds of log p(x) in nats, and the better one in bits per pixel value, which is an upper bound."""

    elbo_nats: Number = math.nan
    importance_weighted_nats: Number = math.nan
    samples: Number = math.nan
    bits_per_dimension: Number = math.nan


class Labels(Record):
    """Accuracies, 0 to 1, of telling classes apart by the latent."""

    classes: Number = math.nan
    linear_probe: Beside = Beside()
    nearest_neighbours: Beside = Beside()


class Dci(Record):
    """Disentanglement, completeness, informativeness, each up to 1."""

    disentanglement: Number = math.nan
    completeness: Number = math.nan
    informativeness: Number = math.nan


class Factors(Record):
    """How known causes stand in the latent: R2 of a linear probe by cause, the mutual information gap, and DCI."""

    linear_r2: dict[str, Number] = Field(default_factory=dict)
    mig: Number = math.nan
    dci: Dci = Dci()


class LatentRecord(Record):
    """What the latent holds; what does not apply to a model or its data is None."""

    rate: Rate | None = None
    active_units: PartRecord | None = None
    codes: CodesRecord | None = None
    likelihood: Likelihood | None = None
    labels: Labels | None = None
    factors: Factors | None = None
