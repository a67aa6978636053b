"""How much memory a training needs and how much there is, before any is taken."""

from __future__ import annotations

import os
import sys
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor, nn

from isthmus.errors import InputError, RunError
from isthmus.model import Autoencoder, build_objective
from isthmus.recipe import Recipe

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
            f"A step on {min(recipe.train.batch, images):,} images needs about {size(need.weights + need.step)} of "
            f"memory, and {size(free)} are free: should it fail, {_REMEDY}."
        )
    return None


def available(device: torch.device) -> int | None:
    """Bytes that this process may still take; None where the system does not say."""
    if device.type == "cuda":
        return torch.cuda.mem_get_info(device)[0]
    return min((limit for limit in (_machine(), _process(), _group()) if limit is not None), default=None)


def size(count: int) -> str:
    """Bytes in words: `23.4 GB`."""
    unit = next((unit for unit in _UNITS if count < 999.5 * _UNITS[unit]), "EB")
    return f"{count / _UNITS[unit]:,.3g} {unit}"


_UNITS = {"bytes": 1, "kB": 10**3, "MB": 10**6, "GB": 10**9, "TB": 10**12, "PB": 10**15, "EB": 10**18}


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


def _machine() -> int | None:
    with suppress(OSError, ValueError, IndexError):
        for line in Path("/proc/meminfo").read_text(encoding="ascii").splitlines():
            if line.startswith("MemAvailable:"):
                return 1024 * int(line.split()[1])
    with suppress(OSError, ValueError, AttributeError):  # all there is, where the system does not say what is free
        return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    return None


def _process() -> int | None:
    """What `ulimit -v` leaves."""
    try:
        import resource
    except ImportError:  # Windows
        return None
    limit = resource.getrlimit(resource.RLIMIT_AS)[0]
    if limit == resource.RLIM_INFINITY:
        return None
    with suppress(OSError, ValueError):
        taken = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[0]) * os.sysconf("SC_PAGE_SIZE")
        return max(0, limit - taken)
    return limit


def _group() -> int | None:
    """What a container or a cluster's job leaves: its limit less what cannot be given back."""
    try:
        lines = [line.split(":", 2) for line in Path("/proc/self/cgroup").read_text(encoding="ascii").splitlines()]
    except (OSError, ValueError):
        return None
    found: list[int] = []
    for _, controllers, place in lines:
        if controllers not in ("", "memory"):
            continue
        root = Path("/sys/fs/cgroup", controllers)
        limit, taken = _GROUP_FILES[controllers]
        for folder in (root, root / place.strip("/")):  # in a container, the first is its own
            with suppress(OSError, ValueError, KeyError):  # "max", where there is no limit
                told = dict(line.split() for line in (folder / "memory.stat").read_text().splitlines())
                found.append(max(0, int((folder / limit).read_text()) - int(told[taken])))
    return min(found, default=None)


_GROUP_FILES = {"": ("memory.max", "anon"), "memory": ("memory.limit_in_bytes", "total_rss")}
