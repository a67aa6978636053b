"""How much of a latent is used: rates, active units, codes."""

from __future__ import annotations

import math

import numpy as np

from isthmus.models.collect_latents import Collected
from isthmus.run_files.latent import CodesRecord, Rate

_WIDE = 2048  # numbers of a latent
ACTIVE = 0.01  # a unit is active if the variance of its posterior mean over images is above this


def covariance(z: np.ndarray) -> np.ndarray:
    """z (N, D) -> the covariance of its numbers, (D, D) float64; all zero for a single latent."""
    centred = z.astype(np.float64) - z.mean(0)
    return centred.T @ centred / max(len(z) - 1, 1)


def principal_directions(z: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """z (N, D) -> variances (K,), smallest first, and their directions (D, K): all D, or N of more than _WIDE.

    The map of a large photograph has 16,384 numbers. Their covariance would take gigabytes and its eigenvectors an
    hour; the products of N latents hold the same.
    """
    count, size = z.shape
    if size <= max(count, _WIDE):
        variances, directions = np.linalg.eigh(covariance(z))
        return variances, directions
    centred = z.astype(np.float64) - z.mean(0)
    variances, rows = np.linalg.eigh(centred @ centred.T / max(count - 1, 1))
    directions = centred.T @ rows
    lengths = np.linalg.norm(directions, axis=0)
    return variances.clip(min=0), directions / np.where(lengths > 0, lengths, 1)


def active_units(z: np.ndarray) -> int:
    """How many of the latent's numbers vary over images; z (N, D): the posteriors' means.

    "Importance Weighted Autoencoders" (Burda et al., arXiv:1509.00519, section 5): a variance over 0.01, on the scale
    of a prior of variance 1.
    """
    return int((z.var(0) > ACTIVE).sum())


def perplexity(codes: np.ndarray, count: int) -> float:
    """2 to the entropy of how often each of `count` codes is used, over images and positions; at most `count`."""
    share = np.bincount(codes.ravel(), minlength=count) / codes.size
    held = share[share > 0]
    return float(np.exp(-(held * np.log(held)).sum()))


def code_usage(codes: np.ndarray, count: int) -> CodesRecord:
    """codes (N, K), each below `count` -> how much information they could carry, and how much they do carry."""
    return CodesRecord(
        count=count,
        per_image=codes.shape[1],
        bits=codes.shape[1] * math.log2(count),
        perplexity=perplexity(codes, count),
        used=len(np.unique(codes)) / count,
    )


def rate(collected: Collected) -> Rate | None:
    """Mean KL from posterior to prior, per image; None if the bottleneck has no KL."""
    if "kl" not in collected.penalties:
        return None
    nats = float(collected.penalties["kl"].mean())
    return Rate(nats=nats, bits=nats / math.log(2))
