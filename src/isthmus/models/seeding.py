"""torch generators at the start of a random stream."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager

import torch

from isthmus.core.streams import sealed, stream


def generator(purpose: str, seed: int, *, device: torch.device | str = "cpu") -> torch.Generator:
    """A generator for a purpose under a user's seed."""
    return torch.Generator(device).manual_seed(stream(purpose, seed))


def sealed_generator(purpose: str, *, device: torch.device | str = "cpu") -> torch.Generator:
    """A generator that draws the same numbers in every version of isthmus."""
    return torch.Generator(device).manual_seed(sealed(purpose))


@contextmanager
def drawing(purpose: str, seed: int) -> Generator[None]:
    """Inside the block, seed torch's global CPU generator, which layers draw from, by a purpose and a seed."""
    before = torch.default_generator.get_state()
    torch.default_generator.manual_seed(stream(purpose, seed))
    try:
        yield
    finally:
        torch.default_generator.set_state(before)
