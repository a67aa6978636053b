"""What regularizers need from a model, with one sentence as the error if the model lacks it."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import torch

from isthmus.core.errors import InputError
from isthmus.core.values import Posterior, Trace

if TYPE_CHECKING:
    from isthmus.models.autoencoder import Autoencoder


def need_posterior(model: Autoencoder, name: str) -> None:
    """Raise InputError if the bottleneck has no Gaussian posterior."""
    if not model.bottleneck.has_posterior:
        raise InputError(f"regularizer.kind: {name!r} is about a posterior; set bottleneck.kind=gaussian")


def need_vector(model: Autoencoder, name: str) -> None:
    """Raise InputError if the latent cannot follow a standard normal."""
    if len(model.latent_shape) != 1 or model.bottleneck.codes:
        raise InputError(
            f"regularizer.kind: {name!r} compares the latent with a standard normal vector; "
            "set bottleneck.kind=vector or gaussian"
        )


def posterior_of(trace: Trace) -> Posterior:
    assert trace.latent.posterior is not None, "checked before training"
    return trace.latent.posterior


@contextmanager
def still(model: Autoencoder) -> Generator[None]:
    """The model in evaluation mode, with gradients switched on even inside `no_grad`.

    So a second pass updates no running statistics and no codebook, and each image's result is independent of the rest.
    """
    mode = model.training
    model.eval()
    try:
        with torch.inference_mode(False), torch.enable_grad():
            yield
    finally:
        model.train(mode)
