"""A model that removes noise is chosen on noisy validation images, with the same noise every time."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import torch
from tests.command import isthmus

from isthmus import Run
from isthmus.models.autoencoder import Autoencoder
from isthmus.models.build_objective import build_objective
from isthmus.models.corruptions.gaussian import GaussianNoise
from isthmus.recipes.recipe import Recipe
from isthmus.training.validation import validate

NOISY = {"corruption.kind": "gaussian", "corruption.std": 0.4, "corruption.least_std": 0.0}


def test_the_loss_is_that_of_corrupted_images_and_repeats(tiny: Callable[..., Recipe]) -> None:
    recipe = tiny({**NOISY, "train.monitor": "corrupted-validation"})
    model = Autoencoder(recipe, (3, 16, 16)).eval()
    objective = build_objective(recipe, model)
    images = torch.randint(0, 256, (9, 3, 16, 16), generator=torch.Generator().manual_seed(0), dtype=torch.uint8)
    first, again = (validate(model, objective, images, corrupted=True) for _ in range(2))
    assert first == again
    plain = validate(model, objective, images)
    assert {key: first[key] for key in plain} == plain
    assert set(first) - set(plain) == {"corrupted_validation_loss", "corrupted_validation_image_psnr"}
    assert first["corrupted_validation_loss"] != plain["validation_loss"]


def test_few_images_get_noise_of_many_strengths(tiny: Callable[..., Recipe]) -> None:
    """One draw for one image may have nearly no noise: then the start, which copies it, would be kept for ever."""
    recipe = tiny({**NOISY, "train.monitor": "corrupted-validation"})
    model = Autoencoder(recipe, (3, 16, 16)).eval()
    seen: list[float] = []

    def corrupt(x: torch.Tensor, generator: torch.Generator | None = None) -> torch.Tensor:
        made = GaussianNoise((3, 16, 16), std=0.4, least_std=0.0)(x, generator)
        seen.extend((made - x).flatten(1).std(1).tolist())
        return made

    model.corruption.forward = corrupt  # pyright: ignore[reportAttributeAccessIssue] to see what is drawn
    images = torch.randint(0, 256, (1, 3, 16, 16), generator=torch.Generator().manual_seed(0), dtype=torch.uint8)
    validate(model, build_objective(recipe, model), images, corrupted=True)
    assert len(seen) == 32 and min(seen) < 0.1 and max(seen) > 0.3


def test_the_denoiser_leaves_its_start_although_the_start_is_best_without_noise(tmp_path: Path) -> None:
    """It starts as PCA with nearly as many numbers as pixels: on clean images nothing is better."""
    words = "data.kind=scenes data.size=16 data.train=80 data.test=12 architecture.width=16 architecture.depth=1"
    training = "train.epochs=2 train.least_steps=60 train.device=cpu train.precision=fp32 train.kernels=torch"
    answer = isthmus("train", "denoiser", *words.split(), *training.split(), "-o", tmp_path / "run")
    assert answer.code == 0, answer
    lines = [json.loads(line) for line in (tmp_path / "run/metrics.jsonl").read_text().splitlines()]
    epochs = [line for line in lines if line["kind"] == "epoch"]
    noisy, clean = ([epoch[key] for epoch in epochs] for key in ("corrupted_validation_loss", "validation_loss"))
    assert noisy.index(min(noisy)) == json.loads((tmp_path / "run/training.json").read_text())["best_epoch"] > 0
    assert clean.index(min(clean)) == 0
    scores = json.loads((tmp_path / "run/evaluation.json").read_text())["scores"]
    assert scores["denoised"]["mse"]["mean"] < 0.7 * scores["noisy_input"]["mse"]["mean"]
    page = (tmp_path / "run/report.html").read_text()
    assert "Validation PSNR on noisy images" in page and "Validation PSNR of the mean error" not in page
    noise, without = "the output of denoiser for noisy images", "denoiser on images without noise"
    for said in (page, answer.out):
        assert 0 < said.index(noise) < said.index(without), "what it is for comes first"
    curve = Run(tmp_path / "run")._repr_html_()
    assert "Validation PSNR on noisy images against epochs" in curve
