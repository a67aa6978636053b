"""Trades time for memory in training: what is inside a segment is computed again for the backward pass, not kept.

x --segment--> y      kept: x alone; the backward pass runs the segment once more before its gradients

The result is the same to the bit: running statistics move once, and the second run begins with the same ones and with
the same random state. Batch statistics are always those of the whole batch.
"""

from __future__ import annotations

from collections.abc import Callable, Generator
from contextlib import contextmanager, nullcontext
from contextvars import ContextVar
from typing import Any, TypeVar, cast

import torch
from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint

_active: ContextVar[bool] = ContextVar("_active", default=False)
T = TypeVar("T")


@contextmanager
def recomputing(active: bool = True) -> Generator[None]:
    """Inside the block, segments keep only their inputs if `active`. The backward pass must run inside it too."""
    token = _active.set(active)
    try:
        yield
    finally:
        _active.reset(token)


def recomputes() -> bool:
    """Whether segments keep only their inputs here."""
    return _active.get() and torch.is_grad_enabled()


def segment(part: nn.Module, function: Callable[..., T], *inputs: Any) -> T:
    """function(*inputs), which calls `part` and depends on its buffers. Segments may contain segments.

    Outside of `recomputing` this is the plain call. So it is in evaluation mode: such passes belong to regularizers,
    and by the time of the backward pass the model is in training mode again.
    """
    if not (recomputes() and part.training):
        return function(*inputs)
    again = _AsBefore(part)
    return cast(T, checkpoint(function, *inputs, use_reentrant=False, context_fn=lambda: (nullcontext(), again)))


class _AsBefore:
    """Inside the block, the buffers of `part` start as they are now; after it, they hold what they held before it."""

    def __init__(self, part: nn.Module) -> None:
        # `.data`: autograd counts changes of a buffer, and after this block there has been none
        self.buffers = [buffer.data for buffer in part.buffers()]
        self.before = self._copies()
        self.after: list[Tensor] = []

    def _copies(self) -> list[Tensor]:
        return [buffer.clone() for buffer in self.buffers]

    def _set(self, values: list[Tensor]) -> None:
        for buffer, value in zip(self.buffers, values, strict=True):
            buffer.copy_(value)

    def __enter__(self) -> None:
        self.after = self._copies()
        self._set(self.before)

    def __exit__(self, *_: object) -> None:
        self._set(self.after)
