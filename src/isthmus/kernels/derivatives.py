"""Second derivatives of the compiled operations, computed by PyTorch's operations."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from torch import Tensor


def differentiate(
    apply: Callable[..., Tensor], given: Sequence[Tensor | None], needed: Sequence[bool], dy: Tensor
) -> list[Tensor | None]:
    """The gradients of apply(*given) that are needed, by operations that can be differentiated again."""
    wanted = [tensor if need else None for tensor, need in zip(given, needed, strict=True)]
    inputs = [tensor for tensor in wanted if tensor is not None]
    found = iter(torch.autograd.grad(apply(*given), inputs, dy, create_graph=True))
    return [None if tensor is None else next(found) for tensor in wanted]
