"""The loop: what a step does, what an epoch counts, and when training ends."""

from __future__ import annotations

import math
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from tests.conftest import TINY
from torch import Tensor

from isthmus.core.values import Terms, Trace
from isthmus.models.autoencoder import Autoencoder
from isthmus.models.build_objective import build_objective
from isthmus.models.interfaces import Objective
from isthmus.models.pixels import to_pixels
from isthmus.recipes.recipe import Recipe
from isthmus.recipes.study_plan import load_recipe
from isthmus.run_files.state import Progress
from isthmus.training import loop, meter, validation
from isthmus.training.batches import Batches
from isthmus.training.diverged import Diverged
from isthmus.training.loop import Epoch, Step
from isthmus.training.optimizers import build_optimizer
from isthmus.training.validation import validate

SIDE = 16


def images(count: int, seed: int = 0) -> Tensor:
    return torch.from_numpy(np.random.default_rng(seed).integers(0, 256, (count, 3, SIDE, SIDE), dtype=np.uint8))


class Recorder(Objective):
    """An objective that keeps every trace and passes it on."""

    def __init__(self, objective: Objective) -> None:
        super().__init__()
        self.objective = objective
        self.distortion, self.regularizer = objective.distortion, objective.regularizer
        self.weights = objective.weights
        self.traces: list[Trace] = []

    def forward(self, model: Autoencoder, trace: Trace) -> Terms:
        if model.training:
            self.traces.append(trace)
        return self.objective(model, trace)


class Training:
    """Everything one call of the loop needs, at hand for the asserts."""

    def __init__(self, changes: dict[str, Any] | None = None, *, count: int = 10, batch: int = 4) -> None:
        self.recipe: Recipe = load_recipe("post/latent-10", {**TINY, "train.batch": batch, **(changes or {})})
        torch.manual_seed(self.recipe.seed)
        self.model = Autoencoder(self.recipe, (3, SIDE, SIDE))
        self.objective = Recorder(build_objective(self.recipe, self.model))
        self.optimizer = build_optimizer(self.model, self.recipe.train)
        self.batches = Batches(images(count), batch, seed=self.recipe.seed)
        self.progress = Progress()

    def events(self) -> Iterator[Step | Epoch]:
        return loop.train(
            self.model,
            self.objective,
            self.optimizer,
            self.batches,
            images(7, seed=1),
            self.recipe.train,
            self.progress,
            precision=self.recipe.train.precision,
            seed=self.recipe.seed,
        )

    def run(self) -> tuple[list[Step], list[Epoch]]:
        events = list(self.events())
        return [e for e in events if isinstance(e, Step)], [e for e in events if isinstance(e, Epoch)]


