"""The errors of a linear autoencoder with several numbers an image, gathered block by block."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import torch

from isthmus.core.pixels import Pixels, depth_of
from isthmus.evaluation.measures.mse import Mse
from isthmus.evaluation.measures.psnr import Psnr
from isthmus.evaluation.statistics.psnr_of_mse import psnr_of_mean_mse
from isthmus.run_files.evaluation import PcaPoint


class CurveErrors:
    """`add` takes rounded output for each of `sizes`, `points` gives the curve over all `images` (N, C, H, W)."""

    def __init__(self, sizes: Sequence[int], images: Pixels) -> None:
        self._sizes, self._images = sizes, images
        self._mse, self._psnr = Mse(), Psnr()
        self._sums = np.zeros((len(sizes), 2))

    def add(self, row: int, output: np.ndarray, original: np.ndarray) -> None:
        """Output (B, C, H, W) with `sizes[row]` numbers, and its original, both of the images' type."""
        made = torch.from_numpy(output)
        given = torch.from_numpy(np.ascontiguousarray(original))
        self._sums[row] += self._mse(made, given).sum().item(), self._psnr(made, given).sum().item()

    def points(self) -> tuple[PcaPoint, ...]:
        means, values = (self._sums / len(self._images)).tolist(), math.prod(self._images.shape[1:])
        depth = depth_of(self._images.dtype)
        return tuple(
            PcaPoint(components=size, mse=mse, psnr=psnr, psnr_of_mean_mse=psnr_of_mean_mse(mse, values, depth=depth))
            for size, (mse, psnr) in zip(self._sizes, means, strict=True)
        )
