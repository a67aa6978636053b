"""No regularizer."""

from __future__ import annotations

from typing import TYPE_CHECKING

from isthmus.core.values import Terms, Trace
from isthmus.models.interfaces import Regularizer

if TYPE_CHECKING:
    from isthmus.models.autoencoder import Autoencoder


class NoRegularizer(Regularizer):
    """Nothing beside the distortion and the bottleneck's penalties."""

    def __init__(self, latent_shape: tuple[int, ...], image_shape: tuple[int, int, int]) -> None:
        super().__init__()

    def forward(self, model: Autoencoder, trace: Trace) -> Terms:
        return Terms(trace.x.new_zeros(len(trace.x)), {})
