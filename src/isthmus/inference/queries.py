"""The pictures to look for: files, folders, or rows such as `scans.npy:12`, and their latents."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch

from isthmus.core.errors import InputError
from isthmus.inference.encode import latents_of
from isthmus.inference.find_again import pixels_of, source_in
from isthmus.inference.named_images import NamedImages, sha256_of
from isthmus.inference.picture_sources import Source
from isthmus.models.autoencoder import Autoencoder
from isthmus.models.batched import batched_array


@dataclass(frozen=True)
class Queries:
    """Pictures to look for. z: (Q, D). pixels: (C, H, W) of the first, as many as were asked for."""

    names: tuple[str, ...]
    sha256: tuple[str, ...]
    pixels: tuple[np.ndarray, ...]
    z: np.ndarray
    notices: tuple[str, ...] = ()


def read_queries(
    model: Autoencoder, given: Sequence[Source], *, skip_broken: bool = False, pictures: int = 0
) -> Queries:
    """Pictures to look for, given as sources or as rows of one, such as `scans.npy:12`.

    pictures: of how many the pixels are kept; there may be more queries than memory holds pixels of.
    Raises InputError where one is not there.
    """
    names, sha256, pixels, z = list[str](), list[str](), list[np.ndarray](), list[np.ndarray]()
    notices: list[str] = []
    for sources in _grouped(given):
        if isinstance(sources, str):
            found = pixels_of([sources], model.form)
            if not found:
                raise _outside(sources, model)
            one = found[sources][None]
            names.append(sources)
            sha256 += sha256_of(one)
            pixels += [one[0]] if len(pixels) < pictures else []
            z.append(_latents(model, one))
            continue
        images = NamedImages(sources, model.form, skip_broken=skip_broken, quiet=True)
        with latents_of(model, images) as blocks:
            for block, latents in blocks:
                names += block.names
                sha256 += block.sha256
                pixels += [pixel.copy() for pixel in block.pixels[: max(0, pictures - len(pixels))]]
                z.append(latents)
        notices += images.notices()
    return Queries(tuple(names), tuple(sha256), tuple(pixels), np.concatenate(z), tuple(notices))


def _latents(model: Autoencoder, pixels: np.ndarray) -> np.ndarray:
    """Levels (N, C, H, W) -> z (N, D)."""
    return batched_array(model, lambda part: model.encode_pixels(part).flatten(1), torch.from_numpy(pixels))


def _grouped(given: Sequence[Source]) -> Iterator[list[Source] | str]:
    """Sources that are read together, in order; text alone is the row of a source."""
    together: list[Source] = []
    for one in given:
        row = isinstance(one, str) and not os.path.exists(one) and source_in(one) not in (None, one)
        if not row:
            together.append(one)
            continue
        if together:
            yield together
            together = []
        yield str(one)
    if together:
        yield together


def _outside(name: str, model: Autoencoder) -> InputError:
    """What to say of a row that its source does not have."""
    source = source_in(name)
    assert source is not None
    images = NamedImages([source], model.form, skip_broken=True, quiet=True)  # its own error, where it has one
    first, last = images.address(0), images.address(len(images) - 1)
    return InputError(f"{name}: no such picture, or none that can be read; {source} holds {first} to {last}")
