"""The latents of many pictures in memory, as `isthmus.encode` returns them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from isthmus.core.arguments import checked
from isthmus.core.errors import InputError
from isthmus.core.paths import AnyPath, expanded
from isthmus.core.wording import counted
from isthmus.inference.encode import AboutLatents, EncodedBlock, encoded
from isthmus.inference.latents_file import writing
from isthmus.inference.named_images import NamedImages
from isthmus.inference.picture_sources import Label
from isthmus.models.autoencoder import Autoencoder


@dataclass(frozen=True)
class Latents:
    """Latents of N pictures, in the order of their source.

    names: where each picture is found again: its path, or its file and row as `scans.npy:12`. labels: what the source
    says, None where it says nothing. sha256: of each picture's pixels as the model got them.
    z: (N, *latent_shape) float32, as `model.encode` returns. codes: (N, K) int64 of a discrete bottleneck, else None.
    error: (N,) float64, mean squared error of the reconstruction per pixel value, pixels in [0, 1].
    about: the run and the hash of its weights. notices: what was done to the pictures, and what was left out.
    """

    names: tuple[str, ...]
    labels: tuple[Label, ...]
    sha256: tuple[str, ...]
    z: np.ndarray
    codes: np.ndarray | None
    error: np.ndarray
    about: AboutLatents
    notices: tuple[str, ...] = ()

    def __len__(self) -> int:
        return len(self.names)

    def __repr__(self) -> str:
        """In one line, whatever the number of pictures: notebooks show it."""
        codes = "" if self.codes is None else f", codes {self.codes.shape}"
        return f"Latents({counted(len(self), 'picture')}, z {self.z.shape}{codes}, of {self.about.run})"

    @checked
    def save(self, path: AnyPath) -> Path:
        """Write the table that `isthmus encode` writes: .parquet, .csv or .npy. Returns its path.

        Raises InputError for another ending, and where `path` is a file that isthmus did not make; RunError where the
        disk is full.
        """
        file = expanded(path, "path")
        labels = any(label is not None for label in self.labels)
        names = any(isinstance(label, str) for label in self.labels)
        with writing(file, self.about, labels=labels, names=names) as writer:
            flat = self.z.reshape(len(self), -1)
            writer.write(EncodedBlock(self.names, self.labels, self.sha256, flat, self.codes, self.error))
        return file


def gathered(model: Autoencoder, images: NamedImages, about: AboutLatents) -> Latents:
    """All latents in memory. Raises as `encoded`."""
    with encoded(model, images) as blocks:
        found = [(one.names, one.labels, one.sha256, one.z, one.codes, one.error) for one in blocks]
    if not found:
        raise InputError("the sources hold no pictures; name others")
    names, labels, sha256, z, codes, error = zip(*found, strict=True)
    discrete = [one for one in codes if one is not None]
    return Latents(
        tuple(name for block in names for name in block),
        tuple(label for block in labels for label in block),
        tuple(digest for block in sha256 for digest in block),
        np.concatenate(z).reshape(-1, *model.latent_shape),
        np.concatenate(discrete) if discrete else None,
        np.concatenate(error),
        about,
        tuple(images.notices()),
    )
