"""Seeds of all random draws: one number for each (purpose, seed, counter)."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping

VERSION = 2
"""Version of the draws that training makes; a run that another version began resumes with other draws."""

PURPOSES = (
    "weights",  # of a model, before its first step
    "objective",  # initial weights of an objective's own networks: its discriminators
    "order",  # of an epoch's images
    "mirror",  # which images of an epoch are mirrored
    "noise",  # of a step, from the generator that parts receive
    "parts",  # of a step, from torch's default generator
    "frozen noise",  # the image that a corruption adds to all others
    "validation",  # fixed draws for the validation loss
    "doctor",
    "samples",  # new images
    "second stage",  # the network that a sampler learns
    "trial",  # images for measuring speed
)

# Scores and pictures depend on these draws; fixed, so that evaluating an earlier run again gives the same ones.
SEALED: Mapping[str, int] = {
    "noisy test images": 20261122,
    "corrupted validation images": 20261129,
    "shown test images": 0,
    "encoded training images": 0,
    "likelihood": 0,
    "kl to a learned prior": 0,
    "pca": 0,
    "probes": 0,
    "latent mixture": 0,
    "page": 0,
    "export": 0,
    "search key": 0,
    "anomaly likelihood": 0,
    "made-up anomalies": 0,
    "anomaly bootstrap": 0,
    "grid": 0,
}

_SEEDS, _COUNTERS = 8, 20  # bits


def stream(purpose: str, seed: int, counter: int = 0) -> int:
    """The generator's seed, from 0 to 2**63 - 1, for draw number `counter` of a purpose under a user's seed.

    purpose: one of PURPOSES. torch's CPU generator reads only the lower 32 bits of its seed. These differ for all
    purposes, 256 neighbouring seeds and 2**20 counters; beyond that range they are as good as random.
    """
    near = (PURPOSES.index(purpose) + 1) << (_SEEDS + _COUNTERS)
    near |= (seed % (1 << _SEEDS)) << _COUNTERS | counter % (1 << _COUNTERS)
    digest = hashlib.blake2b(f"{seed >> _SEEDS} {counter >> _COUNTERS}".encode(), digest_size=8).digest()
    far = int.from_bytes(digest, "little")
    return (far >> 33) << 32 | _scattered(near ^ far & 0xFFFFFFFF)


def sealed(purpose: str) -> int:
    """The fixed seed of one of SEALED."""
    return SEALED[purpose]


def _scattered(word: int) -> int:
    """A one-to-one map of 32-bit words that puts neighbours far apart: the finaliser of MurmurHash3."""
    word = (word ^ word >> 16) * 0x85EBCA6B & 0xFFFFFFFF
    word = (word ^ word >> 13) * 0xC2B2AE35 & 0xFFFFFFFF
    return word ^ word >> 16
