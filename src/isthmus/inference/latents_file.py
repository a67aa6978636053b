"""Tables of latents, written as they come: parquet, CSV or NumPy."""

from __future__ import annotations

import json
import os
from abc import ABC, abstractmethod
from collections.abc import Generator
from contextlib import contextmanager, suppress
from dataclasses import asdict
from pathlib import Path
from typing import IO, Any

import numpy as np
import pyarrow as pa
import pyarrow.csv as pa_csv
import pyarrow.parquet as pq

import isthmus
from isthmus.core.csv_cells import plain_cell
from isthmus.core.errors import InputError
from isthmus.core.outputs import check_free, delivering, is_stream
from isthmus.inference.encode import AboutLatents, EncodedBlock
from isthmus.inference.latents_table import FORMAT, KEY, read_about

ENDINGS = (".parquet", ".npy", ".csv")
_NPY_MAGIC = b"\x93NUMPY\x01\x00"
_CSV_MARKS = (b'"path","label","sha256","error","z_0"', b'"path","sha256","error","z_0"')
_GROUP_BYTES = 16 << 20  # of a parquet file's row group
# bytes, fixed because the number of rows is known only at the end. NumPy would write 128; by this many, which the
# format allows, isthmus recognises its own files
_NPY_HEADER = 448


class LatentsWriter(ABC):
    """Writes a table of latents as it comes."""

    @abstractmethod
    def write(self, block: EncodedBlock) -> None: ...

    @abstractmethod
    def finish(self) -> None:
        """Write what must come last."""

    def abandon(self) -> None:
        """Leave the file, which will be removed, without a complaint. Default: there is nothing to leave."""
        return


def check_target(path: Path) -> None:
    """Raise InputError where latents cannot be written to `path`: another ending, or somebody else's file."""
    if is_stream(path):
        return
    ending = path.suffix.lower()
    if ending not in ENDINGS:
        raise InputError(f"{path}: latents are saved as {', '.join(ENDINGS)}; choose a name with such an ending")
    if ending == ".parquet" and path.is_file() and read_about(path) is not None:
        return
    if ending == ".npy" and path.is_file() and _is_own_npy(path):
        return
    check_free(path, *(_CSV_MARKS if ending == ".csv" else ()))


