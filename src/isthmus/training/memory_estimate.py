"""Estimates how much memory a training needs, and checks that it is free, before taking any."""

from __future__ import annotations

import sys
from contextlib import suppress
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from isthmus.core import memory_limit
from isthmus.core.errors import InputError, RunError
from isthmus.core.wording import counted, size
from isthmus.models.autoencoder import Autoencoder
from isthmus.models.build_objective import build_objective
from isthmus.recipes.recipe import Recipe

_NUMBER = 4  # bytes: weights, gradients and moments are float32
# A step of the ready-made recipes keeps 20 to 250 times its pixels. Counting is skipped where _MOST_KEPT times fit.
_MOST_KEPT, _USUALLY_KEPT = 500, 100
_ROOM = 10**9  # bytes: counting loads more of torch, which takes a second and some hundred MB
_REMEDY = "make bottleneck.dim, architecture.filters, data.size or train.batch smaller"


@dataclass(frozen=True)
class Need:
    """Bytes of a model with its gradients and Adam's two moments, and of what a step keeps for the backward pass."""

    weights: int
    step: int


def check_memory(recipe: Recipe, image_shape: tuple[int, int, int], images: int, device: torch.device) -> str | None:
    """Check that the model can be trained in the free memory of `device`.

    images: of the training set; a batch is no larger. Returns a sentence where a step may need more than is free.
    Raises RunError where weights, gradients and moments alone need more than is free.
    """
    free = available(device)
    try:
        need = _need(recipe, image_shape, min(recipe.train.batch, images), free or sys.maxsize)
    except InputError:
        raise
    except (RuntimeError, TypeError, OverflowError) as error:
        if "overflow" not in str(error).lower():
            return None  # a part cannot be built on "meta": only training shows whether it fits
        need = Need(sys.maxsize, 0)
    if free is None:
        return None
    if need.weights > free:
        more = "over " if need.weights == sys.maxsize else ""
        raise RunError(
            f"this recipe needs {more}{size(need.weights)} of memory for weights, gradients and their moments, and "
            f"{size(free)} are free; {_REMEDY}"
        )
    if need.weights + need.step > free:
        return (
            f"A step on {counted(min(recipe.train.batch, images), 'image')} needs about "
            f"{size(need.weights + need.step)} of memory, and {size(free)} are free: if it fails, {_REMEDY}."
        )
    return None


def bytes_of_weights(recipe: Recipe, image_shape: tuple[int, int, int]) -> int | None:
    """About the size of the model's file in bytes; None if it cannot be built on "meta". Allocates no weights."""
    try:
        with torch.random.fork_rng(devices=[]), torch.device("meta"):
            held = Autoencoder(recipe, image_shape).state_dict()
    except InputError:
        raise
    except (RuntimeError, TypeError, OverflowError) as error:
        return sys.maxsize if "overflow" in str(error).lower() else None
    return _NUMBER * sum(map(Tensor.numel, held.values()))


def available(device: torch.device) -> int | None:
    """Bytes that this process may still take; None where the system does not say."""
    if device.type == "cuda":
        return torch.cuda.mem_get_info(device)[0]
    return memory_limit.available()


def _need(recipe: Recipe, image_shape: tuple[int, int, int], batch: int, free: int) -> Need:
    """Count on a model that is built on "meta", without numbers. Raises what building it raises."""
    with torch.random.fork_rng(devices=[]), torch.device("meta"):
        model = Autoencoder(recipe, image_shape)
        objective = build_objective(recipe, model)
    tensors = [*model.parameters(), *model.buffers(), *objective.parameters(), *objective.buffers()]
    learned = [one for one in (*model.parameters(), *objective.parameters()) if one.requires_grad]
    weights = _NUMBER * (sum(map(Tensor.numel, tensors)) + 3 * sum(map(Tensor.numel, learned)))
    pixels = _NUMBER * batch * image_shape[0] * image_shape[1] * image_shape[2]
    if not weights <= free < pixels * _MOST_KEPT + weights:
        return Need(weights, 0)
    return Need(weights, _kept(model, (batch, *image_shape)) if free > _ROOM else pixels * _USUALLY_KEPT)


def _kept(model: nn.Module, shape: tuple[int, ...]) -> int:
    """About the bytes that a forward pass keeps for backward; if it fails on "meta", twice what was counted."""
    seen: dict[int, Tensor] = {}  # kept alive, so that no other tensor gets the same id

    def keep(tensor: Tensor) -> Tensor:
        seen[id(tensor.untyped_storage())] = tensor
        return tensor

    share = 2
    with suppress(RuntimeError, NotImplementedError), torch.autograd.graph.saved_tensors_hooks(keep, lambda one: one):
        model(torch.empty(shape, device="meta"))
        share = 1
    return share * sum(tensor.numel() * tensor.element_size() for tensor in seen.values())
