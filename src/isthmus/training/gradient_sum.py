"""Adds the gradients of all processes while the backward pass goes on."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
import torch.distributed as dist
from torch import Tensor, nn

_BYTES = 4 << 20  # of gradients that are sent at once: smaller messages cost time, larger ones wait for too many layers


class GradientSum:
    """Sums gradients over all processes; alone, it does nothing.

    parameters: of the model and its objective. Between `begin` and `end`, the backward pass hands each gradient over
    when it is complete, and full buckets are sent in a fixed order while earlier layers are still computed. A gradient
    that no process computes in a step, because a part does not take part in it, stays None.

    Not PyTorch's DistributedDataParallel: it wraps one call of one module, and here adversaries have a loss of their
    own, regularizers call parts of the model again, and losses are sums over images, not means (docs/decisions.md).
    """

    def __init__(self, parameters: Sequence[nn.Parameter]) -> None:
        self.buckets = _buckets([parameter for parameter in reversed(parameters) if parameter.requires_grad])
        self.bucket_of = {parameter: number for number, some in enumerate(self.buckets) for parameter in some}
        self.active = False
        for parameter in self.bucket_of:
            parameter.register_post_accumulate_grad_hook(self._arrived)

    def begin(self) -> None:
        """Before the backward pass; every gradient is None."""
        self.active = True
        self.missing = [len(bucket) for bucket in self.buckets]
        self.sent: list[tuple[Any, Tensor, list[nn.Parameter]]] = []

    def end(self) -> None:
        """After the backward pass: send what is left, and wait for all sums."""
        self.active = False
        while len(self.sent) < len(self.buckets):
            self._send()
        for work, flat, parameters in self.sent:
            if work is None:
                continue
            work.wait()
            sizes = [parameter.numel() for parameter in parameters]
            for parameter, total in zip(parameters, flat.split(sizes), strict=True):
                assert parameter.grad is not None
                parameter.grad.copy_(total.view_as(parameter.grad))
        self.sent = []

    def _arrived(self, parameter: nn.Parameter) -> None:
        if not self.active:
            return
        self.missing[self.bucket_of[parameter]] -= 1
        while len(self.sent) < len(self.buckets) and self.missing[len(self.sent)] == 0:
            self._send()

    def _send(self) -> None:
        there = [parameter for parameter in self.buckets[len(self.sent)] if parameter.grad is not None]
        if not there:
            self.sent.append((None, torch.empty(0), []))
            return
        flat = torch.cat([parameter.grad.flatten() for parameter in there if parameter.grad is not None])
        self.sent.append((dist.all_reduce(flat, async_op=True), flat, there))


def _buckets(parameters: Sequence[nn.Parameter]) -> list[list[nn.Parameter]]:
    """Parameters in the given order, in buckets of about `_BYTES` of one type each."""
    buckets: list[list[nn.Parameter]] = []
    size = 0
    for parameter in parameters:
        bytes_ = parameter.numel() * parameter.element_size()
        if not buckets or size + bytes_ > _BYTES or buckets[-1][0].dtype != parameter.dtype:
            buckets.append([])
            size = 0
        buckets[-1].append(parameter)
        size += bytes_
    return buckets
