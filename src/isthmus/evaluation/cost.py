"""What a model costs: its parameters, and the arithmetic of one image."""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

import torch
from torch import Tensor
from torch.utils.flop_counter import FlopCounterMode

from isthmus.models.autoencoder import Autoencoder
from isthmus.models.batched import evaluation_mode
from isthmus.run_files.evaluation import Cost


def cost(model: Autoencoder) -> Cost:
    """Parameters and multiply-adds of one image's reconstruction.

    `parameters` counts what Keras counts, including running statistics; `trainable` excludes those. A weight belongs
    to the decoder if the output for a given latent depends on it, to the prior if the prior owns it, else to the
    encoder.
    """
    x = torch.zeros((1, *model.image_shape), device=model.device)
    with evaluation_mode(model):
        with FlopCounterMode(display=False) as counter, torch.no_grad():
            latent = model.latent(x)[1].z
            model.decode_latents(latent)
        output = model.decode_latents(latent).sum()
    priors = {id(weight) for weight in model.prior.parameters()}
    weights = [weight for weight in model.parameters() if id(weight) not in priors]
    # None if the output does not depend on a weight; torch's annotation does not mention it
    grads = cast("Sequence[Tensor | None]", torch.autograd.grad(output, weights, allow_unused=True))
    statistics = {
        side: sum(b.numel() for b in half.buffers() if b.is_floating_point())
        for side, half in (("encoder", model.architecture.encoder), ("decoder", model.architecture.decoder))
    }
    decoder = sum(w.numel() for w, grad in zip(weights, grads, strict=True) if grad is not None)
    encoder = sum(w.numel() for w in weights) - decoder
    trainable = sum(w.numel() for w in model.parameters())
    return Cost(
        parameters=trainable + sum(statistics.values()),
        trainable=trainable,
        encoder_parameters=encoder + statistics["encoder"],
        decoder_parameters=decoder + statistics["decoder"],
        multiply_adds=counter.get_total_flops() // 2,
    )
