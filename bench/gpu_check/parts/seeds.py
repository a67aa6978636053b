"""The time to train five seeds in lanes of one device, as a study does, over the time for one seed."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from bench.gpu_check.found import Found, Said, Value
from bench.gpu_check.goals import SEEDS
from bench.gpu_check.setting import Setting
from bench.study_wall import STUDY
from isthmus.data.splits import Splits
from isthmus.recipes.study_plan import load_recipe
from isthmus.runs.executors.in_process import InProcess
from isthmus.runs.executors.job import Job, RunEvent, RunFailed
from isthmus.training.in_folder import train_in_folder
from isthmus.training.loop import Epoch


def measure(setting: Setting) -> Iterator[Found]:
    splits = setting.squares()
    count, epochs = (2, 1) if setting.rehearse else (5, 4)
    with tempfile.TemporaryDirectory() as folder:
        one = seconds(setting, splits, 1, epochs, Path(folder) / "one")
        yield Said(f"one seed: {one / epochs:.3f} s an epoch of {len(splits.train):,} images, validation included")
        many = seconds(setting, splits, count, epochs, Path(folder) / "many")
    yield Said(f"{count} seeds at once: {many / epochs:.3f} s an epoch of all")
    yield Value(SEEDS, many / one)


def seconds(setting: Setting, splits: Splits, count: int, epochs: int, folder: Path) -> float:
    """Seconds for `epochs` epochs of `count` seeds, after the first, which allocates and captures.

    Lanes take turns at every step, so all of them end an epoch at about the same time.
    """
    name = f"{STUDY}/latent-10"
    options = {"train.device": setting.device, "train.epochs": 1 + epochs, "train.least_steps": 0}
    jobs = [
        Job("latent-10", seed, seed + 1, count, load_recipe(name, {**options, "seed": seed}), folder / str(seed))
        for seed in range(count)
    ]
    for job in jobs:
        job.folder.mkdir(parents=True)
    warm, ended = 0, 0
    begun = finished = 0.0
    lanes = InProcess(count, lambda job: train_in_folder(job.recipe, job.folder, splits, folder / "cache"))
    for event in lanes.run(jobs):
        if isinstance(event, RunFailed):
            raise RuntimeError(event.sentence)
        if isinstance(event, RunEvent) and isinstance(event.event, Epoch):
            warm += event.event.epoch == 1
            ended += event.event.epoch == 1 + epochs
            if event.event.epoch == 1 and warm == count:
                begun = time.perf_counter()
            if event.event.epoch == 1 + epochs and ended == count:
                finished = time.perf_counter()
    return finished - begun
