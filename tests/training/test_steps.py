"""A captured step is the step itself: same seeds, order and bits. Python plays the device's graph here."""

from __future__ import annotations

import copy
from collections.abc import Generator
from contextlib import contextmanager, nullcontext
from typing import Any

import pytest
import torch

from isthmus.models.autoencoder import Autoencoder
from isthmus.models.build_objective import build_objective
from isthmus.recipes.recipe import Train
from isthmus.recipes.study_plan import load_recipe
from isthmus.training import steps
from isthmus.training.batches import Batches
from isthmus.training.optimizers import build_optimizer, set_rates
from isthmus.training.steps import EagerStep, GraphStep, captures

TINY = {
    "data.kind": "scenes",
    "model.linear": "none",
    "architecture.filters": [4, 4],
    "architecture.strides": [2, 1],
    "bottleneck.dim": 3,
    "corruption.kind": "gaussian",
    "train.batch": 4,
    "train.mirror": True,
    "train.precision": "fp32",
    "train.schedule": "cosine",
}


def made(kind: type[EagerStep] | type[GraphStep]) -> tuple[EagerStep | GraphStep, Autoencoder, Any, Train]:
    recipe = load_recipe("post/latent-10", TINY)
    torch.manual_seed(0)
    model = Autoencoder(recipe, (3, 8, 8))
    optimizer = build_optimizer(model, recipe.train)
    pixels = torch.randint(0, 256, (18, 3, 8, 8), dtype=torch.uint8, generator=torch.Generator().manual_seed(1))
    batches = Batches(pixels, recipe.train.batch, seed=0, mirror=recipe.train.mirror)
    objective = build_objective(recipe, model)
    eager = EagerStep(model, objective, optimizer, batches, recipe.train, precision="fp32", seed=0)
    step = GraphStep(eager) if kind is GraphStep else eager
    return step, model, optimizer, recipe.train


def trained(kind: type[EagerStep] | type[GraphStep]) -> tuple[list[float], dict[str, torch.Tensor]]:
    """The losses of two epochs, each of four whole batches and a smaller one, and the weights after them."""
    step, model, optimizer, train = made(kind)
    losses: list[float] = []
    for epoch in range(2):
        for chosen in getattr(step, "eager", step).batches.epoch(epoch):
            set_rates(optimizer, len(losses), 10, train)
            losses.append(step(chosen, len(losses)).loss.sum().item())
    return losses, dict(model.state_dict())


class _Stream:
    def wait_stream(self, other: Any) -> None: ...


@pytest.fixture
def replays(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """CUDA's graphs and streams, without CUDA; how often a graph was replayed.

    What is captured is recorded, not done, so its effects are undone. A replay runs the step again from the same
    memory, as a device would.
    """
    current: list[GraphStep] = []
    count: list[int] = []

    class Graph:
        def register_generator_state(self, generator: torch.Generator) -> None:
            assert generator is current[-1].eager.noise

        def replay(self) -> None:
            count.append(1)
            current[-1].terms = current[-1].eager.take(current[-1].chosen)

    @contextmanager
    def capture(graph: Graph, *, capture_error_mode: str) -> Generator[None]:
        assert capture_error_mode == "thread_local", "a thread that reads images ahead pins memory meanwhile"
        step = current[-1].eager
        before = copy.deepcopy((step.model.state_dict(), step.optimizer.state_dict()))
        noise = step.noise.get_state()
        yield
        step.model.load_state_dict(before[0])
        step.optimizer.load_state_dict(before[1])
        step.noise.set_state(noise)

    init = GraphStep.__init__

    def remember(self: Any, *args: Any, **kwargs: Any) -> None:
        init(self, *args, **kwargs)
        current.append(self)

    monkeypatch.setattr(GraphStep, "__init__", remember)
    monkeypatch.setattr(torch.cuda, "CUDAGraph", Graph)
    monkeypatch.setattr(torch.cuda, "graph", capture)
    monkeypatch.setattr(torch.cuda, "Stream", _Stream)
    monkeypatch.setattr(torch.cuda, "current_stream", _Stream)
    monkeypatch.setattr(torch.cuda, "stream", lambda _: nullcontext())
    return count


def test_replayed_steps_are_the_eager_ones(replays: list[int]) -> None:
    """Every image, draw and learning rate of a step reaches the graph through memory that is written before it."""
    losses, weights = trained(GraphStep)
    expected, eager = trained(EagerStep)
    assert len(replays) == 10 - steps._EAGER_STEPS - 2, "all but the first few and the smaller last batches"
    assert losses == expected
    assert all(torch.equal(weights[name], eager[name]) for name in eager)


def test_a_part_that_waits_for_the_device_is_stepped_eagerly(
    replays: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    generators: list[torch.Generator] = []
    streams: list[Any] = []

    @contextmanager
    def refuse(graph: Any, **_: Any) -> Generator[None]:
        monkeypatch.setattr(torch.cuda, "current_stream", lambda: "the capture's, which PyTorch leaves current")
        raise RuntimeError("operation not permitted when stream is capturing\nand more")
        yield

    class Graph:
        def register_generator_state(self, generator: torch.Generator) -> None:
            generators.append(generator)

    def draws(model: Any, x: Any, generator: torch.Generator) -> Any:
        assert generator not in generators or not streams, "it counts as captured: PyTorch refuses its draws"
        return forward(model, x, generator)

    forward = Autoencoder.forward
    monkeypatch.setattr(Autoencoder, "forward", draws)
    monkeypatch.setattr(torch.cuda, "CUDAGraph", Graph)
    monkeypatch.setattr(torch.cuda, "current_stream", lambda: _Stream())
    monkeypatch.setattr(torch.cuda, "set_stream", streams.append)
    monkeypatch.setattr(torch.cuda, "graph", refuse)
    with pytest.warns(UserWarning, match="not captured as a CUDA graph.*not permitted when stream is capturing$"):
        losses, weights = trained(GraphStep)
    assert not replays
    assert [type(stream) for stream in streams] == [_Stream] and len(generators) == 1
    streams.clear()
    expected, eager = trained(EagerStep)
    assert losses == expected
    assert all(torch.equal(weights[name], eager[name]) for name in eager)


def test_graphs_are_for_cuda_and_for_optimizers_that_keep_their_constants() -> None:
    cpu, cuda = torch.device("cpu"), torch.device("cuda")
    assert captures(cuda, Train())
    assert not captures(cpu, Train())
    assert not captures(cuda, Train(capture=False))
    assert not captures(cuda, Train(optimizer="keras-adam"))


def test_no_two_steps_of_neighbouring_seeds_draw_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nor does an epoch's order: the noise of a step was what the next seed's parts drew at it."""
    step, *_ = made(EagerStep)
    seeds: list[int] = []
    monkeypatch.setattr(
        torch, "randperm", lambda count, *, generator: seeds.append(generator.initial_seed()) or torch.arange(count)
    )
    for seed in range(4):
        step.seed = step.batches.seed = seed
        for number in range(50):
            step._seed(number)
            seeds += [step.noise.initial_seed(), torch.default_generator.initial_seed()]
            next(step.batches.epoch(number))
    low = {seed & 0xFFFFFFFF for seed in seeds}  # beyond which torch's generator for the CPU does not look
    assert len(seeds) == 4 * 50 * 3 == len(low)
