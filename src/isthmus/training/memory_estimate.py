"""How much memory a training needs and how much there is, before any is taken."""

from __future__ import annotations

import sys
from contextlib import suppress
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from isthmus.core import memory_limit
from isthmus.core.errors import InputError, RunError
from isthmus.core.wording import counted, size
from isthmus.models.autoencoder import Autoencoder, build_objective
from isthmus.recipes.recipe import Recipe

_NUMBER = 4  # bytes: weights, gradients and moments are float32
# A step of the ready-made recipes keeps 20 to 250 times its pixels: it is counted where this many could be too much.
_MOST_KEPT, _USUALLY_KEPT = 500, 100
_ROOM = 10**9  # bytes: torch loads more of itself to count, for a second and with some hundred MB
_REMEDY = "make bottleneck.dim, architecture.filters, data.size or train.batch smaller"


@dataclass(frozen=True)
class Need:
    """Bytes of a model with its gradients and Adam's two moments, and of what a step keeps for its way back."""

    weights: int
    step: int


def check_memory(recipe: Recipe, image_shape: tuple[int, int, int], images: int, device: torch.device) -> str | None:
    """See that the model can be trained in the memory that is free on `device`.

    images: of the training set; a batch is no larger. Returns a sentence where a step may need more than is free.
    Raises RunError where weights, gradients and moments alone need more than that.
    """
    free = available(device)
    try:
        need = _need(recipe, image_shape, min(recipe.train.batch, images), free or sys.maxsize)
    except InputError:
        raise
    except (RuntimeError, TypeError, OverflowError) as error:
        if "overflow" not in str(error).lower():
            return None  # a part that cannot be built without numbers: whether it fits is found out by training
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
            f"{size(need.weights + need.step)} of memory, and {size(free)} are free: should it fail, {_REMEDY}."
        )
    return None


def bytes_of_weights(recipe: Recipe, image_shape: tuple[int, int, int]) -> int | None:
    """Of the model's file, about; None where it cannot be built without numbers. Takes no memory for them."""
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
    """Counted on a model of shapes without numbers. Raises what building it raises."""
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
    """Bytes that a step keeps of its forward pass, about; where it cannot be followed, twice what was seen."""
    seen: dict[int, Tensor] = {}  # held, so that no other gets a freed one's id

    def keep(tensor: Tensor) -> Tensor:
        seen[id(tensor.untyped_storage())] = tensor
        return tensor

    share = 2
    with suppress(RuntimeError, NotImplementedError), torch.autograd.graph.saved_tensors_hooks(keep, lambda one: one):
        model(torch.empty(shape, device="meta"))
        share = 1
    return share * sum(tensor.numel() * tensor.element_size() for tensor in seen.values())