@pytest.fixture
def every_step_logged(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(meter, "LOG_STEPS", 1)


def scripted(monkeypatch: pytest.MonkeyPatch, losses: list[float]) -> None:
    """Let validation give these losses, an epoch each."""
    rest = iter(losses)
    scores = {"validation_mse": 0.1, "validation_psnr": 10.0}
    monkeypatch.setattr(loop, "validate", lambda *_, **__: {"validation_loss": next(rest), **scores})


def test_every_batch_is_a_step_and_every_epoch_is_validated() -> None:
    training = Training({"train.epochs": 3})
    events = list(training.events())
    assert [type(event) for event in events] == [Step, Step, Step, Epoch] * 3
    steps = [event for event in events if isinstance(event, Step)]
    assert [step.step for step in steps] == list(range(1, 10))
    assert [step.images for step in steps] == [4, 4, 2] * 3
    assert training.progress.step == 9
    assert training.progress.epoch == 3
    assert training.progress.stopped == "epochs"
    assert list(training.events()) == [], "what has ended does not begin again"


def test_logs_come_every_few_steps_and_at_the_end_of_an_epoch(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(meter, "LOG_STEPS", 2)
    steps, _ = Training({"train.epochs": 1}, count=10, batch=2).run()
    assert [step.log is not None for step in steps] == [False, True, False, True, True]


def test_the_rate_follows_its_schedule_from_the_first_step_to_the_last(every_step_logged: None) -> None:
    """Half a cosine over all steps of all epochs, after the warm-up."""
    training = Training({"train.epochs": 4, "train.warmup_steps": 2, "train.learning_rate": 1e-3})
    steps, _ = training.run()
    rates = [step.log["learning_rate"] for step in steps if step.log]
    assert rates[:3] == pytest.approx([5e-4, 1e-3, 1e-3])
    assert rates[7] == pytest.approx(5e-4)
    assert 0 < rates[11] < 3e-5
    assert training.optimizer.param_groups[0]["lr"] == rates[11]


def test_clipping_bounds_the_gradient() -> None:
    """With plain gradient descent at rate 1 a step is as long as the gradient it was given."""

    def length(clip: dict[str, float]) -> float:
        once = {"train.epochs": 1, "train.schedule": "constant", "train.learning_rate": 1.0, "train.warmup_steps": 0}
        training = Training({**once, **clip}, count=4)
        training.optimizer = torch.optim.SGD(training.model.parameters(), lr=1.0)
        before = [p.detach().clone() for p in training.model.parameters()]
        training.run()
        moved = [(p.detach() - b).flatten() for p, b in zip(training.model.parameters(), before, strict=True)]
        return torch.cat(moved).norm().item()

    free = length({})
    assert length({"train.clip_norm": free / 10}) == pytest.approx(free / 10, rel=1e-3)
    assert length({"train.clip_norm": free * 10}) == pytest.approx(free, rel=1e-6), (
        "a gradient within bounds is left alone"
    )


def test_the_training_loss_is_the_mean_over_the_epochs_images(every_step_logged: None) -> None:
    """As Keras reports it: the batches' losses as they were met, a ragged last batch counting by its images."""
    steps, epochs = Training({"train.epochs": 2, "train.learning_rate": 0.05}).run()
    for number, epoch in enumerate(epochs):
        met = [(step.log["loss"], step.images) for step in steps[3 * number : 3 * number + 3] if step.log]
        weighted = sum(loss * count for loss, count in met) / 10
        assert epoch.log["train_loss"] == pytest.approx(weighted, rel=1e-12)
        assert abs(weighted - sum(loss for loss, _ in met) / 3) > 1e-4, "else this test would not see the weights"


@pytest.mark.parametrize("monitor", ["validation", "training"])
def test_the_best_epoch_is_the_lowest_of_the_monitored_loss(monkeypatch: pytest.MonkeyPatch, monitor: str) -> None:
    scripted(monkeypatch, [3.0, 5.0, 2.0, 4.0])
    training = Training({"train.epochs": 4, "train.monitor": monitor, "train.learning_rate": 0.1})
    _, epochs = training.run()
    losses = [epoch.log["train_loss" if monitor == "training" else "validation_loss"] for epoch in epochs]
    assert [epoch.best for epoch in epochs] == [
        loss < min(losses[:n], default=math.inf) for n, loss in enumerate(losses)
    ]
    assert training.progress.best_score == min(losses)
    assert training.progress.best_epoch == losses.index(min(losses)) + 1


@pytest.mark.parametrize(
    ("losses", "patience", "ended", "best"),
    [
        ([5, 4, 4.5, 3, 3.5, 3.2, 1], 2, 6, 4),
        ([4, 4, 4, 4], 2, 3, 1),
        ([4, 5, 3, 4, 2], 1, 2, 1),
        ([5, 4, 3, 2], 1, 4, 4),
    ],
)
def test_patience_counts_epochs_without_improvement(
    monkeypatch: pytest.MonkeyPatch, losses: list[float], patience: int, ended: int, best: int
) -> None:
    """Any improvement starts the count anew; an equal loss is none."""
    scripted(monkeypatch, losses)
    training = Training({"train.epochs": len(losses), "train.patience_epochs": patience}, count=4)
    _, epochs = training.run()
    assert len(epochs) == ended
    assert training.progress.best_epoch == best
    assert training.progress.stopped == ("patience" if ended == best + patience else "epochs")


def test_without_patience_all_epochs_run(monkeypatch: pytest.MonkeyPatch) -> None:
    scripted(monkeypatch, [1.0, 2.0, 3.0, 4.0, 5.0])
    training = Training({"train.epochs": 5}, count=4)
    assert len(training.run()[1]) == 5
    assert training.progress.stopped == "epochs"


@pytest.mark.parametrize("loss", [math.nan, math.inf])
def test_a_validation_loss_that_is_no_number_stops_the_run(monkeypatch: pytest.MonkeyPatch, loss: float) -> None:
    scripted(monkeypatch, [1.0, loss])
    training = Training({"train.epochs": 5, "train.learning_rate": 1e-3}, count=4)
    with pytest.raises(Diverged, match=r"by step 2 at learning rate .*train\.learning_rate ten times lower"):
        training.run()


def noise_of(training: Training) -> list[Tensor]:
    training.run()
    return [trace.x_in - trace.x for trace in training.objective.traces]


def test_noise_is_fresh_at_every_step_and_follows_seed_and_step() -> None:
    noisy = {"corruption.kind": "gaussian", "corruption.std": 0.1, "train.epochs": 2}
    first = noise_of(Training(noisy, count=8))
    torch.manual_seed(123)
    again = noise_of(Training(noisy, count=8))
    other = noise_of(Training({**noisy, "seed": 1}, count=8))
    assert len(first) == 4
    for step, noise in enumerate(first):
        torch.testing.assert_close(noise, again[step], rtol=0, atol=0)
        # apart by more than what adding it to other images rounds away
        assert all((noise - one).abs().mean() > 0.05 for one in [*first[:step], *other])
        assert 0.08 < noise.std().item() < 0.12
    assert (first[0][0] - first[0][1]).abs().mean() > 0.05, "every image has its own noise"


def test_the_noise_of_a_step_does_not_depend_on_the_steps_before() -> None:
    """A run that goes on after step 2 draws what the uninterrupted run drew."""
    noisy = {"corruption.kind": "gaussian", "train.epochs": 2}
    whole = noise_of(Training(noisy, count=8))
    rest = Training(noisy, count=8)
    rest.progress = Progress(step=2, epoch=1)
    for noise, expected in zip(noise_of(rest), whole[2:], strict=True):
        torch.testing.assert_close(noise, expected, rtol=0, atol=1e-6)  # other images: x + noise - x rounds otherwise


def test_frozen_noise_is_one_image() -> None:
    noise = noise_of(Training({"corruption.kind": "frozen", "train.epochs": 2}, count=8))
    for step in noise:
        torch.testing.assert_close(step, noise[0][:1].expand_as(step), rtol=0, atol=1e-6)


@pytest.mark.parametrize("kind", ["gaussian", "frozen"])
def test_the_target_is_the_clean_image(kind: str, every_step_logged: None) -> None:
    """The encoder sees noise; the error is taken against pixels that all are 8-bit levels."""
    training = Training({"corruption.kind": kind, "train.epochs": 1}, count=4)
    steps, _ = training.run()
    (trace,) = training.objective.traces
    assert torch.equal(trace.x, training.batches.cut(next(training.batches.epoch(0))))
    assert (trace.x_in - trace.x).abs().mean() > 0.05
    assert steps[0].log is not None
    assert steps[0].log["loss"] == pytest.approx((trace.x_hat - trace.x).square().mean().item(), rel=1e-5)


def test_training_mode_is_set_again_after_validation() -> None:
    training = Training({"train.epochs": 2}, count=4)
    modes = [training.model.training for event in training.events() if isinstance(event, Step)]
    assert modes == [True, True]


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"corruption.kind": "gaussian"},
        {"corruption.kind": "frozen"},
        {"bottleneck.kind": "gaussian", "bottleneck.dim": 3, "objective.kind": "weighted", "objective.weights.kl": 1.0},
    ],
)
def test_validation_is_deterministic(changes: dict[str, Any]) -> None:
    """No noise and no sampling, whatever the generators hold."""
    training = Training(changes)
    scores: list[dict[str, float]] = []
    for seed in (1, 2):
        torch.manual_seed(seed)
        scores.append(validate(training.model, training.objective.objective, images(7)))
    assert scores[0] == scores[1]


