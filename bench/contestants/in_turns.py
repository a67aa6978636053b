"""A contestant that starts once and works on request: it reads a line with seconds, and writes a line with images/s.

So many contestants can take turns within minutes, all of them warm. `isthmus` trains as `isthmus train` does, `plain`
is a carefully written PyTorch loop, `evaluator` is isthmus's evaluator: it reconstructs and scores test images.
"""

from __future__ import annotations

import argparse
import importlib
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

WARM_UP = 12  # steps or batches
IMAGES, TESTED, FEW = 4000, 512, 16


def training(precision: str, threads: int) -> Iterator[int]:
    """Yields the images of each training step of the post's network, as in `isthmus train`."""
    from isthmus.core.values import ImageSet
    from isthmus.data.splits import Splits
    from isthmus.recipes.study_plan import load_recipe
    from isthmus.training.in_folder import train_in_folder
    from isthmus.training.loop import Step

    changes = {"data.kind": "scenes", "train.optimizer": "adam", "train.learning_rate": 1e-3, "train.epochs": 10**5}
    changes |= {"train.patience_epochs": 10**5, "train.batch": 32, "train.precision": precision}
    recipe = load_recipe("post-faithful/latent-10", changes | {"train.device": "cpu", "train.threads": threads})
    few = ImageSet(random_images(FEW))
    splits = Splits(ImageSet(random_images(IMAGES)), few, few, "random squares", (), (), "none")
    with tempfile.TemporaryDirectory() as folder:
        for event in train_in_folder(recipe, Path(folder), splits, Path(folder, "cache")):
            if isinstance(event, Step):
                yield event.images


def plain(precision: str, threads: int) -> Iterator[int]:
    """Yields the images of each step of a plain PyTorch loop with the same network."""
    import torch
    import torch.nn.functional as F
    from torch import nn

    from bench import network

    torch.set_num_threads(threads)
    images = torch.from_numpy(scaled(random_images(IMAGES)))
    model = nn.Sequential(network.encoder(), network.decoder())
    optimizer = torch.optim.Adam(model.parameters(), lr=LEARNING_RATE)
    while True:
        for x in images.split(32):
            with torch.autocast("cpu", torch.bfloat16, enabled=precision == "bf16"):
                loss = F.mse_loss(model(x), x)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            yield len(x)


def evaluator(precision: str, threads: int) -> Iterator[int]:
    """Yields the number of images reconstructed and scored at a time."""
    import torch

    from isthmus.evaluation.scoring import Scoring
    from isthmus.models.autoencoder import Autoencoder
    from isthmus.models.collect_latents import Collecting
    from isthmus.recipes.study_plan import load_recipe

    torch.set_num_threads(threads)
    images = random_images(TESTED)
    recipe = load_recipe("post-faithful/latent-10", {"data.kind": "scenes", "train.precision": precision})
    model = Autoencoder(recipe, images.shape[1:]).eval()
    while True:
        Scoring().add({"model": Collecting(model).reconstruct(images)}, images)
        yield len(images)


KINDS: dict[str, Callable[[str, int], Iterator[int]]] = {"isthmus": training, "plain": plain, "evaluator": evaluator}

if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="A contestant that works when told.")
    parser.add_argument("kind", choices=KINDS)
    parser.add_argument("--precision", choices=("fp32", "bf16"), default="fp32")
    parser.add_argument("--threads", type=int, required=True)
    given = parser.parse_args()
    if given.kind != "plain":
        importlib.import_module("isthmus")  # before torch, as a user does
    from bench.contestants._common import LEARNING_RATE, random_images, scaled

    work = KINDS[given.kind](given.precision, given.threads)
    for _ in range(WARM_UP if given.kind != "evaluator" else 1):
        next(work)
    print("ready", flush=True)
    for line in sys.stdin:
        begun, images = time.perf_counter(), 0
        while time.perf_counter() - begun < float(line):
            images += next(work)
        print(images / (time.perf_counter() - begun), flush=True)
