"""Sums over processes inside a compiled kernel: it calls back, with its own sums, between two passes over memory."""

from __future__ import annotations

import ctypes
from typing import Any

import numpy as np
import torch
import torch.distributed as dist

from isthmus.core.share import Share

_failures: list[BaseException] = []


def _add(numbers: Any, count: int) -> None:
    """Add `count` float64 numbers in place over the processes."""
    try:
        dist.all_reduce(torch.from_numpy(np.ctypeslib.as_array(numbers, (count,))))
    except BaseException as error:  # an exception cannot pass through the kernel: see `raise_failure`
        _failures.append(error)


_callback = ctypes.CFUNCTYPE(None, ctypes.POINTER(ctypes.c_double), ctypes.c_int)(_add)
_ADDRESS = ctypes.cast(_callback, ctypes.c_void_p).value or 0


def shared_rows(rows: int, share: Share | None) -> dict[str, int]:
    """A kernel's arguments `all_rows` and `add`, for `rows` of this process's images."""
    if share is None:
        return {"all_rows": 0, "add": 0}
    return {"all_rows": rows // share.size * share.images, "add": _ADDRESS}


def raise_failure() -> None:
    """Raise what failed in a sum of the kernel that was called; what it computed is then worth nothing."""
    if _failures:
        error = _failures.pop()
        _failures.clear()
        raise error
