"""Objects of other libraries that are passed to Python functions, recognised without importing these libraries."""

from __future__ import annotations

import sys
from typing import Any

import numpy as np

from isthmus.core.errors import InputError


def is_of(data: Any, module: str, name: str) -> bool:
    """Whether `data` is an object of this class of another library; false where that library is not loaded."""
    kind = vars(sys.modules[module]).get(name) if module in sys.modules else None
    return isinstance(kind, type) and isinstance(data, kind)


def is_array(data: Any) -> bool:
    """Whether `data` is an array of NumPy or a tensor of PyTorch."""
    return isinstance(data, np.ndarray) or is_of(data, "torch", "Tensor")


def as_array(data: Any) -> np.ndarray:
    """An array or a tensor of any device as an array. Raises InputError where it hides values or has no NumPy type."""
    if isinstance(data, np.ndarray):
        if isinstance(data, np.ma.MaskedArray) and np.ma.is_masked(data):
            raise InputError("data: a masked array hides some of its values; fill them in with `.filled(VALUE)`")
        return data
    try:
        tensor = data.detach().cpu()
        return (tensor.float() if str(tensor.dtype) == "torch.bfloat16" else tensor).numpy()  # which NumPy lacks
    except Exception as error:  # of any class: a sparse or quantised tensor, or a type that NumPy does not have
        raise InputError(f"data: this tensor is not an array of numbers ({error}); pass a dense one") from None
