"""Where every random draw of the package begins: a number for each (purpose, seed, counter)."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping

VERSION = 2
"""Of the draws that training makes; a run that another version began goes on with other draws."""

PURPOSES = (
    "weights",  # a model's, before its first step
    "objective",  # what an objective learns: its discriminators
    "order",  # of an epoch's images
    "mirror",  # which of them are mirrored
    "noise",  # of a step, from the generator that parts are handed
    "parts",  # of a step, from torch's own generator
    "frozen noise",  # the image that a corruption adds to all others
    "validation",  # fixed draws that a validation loss is measured with
    "doctor",
    "samples",  # new images
    "second stage",  # the network that a sampler learns
    "trial",  # images that only a speed is measured on
)

# Draws that scores and pictures of earlier runs hang on: evaluated again, they are to be the same.
SEALED: Mapping[str, int] = {
    "noisy test images": 20261122,
    "shown test images": 0,
    "encoded training images": 0,
    "likelihood": 0,
    "kl to a learned prior": 0,
    "pca": 0,
    "probes": 0,
    "latent mixture": 0,
    "page": 0,
    "export": 0,
}

_SEEDS, _COUNTERS = 8, 20  # bits


def stream(purpose: str, seed: int, counter: int = 0) -> int:
    """The seed, from 0 to 2**63 - 1, of a generator for draw number `counter` of a purpose under a user's seed.

    purpose: one of PURPOSES. No two of all purposes, 256 neighbouring seeds and 2**20 counters have the lower 32
    bits in common, beyond which torch's generator for the CPU does not look; farther apart they are as good as drawn.
    """
    near = (PURPOSES.index(purpose) + 1) << (_SEEDS + _COUNTERS)
    near |= (seed % (1 << _SEEDS)) << _COUNTERS | counter % (1 << _COUNTERS)
    digest = hashlib.blake2b(f"{seed >> _SEEDS} {counter >> _COUNTERS}".encode(), digest_size=8).digest()
    far = int.from_bytes(digest, "little")
    return (far >> 33) << 32 | _scattered(near ^ far & 0xFFFFFFFF)


def sealed(purpose: str) -> int:
    """The seed of draws that stay as they are; one of SEALED."""
    return SEALED[purpose]


def _scattered(word: int) -> int:
    """Another 32 bits for each 32, neighbours far apart: the finaliser of MurmurHash3, which can be undone."""
    word = (word ^ word >> 16) * 0x85EBCA6B & 0xFFFFFFFF
    word = (word ^ word >> 13) * 0xC2B2AE35 & 0xFFFFFFFF
    return word ^ word >> 16
