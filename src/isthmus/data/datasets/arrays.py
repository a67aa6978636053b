"""Images from an array, stored in a file so that a run can be rerun."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import safetensors

from isthmus.core.bounded_reading import read_bytes, reason
from isthmus.core.errors import InputError
from isthmus.core.paths import expanded
from isthmus.core.values import Dataset, ImageSet
from isthmus.core.wording import counted
from isthmus.data.interfaces import DataSource


class Arrays(DataSource):
    """A safetensors file with the tensor `images` and, optionally, `labels`.

    `isthmus.train(..., data=array)` writes one into the run's folder. Test images are drawn from the images.

    Options:
        path: the file. `images` are (N, 3, H, W) uint8, `labels` (N,) int64.
    """

    def __init__(self, *, path: str) -> None:
        self.path = expanded(path, "data.path")

    def load(self) -> Dataset:
        """Read the file into memory. Raises InputError where it is missing, damaged or holds something else."""
        try:
            tensors = dict(safetensors.deserialize(read_bytes(self.path, largest=1 << 40)))
        except OSError as error:
            raise InputError(f"data.path: {self.path} cannot be read ({reason(error)}); check the path") from None
        except (ValueError, safetensors.SafetensorError) as error:
            raise InputError(
                f"data.path: {self.path} is not a complete safetensors file ({reason(error)}); restore it from a copy"
            ) from None
        images = _tensor(self.path, tensors, "images", "U8", np.uint8)
        if images is None or images.ndim != 4 or images.shape[1] != 3 or not images.size:
            raise InputError(f"data.path: {self.path} holds no `images` of shape (N, 3, H, W); save them as uint8")
        labels = _tensor(self.path, tensors, "labels", "I64", np.int64)
        if labels is not None and labels.shape != images.shape[:1]:
            raise InputError(
                f"data.path: {self.path} holds labels of shape {labels.shape} for {counted(len(images), 'image')}; "
                "give one label per image"
            )
        return Dataset(ImageSet(images, labels), None, source=f"{counted(len(images), 'image')} from an array")


def _tensor(path: Path, tensors: dict[str, dict[str, Any]], name: str, kind: str, dtype: type) -> np.ndarray | None:
    found = tensors.get(name)
    if found is None:
        return None
    if found["dtype"] != kind:
        raise InputError(f"data.path: {path} holds `{name}` as {found['dtype']}; save them as {kind}")
    # explicitly little-endian, as the format is
    return np.frombuffer(bytearray(found["data"]), np.dtype(dtype).newbyteorder("<")).reshape(found["shape"])
