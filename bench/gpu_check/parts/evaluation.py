"""The evaluator with the model on the device, and PCA there beside isthmus's, which the CPU fits."""

from __future__ import annotations

import importlib
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import torch

from bench.gpu_check.found import Found, Said, Value
from bench.gpu_check.goals import EVALUATION, PCA_DEVICE, PCA_ERROR, PCA_HOST
from bench.gpu_check.setting import IMAGE_SHAPE, Setting
from isthmus.core.pixels import Pixels
from isthmus.evaluation.baselines.pca import PrincipalComponents, fit
from isthmus.evaluation.baselines.principal_directions import row_blocks
from isthmus.evaluation.cost import cost
from isthmus.evaluation.evaluate import evaluate
from isthmus.recipes.study_plan import load_recipe
from isthmus.training.initial_model import untrained

_COMPONENTS = 512


def measure(setting: Setting) -> Iterator[Found]:
    splits = setting.squares()
    images = splits.train.images
    components = 8 if setting.rehearse else _COMPONENTS
    few = images[:256, :, ::4, ::4]
    on_device(few, components, setting.device)  # loads the libraries of the device
    if setting.rehearse:  # eigenvectors of 3,072 values take a CPU half a minute
        images = few
    begun = time.perf_counter()
    mean, directions = on_device(images, components, setting.device)
    yield Value(PCA_DEVICE, time.perf_counter() - begun)
    begun = time.perf_counter()
    fitted = fit(images, components)
    yield Value(PCA_HOST, time.perf_counter() - begun)
    some = images[:2000]
    ours = fitted.unrounded_mse(some, components).mean()
    theirs = PrincipalComponents(mean, directions, fitted.variances, False).unrounded_mse(some, components).mean()
    yield Value(PCA_ERROR, float(abs(theirs - ours) / max(ours, 1e-12)))

    recipe = load_recipe("post/latent-10", {"data.kind": "scenes", "train.device": setting.device})
    model, objective = untrained(recipe, IMAGE_SHAPE)
    model.to(setting.device)
    objective.to(setting.device)
    cost(model)  # this and the next line load libraries for seconds
    importlib.import_module("sklearn.mixture")
    with tempfile.TemporaryDirectory() as folder:
        begun = time.perf_counter()
        evaluate(model, recipe, splits, Path(folder), objective)
        yield Value(EVALUATION, time.perf_counter() - begun)
    yield Said(
        f"PCA: {components} components of {len(images):,} images; evaluation: {len(splits.test):,} images without "
        "labels, the fit of PCA's baseline included"
    )


def on_device(images: Pixels, components: int, device: str) -> tuple[np.ndarray, np.ndarray]:
    """Mean (D,) and directions (K, D) in [0, 1] from the exact covariance, summed and decomposed on the device."""
    values = int(np.prod(images.shape[1:]))
    total = torch.zeros(values, dtype=torch.float64, device=device)
    products = torch.zeros((values, values), dtype=torch.float64, device=device)
    for rows in row_blocks(images):
        block = torch.from_numpy(images[rows].reshape(-1, values)).to(device).float() - 128
        total += block.sum(0, dtype=torch.float64)
        products += block.T @ block  # whole numbers below 2^24: float32 adds them exactly, without TF32
    _, vectors = torch.linalg.eigh(products - torch.outer(total, total / len(images)))
    directions = vectors.flip(1)[:, :components].T.float().cpu().numpy()
    return ((total / len(images) + 128) / 255).float().cpu().numpy(), directions
