"""Eight training steps of every network: captured as a CUDA graph and plain, with the same seeds, give the same losses.

Also of 16-bit pixels with mirroring, and of images that stay on disk and are read ahead into pinned memory.
"""

from __future__ import annotations

import math
import tempfile
import warnings
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import torch

from bench.gpu_check.found import Found, Said, Value
from bench.gpu_check.goals import CAPTURED, LOSSES
from bench.gpu_check.setting import Setting, networks
from isthmus.core.pixels import Pixels, depth_of
from isthmus.recipes.recipe import Recipe
from isthmus.training.batches import Batches, BatchesFromDisk
from isthmus.training.initial_model import untrained
from isthmus.training.optimizers import build_optimizer, set_rates
from isthmus.training.steps import EagerStep, GraphStep, captures

_STEPS, _BATCH = 8, 16


def measure(setting: Setting) -> Iterator[Found]:
    draw = np.random.default_rng(0)
    few = draw.integers(0, 256, (_STEPS * _BATCH, *setting.shape), dtype=np.uint8)
    recipes = networks(setting)
    cases: list[tuple[str, Recipe, Pixels]] = [(name, recipe, few) for name, recipe in recipes.items()]
    plain = recipes["post/denoise"]
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "images.npy"
        np.save(path, few)
        cases.append(("post/denoise, 16 bits", plain, few.astype(np.uint16) * 257))
        cases.append(("post/denoise, images on disk", plain, np.load(path, mmap_mode="r")))
        captured, tried, worst = 0, 0, 0.0
        for name, recipe, images in cases:
            tried += 1
            try:
                expected, _, _ = losses(recipe, images, setting.device, capture=False)
                found, is_captured, reason = losses(recipe, images, setting.device, capture=True)
            except Exception as error:  # one network that cannot train must not hide the others
                yield Said(f"{name}: cannot train: {type(error).__name__}: {str(error).partition(chr(10))[0]}")
                continue
            captured += is_captured
            if reason:
                yield Said(f"{name}: {reason}")
            differences = [abs(a - b) / max(abs(a), 1e-6) for a, b in zip(expected, found, strict=True)]
            difference = max(one if math.isfinite(one) else math.inf for one in differences)
            if difference > 1e-3:
                yield Said(f"{name}: losses of captured and plain steps differ by {difference:.1e}")
            worst = max(worst, difference)
            yield Value(LOSSES, worst)
            yield Value(CAPTURED, captured / tried)
    yield Said(f"{captured} of {tried} networks train with a captured step")


def losses(recipe: Recipe, images: Pixels, device: str, *, capture: bool) -> tuple[list[float], bool, str]:
    """The loss of each step, whether the last steps were a graph's, and why not where that was tried."""
    settings = recipe.train.model_copy(update={"batch": _BATCH, "capture": capture})
    with warnings.catch_warnings(record=True) as heard:
        warnings.simplefilter("always")
        model, objective = untrained(recipe, images.shape[1:], depth_of(images.dtype))
        model.to(device).to(memory_format=torch.channels_last)  # pyright: ignore[reportCallIssue]
        objective.to(device)
        optimizer = build_optimizer(model, settings, objective)
        place = torch.device(device)
        if isinstance(images, np.memmap):
            batches = BatchesFromDisk(images, place, _BATCH, seed=0, mirror=True)
        else:
            batches = Batches(torch.from_numpy(images).to(place), _BATCH, seed=0, mirror=True)
        eager = EagerStep(model, objective, optimizer, batches, settings, precision="fp32", seed=0)
        step = GraphStep(eager) if captures(model.device, settings) else eager
        model.train()
        objective.train()
        found: list[float] = []
        for number, chosen in enumerate(batches.epoch(0)):
            set_rates(optimizer, number, _STEPS, settings)
            found.append(float(step(chosen, number).loss.mean()))
    is_captured = isinstance(step, GraphStep) and step.graph is not None
    said = [str(one.message) for one in heard if "CUDA graph" in str(one.message)]
    return found, is_captured, said[0] if said else ""
