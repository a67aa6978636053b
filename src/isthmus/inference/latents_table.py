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
FORMAT = 1
"""Of the tables that this version writes and reads."""
_ALIKE = {pa.string(): (pa.string(), pa.large_string())}  # pandas and polars write the second


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
    """A parquet file of latents.

    Raises InputError where it is none, is damaged or empty, was written by a newer version, or has other columns than
    `isthmus encode` writes: tables are often changed by hand.
    """

    def __init__(self, path: Path) -> None:
        about = read_about(path)
        if about is None:
            raise InputError(f"{path}: no table of latents; `isthmus encode RUN SOURCE -o {path}` makes one")
        self.path, self.about = path, about
        with self._opened() as file:
            self.count: int = file.metadata.num_rows
            self.has_labels = "label" in file.schema_arrow.names
            told = json.loads((file.schema_arrow.metadata or {})[KEY])
            folder = told.get("folder")
            self.folder = folder if isinstance(folder, str) else ""
            self._check(told.get("format", FORMAT), file.schema_arrow)

    def _check(self, version: Any, schema: Any) -> None:
        if version != FORMAT:
            raise InputError(
                f"{self.path}: has format {version}, and this version of isthmus reads format {FORMAT}; install the "
                "version that wrote it, or make the table again with `isthmus encode`"
            )
        if not self.count:
            raise InputError(f"{self.path}: holds no rows; make it again with `isthmus encode`")
        found = {field.name: field.type for field in schema}
        for name, wanted in (
            ("path", pa.string()),
            ("sha256", pa.string()),
            ("z", pa.list_(pa.float32(), self.about.size)),
        ):
            if name not in found:
                raise self._changed(f"has no column {name!r}")
            if found[name] not in _ALIKE.get(wanted, (wanted,)):
                raise self._changed(f"its column {name!r} is of type {found[name]}, not {wanted}")

    def _changed(self, what: str) -> InputError:
        return InputError(f"{self.path}: {what}; make it again with `isthmus encode`")

    def __len__(self) -> int:
        return self.count

    def latents(self) -> Iterator[np.ndarray]:
        """(B, D) float32, all rows in order. Raises InputError for a row without latent, or with one not finite."""
        for batch in self._batches(["z"]):
            z = batch.column(0)
            values = np.asarray(z.flatten())
            if z.null_count or not np.isfinite(values).all():
                raise self._changed("has rows whose z is missing or not finite")
            yield values.reshape(len(z), -1)

    def rows(self) -> tuple[list[str], list[Label], list[str]]:
        """Names, labels and hashes of all rows. Raises InputError for a row without name or hash."""
        names, labels, hashes = list[str](), list[Label](), list[str]()
        columns = ["path", "sha256", *(["label"] if self.has_labels else [])]
        for batch in self._batches(columns):
            if batch.column("path").null_count or batch.column("sha256").null_count:
                raise self._changed("has rows without path or sha256")
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
        except InputError:  # which is a ValueError
            raise
        except (pa.ArrowException, KeyError, ValueError) as error:
            reason = str(error).partition("\n")[0]
            raise InputError(f"{self.path}: is damaged ({reason}); make it again with `isthmus encode`") from None
