"""Makes IDX files, the format of MNIST."""

import gzip
import struct
from pathlib import Path

import numpy as np

_CODES = {"u1": 0x08, "i1": 0x09, "i2": 0x0B, "i4": 0x0C, "f4": 0x0D, "f8": 0x0E}


def idx(array: np.ndarray) -> bytes:
    code = _CODES[array.dtype.str[1:]]
    head = bytes([0, 0, code, array.ndim]) + struct.pack(f">{array.ndim}I", *array.shape)
    return head + array.astype(array.dtype.newbyteorder(">")).tobytes()


def write_pair(folder: Path, split: str, images: np.ndarray, labels: np.ndarray, *, packed: bool) -> None:
    """A split's files of images and labels, called as MNIST's. split: "train" or "t10k"."""
    folder.mkdir(parents=True, exist_ok=True)
    for kind, array in (("images-idx3", images), ("labels-idx1", labels)):
        content = idx(array)
        name = f"{split}-{kind}-ubyte" + (".gz" if packed else "")
        (folder / name).write_bytes(gzip.compress(content, 1) if packed else content)
