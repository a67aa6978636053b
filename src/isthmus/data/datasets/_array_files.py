"""Opens arrays in .npy, .npz, safetensors and IDX files without reading their values, and never as pickles.

Rows are read from the file when they are asked for, so that an array may be larger than memory. Plain reads rather than
a memory map: a file that is cut short while it is in use is then an error and does not end the process.

Source: the format of .npy is documented in `numpy.lib.format`, that of IDX at the foot of the page of MNIST
(http://yann.lecun.com/exdb/mnist/), that of safetensors at https://huggingface.co/docs/safetensors.
"""

from __future__ import annotations

import gzip
import io
import math
import struct
import zipfile
import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.lib import format as npy

from isthmus.core.bounded_reading import open_ordinary, parse_json, reason
from isthmus.core.errors import InputError
from isthmus.core.memory_limit import check_room
from isthmus.core.wording import counted

_SAFETENSORS = {
    "BOOL": "|b1", "U8": "|u1", "I8": "|i1", "U16": "<u2", "I16": "<i2", "U32": "<u4", "I32": "<i4", "U64": "<u8",
    "I64": "<i8", "F16": "<f2", "F32": "<f4", "F64": "<f8",
}  # fmt: skip
_IDX = {0x08: "|u1", 0x09: "|i1", 0x0B: ">i2", 0x0C: ">i4", 0x0D: ">f4", 0x0E: ">f8"}
_LONGEST_HEADER = 100_000_000  # bytes, as safetensors itself allows
_GZIP, _ZIP, _NPY = b"\x1f\x8b", b"PK", b"\x93NUMPY"


@dataclass(frozen=True)
class StoredArray:
    """An array in a file: its values begin at `offset`, in C order. dtype: as NumPy writes it, such as `>u2`."""

    path: Path
    name: str
    offset: int
    shape: tuple[int, ...]
    dtype: np.dtype[Any]

    def rows(self, start: int, stop: int) -> np.ndarray:
        """The values from row `start` up to `stop`. Raises InputError where the file has become shorter."""
        one = math.prod(self.shape[1:])
        try:
            with open_ordinary(self.path) as file:
                file.seek(self.offset + start * one * self.dtype.itemsize)
                content = file.read((stop - start) * one * self.dtype.itemsize)
        except OSError as error:
            raise InputError(f"{self.path}: cannot be read ({reason(error)}); check the path") from None
        if len(content) != (stop - start) * one * self.dtype.itemsize:
            raise InputError(f"{self.path}: ends within `{self.name}`; get a complete copy")
        return np.frombuffer(content, self.dtype).reshape(stop - start, *self.shape[1:])


@dataclass(frozen=True)
class PackedArray:
    """An array that is compressed in its file, or in Fortran order: it is read whole, when first asked for rows.

    unpack: gives its values.
    """

    path: Path
    name: str
    shape: tuple[int, ...]
    dtype: np.dtype[Any]
    unpack: Callable[[], np.ndarray]

    @cached_property
    def values(self) -> np.ndarray:
        whole = math.prod(self.shape) * self.dtype.itemsize
        check_room(whole, f"{self.path}: the values", "save them uncompressed, in C order, to read them from disk")
        try:
            return self.unpack()
        except (OSError, ValueError, EOFError, zipfile.BadZipFile, zlib.error) as error:
            raise InputError(f"{self.path}: is damaged ({reason(error)}); get it again") from None

    def rows(self, start: int, stop: int) -> np.ndarray:
        return self.values[start:stop]


ArrayInFile = StoredArray | PackedArray


