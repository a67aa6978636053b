"""Which PSNR of validation images a curve of the training shows."""

from __future__ import annotations

import math
from collections.abc import Sequence

from isthmus.pages.report.read_folder import RunFolder
from isthmus.run_files.metrics import EpochRecord


def chosen_on_noise(runs: Sequence[RunFolder]) -> bool:
    """Whether corrupted images chose the weights of all runs: on clean ones, such a model does not get better."""
    epochs = [epoch for run in runs for epoch in logged(run)]
    return bool(epochs) and all(math.isfinite(epoch.corrupted_validation_image_psnr) for epoch in epochs)


def logged(run: RunFolder) -> list[EpochRecord]:
    """The epochs with a score."""
    return [epoch for epoch in run.epochs if math.isfinite(epoch.validation_psnr)]


def shown_psnr(epoch: EpochRecord, *, noisy: bool) -> float:
    """PSNR in dB: of the outputs for corrupted validation images, mean over images, or that of the mean error."""
    return epoch.corrupted_validation_image_psnr if noisy else epoch.validation_psnr


def title(*, noisy: bool) -> str:
    """What the curve shows, without its unit."""
    return "Validation PSNR on noisy images" if noisy else "Validation PSNR of the mean error"
