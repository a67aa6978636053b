"""Scores validation images during training; the best weights are chosen by this."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from functools import reduce

import torch
from torch import Tensor

from isthmus.core.pixels import Pixels, depth_of, is_real, levels
from isthmus.core.share import holding
from isthmus.evaluation.measures.psnr import Psnr
from isthmus.evaluation.statistics.psnr_of_mse import psnr_of_mean_mse
from isthmus.models.autoencoder import Autoencoder
from isthmus.models.batched import BATCH, batched, evaluation_mode
from isthmus.models.interfaces import Objective
from isthmus.models.pixels import to_pixels, to_unit
from isthmus.models.processes import here
from isthmus.models.seeding import sealed_generator
from isthmus.models.widest import widest_dtype

_NOISES = 32  # draws of a corruption that a validation needs: of one image with hardly any noise, PCA would be the best


def validate(
    model: Autoencoder, objective: Objective, images: Tensor | Pixels, *, corrupted: bool = False
) -> dict[str, float]:
    """Loss, and the error on rounded output, of `images` (N, C, H, W), on the device or on disk; deterministic.

    corrupted: also the loss and the PSNR where the images are corrupted as in training, with the same draws every
    time: an autoencoder that removes noise is not the best one for images without noise. Fewer than 32 images are
    taken several times, each time with other draws.

    Always in full precision, as the final evaluation, because this selects the weights. bf16 alone adds half a per
    cent to the error of 512 latents on drawn images. Of real numbers only the loss: they have no levels to round to,
    and no peak for a PSNR.
    """
    if is_real(images.dtype):
        return {"validation_loss": _validation_loss(model, objective, images)}
    score, wide, white = Psnr(), widest_dtype(model.device), levels(images.dtype)

    def sums(pixels: Tensor) -> Tensor:
        """Of the loss, the squared errors and the PSNR, in the widest numbers there are."""
        trace = model(to_unit(pixels))
        output = to_pixels(trace.x_hat, pixels.dtype)
        return torch.stack(
            (
                objective(model, trace).loss.sum(dtype=wide),
                ((output.float() - pixels.float()) / white).square().sum(dtype=wide),
                score(output, pixels).sum().to(wide),
            )
        )

    noise = sealed_generator("corrupted validation images", device=model.device) if corrupted else None

    def of_corrupted(pixels: Tensor) -> Tensor:
        """Sums of the loss and the PSNR where the images are corrupted."""
        trace = model.corrupted(to_unit(pixels), noise)
        output = to_pixels(trace.x_hat, pixels.dtype)
        return torch.stack((objective(model, trace).loss.sum(dtype=wide), score(output, pixels).sum().to(wide)))

    def total(function: Callable[[Tensor], Tensor], times: int = 1) -> list[float]:
        read = (block for _ in range(times) for block in _read(images))
        return _total(model, function, read).tolist()

    times = -(-_NOISES // len(images))
    with evaluation_mode(objective):
        loss, squared, decibels = total(sums)
        noisy_loss, noisy_decibels = total(of_corrupted, times) if corrupted else (math.nan, math.nan)
    values = math.prod(images.shape[1:])
    mse = squared / (len(images) * values)
    scores = {
        "validation_loss": loss / len(images),
        "validation_mse": mse,
        "validation_psnr": psnr_of_mean_mse(mse, values, depth=depth_of(images.dtype)),
        "validation_image_psnr": decibels / len(images),
    }
    if corrupted:
        scores["corrupted_validation_loss"] = noisy_loss / (times * len(images))
        scores["corrupted_validation_image_psnr"] = noisy_decibels / (times * len(images))
    return scores


def _validation_loss(model: Autoencoder, objective: Objective, images: Tensor | Pixels) -> float:
    """The mean loss of `images` (N, C, H, W)."""

    def sums(pixels: Tensor) -> Tensor:
        return objective(model, model(to_unit(pixels))).loss.sum(dtype=widest_dtype(model.device))

    with evaluation_mode(objective):
        return _total(model, sums, _read(images)).item() / len(images)


def _total(model: Autoencoder, function: Callable[[Tensor], Tensor], blocks: Iterator[Tensor]) -> Tensor:
    """The sum of `function` over parts of `blocks`, on the CPU; each process computes its share of every part."""
    processes = here()

    def of_share(pixels: Tensor) -> Tensor:
        share = processes.share(len(pixels))
        with holding(share):
            found = function(pixels if share is None else share.own(pixels))
        # what every process has computed is counted once
        return found if share is not None or processes.first else torch.zeros_like(found)

    parts = (part for block in blocks for part in batched(model, of_share, block, in_order=BATCH))
    return processes.added(reduce(torch.add, parts).cpu())


def _read(images: Tensor | Pixels) -> Iterator[Tensor]:
    """The images in order; those on disk come in parts, each of whole batches."""
    if isinstance(images, Tensor):
        yield images
    else:
        for start in range(0, len(images), 4 * BATCH):
            yield torch.from_numpy(images[start : start + 4 * BATCH])
