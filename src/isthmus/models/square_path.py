"""The linear path of feature maps: each square of pixels has numbers of its own, started at PCA of squares.

x (B, C, H, W) --fold--> (B, C s^2, h, w) --linear--> z (B, K, h, w) --linear--> (B, C s^2, h, w) --unfold--> x_hat
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from torch import Tensor, nn

from isthmus.models.layers import linear
from isthmus.models.linear_path import LinearPath
from isthmus.models.padding import Fold, Unfold, grid

if TYPE_CHECKING:
    from isthmus.evaluation.baselines.pca import PrincipalComponents


class SquarePath(nn.Module):
    """One `LinearPath` for every square of side `square`, the same for all, so its weights do not grow with the image.

    encode: x (B, C, H, W) in [-1, 1] -> (B, size h w); decode: z (B, size, h, w) -> (B, C, H, W). Images whose sides
    `square` does not divide are padded and cropped as in architectures.

    size: numbers of a square.
    """

    def __init__(self, image_shape: tuple[int, int, int], size: int, square: int) -> None:
        super().__init__()
        sides = image_shape[1:]
        self.latent_shape = (size, *grid(sides, square))
        self.path = LinearPath((image_shape[0], square, square), size)
        self.fold, self.unfold = Fold(square), Unfold(square, sides)

    def encode(self, x: Tensor) -> Tensor:
        squares = self.fold(x).permute(0, 2, 3, 1)
        return linear(self.path.analysis, squares).permute(0, 3, 1, 2).flatten(1)

    def decode(self, z: Tensor) -> Tensor:
        squares = z.reshape(-1, *self.latent_shape).permute(0, 2, 3, 1)
        return self.unfold(self.path.synthesis(squares).permute(0, 3, 1, 2))

    def start_at(self, components: PrincipalComponents) -> None:
        """Copy the directions of PCA of squares; see `LinearPath.start_at`."""
        self.path.start_at(components)
