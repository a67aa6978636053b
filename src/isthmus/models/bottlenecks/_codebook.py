"""A codebook that follows the encoder's outputs as a moving average."""

from __future__ import annotations

from typing import Literal

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from isthmus.models.whole_batch import gathered

_LEAST = 1e-5  # lower bound of usages and lengths, which are divisors

Gradient = Literal["straight-through", "rotation"]


class Codebook(nn.Module):
    """`codes` vectors of `dim` numbers, each the moving average of the encoder outputs nearest to it.

    The moving averages are those of appendix A.1 in "Neural Discrete Representation Learning" (van den Oord et al.,
    arXiv:1711.00937). The first batch's outputs are the first codes. A code that is used less than `revive` times its
    fair share is replaced by an output of the batch: "SoundStream" (Zeghidour et al., arXiv:2107.03312, section
    III-C).
    """

    def __init__(self, codes: int, dim: int, *, decay: float, revive: float) -> None:
        super().__init__()
        self.decay, self.revive = decay, revive
        self.vectors = nn.Buffer(torch.randn(codes, dim))
        self.usage = nn.Buffer(torch.ones(codes))
        self.sums = nn.Buffer(self.vectors.clone())
        self.begun = nn.Buffer(torch.zeros((), dtype=torch.bool))

    def forward(self, outputs: Tensor, generator: torch.Generator | None = None) -> Tensor:
        """outputs (N, dim) float32 -> codes (N,) int64; in training the codebook moves towards the outputs."""
        with torch.no_grad(), torch.autocast(outputs.device.type, enabled=False):
            whole = gathered(outputs) if self.training else outputs
            if self.training:
                self._begin(whole, generator)
            codes = self.nearest(outputs)
            if self.training:
                self._follow(whole, gathered(codes), generator)
        return codes

    def nearest(self, outputs: Tensor) -> Tensor:
        """(N, dim) -> (N,): the code at the least Euclidean distance."""
        with torch.autocast(outputs.device.type, enabled=False):
            # relative to the codes' mean: a large common part would cost the digits of their differences
            centre = self.vectors.mean(0)
            vectors = self.vectors - centre
            return (vectors.square().sum(1) - 2 * (outputs.float() - centre) @ vectors.T).argmin(1)

    def _begin(self, outputs: Tensor, generator: torch.Generator | None) -> None:
        drawn = self._drawn(outputs, generator)
        # without a branch, because a captured CUDA graph cannot branch
        self.vectors.copy_(torch.where(self.begun, self.vectors, drawn))
        self.sums.copy_(torch.where(self.begun, self.sums, drawn))
        self.begun.fill_(True)

    def _follow(self, outputs: Tensor, codes: Tensor, generator: torch.Generator | None) -> None:
        assigned = F.one_hot(codes, len(self.vectors)).to(outputs.dtype)
        fair = len(outputs) / len(self.vectors)
        self.usage.lerp_(assigned.sum(0), 1 - self.decay)
        self.sums.lerp_(assigned.T @ outputs, 1 - self.decay)
        dead = self.usage < self.revive * fair
        drawn = self._drawn(outputs, generator)
        self.usage.copy_(torch.where(dead, fair, self.usage))
        self.sums.copy_(torch.where(dead[:, None], drawn * fair, self.sums))
        self.vectors.copy_(self.sums / self.usage.clamp(min=_LEAST)[:, None])

    def _drawn(self, outputs: Tensor, generator: torch.Generator | None) -> Tensor:
        """As many of the batch's outputs as there are codes."""
        shape = (len(self.vectors),)
        return outputs[torch.randint(len(outputs), shape, generator=generator, device=outputs.device)]


def passed(outputs: Tensor, chosen: Tensor, gradient: Gradient) -> Tensor:
    """`chosen` (N, dim), with a gradient to the `outputs` (N, dim) that it stands for.

    "straight-through" passes the gradient on unchanged (arXiv:1711.00937, section 3.2). "rotation" rotates and scales
    the gradient by what rotates and scales the output onto the code: "Restructuring Vector Quantization with the
    Rotation Trick" (Fifty et al., arXiv:2410.06424, section 4.2).
    """
    if gradient == "straight-through":
        return outputs + (chosen - outputs).detach()
    lengths = [value.detach().norm(dim=1, keepdim=True).clamp(min=_LEAST) for value in (outputs, chosen)]
    one, other = (value.detach() / length for value, length in zip((outputs, chosen), lengths, strict=True))
    between = F.normalize(one + other, dim=1)
    turned = outputs - 2 * (outputs * between).sum(1, keepdim=True) * between
    turned = turned + 2 * (outputs * one).sum(1, keepdim=True) * other
    return turned * (lengths[1] / lengths[0])
