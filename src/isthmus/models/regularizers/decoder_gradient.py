"""Small latents and a smooth decoder instead of noise: regularised autoencoders."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import torch
from pydantic import Field
from torch import Tensor

from isthmus.core.share import drawn
from isthmus.core.values import Terms, Trace
from isthmus.models import seeding
from isthmus.models.interfaces import Regularizer
from isthmus.models.regularizers._model import still

if TYPE_CHECKING:
    from isthmus.models.autoencoder import Autoencoder


class DecoderGradient(Regularizer):
    """latent * |z|^2 / 2 + weight * the squared norm of d x_hat / d z, averaged over latents and summed over pixels.

    "From Variational to Deterministic Autoencoders" (Ghosh et al., arXiv:1903.12436, equation 11, RAE-GP). One random
    direction over the pixels, of independent signs, gives an unbiased estimate of the norm (Hutchinson 1989). With
    weight 0 it is the RAE with only weight decay or spectral normalisation.

    Options:
        weight: of the decoder's squared gradient.
        latent: of half the latent's squared length.
    """

    def __init__(
        self,
        latent_shape: tuple[int, ...],
        image_shape: tuple[int, int, int],
        *,
        weight: Annotated[float, Field(ge=0)] = 0.01,
        latent: Annotated[float, Field(ge=0)] = 0.01,
    ) -> None:
        super().__init__()
        self.weight, self.latent = weight, latent
        self.calls_model = weight > 0

    def forward(self, model: Autoencoder, trace: Trace) -> Terms:
        z = trace.latent.z.float()[:: trace.latent.samples]
        length = z.flatten(1).square().sum(1)
        loss = 0.5 * self.latent * length
        terms = {"squared_length": length}
        if self.weight:
            with still(model):
                terms["decoder_gradient"] = self._norm(model, z.detach().clone())
            loss = loss + self.weight * terms["decoder_gradient"]
        return Terms(loss, terms)

    def _norm(self, model: Autoencoder, z: Tensor) -> Tensor:
        """z (B, *latent_shape) -> (B,)"""
        z.requires_grad_()
        x_hat = model.decode_latents(z).float()
        generator = None if self.training else seeding.generator("validation", 0, device=z.device)
        bits = drawn(lambda shape: torch.randint(0, 2, (*shape,), generator=generator, device=z.device), x_hat.shape)
        signs = bits.float() * 2 - 1
        (pulled,) = torch.autograd.grad(x_hat, z, signs, create_graph=self.training)
        return pulled.flatten(1).square().sum(1) / pulled[0].numel()
