"""Weights & Biases, offline: runs in `wandb/` of the current folder, which `wandb sync` sends if the user wants so."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from isthmus.core.errors import InputError
from isthmus.recipes.recipe import Recipe
from isthmus.run_files.arrays import PixelArray
from isthmus.runs.sinks.interfaces import Log, Sink


class WeightsAndBiases(Sink):
    """Needs the extra `wandb`."""

    def __init__(self) -> None:
        try:
            import wandb  # pyright: ignore[reportMissingImports] - here: it is slow, and an extra
        except ImportError:
            raise InputError(
                "--log wandb: Weights & Biases is not installed; `pip install 'isthmus[wandb]'` does it"
            ) from None
        self.wandb: Any = wandb

    def begin(self, folder: Path, recipe: Recipe, step: int) -> Log:
        run = self.wandb.init(
            project="isthmus",
            name=str(folder),
            config=recipe.table(),
            mode="offline",  # whatever the environment says: nothing is sent unless the user does it
            reinit="create_new",  # runs of a study are open side by side
            settings=self.wandb.Settings(silent=True, console="off"),
        )
        return _Log(self.wandb, run)


class _Log(Log):
    def __init__(self, wandb: Any, run: Any) -> None:
        self.wandb, self.run = wandb, run

    def numbers(self, step: int, values: Mapping[str, float]) -> None:
        self.run.log(dict(values), step=step)

    def pictures(self, step: int, name: str, pixels: PixelArray) -> None:
        self.run.log({name: self.wandb.Image(pixels)}, step=step)

    def close(self) -> None:
        self.run.finish()
