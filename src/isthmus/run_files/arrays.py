"""pictures.safetensors and per_image.parquet: names, shapes and types; reading and writing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import safetensors
from numpy.typing import NDArray
from safetensors.numpy import save

from isthmus.core.bounded_reading import open_ordinary, read_bytes
from isthmus.run_files.read import damaged

PixelArray = NDArray[np.uint8 | np.uint16]
_DTYPES = {"U8": np.uint8, "U16": np.uint16}  # 16 bits where the sources are deeper than 8
# All tensors of a group show the same images; "shown/output" is the reconstruction of "shown/original".
PICTURES = {
    "shown": ("original", "output", "pca", "noisy", "denoised"),
    "best": ("original", "output"),
    "worst": ("original", "output"),
    "samples": (),
}
# comparisons need these columns; others may be missing, since a run can be older than a measure
NEEDED = tuple(f"{who}_{measure}" for who in ("model", "pca") for measure in ("mse", "psnr"))

_WHOLE = ("index", "label")  # these columns hold whole numbers


def pictures_bytes(pictures: Mapping[str, PixelArray]) -> bytes:
    """The bytes of pictures.safetensors; each tensor is (n, C, H, W) uint8 or uint16."""
    return save({name: np.ascontiguousarray(images) for name, images in pictures.items()})


def read_pictures(path: Path) -> dict[str, PixelArray]:
    """The tensors of pictures.safetensors by name, (n, C, H, W) uint8 or uint16; unknown names are left out.

    Raises FileNotFoundError, and RunError if a name, a shape or a type differs from the description.
    """
    try:
        return _pictures(read_bytes(path))
    except FileNotFoundError:
        raise
    except (OSError, ValueError, KeyError, TypeError, OverflowError, safetensors.SafetensorError) as error:
        raise damaged(path, error) from None


def check_pictures(path: Path) -> None:
    """Check names, shapes, types and the file's size, without reading the pixels. Raises as `read_pictures`."""
    try:
        with open_ordinary(path):  # safetensors would wait for a pipe's writer
            pass
        with safetensors.safe_open(path, framework="numpy") as file:
            tensors = [(name, file.get_slice(name)) for name in file.keys()]  # noqa: SIM118 - it is no dict
            _check_pictures({name: (told.get_dtype(), told.get_shape()) for name, told in tensors})
    except FileNotFoundError:
        raise
    except (OSError, ValueError, safetensors.SafetensorError) as error:
        raise damaged(path, error) from None


def scores_bytes(columns: Mapping[str, np.ndarray]) -> bytes:
    """The bytes of per_image.parquet, one row per test image; each column in the type that `read_scores` asks for."""
    sink = pa.BufferOutputStream()
    typed = {name: values.astype(np.int64 if name in _WHOLE else np.float64) for name, values in columns.items()}
    pq.write_table(pa.table(typed), sink, write_page_checksum=True)
    return sink.getvalue().to_pybytes()


def read_scores(path: Path, needed: Sequence[str] = NEEDED) -> dict[str, np.ndarray]:
    """The columns of per_image.parquet: `index` and `label` are integers, all others float64, each (N,), by `index`.

    Raises FileNotFoundError, and RunError if a column has another type, a needed column is missing, or a test image
    has no row or several.
    """
    try:
        return _scores(read_bytes(path), needed)
    except FileNotFoundError:
        raise
    except (OSError, ValueError, KeyError, TypeError, pa.ArrowException) as error:
        raise damaged(path, error) from None


def _pictures(content: bytes) -> dict[str, PixelArray]:
    tensors = dict(safetensors.deserialize(content))
    known = _check_pictures({name: (told["dtype"], told["shape"]) for name, told in tensors.items()})
    return {
        name: np.frombuffer(told["data"], _DTYPES[told["dtype"]]).reshape(told["shape"])
        for name in known
        for told in (tensors[name],)
    }


def _check_pictures(tensors: Mapping[str, tuple[str, Sequence[int]]]) -> list[str]:
    """The known names among tensors of type and shape. Raises ValueError where one does not hold pictures."""
    known = {f"{group}/{kind}" if kinds else group for group, kinds in PICTURES.items() for kind in kinds or ("",)}
    found = [name for name in tensors if name in known]
    for name in found:
        dtype, shape = tensors[name]
        if dtype not in _DTYPES or len(shape) != 4 or 0 in shape:
            raise ValueError(f"{name}: is {dtype} of shape {list(shape)} rather than pictures")
    for group, kinds in PICTURES.items():
        shapes = {tuple(tensors[name][1]) for kind in kinds if (name := f"{group}/{kind}") in found}
        if len(shapes) > 1:
            raise ValueError(f"{group}: its pictures have different shapes")
    for name in found:
        if (tensors[name][0], tensors[name][1][1]) != (tensors[found[0]][0], tensors[found[0]][1][1]):
            raise ValueError(f"{name}: has another number of channels or bits than {found[0]}")
    return found


def _scores(content: bytes, needed: Sequence[str]) -> dict[str, np.ndarray]:
    file: Any = pq.ParquetFile(pa.BufferReader(content), page_checksum_verification=True)
    columns: dict[str, np.ndarray] = {}
    for field in file.schema_arrow:
        whole = field.name in _WHOLE
        if not (pa.types.is_integer(field.type) if whole else pa.types.is_floating(field.type)):
            raise ValueError(f"{field.name}: holds {field.type} rather than {'whole ' if whole else ''}numbers")
    for name in needed:
        if name not in file.schema_arrow.names:
            raise ValueError(f"{name}: is missing")
    table = file.read()
    for name in table.column_names:
        if table[name].null_count:
            raise ValueError(f"{name}: holds nothing in some rows")
        kind = pa.int64() if name in _WHOLE else pa.float64()
        columns[name] = table[name].cast(kind).to_numpy()
    return _in_order(columns)


def _in_order(columns: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """The rows by `index`, since runs are compared row by row; a file without this column is taken as it is.

    Raises ValueError unless each test image has one row.
    """
    index = columns.get("index")
    if index is None:
        return columns
    order = np.argsort(index, kind="stable")
    if not np.array_equal(index[order], np.arange(len(index))):
        raise ValueError("index: does not name each test image once, from 0 on")
    return {name: values[order] for name, values in columns.items()}
