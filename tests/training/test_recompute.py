"""A step that recomputes its activations is the step that keeps them: the same bits, with fewer of them in memory."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import islice
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from isthmus.core.errors import RunError
from isthmus.kernels.choose import choose
from isthmus.models import recompute
from isthmus.models.autoencoder import Autoencoder
from isthmus.models.build_objective import build_objective
from isthmus.models.recompute import recomputing, segment
from isthmus.recipes.recipe import Recipe
from isthmus.recipes.study_plan import load_recipe
from isthmus.runs.claim import claim
from isthmus.runs.load import load_data
from isthmus.training import in_folder, memory_estimate, meter
from isthmus.training.batches import Batches
from isthmus.training.in_folder import train_in_folder
from isthmus.training.memory_estimate import check_memory
from isthmus.training.optimizers import build_optimizer
from isthmus.training.steps import EagerStep, GraphStep

CPU = torch.device("cpu")
SHAPE = (3, 16, 16)
SMALL: dict[str, Any] = {"data.kind": "scenes", "train.batch": 8, "train.warmup_steps": 0}
CONV: dict[str, Any] = {**SMALL, "architecture.filters": [16, 32, 32], "architecture.strides": [1, 2, 1]}
RESIDUAL: dict[str, Any] = {**SMALL, "architecture.width": 16}
VIT: dict[str, Any] = {**SMALL, "architecture.width": 16, "architecture.depth": 1}

# batch norm, also with a noise and a linear path; a buffer that every pass changes; a posterior; batch statistics of
# the latent; codebooks; adversaries; gradients of gradients; hidden patches; several samples
CASES: dict[str, tuple[str, dict[str, Any]]] = {
    "batch norm": ("post/denoise", {**CONV, "model.linear": "none"}),
    "linear path": ("post/latent-10", CONV),
    "spectral": ("post/latent-10", {**CONV, "model.linear": "none", "architecture.spectral": True}),
    "vae": ("vae", {**CONV, "bottleneck.dim": 4}),
    **{name: (f"families/{name}", RESIDUAL) for name in ("wae", "vq", "adversarial", "vae-gan", "contractive", "iwae")},
    "contractive and batch norm": (
        "post/latent-10",
        {**CONV, "model.linear": "none", "regularizer.kind": "contractive"},
    ),
    "masked": ("families/masked", VIT),
}


def made(name: str, *, recompute: bool, precision: str, kernels: str) -> EagerStep:
    recipe, changes = CASES[name]
    asked = load_recipe(recipe, changes)
    torch.manual_seed(0)
    model = Autoencoder(asked, SHAPE).to(memory_format=torch.channels_last)  # pyright: ignore[reportCallIssue]
    objective = build_objective(asked, model)
    pixels = torch.randint(0, 256, (16, *SHAPE), dtype=torch.uint8)
    model.train()
    objective.train()
    return EagerStep(
        model,
        objective,
        build_optimizer(model, asked.train, objective),
        Batches(pixels, 8, seed=0),
        asked.train,
        precision=precision,
        kernels=choose(kernels, CPU, model, precision).kernels,
        recompute=recompute,
        seed=0,
    )


def trained(step: EagerStep) -> Iterator[Tensor]:
    """The losses and gradients of two steps, then weights and buffers."""
    for number, chosen in enumerate(step.batches.epoch(0)):
        yield step(chosen, number).loss
        yield from (weight.grad for weight in step.stepped if weight.grad is not None)
    yield from step.model.state_dict().values()
    yield from step.objective.state_dict().values()


@pytest.mark.parametrize(("precision", "kernels"), [("fp32", "auto"), ("bf16", "auto")])
@pytest.mark.parametrize("name", CASES)
def test_recomputed_steps_have_the_same_bits(name: str, precision: str, kernels: str) -> None:
    """Losses, gradients, weights, running statistics, codebooks and adversaries."""
    kept, recomputed = (
        list(trained(made(name, recompute=recompute, precision=precision, kernels=kernels)))
        for recompute in (False, True)
    )
    assert len(kept) == len(recomputed)
    assert all(torch.equal(one, other) for one, other in zip(kept, recomputed, strict=True))


def held(name: str, *, recompute: bool) -> int:
    """Numbers that a forward pass leaves in memory for the backward pass, without the weights."""
    step = made(name, recompute=recompute, precision="fp32", kernels="torch")
    weights = {weight.data_ptr() for weight in step.model.parameters()}
    seen: dict[int, Tensor] = {}

    def keep(tensor: Tensor) -> Tensor:
        if tensor.data_ptr() not in weights:
            seen[tensor.data_ptr()] = tensor
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(keep, lambda one: one), recomputing(recompute):
        step.model(torch.zeros(8, *SHAPE))
    return sum(map(Tensor.numel, seen.values()))


@pytest.mark.parametrize(("name", "share"), [("batch norm", 0.5), ("vq", 0.8), ("masked", 0.5)])
def test_less_is_kept(name: str, share: float) -> None:
    assert held(name, recompute=True) < share * held(name, recompute=False)


def test_running_statistics_move_once_also_in_nested_segments() -> None:
    norm, x = nn.BatchNorm1d(3), torch.randn(5, 3, requires_grad=True)
    outer = nn.Sequential(norm)

    def inner(x: Tensor) -> Tensor:
        return segment(norm, norm, x).square()

    with recomputing():
        y = segment(outer, inner, x)
        after = {name: value.clone() for name, value in norm.state_dict().items()}
        y.sum().backward()
    assert after["num_batches_tracked"] == 1
    assert all(torch.equal(norm.state_dict()[name], value) for name, value in after.items())


def test_only_steps_that_need_much_memory_recompute(monkeypatch: pytest.MonkeyPatch) -> None:
    recipe = load_recipe("post/latent-10", {"data.kind": "scenes"})
    plan = memory_estimate.Plan(False)
    for side, recomputes in ((32, False), (128, False), (256, True)):
        plan = check_memory(recipe, (3, side, side), 1000, CPU, "fp32")
        assert plan.recompute == recomputes, side
        assert len(plan.said) == recomputes
    deep = load_recipe("post/many-layers", {"data.kind": "scenes"})
    assert [check_memory(deep, (3, side, side), 1000, CPU, "bf16").recompute for side in (32, 128)] == [False, True]
    assert "recomputed instead of kept" in plan.said[0] and "train.recompute=false" in plan.said[0]
    for wanted in (True, False):
        given = load_recipe("post/latent-10", {"data.kind": "scenes", "train.recompute": wanted})
        for side in (32, 256):
            assert check_memory(given, (3, side, side), 1000, CPU, "fp32").recompute == wanted

    # with less memory than a step would take, it recomputes too, and what it takes then must fit
    monkeypatch.setattr(memory_estimate, "available", _with(1_400_000_000))
    assert check_memory(recipe, (3, 128, 128), 1000, CPU, "fp32").recompute
    monkeypatch.setattr(memory_estimate, "available", _with(10_000))
    with pytest.raises(RunError):
        check_memory(recipe, (3, 128, 128), 1000, CPU, "fp32")


def test_a_run_that_is_asked_to_recompute_does_and_goes_on_with_the_same_bits(
    tiny: Callable[..., Recipe], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(meter, "LOG_STEPS", 1)
    monkeypatch.setattr(in_folder, "SAVE_SECONDS", 0.0)
    calls: list[str] = []
    real = recompute.checkpoint

    def counted(*inputs: Any, **how: Any) -> Any:
        calls.append("segment")
        return real(*inputs, **how)

    monkeypatch.setattr(recompute, "checkpoint", counted)
    splits = load_data(tiny())

    def train(name: str, wanted: bool, events: int | None = None) -> bytes | None:
        asked = tiny({"train.recompute": wanted})
        claim(tmp_path / name, asked)
        steps = train_in_folder(asked, tmp_path / name, splits, tmp_path / "cache")
        for _ in islice(steps, events):
            pass
        del steps  # as a crash does
        return None if events else (tmp_path / name / "checkpoints" / "last" / "model.safetensors").read_bytes()

    kept = train("kept", wanted=False)
    assert not calls
    train("recomputed", wanted=True, events=6)
    assert calls
    assert train("recomputed", wanted=True) == kept


def _with(free: int) -> Callable[[torch.device], int]:
    return lambda _: free


def test_a_step_that_recomputes_is_not_captured() -> None:
    assert GraphStep(made("vq", recompute=False, precision="fp32", kernels="torch")).possible
    assert not GraphStep(made("vq", recompute=True, precision="fp32", kernels="torch")).possible
