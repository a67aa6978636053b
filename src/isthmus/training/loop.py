"""The training loop, which reads as the method; the caller iterates it and does logging, saving and drawing."""

from __future__ import annotations

import math
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import reduce

import torch
from torch import Tensor, nn

from isthmus.core.errors import RunError
from isthmus.core.pixels import Pixels, depth_of, is_real, levels
from isthmus.core.values import Terms
from isthmus.evaluation.measures.psnr import Psnr
from isthmus.evaluation.statistics.psnr_of_mse import psnr_of_mean_mse
from isthmus.kernels.ops import Kernels, using
from isthmus.models.autoencoder import Autoencoder
from isthmus.models.batched import BATCH, batched, evaluation_mode
from isthmus.models.interfaces import Objective
from isthmus.models.pixels import to_pixels, to_unit
from isthmus.models.seeding import sealed_generator
from isthmus.models.widest import widest_dtype
from isthmus.recipes.recipe import Train
from isthmus.run_files.state import Progress
from isthmus.training.batches import BatchSource
from isthmus.training.optimizers import rate_of, set_rates
from isthmus.training.steps import EagerStep, GraphStep, captures

LOG_STEPS = 50
_NOISES = 32  # draws of a corruption that a validation needs: of one image with hardly any noise, PCA would be the best
LOG_SECONDS = 5.0  # on CUDA, only time counts: reading the sums waits until the device has finished all its steps


@dataclass(frozen=True)
class Step:
    """Yielded after every optimizer step.

    `log` is not None every LOG_STEPS steps (not on CUDA) or LOG_SECONDS, and at an epoch's end. Only then is
    `Progress` up to date, so only then may it be saved. done: the share of the training that is over, up to 1.
    """

    step: int
    images: int
    log: dict[str, float] | None
    done: float = 0.0


@dataclass(frozen=True)
class Epoch:
    """Yielded after every epoch's validation; `best` is true where this epoch is the best so far.

    A model with a linear path is also validated before its first step, as epoch 0, without a `train_loss`.
    """

    epoch: int
    best: bool
    log: dict[str, float]


class Diverged(RunError):
    """The loss or a weight stopped being a finite number."""

    def __init__(self, step: int, optimizer: torch.optim.Optimizer, what: str = "the loss") -> None:
        super().__init__(
            f"{what} stopped being finite by step {step} at learning rate {optimizer.param_groups[0]['lr']:.3g}; "
            "try a train.learning_rate ten times lower, or train.clip_norm=1.0"
        )


def train(
    model: Autoencoder,
    objective: Objective,
    optimizer: torch.optim.Optimizer,
    batches: BatchSource,
    validation: Tensor | Pixels,
    settings: Train,
    progress: Progress,
    *,
    precision: str,
    kernels: Kernels = "torch",
    recompute: bool = False,
    seed: int,
) -> Iterator[Step | Epoch]:
    """Train from `progress` on, yielding every step and every epoch.

    validation: (N, C, H, W), on the device or on disk. Every random draw of step s is a function of (seed, s), so a
    run resumed from weights, optimizer and progress takes the same steps. recompute: see `EagerStep`.
    Raises Diverged where the loss, or a weight that a caller could save, is no longer finite.
    """
    total_steps = planned_steps(settings, len(batches))
    corrupted = settings.monitor == "corrupted-validation"
    monitored = "corrupted_validation_loss" if corrupted else "validation_loss"
    eager = EagerStep(
        model,
        objective,
        optimizer,
        batches,
        settings,
        precision=precision,
        kernels=kernels,
        recompute=recompute,
        seed=seed,
    )
    take = GraphStep(eager) if captures(model.device, settings) else eager
    # a run that was stopped before its first saved step has done this already
    if progress.step == 0 and math.isinf(progress.best_score) and model.linear is not None:
        with using(kernels):
            scores = validate(model, objective, validation, corrupted=corrupted)
        if settings.monitor != "training":
            progress.best_score = scores[monitored]
        yield Epoch(0, settings.monitor != "training", scores)
    while not progress.stopped:
        model.train()
        objective.train()
        meter = _Meter(progress, waits=model.device.type == "cuda")
        for chosen in batches.epoch(progress.epoch, start=progress.batch):
            if progress.step >= total_steps:  # resumed from a checkpoint between the last step and the validation
                break
            done = max(progress.step / total_steps, meter.seconds() / (settings.seconds or math.inf))
            set_rates(optimizer, progress.step, total_steps, settings, done)
            terms = take(chosen, progress.step)

            progress.step += 1
            progress.batch += 1
            meter.add(terms)
            late = meter.seconds() >= (settings.seconds or math.inf) or progress.step >= total_steps
            due = progress.batch == len(batches) or late or meter.due()
            log = meter.read(optimizer) if due else None
            if due:
                _check_weights(model, objective, progress.step, optimizer)  # before the caller may save them
            yield Step(progress.step, len(chosen), log, done)
            if late:
                break

        train_loss = progress.loss_sum / progress.images
        with using(kernels):
            scores = validate(model, objective, validation, corrupted=corrupted)
        score = train_loss if settings.monitor == "training" else scores[monitored]
        if not math.isfinite(score):
            raise Diverged(progress.step, optimizer)
        best = _advance(progress, score, settings)
        log = {"train_loss": train_loss, **scores, "learning_rate": rate_of(optimizer)}
        yield Epoch(progress.epoch, best, log)


