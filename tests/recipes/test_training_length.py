"""A recipe for 50,000 images trains on 20 too: enough steps, and warm-ups that end."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.torch import load_file

from command import isthmus
from isthmus.recipes.recipe import Recipe
from isthmus.recipes.study_plan import builtin, describe, load_plan, load_recipe
from isthmus.recipes.training_length import FEW_STEPS, OBJECTIVE_SHARE, WARMUP_SHARE, budget
from isthmus.run_files.read import read_json
from isthmus.runs.claim import claim
from isthmus.runs.load import load_data
from isthmus.runs.run_folder import read_recipe
from isthmus.training import in_folder, meter
from isthmus.training.batches import Batches

BUILT_IN = [path for name in builtin() for path in ([f"{name}/{row}" for row, _ in describe(name)[1]] or [name])]


@pytest.mark.parametrize("images", [2, 16, 80, 400])
@pytest.mark.parametrize("name", BUILT_IN)
def test_every_recipe_trains_long_enough_on_few_images_and_warms_up_for_a_part_of_it(name: str, images: int) -> None:
    recipe = load_recipe(name)
    allowed = budget(recipe, images)
    train = allowed.recipe.train
    per_pass = -(-images // train.batch)
    assert allowed.steps == train.epochs * allowed.passes * per_pass
    # the post's own epochs; a demo that is to end within minutes; what a search fits hundreds of times, from PCA on
    least = {"post-faithful": 100, "demo": 250, "dense": 300}
    assert allowed.steps >= least.get(name.partition("/")[0], 500)
    assert train.warmup_steps <= WARMUP_SHARE * allowed.steps
    assert allowed.recipe.objective.options.get("warmup_steps", 0) <= OBJECTIVE_SHARE * allowed.steps
    changed = allowed.recipe != recipe or allowed.passes > 1
    assert not changed or allowed.notices, "whatever differs is said"


@pytest.mark.parametrize("name", BUILT_IN)
def test_nothing_changes_where_images_are_many(name: str) -> None:
    """50,000 are what the recipes are tuned on, 2,880 what the demo trains on: the same bits as ever."""
    recipe = load_recipe(name)
    allowed = budget(recipe, 2880 if name.startswith("demo") else 45000)
    assert (allowed.recipe, allowed.passes, allowed.notices) == (recipe, 1, ())


def test_epochs_that_were_asked_for_are_trained_and_noticed_where_they_are_hopeless() -> None:
    recipe = load_recipe("post/latent-10", {"train.epochs": 5})
    allowed = budget(recipe, 16)
    assert (allowed.steps, allowed.passes, allowed.recipe.train.epochs) == (5, 1, 5)
    remedy = "set train.epochs=1000, or train.least_steps=1000"
    assert f"train.epochs=5 makes 5 steps on 16 training images, too few to learn much; {remedy}" in allowed.notices[0]
    assert allowed.recipe.train.warmup_steps == 1
    plan = load_plan("post", {"train.epochs": 5})
    assert budget(plan.variations[0].recipe(0), 16).steps == 5
    assert not any("too few to learn much" in said for said in budget(recipe, 32 * FEW_STEPS).notices)
    both = load_recipe("post/latent-10", {"train.epochs": 5, "train.least_steps": 60})
    assert budget(both, 16).steps >= 60


def test_epoch_of_several_passes_takes_the_batches_of_as_many_epochs() -> None:
    images = torch.zeros(10, 3, 2, 2, dtype=torch.uint8)
    one = Batches(images, 4, seed=3, mirror=True)
    three = Batches(images, 4, seed=3, mirror=True, passes=3)
    expected = [chosen.tolist() for epoch in range(3, 6) for chosen in one.epoch(epoch)]
    assert [chosen.tolist() for chosen in three.epoch(1)] == expected and len(three) == 9
    for start in range(9):
        assert [chosen.tolist() for chosen in three.epoch(1, start=start)] == expected[start:]


def test_lengthened_run_goes_on_bit_for_bit_from_within_an_epoch(
    tiny: Callable[..., Recipe], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(meter, "LOG_STEPS", 1)
    monkeypatch.setattr(in_folder, "SAVE_SECONDS", 0.0)
    changes = {"train.epochs": 1, "train.least_steps": 60, "train.warmup_steps": 30, "split.limit": 20}
    recipe = tiny({**changes, "train.batch": 8})
    splits = load_data(recipe)

    def weights(folder: Path) -> dict[str, torch.Tensor]:
        return load_file(folder / "checkpoints" / "last" / "model.safetensors")

    def train(folder: Path) -> list[object]:
        claim(folder, recipe)
        return list(in_folder.train_in_folder(read_recipe(folder), folder, splits, tmp_path))

    events = train(tmp_path / "whole")
    assert sum(isinstance(event, in_folder.Step) for event in events) == 102  # two epochs of 17 passes of 3 steps
    claim(tmp_path / "cut", recipe)
    for event in in_folder.train_in_folder(recipe, tmp_path / "cut", splits, tmp_path):
        if isinstance(event, in_folder.Step) and event.step == 20:
            break
    train(tmp_path / "cut")
    whole, cut = weights(tmp_path / "whole"), weights(tmp_path / "cut")
    assert all(torch.equal(whole[name], cut[name]) for name in whole)


def test_run_says_before_its_first_step_what_it_does_to_pictures_and_keeps_it(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    for index in range(20):
        pixels = rng.integers(0, 256, (10, 14, 3), dtype=np.uint8)
        Image.fromarray(pixels).save(tmp_path / f"{index}.png")
    words = ("data.kind=folder", f"data.path={tmp_path}", "data.size=8", "model.linear=none", "train.epochs=2")
    net = ("architecture.filters=[4]", "architecture.strides=[2]", "bottleneck.dim=3", "train.mirror=true")
    answer = isthmus("train", "post/latent-10", *words, *net, "-o", tmp_path / "run", "--json")
    assert answer.code == 0, answer.err
    said = answer.err.splitlines()
    first = next(place for place, line in enumerate(said) if " epochs on " in line)
    for words_said in (
        "Cropped: 20 of 20 images",
        "Training shows half of the images",
        "Only 2 images",
        "makes 2 steps",
    ):
        assert any(words_said in line for line in said[:first]), words_said
    environment = read_json(tmp_path / "run/environment.json")
    assert [change["what"] for change in environment["data"]["handling"]] == ["cropped", "reduced", "mirrored"]
    assert any("makes 2 steps on 17 training images" in sentence for sentence in environment["data"]["notices"])
    page = (tmp_path / "run/report.html").read_text()
    assert "What was done to your pictures" in page and "Cropped: 20 of 20 images to their middle" in page
    assert environment["schedule"] == {"epochs": 2, "passes_per_epoch": 1, "steps": 2, "warmup_steps": 1}
