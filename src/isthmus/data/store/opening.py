"""Opens a store, and checks that it is whole."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
from pydantic import ValidationError
from safetensors import SafetensorError
from safetensors.numpy import load

from isthmus.core.bounded_reading import parse_json, read_bytes, reason
from isthmus.core.errors import InputError
from isthmus.core.pixels import Rows, blocks
from isthmus.core.values import Dataset, ImageSet
from isthmus.data.content_hashes import content_hashes
from isthmus.data.pixel_file import PixelFile
from isthmus.data.store.header import FORMAT, HEADER, Header, columns_name, pixels_name, row_bytes

_SAMPLE = 8  # images whose pixels are compared with their hashes at each opening


def is_store(folder: Path) -> bool:
    """Whether a folder claims to be a store."""
    return (folder / HEADER).is_file()


def read_header(folder: Path) -> Header:
    """What a store says of itself. Raises InputError where it is none, damaged, or of another version."""
    try:
        raw = parse_json(read_bytes(folder / HEADER))
        version = raw.get("format") if isinstance(raw, dict) else None
        if isinstance(version, int) and version > FORMAT:
            raise InputError(
                f"{folder}: a store of format {version}, from a newer isthmus; this one reads format {FORMAT}: upgrade "
                "isthmus, or make the store again with this one"
            )
        return Header.model_validate(raw)
    except OSError as error:
        raise InputError(f"{folder}: not a store ({HEADER}: {reason(error)}); {_MAKES}") from None
    except (ValidationError, ValueError) as error:
        if isinstance(error, InputError):
            raise
        raise _damaged(folder, f"{HEADER} is not as it was written") from None


def open_store(folder: Path) -> Dataset:
    """The images of a store, whose pixels stay on disk.

    Raises InputError where it is none, of another version, or not whole.
    """
    header = read_header(folder)
    if "train" not in header.images or not set(header.images) <= {"train", "validation", "test"}:
        raise _damaged(folder, f"{HEADER} names other splits than train, validation and test")
    sets = {split: _part(folder, split, count, header) for split, count in header.images.items()}
    return Dataset(
        train=sets["train"],
        validation=sets.get("validation"),
        test=sets.get("test"),
        source=header.source,
        class_names=header.class_names,
        notices=header.notices,
        handling=header.handling,
        range=header.range,
    )


def damaged_images(folder: Path) -> list[str]:
    """A sentence for each split whose pixels differ from their hashes; all are read. Raises as `open_store`."""
    dataset = open_store(folder)
    parts = {"train": dataset.train, "validation": dataset.validation, "test": dataset.test}
    found: list[str] = []
    for split, images in parts.items():
        if images is not None and (wrong := sum(_differing(images, block) for block in blocks(images.images))):
            found.append(f"{folder / pixels_name(split)}: {wrong:,} of {len(images):,} images are damaged.")
    return found


def _part(folder: Path, split: str, count: int, header: Header) -> ImageSet:
    path = folder / pixels_name(split)
    wanted = count * row_bytes(header.shape, header.depth)
    try:
        size = path.stat().st_size
        columns = load(read_bytes(folder / columns_name(split), largest=_LARGEST))
    except OSError as error:
        raise _damaged(folder, f"{Path(error.filename).name}: {reason(error)}") from None
    except (SafetensorError, ValueError) as error:
        raise _damaged(folder, f"{columns_name(split)}: {reason(error)}") from None
    if size != wanted:
        raise _damaged(folder, f"{path.name} holds {size:,} bytes instead of {wanted:,}")
    pixels = PixelFile(path, count, header.shape, np.dtype("<u2" if header.depth == 16 else "u1"))
    rows = columns.get("rows", np.arange(count))
    _check_columns(folder, split, columns, rows, count)
    factors = {name.removeprefix("factor."): values for name, values in columns.items() if name.startswith("factor.")}
    images = ImageSet(
        pixels if "rows" not in columns else Rows(pixels, rows),
        columns.get("labels"),
        factors or None,
        columns["hashes"],
    )
    if _differing(images, np.linspace(0, len(rows) - 1, min(_SAMPLE, len(rows))).astype(np.int64)):
        raise _damaged(folder, f"pixels in {path.name} are not those that were written")
    return images


def _check_columns(folder: Path, split: str, columns: Mapping[str, np.ndarray], rows: np.ndarray, count: int) -> None:
    hashes = columns.get("hashes")
    whole = hashes is not None and hashes.dtype == np.uint8 and hashes.shape == (len(rows), 16)
    whole = whole and all(len(values) == len(rows) for values in columns.values() if values.ndim) and rows.ndim == 1
    whole = whole and rows.dtype == np.int64 and not ((rows < 0) | (rows >= count)).any()
    if not whole:
        raise _damaged(folder, f"{columns_name(split)} does not fit its images")


def _differing(images: ImageSet, rows: np.ndarray | slice) -> int:
    """How many of the images at `rows` have other pixels than their hashes say."""
    assert images.hashes is not None
    return int((content_hashes(images.images[rows]) != images.hashes[rows]).any(axis=1).sum())


def _damaged(folder: Path, why: str) -> InputError:
    return InputError(f"{folder}: is not a whole store ({why}); delete it, and make it again: {_MAKES}")


_LARGEST = 1 << 34  # bytes of hashes and labels: those of a hundred million images
_MAKES = "`isthmus data prepare SOURCE -o FOLDER` makes one"
