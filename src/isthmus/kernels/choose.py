"""Which kernels a training uses: compiled ones if they are available and make it faster."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import nn

from isthmus.core.errors import InputError
from isthmus.kernels import processor
from isthmus.kernels.compiled import version, why_compiled_anew, why_unavailable, without_compiling
from isthmus.kernels.ops import CallsKernels, Kernels

__all__ = ["Choice", "choose", "without_compiling"]

# only Linux reports the processor's features and lets a process use tiles
_FOR = (
    "they are for networks with batch norm on the CPU, and on Linux for convolutions in fp32 on a processor with AVX2, "
    "or in bf16 on one with AMX"
)


@dataclass(frozen=True)
class Choice:
    """The chosen kernels, their record and their notices.

    recorded: "torch", or "compiled" and eight digits that change with everything that the kernels' bits depend on.
    notices: sentences that the user should read.
    """

    kernels: Kernels
    recorded: str = "torch"
    notices: tuple[str, ...] = ()


def choose(wanted: str, device: torch.device, model: nn.Module, precision: str) -> Choice:
    """The kernels for a training of `model`; wanted: auto, compiled or torch.

    Compiles them if that was not done before. Raises InputError if "compiled" is wanted but not available.
    """
    useful = device.type == "cpu" and any(_gains(part, precision) for part in model.modules())
    missing = why_unavailable() if useful and wanted != "torch" else None
    if wanted == "compiled" and (missing or not useful):
        raise InputError(f"train.kernels: 'compiled' kernels cannot be used: {missing or _FOR}; set train.kernels=auto")
    if missing:
        return Choice("torch", notices=(f"Training takes up to 1.8 times as long as it could: {missing}.",))
    if not useful or wanted == "torch":
        return Choice("torch")
    said = why_compiled_anew()
    return Choice("compiled", f"compiled {version()}", (said,) if said else ())


def _gains(part: nn.Module, precision: str) -> bool:
    """Whether compiled kernels make a module faster on this processor."""
    if not isinstance(part, CallsKernels):
        return False
    if part.operation == "convolve_norm_leaky":
        return True
    return {"bf16": {"amx_bf16"}, "fp32": {"avx2", "fma"}}[precision] <= processor.flags()
