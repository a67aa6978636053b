"""Adam in one call of our own, against PyTorch's in double precision."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor, nn

from isthmus.kernels import adam
from isthmus.kernels.adam import Adam
from isthmus.kernels.compiled import why_unavailable
from isthmus.training.devices import cpu_threads

pytestmark = pytest.mark.skipif(why_unavailable() is not None, reason=f"no compiled kernels: {why_unavailable()}")

SHAPES = [(64, 32, 3, 3), (64,), (10, 4096), (3, 16, 3, 3), (1,), (32, 16, 1, 1)]


def drawn(seed: int) -> list[Tensor]:
    """Parameters or gradients; kernels are channels last."""
    draw = torch.Generator().manual_seed(seed)
    values = [torch.randn(shape, generator=draw) for shape in SHAPES]
    return [part.contiguous(memory_format=torch.channels_last) if part.ndim == 4 else part for part in values]


def stepped(kind: type[torch.optim.Adam], steps: int, dtype: torch.dtype = torch.float32, **options: Any) -> Any:
    parameters = [nn.Parameter(part.to(dtype)) for part in drawn(0)]
    optimizer = kind(parameters, lr=1e-2, fused=True, **options)
    if isinstance(optimizer, Adam):
        optimizer.compiled = True
    for step in range(steps):
        optimizer.param_groups[0]["eps"] = 1e-3 / (step + 1)  # as Keras's Adam does
        for parameter, gradient in zip(parameters, drawn(step + 1), strict=True):
            parameter.grad = gradient.to(dtype)
        optimizer.step()
    return optimizer


def parameters_of(optimizer: torch.optim.Optimizer) -> list[Tensor]:
    return [parameter.detach() for group in optimizer.param_groups for parameter in group["params"]]


@pytest.mark.parametrize("decoupled", [False, True])
@pytest.mark.parametrize("decay", [0.0, 0.1])
def test_steps_are_pytorchs(decay: float, decoupled: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[object] = []
    found = Adam._step
    monkeypatch.setattr(Adam, "_step", lambda *given: calls.append(given) or found(*given))
    options: dict[str, Any] = {"weight_decay": decay, "decoupled_weight_decay": decoupled}
    ours, exact = stepped(Adam, 9, **options), stepped(torch.optim.Adam, 9, torch.float64, **options)
    assert len(calls) == 8, "all but the first, which is PyTorch's"
    for one, other in zip(parameters_of(ours), parameters_of(exact), strict=True):
        torch.testing.assert_close(one.double(), other, rtol=1e-5, atol=1e-5)
    assert all(state["step"] == 9 for state in ours.state.values())


def test_the_bits_do_not_depend_on_the_number_of_threads() -> None:
    seen: list[list[Tensor]] = []
    for threads in (1, 2, 3):
        with cpu_threads(threads):
            seen.append(parameters_of(stepped(Adam, 3)))
    for other in seen[1:]:
        assert all(torch.equal(one, two) for one, two in zip(seen[0], other, strict=True))


def test_parameters_without_a_gradient_stay() -> None:
    optimizer = stepped(Adam, 2)
    first, *rest = (parameter for group in optimizer.param_groups for parameter in group["params"])
    before = [parameter.detach().clone() for parameter in (first, *rest)]
    first.grad = None
    optimizer.step()
    assert torch.equal(first, before[0])
    assert not any(torch.equal(one, two) for one, two in zip(rest, before[1:], strict=True))


def test_a_gradient_that_lies_otherwise_in_memory_is_the_same_gradient() -> None:
    moved: list[Tensor] = []
    for layout in (torch.channels_last, torch.contiguous_format):
        optimizer = stepped(Adam, 1)
        kernel = optimizer.param_groups[0]["params"][0]
        kernel.grad = drawn(5)[0].contiguous(memory_format=layout)
        optimizer.step()
        moved.append(kernel.detach())
    assert torch.equal(moved[0], moved[1])


def test_without_kernels_it_is_pytorchs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(adam, "function", lambda *_: pytest.fail("compiled"))
    optimizer = Adam([nn.Parameter(torch.ones(2))], lr=0.1, fused=True)
    for _ in range(2):
        optimizer.param_groups[0]["params"][0].grad = torch.ones(2)
        optimizer.step()
    assert torch.equal(optimizer.param_groups[0]["params"][0].detach(), torch.full((2,), 0.8))


@pytest.mark.parametrize("name", ["exp_avg", "exp_avg_sq", "step"])
@pytest.mark.parametrize("wrong", [torch.zeros(0), torch.zeros(2, dtype=torch.float64), torch.tensor(1)])
def test_state_of_another_size_or_type_never_reaches_the_library(name: str, wrong: Tensor) -> None:
    """Which gets bare addresses, and would read and write beyond it."""
    optimizer = stepped(Adam, 1)
    optimizer.state[optimizer.param_groups[0]["params"][0]][name] = wrong
    with pytest.raises(ValueError, match="sizes and types"):
        optimizer.step()
