"""Batched inference: all inference outside training goes through this file."""

from __future__ import annotations

import math
from collections.abc import Callable, Generator
from contextlib import contextmanager
from typing import TYPE_CHECKING, TypeVar

import numpy as np
import torch
from torch import Tensor, nn

from isthmus.kernels import threads
from isthmus.models.processes import working

if TYPE_CHECKING:
    from isthmus.models.autoencoder import Autoencoder

BATCH = 256  # inputs per part, if no threads share them and images have at most _PIXELS
_PIXELS = 32 * 32
T = TypeVar("T")


def batched(model: Autoencoder, function: Callable[[Tensor], T], inputs: Tensor, *, in_order: int = 0) -> list[T]:
    """Call `function` on parts of `inputs` (N, ...): one result per part, in the order of the inputs.

    inputs: images or latents; each part is moved to the model's device. During the calls the model is in evaluation
    mode and full precision; afterwards its mode is restored.
    in_order: the size of a part of images of at most 32x32 pixels; a part of larger ones has about as many pixels.
    Parts run one after the other, for a function that draws random numbers. With 0, `function` must depend on its part
    alone, and threads share the parts as in `kernels.threads.pieces`; so do processes, where they work on the same
    (`models.processes.spread`).
    """

    def answer(part: Tensor) -> T:
        with full_precision():  # a setting of each thread
            return function(part.to(model.device))

    # Also around all threads, because they share some of its flags: the last thread to leave might otherwise restore
    # what another thread had set.
    pixels = math.prod(model.image_shape[1:])
    with evaluation_mode(model), full_precision():
        if in_order:
            each = max(1, in_order * _PIXELS // max(_PIXELS, pixels))
            return [answer(part) for part in inputs.split(each)]
        workers = working()
        if workers.count == 1:
            return threads.pieces(answer, inputs, device=model.device, pixels=pixels)
        # the parts are the same as for one process, and so are the bits
        parts = workers.own(inputs.split(threads.images_in_a_piece(model.device, pixels)))
        found = threads.pieces(answer, torch.cat(list(parts)), device=model.device, pixels=pixels) if parts else []
        return [result for some in workers.everyone(found) for result in some]


def batched_array(
    model: Autoencoder, function: Callable[[Tensor], Tensor], inputs: Tensor, *, in_order: int = 0
) -> np.ndarray:
    """`batched` for a function that returns one tensor (B, ...); all results as one array (N, ...)."""
    return torch.cat(batched(model, lambda part: function(part).cpu(), inputs, in_order=in_order)).numpy()


@contextmanager
def evaluation_mode(*parts: nn.Module) -> Generator[None]:
    """Evaluation mode inside the block; afterwards every module's mode is restored."""
    modes = [(module, module.training) for part in parts for module in part.modules()]
    for part in parts:
        part.eval()
    try:
        yield
    finally:
        for module, mode in modes:  # one by one, because a module's mode may differ from its parent's
            module.training = mode


@contextmanager
def full_precision() -> Generator[None]:
    """Inference without bf16 and without TF32, which CUDA's convolutions use by default."""
    with torch.inference_mode(), torch.backends.cudnn.flags(enabled=True, allow_tf32=False):
        yield
