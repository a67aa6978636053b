"""Lookup-free quantisation: every number of the latent is replaced by its sign."""

from __future__ import annotations

from typing import Annotated

import torch
import torch.nn.functional as F
from pydantic import Field
from torch import Tensor, nn

from isthmus.core.values import Latent
from isthmus.models.interfaces import Bottleneck
from isthmus.models.whole_batch import batch_mean


class Lfq(Bottleneck):
    """A binary latent: `bits` signs at each position, which together are one code.

    h (B, C, H, W) -> z (B, bits, H, W) of -1 and 1 -> h' of h's shape, through a 1x1 convolution each way. codes:
    (B, H, W) int64, the first bit the lowest. Gradients pass the sign unchanged. "Language Model Beats Diffusion"
    (Yu et al., arXiv:2310.05737, equations 3 to 5). The rate is at most `bits` bits per position.
    Penalty `entropy` (B,), nats: each sign's own entropy minus the entropy of that sign over the batch, summed over
    positions and bits. It treats signs one by one, which gives an upper bound of the paper's penalty over whole codes
    (as in Zhao et al., arXiv:2406.07548, section 3.2).
    Penalty `commitment` (B,): squared distance from the signs, summed over positions and bits.

    Options:
        bits: signs per position; 10 signs give 1,024 codes.
        temperature: of the softmax over both signs, from which the entropies are computed.
    """

    penalties = ("entropy", "commitment")

    def __init__(
        self,
        feature_shape: tuple[int, int, int],
        *,
        bits: Annotated[int, Field(ge=1, le=16)] = 10,
        temperature: Annotated[float, Field(gt=0)] = 1.0,
    ) -> None:
        super().__init__()
        channels, height, width = feature_shape
        self.codes = 2**bits
        self.code_shape = (height, width)
        self.latent_shape = (bits, height, width)
        self.temperature = temperature
        self.to_latent = nn.Conv2d(channels, bits, 1)
        self.to_features = nn.Conv2d(bits, channels, 1)
        self.places = nn.Buffer(2 ** torch.arange(bits).view(-1, 1, 1), persistent=False)

    def forward(self, h: Tensor, *, offset: Tensor | None = None, generator: torch.Generator | None = None) -> Latent:
        assert offset is None, "a sign is no sum: there is no start beside a linear path"
        outputs = self.to_latent(h).float()
        signs = torch.where(outputs > 0, 1.0, -1.0)
        z = outputs + (signs - outputs).detach() if self.training else signs
        # the two squared distances differ by four times the output
        logits = 4 * outputs / self.temperature
        undecided = _entropy(logits.sigmoid(), logits).flatten(1).sum(1)
        share = batch_mean(logits.sigmoid(), (0, 2, 3))
        even = _entropy(share, torch.logit(share, 1e-6)).sum() * outputs[0, 0].numel()
        commitment = (outputs - signs).square().flatten(1).sum(1)
        return Latent(z, {"entropy": undecided - even, "commitment": commitment}, codes=self.codes_of(signs))

    def codes_of(self, z: Tensor) -> Tensor:
        """z (B, bits, H, W) -> codes (B, H, W) int64."""
        return ((z > 0) * self.places).sum(1)

    def vectors_of(self, codes: Tensor) -> Tensor:
        """codes (B, H, W) -> z (B, bits, H, W)."""
        return (codes[:, None] // self.places % 2) * 2.0 - 1.0

    def codebook(self) -> Tensor:
        """(codes, bits): the signs behind each code."""
        return self.vectors_of(torch.arange(self.codes, device=self.places.device).view(-1, 1, 1)).flatten(1)

    def expand(self, z: Tensor) -> Tensor:
        return self.to_features(z)


def _entropy(share: Tensor, logit: Tensor) -> Tensor:
    """Entropy in nats of a coin that shows heads with probability `share`, whose log odds are `logit`."""
    return F.softplus(logit) - share * logit