def test_validation_weighs_images_and_measures_8_bit_output(monkeypatch: pytest.MonkeyPatch) -> None:
    """Equal for any batch, ragged ones included; the error is that of the pictures, its PSNR that of the mean error."""
    training, pictures = Training(), images(11, seed=5)
    training.model(torch.rand(16, 3, SIDE, SIDE))  # running statistics away from their start
    found: list[dict[str, float]] = []
    for batch in (256, 4, 1):
        monkeypatch.setattr(validation, "BATCH", batch)
        found.append(validate(training.model, training.objective.objective, pictures))
    assert found[1] == pytest.approx(found[0], rel=1e-5)
    assert found[2] == pytest.approx(found[0], rel=1e-5)
    output = training.model.reconstruct(pictures.numpy()).transpose(0, 3, 1, 2)
    error = ((output.astype(np.int64) - pictures.numpy()) ** 2).mean() / 255**2
    assert found[0]["validation_mse"] == pytest.approx(error, rel=1e-6)
    assert found[0]["validation_psnr"] == pytest.approx(-10 * math.log10(error), rel=1e-6)
    squared = ((output.astype(np.int64) - pictures.numpy()) ** 2).mean((1, 2, 3)) / 255**2
    assert found[0]["validation_image_psnr"] == pytest.approx((-10 * np.log10(squared)).mean(), rel=1e-6)


