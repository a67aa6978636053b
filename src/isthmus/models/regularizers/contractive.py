"""How much the latent changes with the image: the contractive autoencoder."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import torch
from pydantic import Field
from torch import Tensor

from isthmus.core.errors import InputError
from isthmus.core.share import drawn
from isthmus.core.values import Terms, Trace
from isthmus.models import seeding
from isthmus.models.interfaces import Regularizer
from isthmus.models.regularizers._model import still

if TYPE_CHECKING:
    from isthmus.models.autoencoder import Autoencoder


class Contractive(Regularizer):
    """weight * the squared Frobenius norm of dz/dx, pixels on the [-1, 1] scale; z as in evaluation.

    "Contractive Auto-Encoders" (Rifai et al., ICML 2011, equation 2). Random directions in the latent give an unbiased
    estimate of the norm: the mean of |v^T dz/dx|^2 over v with independent random signs (Hutchinson 1989,
    doi:10.1080/03610918908812806). With at least as many projections as the latent has numbers it is exact: one
    direction for each number. Each projection costs a backward pass through the encoder.

    Options:
        weight: of the squared norm.
        projections: directions per image and step.
    """

    calls_model = True

    def __init__(
        self,
        latent_shape: tuple[int, ...],
        image_shape: tuple[int, int, int],
        *,
        weight: Annotated[float, Field(ge=0)] = 1.0,
        projections: Annotated[int, Field(ge=1)] = 1,
    ) -> None:
        super().__init__()
        self.weight, self.projections = weight, projections

    def check(self, model: Autoencoder) -> None:
        if model.bottleneck.codes:
            raise InputError(
                "regularizer.kind: 'contractive' follows the latent's gradient, and codes have none; "
                "set bottleneck.kind=vector or gaussian"
            )

    def forward(self, model: Autoencoder, trace: Trace) -> Terms:
        with still(model):
            norm = self._norm(model, trace.x_in.detach().clone())
        return Terms(self.weight * norm, {"jacobian": norm})

    def _norm(self, model: Autoencoder, x: Tensor) -> Tensor:
        """x (B, C, H, W) -> (B,)"""
        x.requires_grad_()
        z = model.latent(x)[1].z.float().flatten(1)
        directions = self._directions(z)
        total = x.new_zeros(len(x))
        for direction in directions:
            (pulled,) = torch.autograd.grad(z, x, direction, create_graph=self.training, retain_graph=True)
            total = total + pulled.flatten(1).square().sum(1)
        return total if self._exact(z) else total / len(directions)

    def _exact(self, z: Tensor) -> bool:
        return self.projections >= z.shape[1]

    def _directions(self, z: Tensor) -> Tensor:
        """(projections, B, D)"""
        if self._exact(z):
            return torch.eye(z.shape[1], device=z.device)[:, None].expand(-1, len(z), -1)
        shape = (self.projections, *z.shape)
        generator = None if self.training else seeding.generator("validation", 0, device=z.device)
        bits = drawn(lambda whole: torch.randint(0, 2, (*whole,), generator=generator, device=z.device), shape, dim=1)
        return bits.float() * 2 - 1
