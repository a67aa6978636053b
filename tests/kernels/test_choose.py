"""Compiled kernels are chosen where they can be had and make training faster; what cannot be is told in a sentence."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from isthmus.core import registry
from isthmus.core.errors import InputError
from isthmus.kernels import choose, processor
from isthmus.kernels.choose import Choice

CPU = torch.device("cpu")
COMPILED, TORCH = Choice("compiled", "compiled 3f2a91c0"), Choice("torch")


@pytest.fixture
def compiler(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(choose, "why_unavailable", lambda: None)
    monkeypatch.setattr(choose, "why_compiled_anew", lambda: None)
    monkeypatch.setattr(choose, "version", lambda: "3f2a91c0")


@pytest.fixture
def no_compiler(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(choose, "why_unavailable", lambda: "no C++ compiler is here")
    monkeypatch.setattr(processor, "_told", dict)


def network(kind: str = "conv") -> nn.Module:
    options = {"filters": [16], "strides": [2]} if kind == "conv" else {}
    return registry.build("architectures", kind, options, (3, 16, 16))


def test_auto_is_compiled_where_it_can_be(compiler: None) -> None:
    assert choose.choose("auto", CPU, network(), "fp32") == COMPILED
    assert choose.choose("torch", CPU, network(), "fp32") == TORCH


def test_kernels_that_cannot_be_kept_are_told(compiler: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(choose, "why_compiled_anew", lambda: "They are compiled anew.")
    assert choose.choose("auto", CPU, network(), "fp32").notices == ("They are compiled anew.",)


@pytest.mark.parametrize(
    ("flags", "precision", "chosen"),
    [
        ("amx_bf16", "bf16", COMPILED),
        ("avx512_bf16 avx2 fma", "bf16", TORCH),
        ("avx2 fma", "fp32", COMPILED),
        ("avx amx_bf16", "fp32", TORCH),
    ],
)
def test_without_batch_norm_kernels_are_for_processors_that_gain_by_them(
    compiler: None, monkeypatch: pytest.MonkeyPatch, flags: str, precision: str, chosen: Choice
) -> None:
    monkeypatch.setattr(processor, "_told", lambda: {"flags": flags})
    assert choose.choose("auto", CPU, network("residual"), precision) == chosen


def test_auto_says_why_kernels_are_not_compiled(no_compiler: None) -> None:
    """Only where something could be done: not on CUDA, and not for networks that have no use for them."""
    slower = Choice("torch", notices=("Training takes up to 1.8 times as long as it could: no C++ compiler is here.",))
    assert choose.choose("auto", CPU, network(), "fp32") == slower
    assert choose.choose("torch", CPU, network(), "fp32") == TORCH
    assert choose.choose("auto", torch.device("cuda"), network(), "fp32") == TORCH
    assert choose.choose("auto", CPU, network("residual"), "fp32") == TORCH


@pytest.mark.parametrize(
    ("device", "kind", "said"),
    [
        ("cpu", "conv", "no C.. compiler"),
        ("cuda", "conv", "with batch norm on the CPU"),
        ("cpu", "residual", "on Linux for convolutions"),  # what the processor can do is unknown elsewhere
    ],
)
def test_compiled_kernels_that_cannot_be_are_refused(no_compiler: None, device: str, kind: str, said: str) -> None:
    with pytest.raises(InputError, match=rf"train\.kernels: .*{said}.*train\.kernels=auto"):
        choose.choose("compiled", torch.device(device), network(kind), "fp32")