def _is_own_npy(path: Path) -> bool:
    with path.open("rb") as file:
        header = file.read(_NPY_HEADER)
    begins = _NPY_MAGIC + (_NPY_HEADER - len(_NPY_MAGIC) - 2).to_bytes(2, "little")
    return header.startswith(begins) and header.endswith(b" " * (_NPY_HEADER // 2) + b"\n")


@contextmanager
def writing(path: Path, about: AboutLatents, *, labels: bool, names: bool) -> Generator[LatentsWriter]:
    """A writer of latents to `path`, where a whole file appears when the block ends, and none where it raises.

    The ending decides the form; a stream gets CSV. labels: whether pictures have labels, names: whether these are
    text. Raises InputError as `check_target`, OSError where the disk is full.
    """
    check_target(path)
    ending = ".csv" if is_stream(path) else path.suffix.lower()
    with delivering(path) as file:
        if ending == ".npy":
            writer: LatentsWriter = _Npy(file, about)
        else:
            schema = _schema(about, labels=labels, names=names)
            writer = _Csv(file, schema, about) if ending == ".csv" else _Parquet(file, schema, about)
        try:
            yield writer
            writer.finish()
        except BaseException:
            writer.abandon()
            raise


def _schema(about: AboutLatents, *, labels: bool, names: bool) -> Any:
    columns = [("path", pa.string())]
    if labels:
        columns.append(("label", pa.string() if names else pa.int64()))
    columns += [("sha256", pa.string()), ("error", pa.float64()), ("z", pa.list_(pa.float32(), about.size))]
    if about.codes:
        columns.append(("codes", pa.list_(pa.int64(), about.codes)))
    said = {
        **asdict(about),
        "format": FORMAT,
        "isthmus": isthmus.__version__,
        "error": "mean squared error of the reconstruction per pixel value, pixels in [0, 1]",
        "sha256": "of the pixels as the model gets them, (C, H, W)",
        "folder": os.getcwd(),  # paths are relative to it
    }
    return pa.schema(columns, metadata={KEY: json.dumps(said).encode()})


def _columns(block: EncodedBlock, schema: Any) -> dict[str, Any]:
    """name -> the column of a block."""
    found: dict[str, Any] = {"path": list(block.names), "sha256": list(block.sha256), "error": block.error}
    if "label" in schema.names:
        text = schema.field("label").type == pa.string()
        found["label"] = [None if one is None else str(one) if text else one for one in block.labels]
    for name, values in (("z", block.z), ("codes", block.codes)):
        if name in schema.names:
            assert values is not None
            found[name] = pa.FixedSizeListArray.from_arrays(pa.array(values.reshape(-1)), values.shape[1])
    return found


class _Parquet(LatentsWriter):
    def __init__(self, file: IO[bytes], schema: Any, about: AboutLatents) -> None:
        self.writer, self.schema = pq.ParquetWriter(file, schema), schema
        self.waiting: list[Any] = []
        self.rows = max(1, _GROUP_BYTES // (4 * about.size + 8 * about.codes + 200))

    def write(self, block: EncodedBlock) -> None:
        columns = _columns(block, self.schema)
        arrays = [pa.array(columns[field.name], field.type) for field in self.schema]
        self.waiting.append(pa.RecordBatch.from_arrays(arrays, schema=self.schema))
        if sum(map(len, self.waiting)) >= self.rows:
            self._group()

    def finish(self) -> None:
        self._group()
        self.writer.close()

    def abandon(self) -> None:
        with suppress(Exception):  # else it closes itself later, when the file is gone, and complains on stderr
            self.writer.close()

    def _group(self) -> None:
        if self.waiting:
            self.writer.write_table(pa.Table.from_batches(self.waiting), row_group_size=self.rows)
            self.waiting = []


class _Csv(LatentsWriter):
    """Lists become columns `z_0`, `z_1` and so on."""

    def __init__(self, file: IO[bytes], schema: Any, about: AboutLatents) -> None:
        self.schema = schema
        plain = [field for field in schema if field.name not in ("z", "codes")]
        numbers = [pa.field(f"z_{place}", pa.float32()) for place in range(about.size)]
        codes = [pa.field(f"code_{place}", pa.int64()) for place in range(about.codes)]
        self.flat = pa.schema([*plain, *numbers, *codes])
        self.writer = pa_csv.CSVWriter(file, self.flat)

    def write(self, block: EncodedBlock) -> None:
        columns = _columns(block, self.schema)
        columns["path"] = [plain_cell(name) for name in block.names]
        plain = [pa.array(columns[field.name], field.type) for field in self.schema if field.name not in ("z", "codes")]
        numbers = [pa.array(np.ascontiguousarray(column)) for column in block.z.T]
        codes = [] if block.codes is None else [pa.array(np.ascontiguousarray(column)) for column in block.codes.T]
        self.writer.write_batch(pa.RecordBatch.from_arrays([*plain, *numbers, *codes], schema=self.flat))

    def finish(self) -> None:
        self.writer.close()


class _Npy(LatentsWriter):
    """z alone, (N, *latent_shape) float32."""

    def __init__(self, file: IO[bytes], about: AboutLatents) -> None:
        self.file, self.shape, self.count = file, about.latent_shape, 0
        file.write(self._header())

    def write(self, block: EncodedBlock) -> None:
        self.file.write(np.ascontiguousarray(block.z, "<f4").tobytes())
        self.count += len(block)

    def finish(self) -> None:
        self.file.seek(0)
        self.file.write(self._header())

    def _header(self) -> bytes:
        """Of version 1.0 of the format (`numpy.lib.format`), always of one length."""
        shape = (self.count, *self.shape)
        text = f"{{'descr': '<f4', 'fortran_order': False, 'shape': {shape}, }}".encode()
        body = text.ljust(_NPY_HEADER - len(_NPY_MAGIC) - 3) + b"\n"
        return _NPY_MAGIC + len(body).to_bytes(2, "little") + body
