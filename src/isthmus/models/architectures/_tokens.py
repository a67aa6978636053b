"""Transformer blocks, and an encoding of each token's position."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from isthmus.models.recompute import segment


class Blocks(nn.Module):
    """tokens (B, P, width) -> the same shape, normalised at the end."""

    def __init__(self, width: int, depth: int, heads: int) -> None:
        super().__init__()
        self.blocks = nn.Sequential(*(_Block(width, heads) for _ in range(depth)))
        self.norm = nn.LayerNorm(width)

    def forward(self, tokens: Tensor) -> Tensor:
        return self.norm(self.blocks(tokens))


class _Block(nn.Module):
    """Attention and a two-layer network, each normalised before and added after."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.norms = nn.ModuleList(nn.LayerNorm(width) for _ in range(2))
        self.to_all = nn.Linear(width, 3 * width)
        self.together = nn.Linear(width, width)
        self.network = nn.Sequential(nn.Linear(width, 4 * width), nn.GELU(), nn.Linear(4 * width, width))

    def forward(self, tokens: Tensor) -> Tensor:
        return segment(self, self._mixed, tokens)

    def _mixed(self, tokens: Tensor) -> Tensor:
        query, key, value = self.to_all(self.norms[0](tokens)).unflatten(2, (3, self.heads, -1)).permute(2, 0, 3, 1, 4)
        mixed = F.scaled_dot_product_attention(query, key, value)
        tokens = tokens + self.together(mixed.transpose(1, 2).flatten(2))
        return tokens + self.network(self.norms[1](tokens))


def positions(grid: tuple[int, int], width: int) -> Tensor:
    """(P, width): sines and cosines of falling frequency; half of the numbers encode the row, half the column."""
    rates = 10_000.0 ** (-torch.arange(width // 4) / (width // 4))
    rows, columns = (torch.arange(size)[:, None] * rates for size in grid)
    rows, columns = (torch.cat([angle.sin(), angle.cos()], 1) for angle in (rows, columns))
    both = rows[:, None].expand(-1, grid[1], -1), columns[None].expand(grid[0], -1, -1)
    return torch.cat(both, 2).flatten(0, 1)
