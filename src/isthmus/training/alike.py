"""Whether a model computes the same for a batch that several processes share as for a whole one.

Our parts do. A part of another package may draw at random, or use the images of a batch together, without
`isthmus.core.share` and `isthmus.models.whole_batch`: then its results would depend on the number of processes.
"""

from __future__ import annotations

import torch
from torch import Tensor

from isthmus.core.errors import InputError
from isthmus.core.share import Share, holding
from isthmus.core.streams import stream
from isthmus.models.autoencoder import Autoencoder
from isthmus.models.interfaces import Objective
from isthmus.models.processes import Processes
from isthmus.recipes.recipe import Recipe

PROBED = 2  # of each process: of one alone there is no statistic
_TOLERANCE = 1e-2  # of a number, relative to all numbers; rounding gives 1e-5
_FEW = 0.1  # of the numbers may differ: rounding may choose another code


def check_alike(recipe: Recipe, model: Autoencoder, objective: Objective, images: Tensor, processes: Processes) -> None:
    """Raise InputError, which names the part, where a shared batch gives other results than a whole one.

    images: (N, C, H, W) in [-1, 1], some training images, the same in every process. The model is as before afterwards.
    """
    x = images[: PROBED * processes.count].to(model.device)
    share = processes.share(len(x))
    if share is None:
        return
    parts = (model, objective)
    before = [{name: value.clone() for name, value in part.state_dict().items()} for part in parts]
    modes = [part.training for part in parts]
    try:
        shared = _results(model, objective, share.own(x), share)
        for part, state in zip(parts, before, strict=True):  # as it was, for running statistics and codebooks
            part.load_state_dict(state)
        whole = _results(model, objective, x, None)
    finally:
        for part, state, mode in zip(parts, before, modes, strict=True):
            part.load_state_dict(state)
            part.train(mode)
    differing = tuple(
        part for (part, ours), (_, theirs) in zip(shared, whole, strict=True) if _differ(ours, share.own(theirs))
    )
    said = processes.everyone(differing)
    for some in said:
        if some:
            kind = getattr(recipe, some[0]).kind
            raise InputError(
                f"{some[0]}.kind: {kind!r} gives other results where {processes.count} processes share a batch: it "
                "draws at random, or uses the images of a batch together, without isthmus.models.whole_batch; train "
                "with one process"
            )


def _results(model: Autoencoder, objective: Objective, x: Tensor, share: Share | None) -> list[tuple[str, Tensor]]:
    """What each part makes of the images x, by the part's table in a recipe, in the order of computation."""
    model.train()
    objective.train()
    noise = torch.Generator(model.device).manual_seed(stream("noise", 0, 0))
    with torch.random.fork_rng(devices=[]), torch.no_grad(), holding(share):
        torch.manual_seed(stream("parts", 0, 0))
        trace = model(x, noise)
        terms = objective(model, trace)
        regularizer = objective.regularizer
        against = regularizer.adversary_terms(trace.detached()).loss if regularizer.adversaries else None
    latent = trace.latent
    penalty = "bottleneck" if latent.log_ratio is None else "prior"
    return [
        ("corruption", trace.x_in),
        ("architecture", trace.h),
        ("bottleneck", latent.z),
        *((penalty, value) for value in latent.penalties.values()),
        ("architecture", trace.x_hat),
        *(
            ("distortion" if name == "distortion" else "regularizer", value)
            for name, value in terms.terms.items()
            if name not in latent.penalties
        ),
        ("objective", terms.loss),
        *([] if against is None else [("regularizer", against)]),
    ]


def _differ(ours: Tensor, whole: Tensor) -> bool:
    if ours.shape != whole.shape:
        return True
    size = whole.float().abs().mean() + 1e-6
    return bool((((ours.float() - whole.float()).abs() > _TOLERANCE * size).float().mean() > _FEW).item())