def open_arrays(path: Path, option: str) -> Mapping[str, ArrayInFile]:
    """The arrays in a file, by name; an array without a name, in .npy and IDX files, is called "".

    option: named in messages, such as `data.path`. Raises InputError where the file is missing, damaged or of another
    format.
    """
    try:
        with open_ordinary(path) as file:
            head = file.read(len(_NPY))
            size = file.seek(0, io.SEEK_END)
            file.seek(0)
            if head.startswith(_NPY):
                return {"": _npy(path, "", file, 0, size)}
            if head.startswith(_ZIP):
                return _npz(path, file)
            if head.startswith(_GZIP):
                return {"": _gzip_idx(path, file)}
            if _is_idx(head):
                return {"": _idx(path, file, size)}
            return _safetensors(path, file, size)
    except OSError as error:
        raise InputError(f"{option}: {path} cannot be read ({reason(error)}); check the path") from None
    except (ValueError, EOFError, zipfile.BadZipFile, zlib.error, struct.error, OverflowError) as error:
        if isinstance(error, InputError):
            raise InputError(f"{option}: {error}") from None
        raise InputError(
            f"{option}: {path} is not a complete .npy, .npz, safetensors or IDX file ({reason(error)}); get it again, "
            "or save the array with numpy.save"
        ) from None


def check_numbers(array: ArrayInFile) -> None:
    """Raise InputError where an array does not hold real numbers."""
    called = f"`{array.name}` holds" if array.name else "holds"
    if array.dtype.hasobject:
        raise InputError(
            f"{array.path}: {called} objects of Python, which are not loaded because that could run code; save numbers "
            "of one type and shape"
        )
    if array.dtype.kind not in "biuf":
        raise InputError(f"{array.path}: {called} {array.dtype} rather than numbers; save real numbers")


def native(values: np.ndarray) -> np.ndarray:
    """The values in this machine's byte order."""
    return values.astype(values.dtype.newbyteorder("="), copy=False)


def _npy(path: Path, name: str, file: IO[bytes], start: int, size: int) -> ArrayInFile:
    """The array whose .npy header begins at `start`, and whose values end at `size` at the latest."""
    file.seek(start)
    shape, fortran, dtype = _npy_header(file)
    offset = file.tell()
    if dtype.hasobject:
        return _objects(path, name, shape, dtype)
    _check_end(name, offset, math.prod(shape) * dtype.itemsize, size)
    stored = StoredArray(path, name, offset, shape, dtype)
    if not fortran or len(shape) < 2:
        return stored

    def unpack() -> np.ndarray:
        reverse = StoredArray(path, name, offset, shape[::-1], dtype)
        return reverse.rows(0, shape[-1]).transpose()

    return PackedArray(path, name, shape, dtype, unpack)


def _npy_header(file: IO[bytes]) -> tuple[tuple[int, ...], bool, np.dtype[Any]]:
    version = npy.read_magic(file)
    read = {(1, 0): npy.read_array_header_1_0, (2, 0): npy.read_array_header_2_0}.get(version)
    if read is None:  # 3.0 is for field names in UTF-8
        raise ValueError(f"version {version[0]}.{version[1]} of the .npy format, which is for records")
    shape, fortran, dtype = read(file)
    if any(side < 0 for side in shape):
        raise ValueError("it has a side below 0")
    return shape, fortran, dtype


def _objects(path: Path, name: str, shape: tuple[int, ...], dtype: np.dtype[Any]) -> ArrayInFile:
    """An array that only unpickling could read: its name may be listed, its values are not."""

    def refuse() -> np.ndarray:
        raise ValueError("objects of Python")

    return PackedArray(path, name, shape, dtype, refuse)


def _npz(path: Path, file: IO[bytes]) -> Mapping[str, ArrayInFile]:
    found: dict[str, ArrayInFile] = {}
    with zipfile.ZipFile(file) as archive:
        for entry in archive.infolist():
            if not entry.filename.endswith(".npy"):
                continue
            name = entry.filename.removesuffix(".npy")
            if entry.compress_type == zipfile.ZIP_STORED and not entry.flag_bits & 1:
                file.seek(entry.header_offset)
                local = _exactly(file, 30)  # its name and extra field may be longer than in the directory
                start = entry.header_offset + 30 + sum(struct.unpack("<HH", local[26:30]))
                found[name] = _npy(path, name, file, start, start + entry.file_size)
            else:
                found[name] = _packed_npy(path, name, archive, entry)
    return found


