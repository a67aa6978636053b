"""Reads a table of latents that `isthmus encode` wrote as parquet, in bounded memory."""

from __future__ import annotations

import json
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from isthmus.core.errors import InputError
from isthmus.inference.encode import AboutLatents
from isthmus.inference.picture_sources import Label

KEY = b"isthmus"
"""Of the metadata that say where the latents come from."""


def read_about(path: Path) -> AboutLatents | None:
    """Where the latents of a parquet file come from; None where isthmus did not write it, or it is none."""
    try:
        found = (pq.read_schema(path).metadata or {}).get(KEY)
        about = json.loads(found) if found else None
        return (
            None
            if about is None
            else AboutLatents(
                str(about["run"]), str(about["weights"]), tuple(map(int, about["latent_shape"])), int(about["codes"])
            )
        )
    except (OSError, pa.ArrowException, ValueError, KeyError, TypeError):
        return None


class LatentsTable:
    """A parquet file of latents. Raises InputError where it is none, or damaged."""

    def __init__(self, path: Path) -> None:
        about = read_about(path)
        if about is None:
            raise InputError(f"{path}: no table of latents; `isthmus encode RUN SOURCE -o {path}` makes one")
        self.path, self.about = path, about
        with self._opened() as file:
            self.count: int = file.metadata.num_rows
            self.has_labels = "label" in file.schema_arrow.names
            folder = json.loads((file.schema_arrow.metadata or {})[KEY]).get("folder")
            self.folder = folder if isinstance(folder, str) else ""

    def __len__(self) -> int:
        return self.count

    def latents(self) -> Iterator[np.ndarray]:
        """(B, D) float32, all rows in order."""
        for batch in self._batches(["z"]):
            z = batch.column(0)
            yield np.asarray(z.flatten()).reshape(len(z), -1)

    def rows(self) -> tuple[list[str], list[Label], list[str]]:
        """Names, labels and hashes of all rows."""
        names, labels, hashes = list[str](), list[Label](), list[str]()
        columns = ["path", "sha256", *(["label"] if self.has_labels else [])]
        for batch in self._batches(columns):
            names += batch.column("path").to_pylist()
            hashes += batch.column("sha256").to_pylist()
            labels += batch.column("label").to_pylist() if self.has_labels else [None] * len(batch)
        return names, labels, hashes

    def _batches(self, columns: list[str]) -> Iterator[Any]:
        with self._opened() as file:
            yield from file.iter_batches(batch_size=4096, columns=columns)

    @contextmanager
    def _opened(self) -> Generator[Any]:
        try:
            with pq.ParquetFile(self.path) as file:
                yield file
        except (pa.ArrowException, KeyError, ValueError) as error:
            reason = str(error).partition("\n")[0]
            raise InputError(f"{self.path}: is damaged ({reason}); make it again with `isthmus encode`") from None