def planned_steps(settings: Train, steps_per_epoch: int) -> int:
    """The number of steps of a training that is not ended early."""
    return min(settings.epochs * steps_per_epoch, settings.steps or sys.maxsize)


def validate(
    model: Autoencoder, objective: Objective, images: Tensor | Pixels, *, corrupted: bool = False
) -> dict[str, float]:
    """Loss, and the error on rounded output, of `images` (N, C, H, W), on the device or on disk; deterministic.

    corrupted: also the loss and the PSNR where the images are corrupted as in training, with the same draws every
    time: an autoencoder that removes noise is not the best one for images without noise. Fewer than 32 images are
    taken several times, each time with other draws.

    Always in full precision, as the final evaluation, because this selects the weights. bf16 alone adds half a per
    cent to the error of 512 latents on drawn images. Of real numbers only the loss: they have no levels to round to,
    and no peak for a PSNR.
    """
    if is_real(images.dtype):
        return {"validation_loss": _validation_loss(model, objective, images)}
    score, wide, white = Psnr(), widest_dtype(model.device), levels(images.dtype)

    def sums(pixels: Tensor) -> Tensor:
        """Of the loss, the squared errors and the PSNR, in the widest numbers there are."""
        trace = model(to_unit(pixels))
        output = to_pixels(trace.x_hat, pixels.dtype)
        return torch.stack(
            (
                objective(model, trace).loss.sum(dtype=wide),
                ((output.float() - pixels.float()) / white).square().sum(dtype=wide),
                score(output, pixels).sum().to(wide),
            )
        )

    noise = sealed_generator("corrupted validation images", device=model.device) if corrupted else None

    def of_corrupted(pixels: Tensor) -> Tensor:
        """Sums of the loss and the PSNR where the images are corrupted."""
        trace = model.corrupted(to_unit(pixels), noise)
        output = to_pixels(trace.x_hat, pixels.dtype)
        return torch.stack((objective(model, trace).loss.sum(dtype=wide), score(output, pixels).sum().to(wide)))

    def total(function: Callable[[Tensor], Tensor], times: int = 1) -> list[float]:
        read = (block for _ in range(times) for block in _read(images))
        parts = (part for block in read for part in batched(model, function, block, in_order=BATCH))
        return reduce(torch.add, parts).tolist()

    times = -(-_NOISES // len(images))
    with evaluation_mode(objective):
        loss, squared, decibels = total(sums)
        noisy_loss, noisy_decibels = total(of_corrupted, times) if corrupted else (math.nan, math.nan)
    values = math.prod(images.shape[1:])
    mse = squared / (len(images) * values)
    scores = {
        "validation_loss": loss / len(images),
        "validation_mse": mse,
        "validation_psnr": psnr_of_mean_mse(mse, values, depth=depth_of(images.dtype)),
        "validation_image_psnr": decibels / len(images),
    }
    if corrupted:
        scores["corrupted_validation_loss"] = noisy_loss / (times * len(images))
        scores["corrupted_validation_image_psnr"] = noisy_decibels / (times * len(images))
    return scores


def _validation_loss(model: Autoencoder, objective: Objective, images: Tensor | Pixels) -> float:
    """The mean loss of `images` (N, C, H, W)."""

    def sums(pixels: Tensor) -> Tensor:
        return objective(model, model(to_unit(pixels))).loss.sum(dtype=widest_dtype(model.device))

    with evaluation_mode(objective):
        parts = (part for block in _read(images) for part in batched(model, sums, block, in_order=BATCH))
        return reduce(torch.add, parts).item() / len(images)


def _read(images: Tensor | Pixels) -> Iterator[Tensor]:
    """The images in order; those on disk come in parts, each of whole batches."""
    if isinstance(images, Tensor):
        yield images
    else:
        for start in range(0, len(images), 4 * BATCH):
            yield torch.from_numpy(images[start : start + 4 * BATCH])


def _check_weights(model: nn.Module, objective: nn.Module, step: int, optimizer: torch.optim.Optimizer) -> None:
    """Raise Diverged where a weight is not finite; the last loss is that of the weights before the last step."""
    for value in (*model.state_dict().values(), *objective.state_dict().values()):
        if not value.isfinite().all():
            raise Diverged(step, optimizer, "the weights")


def _advance(progress: Progress, score: float, settings: Train) -> bool:
    """End the epoch in `progress`; true if it is the best so far."""
    progress.epoch += 1
    progress.batch, progress.images, progress.loss_sum = 0, 0, 0.0
    best = score < progress.best_score
    if best:
        progress.best_score, progress.best_epoch, progress.stale_epochs = score, progress.epoch, 0
    else:
        progress.stale_epochs += 1
    if settings.patience_epochs is not None and progress.stale_epochs >= settings.patience_epochs:
        progress.stopped = "patience"
    elif progress.seconds >= (settings.seconds or math.inf):
        progress.stopped = "seconds"
    elif progress.epoch >= settings.epochs:
        progress.stopped = "epochs"
    elif progress.step >= (settings.steps or math.inf):
        progress.stopped = "steps"
    return best


class _Meter:
    """Running sums on the device, so that only reading them waits for the device."""

    def __init__(self, progress: Progress, *, waits: bool) -> None:
        self.progress = progress
        self.waits = waits
        self.clock = time.perf_counter()
        # One sum over the epoch, added to step by step: the same bits wherever a run was interrupted.
        self.epoch_loss = torch.tensor(progress.loss_sum, dtype=torch.float64)
        self.sums: dict[str, Tensor] = {}
        self.images = 0
        self.steps = 0
        self.images_per_second = 0.0

    def add(self, terms: Terms) -> None:
        for name, value in {"loss": terms.loss, **terms.terms}.items():
            total = value.sum(dtype=widest_dtype(value.device))
            self.sums[name] = self.sums[name] + total if name in self.sums else total
            if name == "loss":
                self.epoch_loss = self.epoch_loss.to(total) + total
        self.images += len(terms.loss)
        self.steps += 1

    def seconds(self) -> float:
        """Training time so far, also before a resume; on CUDA, of the steps launched, not of those finished."""
        return self.progress.seconds + time.perf_counter() - self.clock

    def due(self) -> bool:
        return (self.steps >= LOG_STEPS and not self.waits) or time.perf_counter() - self.clock > LOG_SECONDS

    def read(self, optimizer: torch.optim.Optimizer) -> dict[str, float]:
        """Means since the last read; also brings `progress` up to date.

        Raises Diverged where the loss is not finite.
        """
        progress = self.progress
        log = {name: value.item() / self.images for name, value in self.sums.items()}
        now = time.perf_counter()
        elapsed, self.clock = now - self.clock, now
        if not math.isfinite(log["loss"]):
            raise Diverged(progress.step, optimizer)
        progress.seconds += elapsed
        progress.loss_sum = self.epoch_loss.item()
        progress.images += self.images
        progress.seen += self.images
        self.images_per_second = self.images / max(elapsed, 1e-9)
        self.sums, self.images, self.steps = {}, 0, 0
        return {**log, "learning_rate": rate_of(optimizer), "images_per_second": self.images_per_second}