def _packed_npy(path: Path, name: str, archive: zipfile.ZipFile, entry: zipfile.ZipInfo) -> ArrayInFile:
    with archive.open(entry) as packed:
        shape, fortran, dtype = _npy_header(packed)
    if dtype.hasobject:
        return _objects(path, name, shape, dtype)

    def unpack() -> np.ndarray:
        with zipfile.ZipFile(path) as again, again.open(entry.filename) as packed:
            _npy_header(packed)
            flat = np.frombuffer(_exactly(packed, math.prod(shape) * dtype.itemsize), dtype)
        return flat.reshape(shape[::-1]).transpose() if fortran else flat.reshape(shape)

    return PackedArray(path, name, shape, dtype, unpack)


def _safetensors(path: Path, file: IO[bytes], size: int) -> Mapping[str, ArrayInFile]:
    (length,) = struct.unpack("<Q", _exactly(file, 8))
    if not 0 < length <= min(_LONGEST_HEADER, size - 8):
        raise ValueError("it begins with no header")
    header = parse_json(_exactly(file, length))
    if not isinstance(header, dict):
        raise ValueError("its header is no table")
    found: dict[str, ArrayInFile] = {}
    for name, entry in header.items():
        if name == "__metadata__":
            continue
        try:
            kind, shape = str(entry["dtype"]), tuple(map(int, entry["shape"]))
            start, stop = map(int, entry["data_offsets"])
        except (KeyError, TypeError, ValueError):
            raise ValueError(f"its header does not describe `{name}`") from None
        if kind not in _SAFETENSORS:
            raise InputError(f"{path}: `{name}` has the type {kind}, which is not read; save it as float32")
        dtype = np.dtype(_SAFETENSORS[kind])
        if min(shape, default=0) < 0 or stop - start != math.prod(shape) * dtype.itemsize or start < 0:
            raise ValueError(f"`{name}` has another size than its header says")
        _check_end(name, 8 + length + start, stop - start, size)
        found[name] = StoredArray(path, name, 8 + length + start, shape, dtype)
    return found


def _is_idx(head: bytes) -> bool:
    return len(head) >= 4 and head[:2] == b"\0\0" and head[2] in _IDX and head[3] in range(1, 5)


def _idx_header(file: IO[bytes] | gzip.GzipFile) -> tuple[tuple[int, ...], np.dtype[Any]]:
    head = _exactly(file, 4)
    if not _is_idx(head):
        raise ValueError(f"it begins with {head.hex()} rather than with the mark of an IDX file, such as 00000803")
    return struct.unpack(f">{head[3]}I", _exactly(file, 4 * head[3])), np.dtype(_IDX[head[2]])


def _idx(path: Path, file: IO[bytes], size: int) -> ArrayInFile:
    shape, dtype = _idx_header(file)
    whole, offset = math.prod(shape) * dtype.itemsize, file.tell()
    _check_end("", offset, whole, size)
    if size > offset + whole:
        raise ValueError(f"it holds {size - offset - whole:,} bytes more than its header says")
    return StoredArray(path, "", offset, shape, dtype)


def _gzip_idx(path: Path, file: IO[bytes]) -> ArrayInFile:
    with gzip.GzipFile(fileobj=file) as packed:
        shape, dtype = _idx_header(packed)

    def unpack() -> np.ndarray:
        with open_ordinary(path) as again, gzip.GzipFile(fileobj=again) as packed:
            _idx_header(packed)
            values = np.frombuffer(_exactly(packed, math.prod(shape) * dtype.itemsize), dtype).reshape(shape)
            if packed.read(1):
                raise ValueError("it holds more bytes than its header says")
        return values

    return PackedArray(path, "", shape, dtype, unpack)


def _exactly(file: Any, count: int) -> bytes:
    """`count` bytes, read piece by piece: a hostile header may claim any size. Raises ValueError where they end."""
    content = bytearray()
    while len(content) < count:
        piece = file.read(min(1 << 20, count - len(content)))
        if not piece:
            raise ValueError(f"it ends after {len(content):,} of {count:,} bytes")
        content += piece
    return bytes(content)


def _check_end(name: str, offset: int, whole: int, size: int) -> None:
    if offset + whole > size:
        part = f" within `{name}`," if name else ""
        raise ValueError(f"it ends{part} {counted(offset + whole - size, 'byte')} too early")
