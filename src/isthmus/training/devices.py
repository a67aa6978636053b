"""This machine's hardware, and how to use it well: device, precision, threads, memory."""

from __future__ import annotations

import contextlib
import ctypes
import sys
from collections.abc import Generator

import torch

from isthmus.core.errors import InputError
from isthmus.kernels import processor
from isthmus.models.autoencoder import Autoencoder
from isthmus.models.blocks import FlippedSequential
from isthmus.models.interfaces import Objective
from isthmus.models.processes import here

_SMALL = 1 << 17  # numbers in a weight; products with smaller ones take no time beside a network of convolutions


def choose_device(wanted: str, option: str = "train.device") -> torch.device:
    """`auto` is CUDA if available, else the CPU; `mps`, a Mac's GPU, is used only on request.

    MPS is untested (docs/platforms.md). Raises InputError for a device that is not available; the message calls it
    `option`.
    """
    if wanted in ("auto", "cuda") and here().count > 1 and torch.cuda.is_available():
        return torch.device("cuda", torch.cuda.current_device())  # each process has its own
    if wanted == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    try:
        device = torch.device(wanted)
    except RuntimeError:
        raise InputError(f"{option}: {wanted!r} is no device; use auto, cpu, cuda, cuda:1 or mps") from None
    if device.type not in ("cpu", "cuda", "mps"):
        raise InputError(f"{option}: {wanted!r} is not supported; use auto, cpu, cuda or mps")
    if device.type == "cuda" and (device.index or 0) >= torch.cuda.device_count():
        found = torch.cuda.device_count()
        raise InputError(f"{option}: {wanted!r} is not here (CUDA devices found: {found}); use auto or cpu")
    if device.type == "mps" and (device.index or not torch.backends.mps.is_available()):
        raise InputError(f"{option}: {wanted!r} is not here (PyTorch finds no such GPU); use auto or cpu")
    return device


def choose_precision(wanted: str, device: torch.device) -> str:
    """`auto` is bf16 if the hardware multiplies it, else fp32: emulated bf16 is slower than fp32.

    On MPS it is fp32, because PyTorch does not report whether the GPU multiplies bf16.
    """
    if wanted != "auto":
        return wanted
    if device.type == "cuda":
        return "bf16" if torch.cuda.is_bf16_supported(including_emulation=False) else "fp32"
    if device.type == "mps":
        return "fp32"
    return "bf16" if {"avx512_bf16", "amx_bf16"} & processor.flags() else "fp32"


def mostly_convolutions(model: Autoencoder, objective: Objective) -> bool:
    """Whether nearly all arithmetic of a training step is in sequences of Keras-style convolutions."""
    if objective.calls_model:  # second derivatives of kernels run in PyTorch
        return False
    halves = (model.architecture.encoder, model.architecture.decoder)
    if not all(isinstance(half, FlippedSequential) for half in halves):
        return False
    inside = {id(weight) for half in halves for weight in half.parameters()}
    others = (weight for weight in (*model.parameters(), *objective.parameters()) if id(weight) not in inside)
    return all(weight.numel() <= _SMALL for weight in others)


@contextlib.contextmanager
def cpu_threads(count: int | None) -> Generator[None]:
    """Inside the block, torch uses `count` CPU threads; None does not change their number."""
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


def return_freed_memory() -> None:
    """Give what `keep_freed_memory` kept back to the operating system, such as an optimizer's state after training."""
    if sys.platform != "linux":
        return
    with contextlib.suppress(OSError, AttributeError):
        ctypes.CDLL("libc.so.6").malloc_trim(0)


def keep_freed_memory(*, large: bool = True) -> None:
    """Tell glibc to keep freed activations instead of returning them to the operating system at every step.

    This makes training on the CPU 1.3 to 1.5 times faster. Without glibc it does nothing.
    large: also those of more than 32 MB. Between what is kept, gaps stay that no other tensor fits into: without
    them, a step that recomputes its activations would save hardly any memory.
    """
    if sys.platform != "linux":
        return
    with contextlib.suppress(OSError, AttributeError):
        mallopt = ctypes.CDLL("libc.so.6").mallopt
        trim_threshold, top_pad, mmap_threshold = -1, -2, -3
        mallopt(mmap_threshold, 1 << 30 if large else 1 << 25)
        mallopt(trim_threshold, 2**31 - 1)
        mallopt(top_pad, 1 << 26)
