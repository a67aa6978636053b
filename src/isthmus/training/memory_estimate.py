"""Estimates how much memory a training needs, and checks that it is free, before taking any."""

from __future__ import annotations

import math
import sys
from collections.abc import Generator
from contextlib import contextmanager, suppress
from dataclasses import dataclass

import torch
from torch import Tensor, UntypedStorage

from isthmus.core import memory_limit
from isthmus.core.errors import InputError, RunError
from isthmus.core.wording import counted, size
from isthmus.models.autoencoder import Autoencoder
from isthmus.models.build_objective import build_objective
from isthmus.models.interfaces import Objective
from isthmus.models.recompute import recomputing
from isthmus.recipes.recipe import Recipe

_NUMBER = 4  # bytes: weights, gradients and moments are float32
# A step of the ready-made recipes takes 20 to 1,250 times its pixels. Counting is skipped where _MOST_KEPT times fit.
_MOST_KEPT, _USUALLY_KEPT = 1500, 100
_ROOM = 10**9  # bytes: counting on "meta" loads more of torch, which takes a second and some hundred MB
# A step on two images is counted for real, at once; on "meta" where its weights or these images are too large for that.
_COUNTED, _MOST_BUILT = 2, 64 << 20
# bytes on the CPU: a step of the post's network on 32 images of 256x256 in bf16 is just below, and with it all default
# recipes stay under 3 GB at 128x128 and under 6 GB at 256x256 (records/2026-11-29-large-pictures.md)
_MOST_STEP = 3_200_000_000
_BESIDES = {False: 3, True: 5}  # of the largest tensors, beside those kept: gradients, and what is computed again
_SHARE = {"fp32": 1.0, "bf16": 0.5}  # of float32's bytes
_LONGER = 1.4
_REMEDY = "make bottleneck.dim, architecture.filters, data.size or train.batch smaller"


@dataclass(frozen=True)
class Plan:
    """How a training uses memory: whether steps recompute what they would keep, and sentences for the user."""

    recompute: bool
    said: tuple[str, ...] = ()


def check_memory(
    recipe: Recipe, image_shape: tuple[int, int, int], images: int, device: torch.device, precision: str
) -> Plan:
    """Decide how a step uses memory, and check that the model can be trained in the free memory of `device`.

    images: of the training set; a batch is no larger. precision: fp32 or bf16.
    Raises RunError where weights, gradients and moments alone need more than is free.
    """
    free = available(device)
    batch, wanted = min(recipe.train.batch, images), recipe.train.recompute
    try:
        need = _Need(recipe, image_shape, batch, free or sys.maxsize, precision)
    except InputError:
        raise
    except (RuntimeError, TypeError, OverflowError) as error:
        if "overflow" not in str(error).lower():
            return Plan(wanted is True)  # a part cannot be built on "meta": only training shows whether it fits
        weights, step_of = sys.maxsize, int
    else:
        weights, step_of = need.weights, need.step
    if free is not None and weights > free:
        more = "over " if weights == sys.maxsize else ""
        raise RunError(
            f"this recipe needs {more}{size(weights)} of memory for weights, gradients and their moments, and "
            f"{size(free)} are free; {_REMEDY}"
        )
    left = sys.maxsize if free is None else free - weights
    said = list[str]()
    recompute = wanted is True
    step = step_of(recompute)
    if wanted == "auto" and step > (min(left, _MOST_STEP) if device.type == "cpu" else left):
        recompute, kept, step = True, step, step_of(True)
        said.append(
            f"A step would need about {size(kept)} of memory. So activations are recomputed instead of kept: it "
            f"needs about {size(step)} and {_LONGER} times as long, with the same result (train.recompute=false keeps "
            "them)."
        )
    if step > left:
        said.append(
            f"A step on {counted(batch, 'image')} needs about {size(weights + step)} of memory, and {size(free or 0)} "
            f"are free: if it fails, {_REMEDY}."
        )
    return Plan(recompute, tuple(said))


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


class _Need:
    """Counts the bytes of a model with its gradients and Adam's two moments, and those of a step.

    The model is first built on "meta", without numbers; this raises what building it raises.
    """

    def __init__(
        self, recipe: Recipe, image_shape: tuple[int, int, int], batch: int, free: int, precision: str
    ) -> None:
        self.recipe, self.image_shape, self.batch, self.precision = recipe, image_shape, batch, precision
        self.image = _NUMBER * math.prod(image_shape)  # bytes
        self.model, self.objective = _built(recipe, image_shape, "meta")
        parts = (self.model, self.objective)
        tensors = [tensor for part in parts for tensor in (*part.parameters(), *part.buffers())]
        learned = [one for part in parts for one in part.parameters() if one.requires_grad]
        self.weights = _NUMBER * (sum(map(Tensor.numel, tensors)) + 3 * sum(map(Tensor.numel, learned)))
        self.left = free - self.weights
        self.images = min(batch, _COUNTED)

    def step(self, recompute: bool) -> int:
        """0 where it fits in any case."""
        left = min(self.left, _MOST_STEP)
        if self.batch * self.image * _MOST_KEPT < left:
            return 0
        if self.weights < _MOST_BUILT and self.images * self.image * _MOST_KEPT < left:
            if self.model.device.type == "meta":
                self.model, self.objective = _built(self.recipe, self.image_shape, "cpu")
        elif self.left < _ROOM:
            return self.batch * self.image * _USUALLY_KEPT
        with torch.random.fork_rng(devices=[]):
            shape = (self.images, *self.image_shape)
            return self.batch * _step(self.model, self.objective, shape, self.precision, recompute) // self.images


def _built(recipe: Recipe, image_shape: tuple[int, int, int], device: str) -> tuple[Autoencoder, Objective]:
    with torch.random.fork_rng(devices=[]), torch.device(device):
        model = Autoencoder(recipe, image_shape)
        return model, build_objective(recipe, model)


def _step(
    model: Autoencoder, objective: Objective, shape: tuple[int, int, int, int], precision: str, recompute: bool
) -> int:
    """About the bytes of a step; if the model fails on "meta", twice what was counted until then."""
    network, losses = dict[int, UntypedStorage](), dict[int, UntypedStorage]()
    ours = {id(tensor.untyped_storage()) for tensor in (*model.parameters(), *model.buffers())}
    share = 2 * _SHARE[precision]
    with recomputing(recompute), suppress(RuntimeError, NotImplementedError):
        with _counting(network, ours):
            trace = model(torch.rand(shape, device=model.device))
        share = _SHARE[precision]
        with _counting(losses, ours | set(network)):
            objective(model, trace)
    # losses are float32 in any precision
    sizes = [*(share * one.nbytes() for one in network.values()), *(one.nbytes() for one in losses.values())]
    return int(sum(sizes) + _BESIDES[recompute] * max(sizes, default=0))


@contextmanager
def _counting(seen: dict[int, UntypedStorage], known: set[int]) -> Generator[None]:
    """Inside the block, collect what is kept for the backward pass, except the `known`, and keep it alive.

    So no other tensor gets the same id.
    """

    def keep(tensor: Tensor) -> Tensor:
        storage = tensor.untyped_storage()
        if id(storage) not in known:
            seen[id(storage)] = storage
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(keep, lambda one: one):
        yield
