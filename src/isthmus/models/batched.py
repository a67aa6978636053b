"""Inference over many inputs: the one way in which a model answers outside training."""

from __future__ import annotations

import math
from collections.abc import Callable, Generator
from contextlib import contextmanager
from typing import TYPE_CHECKING, TypeVar

import numpy as np
import torch
from torch import Tensor, nn

from isthmus.kernels import threads

if TYPE_CHECKING:
    from isthmus.models.autoencoder import Autoencoder

BATCH = 256  # inputs at a time, where no threads share them
T = TypeVar("T")


def batched(model: Autoencoder, function: Callable[[Tensor], T], inputs: Tensor, *, in_order: int = 0) -> list[T]:
    """function(part) for the parts of `inputs` (N, ...), one result a part, in the order of the inputs.

    inputs: images or latents; their parts are moved to the model's device. The model is in evaluation mode and full
    precision meanwhile, and is left in the mode that it was in.
    in_order: parts of so many inputs, one after the other, for a function that draws random numbers. Where it is 0,
    `function` depends on its part alone, and threads share the parts as `kernels.threads.pieces` does.
    """

    def answer(part: Tensor) -> T:
        with full_precision():  # which each thread has for itself
            return function(part.to(model.device))

    # Around all, as threads share some of its flags: the last thread to leave may put back the flags of another.
    with evaluation_mode(model), full_precision():
        if in_order:
            return [answer(part) for part in inputs.split(in_order)]
        return threads.pieces(answer, inputs, device=model.device, pixels=math.prod(model.image_shape[1:]))


def batched_array(
    model: Autoencoder, function: Callable[[Tensor], Tensor], inputs: Tensor, *, in_order: int = 0
) -> np.ndarray:
    """`batched` for a function with one tensor (B, ...) as its answer; all answers as one array (N, ...)."""
    return torch.cat(batched(model, lambda part: function(part).cpu(), inputs, in_order=in_order)).numpy()


@contextmanager
def evaluation_mode(*parts: nn.Module) -> Generator[None]:
    """Evaluation mode; afterwards every module has the mode it had."""
    modes = [(module, module.training) for part in parts for module in part.modules()]
    for part in parts:
        part.eval()
    try:
        yield
    finally:
        for module, mode in modes:  # one by one: a module may have been set apart from the rest
            module.training = mode


@contextmanager
def full_precision() -> Generator[None]:
    """Inference without bf16, and without TF32, which CUDA's convolutions take where nothing else is said."""
    with torch.inference_mode(), torch.backends.cudnn.flags(enabled=True, allow_tf32=False):
        yield
