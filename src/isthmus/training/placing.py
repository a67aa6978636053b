"""Where a set of images lies during training: on the device if it fits, else on disk."""

from __future__ import annotations

import math

import numpy as np
import torch
from torch import Tensor

from isthmus.core.pixels import Pixels, blocks, depth_of
from isthmus.models.pixels import PIXEL_TYPES

_SHARE = 0.3  # of a GPU's free memory for one set of images: the model and its activations need the rest


def placed(images: Pixels, device: torch.device) -> Tensor | Pixels:
    """Images (N, C, H, W) as a tensor on the device if they are in memory or fit into the GPU's, else as they are."""
    if isinstance(images, np.ndarray):
        return torch.from_numpy(images).to(device)
    size = math.prod(images.shape) * images.dtype.itemsize
    if device.type != "cuda" or size > _SHARE * torch.cuda.mem_get_info(device)[0]:
        return images
    held = torch.empty(images.shape, dtype=PIXEL_TYPES[depth_of(images.dtype)], device=device)
    for block in blocks(images):
        held[block] = torch.from_numpy(images[block]).to(device)
    return held
