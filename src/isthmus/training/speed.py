"""Measures how fast this machine trains a recipe, in about a second of training."""

from __future__ import annotations

import time

import torch

from isthmus.kernels.choose import choose
from isthmus.recipes.recipe import Recipe
from isthmus.training import devices
from isthmus.training.batches import Batches
from isthmus.training.initial_model import untrained
from isthmus.training.memory_estimate import check_memory
from isthmus.training.optimizers import build_optimizer, set_rates
from isthmus.training.steps import EagerStep, GraphStep, captures

SECONDS = 0.8  # that are timed
WARM_STEPS, LEAST_STEPS = (
    2,
    2,
)  # steps before the timing, which allocate memory and choose kernels; and timed steps, at least
_CUDA_WARM_STEPS = 6  # they include the capture of a CUDA graph


def images_per_second(recipe: Recipe, image_shape: tuple[int, int, int]) -> float:
    """Times training steps on random images of image_shape (C, H, W), which take as long as any others.

    Writes nothing, and leaves the caller's random state as it is.
    """
    with devices.cpu_threads(recipe.train.threads), torch.random.fork_rng(devices=[]):
        device = devices.choose_device(recipe.train.device)
        precision = devices.choose_precision(recipe.train.precision, device)
        model, objective = untrained(recipe, image_shape)
        model.to(device)
        model.to(memory_format=torch.channels_last)  # pyright: ignore[reportCallIssue]
        kernels = choose(recipe.train.kernels, device, model, precision).kernels
        objective.to(device)
        # a tiny rate, so that the loss does not diverge on random images
        settings = recipe.train.model_copy(update={"learning_rate": 1e-9, "schedule": "constant"})
        optimizer = build_optimizer(model, settings, objective)
        pixels = torch.randint(0, 256, (settings.batch, *image_shape), dtype=torch.uint8).to(device)
        batches = Batches(pixels, settings.batch, seed=0)
        eager = EagerStep(
            model,
            objective,
            optimizer,
            batches,
            settings,
            precision=precision,
            kernels=kernels,
            recompute=check_memory(recipe, image_shape, settings.batch, device, precision).recompute,
            seed=0,
        )
        step = GraphStep(eager) if captures(device, settings) else eager
        model.train()
        objective.train()
        chosen = next(batches.epoch(0))
        warm = _CUDA_WARM_STEPS if device.type == "cuda" else WARM_STEPS
        begin, done = 0.0, 0
        while done < warm + LEAST_STEPS or time.perf_counter() - begin < SECONDS:
            if done == warm:
                begin = time.perf_counter()
            set_rates(optimizer, done, 1, settings)
            step(chosen, done).loss.sum().item()  # waits for the device
            done += 1
        return (done - warm) * settings.batch / (time.perf_counter() - begin)
