"""Devices are chosen or refused in a sentence; precision follows the hardware."""

from __future__ import annotations

import ctypes
import re
import sys
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from tests.conftest import TINY
from torch import nn

import isthmus
from isthmus.core.errors import InputError
from isthmus.kernels import processor
from isthmus.kernels.choose import choose
from isthmus.models.autoencoder import Autoencoder
from isthmus.models.build_objective import build_objective
from isthmus.models.widest import widest_dtype
from isthmus.recipes.recipe import Part
from isthmus.recipes.study_plan import load_recipe
from isthmus.training import devices

CPU = torch.device("cpu")


def cuda_devices(monkeypatch: pytest.MonkeyPatch, count: int) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: count > 0)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: count)


@pytest.mark.parametrize(("count", "chosen"), [(0, "cpu"), (2, "cuda")])
def test_auto_takes_cuda_where_there_is_one(monkeypatch: pytest.MonkeyPatch, count: int, chosen: str) -> None:
    cuda_devices(monkeypatch, count)
    assert devices.choose_device("auto").type == chosen
    assert devices.choose_device("cpu") == CPU


@pytest.mark.parametrize(("count", "wanted"), [(0, "cuda"), (1, "cuda:1"), (2, "cuda:7")])
def test_a_cuda_device_that_is_not_here_is_refused(monkeypatch: pytest.MonkeyPatch, count: int, wanted: str) -> None:
    cuda_devices(monkeypatch, count)
    with pytest.raises(InputError, match=rf"train\.device: '{wanted}' is not here .*found: {count}.*auto"):
        devices.choose_device(wanted)


def test_a_macs_gpu_is_taken_where_it_is_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    """It trains in fp32 with PyTorch's kernels, and is not what `auto` takes: nobody has tried it."""
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: True)
    cuda_devices(monkeypatch, 0)
    mps = devices.choose_device("mps")
    assert mps.type == "mps"
    assert devices.choose_device("auto") == CPU
    assert devices.choose_precision("auto", mps) == "fp32"
    assert choose("auto", mps, nn.Sequential(), "fp32").kernels == "torch"
    assert "MPS" in devices.describe(mps)
    assert (widest_dtype(mps), widest_dtype(CPU)) == (torch.float32, torch.float64)


@pytest.mark.parametrize("wanted", ["mps", "mps:1"])
def test_a_macs_gpu_that_is_not_here_is_refused(wanted: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: wanted == "mps:1")
    with pytest.raises(InputError, match=rf"train\.device: '{wanted}' is not here .*use auto or cpu"):
        devices.choose_device(wanted)


def test_no_float64_is_made_where_a_device_may_lack_it() -> None:
    """`.double()` and `torch.float64` stand where numbers are on the CPU: they fail on MPS."""
    on_the_cpu = {
        *("models/widest.py", "models/linear_path.py", "models/structural_similarity.py", "models/layers.py"),
        *("models/bottlenecks/fsq.py", "models/corruptions/blur.py", "models/pixels.py", "training/meter.py"),
        *("models/processes.py", "training/agreement.py", "evaluation/scoring.py", "evaluation/doctor/measure.py"),
        *("evaluation/latents/likelihood_bounds.py", "inference/export/compare.py"),
        *("inference/encode.py", "inference/anomaly/local_errors.py", "inference/anomaly/negative_elbo.py"),
        "inference/anomaly/relative_errors.py",
    }
    home = Path(isthmus.__file__).parent
    rooms = [home / room for room in ("models", "training", "evaluation", "inference")]
    found = {
        str(path.relative_to(home))
        for room in rooms
        for path in room.rglob("*.py")
        if re.search(r"\.double\(|torch\.float64", path.read_text(encoding="utf-8"))
    }
    assert found <= on_the_cpu


@pytest.mark.parametrize("wanted", ["gpu", "banana", "cuda:x", "meta", ""])
def test_what_is_no_device_is_refused(wanted: str) -> None:
    with pytest.raises(InputError, match=rf"train\.device: '{wanted}' is .*use auto, cpu"):
        devices.choose_device(wanted)


@pytest.mark.parametrize(
    ("flags", "chosen"),
    [("fpu avx512_bf16 amx_tile", "bf16"), ("fpu amx_bf16", "bf16"), ("fpu avx512f avx2", "fp32"), (None, "fp32")],
)
def test_auto_precision_follows_the_processor(monkeypatch: pytest.MonkeyPatch, flags: str | None, chosen: str) -> None:
    """bf16 only where the processor says that it multiplies it; fp32 where it says nothing."""

    told = {} if flags is None else {"model name": "Some CPU", "flags": flags}
    monkeypatch.setattr(processor, "_told", lambda: told)
    assert devices.choose_precision("auto", CPU) == chosen
    assert devices.choose_precision("fp32", CPU) == "fp32"
    assert devices.choose_precision("bf16", CPU) == "bf16"
    assert ("Some CPU" in devices.describe(CPU)) == (flags is not None)


def test_the_description_says_how_many_threads() -> None:
    assert devices.describe(CPU).endswith(f", {torch.get_num_threads()} threads")


def test_tuning_malloc_is_left_out_where_it_cannot_be_done(monkeypatch: pytest.MonkeyPatch) -> None:
    """Elsewhere than Linux the C library is not even looked for; a Linux without glibc is no error."""
    looked: list[str] = []

    def missing(name: str) -> None:
        looked.append(name)
        raise OSError(name)

    monkeypatch.setattr(ctypes, "CDLL", missing)
    monkeypatch.setattr(sys, "platform", "linux")
    devices.keep_freed_memory()
    assert looked == ["libc.so.6"]
    monkeypatch.setattr(sys, "platform", "darwin")
    devices.keep_freed_memory()
    assert looked == ["libc.so.6"]


def test_threads_are_the_callers_again_afterwards() -> None:
    before = torch.get_num_threads()
    with pytest.raises(KeyError), devices.cpu_threads(before + 1):
        assert torch.get_num_threads() == before + 1
        raise KeyError
    assert torch.get_num_threads() == before
    with devices.cpu_threads(None):
        assert torch.get_num_threads() == before


def test_a_step_that_calls_the_model_again_is_not_mostly_the_kernels() -> None:
    """Most of its arithmetic is PyTorch's, which then gets all threads."""
    recipe = load_recipe("post/latent-10", TINY)
    model = Autoencoder(recipe, (3, 16, 16))
    assert devices.mostly_convolutions(model, build_objective(recipe, model))
    contractive = replace(recipe, regularizer=Part("contractive", {}))
    assert not devices.mostly_convolutions(model, build_objective(contractive, model))
