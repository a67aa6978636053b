"""torch's generators at the beginning of a stream."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager

import torch

from isthmus.core.streams import sealed, stream


def generator(purpose: str, seed: int, *, device: torch.device | str = "cpu") -> torch.Generator:
    """A generator for a purpose under a user's seed."""
    return torch.Generator(device).manual_seed(stream(purpose, seed))


def sealed_generator(purpose: str, *, device: torch.device | str = "cpu") -> torch.Generator:
    """A generator whose draws are those of all earlier versions."""
    return torch.Generator(device).manual_seed(sealed(purpose))


@contextmanager
def drawing(purpose: str, seed: int) -> Generator[None]:
    """Meanwhile what draws from torch's own generator on the CPU, as layers do, draws for a purpose under a seed."""
    before = torch.default_generator.get_state()
    torch.default_generator.manual_seed(stream(purpose, seed))
    try:
        yield
    finally:
        torch.default_generator.set_state(before)
