"""What this machine is, and how to use it well: device, precision, kernels, threads, memory."""

from __future__ import annotations

import contextlib
import ctypes
import sys
from collections.abc import Generator

import torch
from torch import nn

from isthmus.core.errors import InputError
from isthmus.kernels import convolution, dense, processor
from isthmus.kernels.compiled import why_unavailable
from isthmus.models.autoencoder import Autoencoder
from isthmus.models.blocks import FlippedSequential
from isthmus.models.interfaces import Objective
from isthmus.models.layers import Dense

_SMALL = 1 << 17  # numbers in a weight whose products take no time beside a network of convolutions


def choose_device(wanted: str) -> torch.device:
    """`auto` is CUDA where there is one, else the CPU; `mps`, a Mac's GPU, is taken where it is asked for.

    MPS is untried (docs/platforms.md). Raises InputError for a device that is not here.
    """
    if wanted == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    try:
        device = torch.device(wanted)
    except RuntimeError:
        raise InputError(f"train.device: {wanted!r} is no device; use auto, cpu, cuda, cuda:1 or mps") from None
    if device.type not in ("cpu", "cuda", "mps"):
        raise InputError(f"train.device: {wanted!r} is not supported; use auto, cpu, cuda or mps")
    if device.type == "cuda" and (device.index or 0) >= torch.cuda.device_count():
        found = torch.cuda.device_count()
        raise InputError(f"train.device: {wanted!r} is not here (CUDA devices found: {found}); use train.device=auto")
    if device.type == "mps" and (device.index or not torch.backends.mps.is_available()):
        raise InputError(f"train.device: {wanted!r} is not here (PyTorch finds no such GPU); use train.device=auto")
    return device


def choose_precision(wanted: str, device: torch.device) -> str:
    """`auto` is bf16 where the hardware multiplies it, else fp32: emulated bf16 is slower than fp32.

    On MPS it is fp32: whether its GPU multiplies bf16, PyTorch does not say.
    """
    if wanted != "auto":
        return wanted
    if device.type == "cuda":
        return "bf16" if torch.cuda.is_bf16_supported(including_emulation=False) else "fp32"
    if device.type == "mps":
        return "fp32"
    return "bf16" if {"avx512_bf16", "amx_bf16"} & processor.flags() else "fp32"


def choose_kernels(wanted: str, device: torch.device, model: nn.Module, precision: str) -> tuple[str, str]:
    """Give `model` the kernels it trains with: "compiled" or "torch", and why `auto` had to do without the first.

    Raises InputError where "compiled" is wanted and cannot be had.
    """
    parts = [part for part in model.modules() if hasattr(part, "compiled")]
    useful = device.type == "cpu" and any(_gains(part, precision) for part in parts)
    missing = why_unavailable() if useful and wanted != "torch" else None
    if wanted == "compiled" and (missing or not useful):
        why = missing or (
            "they are for convolutions on the CPU, with batch norm, in fp32 on a processor with AVX2, "
            "or in bf16 on one with AMX, and in bf16 for latents of up to 16 numbers"
        )
        raise InputError(f"train.kernels: 'compiled' kernels cannot be used: {why}; set train.kernels=auto")
    compiled = useful and wanted != "torch" and not missing
    for part in parts:
        part.compiled = compiled  # pyright: ignore[reportArgumentType, reportAttributeAccessIssue]
    return "compiled" if compiled else "torch", missing or ""


def _gains(part: nn.Module, precision: str) -> bool:
    """Whether compiled kernels make a part that knows of them faster on this processor."""
    if isinstance(part, FlippedSequential):
        return True
    if isinstance(part, Dense):
        return precision == "bf16" and dense.suits(part.weight)
    return {"bf16": {"amx_bf16"}, "fp32": {"avx2", "fma"}}[precision] <= processor.flags()


def kernels_carry(model: Autoencoder, objective: Objective) -> bool:
    """Whether nearly all arithmetic of a training step is that of our kernels: the rest is well done by one thread."""
    if objective.calls_model:  # the derivative of a kernel's derivative is PyTorch's
        return False
    halves = (model.architecture.encoder, model.architecture.decoder)
    if not all(isinstance(half, FlippedSequential) and half.compiled for half in halves) or not convolution.ready():
        return False
    inside = {id(weight) for half in halves for weight in half.parameters()}
    others = (weight for weight in (*model.parameters(), *objective.parameters()) if id(weight) not in inside)
    return all(weight.numel() <= _SMALL for weight in others)


@contextlib.contextmanager
def cpu_threads(count: int | None) -> Generator[None]:
    """Let torch use `count` threads of the CPU meanwhile; None leaves their number alone."""
    if count is None:
        yield
        return
    before = torch.get_num_threads()
    torch.set_num_threads(count)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def describe(device: torch.device) -> str:
    """One line that names the hardware, for records."""
    if device.type == "cuda":
        return torch.cuda.get_device_name(device)
    if device.type == "mps":
        return f"{processor.name()}, its GPU by MPS"
    return f"{processor.name()}, {torch.get_num_threads()} threads"


def keep_freed_memory() -> None:
    """Tell glibc to keep freed activations instead of returning them to the kernel at every step.

    Training on the CPU is 1.3 to 1.5 times faster for it; elsewhere than glibc nothing happens.
    """
    if sys.platform != "linux":
        return
    with contextlib.suppress(OSError, AttributeError):
        mallopt = ctypes.CDLL("libc.so.6").mallopt
        trim_threshold, top_pad, mmap_threshold = -1, -2, -3
        mallopt(mmap_threshold, 1 << 30)
        mallopt(trim_threshold, 2**31 - 1)
        mallopt(top_pad, 1 << 26)
