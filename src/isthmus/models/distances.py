"""Squared distances between many vectors, without storing a number for each pair and coordinate.

The square is expanded, |a|^2 - 2 a.b + |b|^2. For vectors that lie close together and far from zero, these terms
cancel and float32 keeps no correct digit, so the computation is in float64.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

from isthmus.core.values import Posterior
from isthmus.models.widest import widest


def squared_distances(one: Tensor, other: Tensor, weights: Tensor | None = None) -> Tensor:
    """one (N, D), other (M, D) -> (N, M) float64; weights (M, D): of the coordinates, for each vector of `other`."""
    with torch.autocast(one.device.type, enabled=False):
        one, other = widest(one), widest(other)
        if weights is None:
            found = one.square().sum(1)[:, None] - 2 * one @ other.T + other.square().sum(1)
        else:
            weights = widest(weights)
            found = one.square() @ weights.T - 2 * one @ (other * weights).T + (other.square() * weights).sum(1)
        return found.clamp(min=0)


def log_densities(z: Tensor, gaussians: Posterior) -> Tensor:
    """log density of z (N, D) under each of M Gaussians, (N, M) float64, in nats."""
    inverse = (-widest(gaussians.log_variance)).exp()
    scale = (widest(gaussians.log_variance) + math.log(2 * math.pi)).sum(1)
    return -0.5 * (squared_distances(z, gaussians.mean, inverse) + scale)
