"""isthmus as in `isthmus train`: the whole session, with log and checkpoints, on the post's network."""

from __future__ import annotations

import tempfile
from pathlib import Path

import torch

import isthmus
from bench.contestants._common import LEARNING_RATE, Losses, Stopwatch, options, random_images, report
from isthmus.core.values import ImageSet
from isthmus.data.splits import Splits
from isthmus.recipes.study_plan import load_recipe
from isthmus.training.in_folder import Started, train_in_folder
from isthmus.training.loop import Step

FEW = 16  # validation images after an epoch; the peers do not validate

given = options("auto", "fp32", "bf16")
recipe = load_recipe(
    "post-faithful/latent-10",
    {
        "data.kind": "scenes",  # a recipe must name its data; the images come from this script
        "train.optimizer": "adam",
        "train.learning_rate": LEARNING_RATE,
        "train.epochs": 1000,
        "train.patience_epochs": 1000,
        "train.batch": given.batch,
        "train.precision": given.precision,
        "train.device": given.device,
        "train.threads": given.threads,
    },
)
images = random_images(given.images)
few = ImageSet(images[:FEW].copy())
splits = Splits(ImageSet(images), few, few, "random squares", (), (), "none")
watch = Stopwatch(given.seconds, torch.cuda.synchronize if given.device == "cuda" else lambda: None)
precision = given.precision
losses = Losses()
with tempfile.TemporaryDirectory() as folder:
    for event in train_in_folder(recipe, Path(folder), splits, Path(folder, "cache")):
        if isinstance(event, Started):
            precision = event.precision
        elif isinstance(event, Step):
            if event.log is not None:  # the mean since the last log
                losses.add(event.log["loss"], event.step - losses.steps)
            if watch.step(event.images, losses.mean):
                break
report("isthmus", given, watch, precision, torch=torch.__version__, isthmus=isthmus.__version__)