def test_bf16_runs_on_the_cpu_and_keeps_float32_weights() -> None:
    """Convolutions compute in bfloat16; weights, loss and optimizer stay in float32, and results stay close."""
    finished: dict[str, Training] = {}
    for precision in ("fp32", "bf16"):
        training = finished[precision] = Training({"train.precision": precision, "train.epochs": 2})
        training.run()
    coarse, fine = finished["bf16"], finished["fp32"]
    assert coarse.objective.traces[0].h.dtype == torch.bfloat16
    assert fine.objective.traces[0].h.dtype == torch.float32
    assert {p.dtype for p in coarse.model.parameters()} == {torch.float32}
    moments = [value for slots in coarse.optimizer.state.values() for value in slots.values()]
    assert {moment.dtype for moment in moments} == {torch.float32}
    assert coarse.progress.best_score == pytest.approx(fine.progress.best_score, rel=0.02)
    assert coarse.progress.best_score != fine.progress.best_score
    assert to_pixels(coarse.objective.traces[0].x_hat, torch.uint8).dtype == torch.uint8


def test_training_ends_with_its_seconds(monkeypatch: pytest.MonkeyPatch) -> None:
    """The epoch under way is closed and validated, and the rate has come down to zero by then."""
    clock = iter(range(10_000))
    monkeypatch.setattr(meter, "time", SimpleNamespace(perf_counter=lambda: 0.01 * next(clock)))
    monkeypatch.setattr(meter, "LOG_STEPS", 1)
    training = Training({"train.epochs": 1000, "train.seconds": 0.5, "train.warmup_steps": 0}, count=40, batch=4)
    steps, epochs = training.run()
    assert training.progress.stopped == "seconds"
    assert 0.5 <= training.progress.seconds < 0.6
    assert epochs[-1].epoch == training.progress.epoch
    assert training.progress.seen == sum(step.images for step in steps) < 1000 * 40
    done = [step.done for step in steps]
    assert done == sorted(done)
    rates = [step.log["learning_rate"] for step in steps if step.log]
    assert rates[-1] < 0.05 * max(rates)
    assert list(training.events()) == [], "what has ended does not begin again"
