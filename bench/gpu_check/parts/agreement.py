"""The same weights and images on the CPU and on the GPU give the same outputs, network by network."""

from __future__ import annotations

import math
from collections.abc import Iterator

import torch
from torch import Tensor

from bench.gpu_check.found import Found, Said, Value
from bench.gpu_check.goals import CODES, OUTPUTS
from bench.gpu_check.setting import Setting, networks
from isthmus.models.autoencoder import Autoencoder
from isthmus.models.batched import evaluation_mode, full_precision
from isthmus.models.pixels import to_unit
from isthmus.recipes.recipe import Recipe
from isthmus.training.initial_model import untrained

_IMAGES = 64


def measure(setting: Setting) -> Iterator[Found]:
    draw = torch.Generator().manual_seed(1)
    pixels = torch.randint(0, 256, (_IMAGES, *setting.shape), dtype=torch.uint8, generator=draw)
    worst, codes, other, done = 0.0, 0, 0, 0
    for name, recipe in networks(setting).items():
        model = _model(recipe, setting.shape)
        host, host_codes = _outputs(model, pixels)
        model.to(setting.device).to(memory_format=torch.channels_last)  # pyright: ignore[reportCallIssue]
        device, device_codes = _outputs(model, pixels)
        equal = torch.ones(_IMAGES, dtype=torch.bool)
        if host_codes is not None and device_codes is not None:
            same = (host_codes == device_codes).flatten(1)
            equal, codes, other = same.all(1), codes + same.numel(), other + int((~same).sum())
        # a code that is as near as another may be the other one there: its image differs, and is not compared
        difference = float((host - device)[equal].abs().max()) if equal.any() else 0.0
        difference = difference if math.isfinite(difference) else math.inf  # else the maximum would pass over it
        if difference > 1e-4:
            yield Said(f"{name}: outputs differ by up to {difference:.1e}")
        worst, done = max(worst, difference), done + 1
        yield Value(OUTPUTS, worst)
        if codes:
            yield Value(CODES, other / codes)
    yield Said(f"outputs of {done} networks compared, {_IMAGES} images each, in fp32 without TF32")


def _model(recipe: Recipe, shape: tuple[int, int, int]) -> Autoencoder:
    """Random weights everywhere: some layers begin with zeros, which would hide what is behind them."""
    model, _ = untrained(recipe, shape)
    draw = torch.Generator().manual_seed(0)
    with torch.no_grad():
        for weight in model.parameters():
            weight.add_(0.02 * torch.randn(weight.shape, generator=draw))
    return model


def _outputs(model: Autoencoder, pixels: Tensor) -> tuple[Tensor, Tensor | None]:
    """Outputs (B, C, H, W) and codes (B, ...), on the CPU."""
    with evaluation_mode(model), full_precision():
        trace = model(to_unit(pixels.to(model.device)))
    codes = trace.latent.codes
    return trace.x_hat.float().cpu(), None if codes is None else codes.cpu()
