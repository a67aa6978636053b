"""training.json: why a training ended, how long it was and how fast."""

from __future__ import annotations

from isthmus.core.wording import counted
from isthmus.recipes.recipe import Recipe
from isthmus.run_files.state import Progress
from isthmus.run_files.training import TrainingRecord


def outcome(progress: Progress, recipe: Recipe, passes: int) -> TrainingRecord:
    """The content of training.json; passes: over the images, per epoch."""
    loss = f"{recipe.train.monitor.replace('-', ' ')} loss"
    limit = recipe.train.seconds
    long = f" of {passes} passes over its images" if passes > 1 else ""
    sentences = {
        "seconds": f"its time was over ({limit:g} s)" if limit is not None else "",
        "epochs": "ran its one epoch" if progress.epoch == 1 else f"ran all {progress.epoch} epochs{long}",
        "patience": f"{loss} had not improved for {counted(recipe.train.patience_epochs or 0, 'epoch')}{long}",
        "steps": f"took its {counted(progress.step, 'step')}",
    }
    return TrainingRecord(
        stopped=progress.stopped,
        sentence=sentences[progress.stopped],
        epochs=progress.epoch,
        best_epoch=progress.best_epoch,
        steps=progress.step,
        seconds=progress.seconds,
        images_per_second=progress.seen / max(progress.seconds, 1e-9),
    )
