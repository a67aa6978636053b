"""A discriminator that tells reconstructions from photographs, patch by patch: VAE-GAN."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import torch.nn.functional as F
from pydantic import Field
from torch import Tensor, nn

from isthmus.core.values import Adversary, Terms, Trace
from isthmus.models.interfaces import Regularizer

if TYPE_CHECKING:
    from isthmus.models.autoencoder import Autoencoder


_LEAST = 4  # pixels: two convolutions halve them


class PatchAdversary(Regularizer):
    """weight * how sure a discriminator is that an output is not a real image, mean over patches, per pixel value.

    "Autoencoding beyond pixels using a learned similarity metric" (Larsen et al., arXiv:1512.09300) put an adversary on
    an autoencoder's output. Here the adversary judges overlapping patches, as in "Image-to-Image Translation with
    Conditional Adversarial Networks" (Isola et al., arXiv:1611.07004, section 3.2.2), with hinge losses, and with
    spectral normalisation for stability (Miyato et al., arXiv:1802.05957).

    Options:
        weight: of the model's part.
        width: channels of the discriminator's first layer.
        learning_rate: of the discriminator.
    Raises ValueError for images of fewer than 4 pixels in height or width, which hold no patch.
    """

    def __init__(
        self,
        latent_shape: tuple[int, ...],
        image_shape: tuple[int, int, int],
        *,
        weight: Annotated[float, Field(ge=0)] = 0.01,
        width: Annotated[int, Field(ge=1)] = 32,
        learning_rate: Annotated[float, Field(gt=0)] = 5e-4,
    ) -> None:
        super().__init__()
        if min(image_shape[1:]) < _LEAST:
            raise ValueError(
                f"images of {image_shape[1]}x{image_shape[2]} pixels hold no patch to judge, which needs {_LEAST} each "
                "way; choose larger images or regularizer.kind=none"
            )
        self.weight = weight
        self.values = image_shape[0] * image_shape[1] * image_shape[2]
        normal = nn.utils.parametrizations.spectral_norm
        self.discriminator = nn.Sequential(
            normal(nn.Conv2d(image_shape[0], width, 4, 2, 1)),
            nn.LeakyReLU(0.2),
            normal(nn.Conv2d(width, 2 * width, 4, 2, 1)),
            nn.LeakyReLU(0.2),
            normal(nn.Conv2d(2 * width, 1, 3, 1, 1)),
        )
        self.adversaries = {"discriminator": Adversary(self.discriminator, learning_rate)}

    def forward(self, model: Autoencoder, trace: Trace) -> Terms:
        seen = -self._score(trace.x_hat.float()[:: trace.latent.samples]).mean((1, 2, 3))
        return Terms(self.weight * self.values * seen, {"seen_through": seen})

    def adversary_terms(self, trace: Trace) -> Terms:
        ours, true = self._score(trace.x_hat.float()[:: trace.latent.samples]), self._score(trace.x)
        loss = (F.relu(1 + ours) + F.relu(1 - true)).mean((1, 2, 3))
        right = ((ours < 0).float().mean((1, 2, 3)) + (true > 0).float().mean((1, 2, 3))) / 2
        return Terms(loss, {"discriminator_accuracy": right})

    def _score(self, x: Tensor) -> Tensor:
        """x (B, C, H, W) -> (B, 1, H / 4, W / 4), higher for real images."""
        return self.discriminator(x)
