"""Bytes inside an HTML page."""

from __future__ import annotations

import base64
import gzip

import numpy as np
from safetensors.numpy import save


def blob(content: bytes) -> str:
    """Base64 of the gzip of `content`; the same content always gives the same text."""
    return wrapped(gzip.compress(content, 9, mtime=0))


def wrapped(zipped: bytes) -> str:
    """Base64 of bytes that are already gzipped."""
    return base64.b64encode(zipped).decode("ascii")


def tensors(arrays: dict[str, np.ndarray]) -> bytes:
    """A safetensors file."""
    return save({name: np.ascontiguousarray(array) for name, array in arrays.items()})
