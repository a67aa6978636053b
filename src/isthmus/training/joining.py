"""Joins the processes that torchrun started to one training."""

from __future__ import annotations

import os
import re
from collections.abc import Generator
from contextlib import contextmanager
from datetime import timedelta

import torch

from isthmus.core.errors import InputError, RunError
from isthmus.core.torchrun import Place, place
from isthmus.data.workers import cores
from isthmus.models.processes import ALONE, Processes, joined

_PEER_SECONDS = 300.0
_VARIABLE = "ISTHMUS_PEER_SECONDS"
_LATE = re.compile(r"[Tt]imed? ?out")
_GONE = re.compile(r"[Cc]onnection (closed|reset|refused)|Broken pipe|closed by (the )?peer|remote process exited")


@contextmanager
def together(device: str) -> Generator[Processes]:
    """The processes of a training on `device`, an option of a recipe: those that torchrun started, or this one alone.

    Raises RunError where another process ends or does not answer: a process waits `ISTHMUS_PEER_SECONDS` (300) for the
    others; InputError for a process without a device of its own.
    """
    here = place()
    if here is None or here.count == 1:
        yield ALONE
        return
    cuda = _is_cuda(device, here)
    threads = torch.get_num_threads()
    if not cuda and here.local_count > 1:  # torchrun asks for one thread each, also where there are more cores
        torch.set_num_threads(max(1, cores() // here.local_count))
    seconds = _peer_seconds()
    try:
        with joined(
            here.rank, here.count, backend="nccl" if cuda else "gloo", timeout=timedelta(seconds=seconds)
        ) as processes:
            yield processes
    except RuntimeError as error:
        raise _explained(error, seconds) from None
    finally:
        torch.set_num_threads(threads)


def _is_cuda(device: str, here: Place) -> bool:
    """Whether the processes train on CUDA, each on a device of its own, which becomes the current one."""
    if device == "cpu" or not torch.cuda.is_available():
        return False
    if device not in ("auto", "cuda"):
        raise InputError(f"train.device: {device!r} is one device for {here.count} processes; use auto, cuda or cpu")
    found = torch.cuda.device_count()
    if here.local_rank >= found:
        raise InputError(
            f"process {here.rank} has no GPU of its own (GPUs found: {found}); start at most {found} processes a "
            "machine with --nproc-per-node, or train on the CPU with train.device=cpu"
        )
    torch.cuda.set_device(here.local_rank)
    return True


def _peer_seconds() -> float:
    given = os.environ.get(_VARIABLE, "")
    try:
        seconds = float(given) if given else _PEER_SECONDS
    except ValueError:
        seconds = 0.0
    if not 0 < seconds < 1e6:
        raise InputError(f"{_VARIABLE}: {given!r} does not fit: it is a number of seconds above 0, such as 300")
    return seconds


def _explained(error: RuntimeError, seconds: float) -> Exception:
    """The failure of another process as a sentence; other errors as they are."""
    said = str(error)
    if _LATE.search(said):
        return RunError(
            f"another process of this training did not answer for {seconds:g} s, so it is given up; the last "
            f"checkpoint is kept. Set {_VARIABLE} for a longer wait"
        )
    if _GONE.search(said):
        return RunError("another process of this training ended, so this one stops; the last checkpoint is kept")
    return error
