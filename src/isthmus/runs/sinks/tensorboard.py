"""TensorBoard: event files in `tensorboard/` of the run folder; `tensorboard --logdir runs` shows all runs."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from isthmus.core.atomic_files import own_folder
from isthmus.core.errors import InputError
from isthmus.recipes.recipe import Recipe
from isthmus.run_files.arrays import PixelArray
from isthmus.runs.sinks.interfaces import Log, Sink

FOLDER = "tensorboard"


class TensorBoard(Sink):
    """Needs the extra `tensorboard`."""

    def __init__(self) -> None:
        try:
            from torch.utils.tensorboard import SummaryWriter  # here: it is slow, and may be missing
        except ImportError:
            raise InputError(
                "--log tensorboard: TensorBoard is not installed; `pip install 'isthmus[tensorboard]'` does it"
            ) from None
        self.writer: Any = SummaryWriter

    def begin(self, folder: Path, recipe: Recipe, step: int) -> Log:
        # steps after `step` are of a training that was interrupted, and are taken again
        writer = self.writer(str(own_folder(folder / FOLDER)), purge_step=step + 1 if step else None)
        writer.add_text("recipe", f"```\n{recipe.toml()}```", step)
        return _Log(writer)


class _Log(Log):
    def __init__(self, writer: Any) -> None:
        self.writer = writer

    def numbers(self, step: int, values: Mapping[str, float]) -> None:
        for name, value in values.items():
            self.writer.add_scalar(name, value, step)

    def pictures(self, step: int, name: str, pixels: PixelArray) -> None:
        self.writer.add_image(name, pixels, step, dataformats="HWC")

    def close(self) -> None:
        self.writer.close()
