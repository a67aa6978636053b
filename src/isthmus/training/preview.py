"""Reconstructions of validation images during training, so that the user sees results early."""

from __future__ import annotations

import math
import time
from dataclasses import dataclass

import torch
from torch import Tensor

from isthmus.core.pixels import Pixels
from isthmus.models.autoencoder import Autoencoder
from isthmus.models.batched import batched_array
from isthmus.run_files.arrays import PixelArray
from isthmus.run_files.state import Progress
from isthmus.training.loop import Epoch, Step

SHOWN = 12
MOST_VALUES = 2_000_000  # in all images shown: of larger images, fewer are shown
FIRST_SECONDS, NEXT_SECONDS = 15.0, 20.0


@dataclass(frozen=True)
class Preview:
    """Yielded now and then in training: validation images (n, C, H, W), and their reconstructions at `step`.

    epoch: number of completed epochs. done: the share of the training that is over.
    """

    step: int
    epoch: int
    done: float
    originals: PixelArray
    outputs: PixelArray


class Previews:
    """Decides when to show a preview: after 15 s or the first epoch, then after an epoch, at least 20 s apart."""

    def __init__(self, model: Autoencoder, validation: Tensor | Pixels, total_steps: int) -> None:
        self.model = model
        shown = validation[: max(1, min(SHOWN, MOST_VALUES // math.prod(validation.shape[1:])))]
        self.shown = shown if isinstance(shown, Tensor) else torch.from_numpy(shown)
        self.total_steps = total_steps
        self.due = time.monotonic() + FIRST_SECONDS
        self.none_yet = True

    def look(self, event: Step | Epoch, progress: Progress) -> Preview | None:
        """A preview where one is due. The model is left in the mode it is in, and no random stream moves."""
        now = time.monotonic()
        if isinstance(event, Epoch):
            wanted = event.epoch > 0 and (self.none_yet or now >= self.due)
        else:
            wanted = self.none_yet and event.log is not None and now >= self.due
        if not wanted:
            return None
        self.none_yet, self.due = False, now + NEXT_SECONDS
        outputs = batched_array(self.model, self.model.reconstruct_pixels, self.shown)
        share = progress.step / self.total_steps
        return Preview(progress.step, progress.epoch, share, self.shown.cpu().numpy(), outputs)
