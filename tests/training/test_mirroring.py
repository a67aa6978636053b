"""Whether training mirrors its images is decided by what that does to images held out, once, and said."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from safetensors.numpy import load_file
from sklearn.datasets import load_digits
from tests.conftest import TINY

from isthmus.core import registry
from isthmus.evaluation.baselines.mirroring import mirroring
from isthmus.recipes.recipe import Recipe
from isthmus.recipes.study_plan import builtin, describe, load_recipe
from isthmus.run_files.read import read_json
from isthmus.runs.load import load_data
from isthmus.runs.run import load_and_run, run
from isthmus.training import prepare
from isthmus.training.events import Notice
from isthmus.training.loop import Epoch


def digits() -> np.ndarray:
    images = (load_digits().images * 255 / 16).round().astype(np.uint8)[:, None]
    return images[np.random.default_rng(0).permutation(len(images))]


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("mirror")
    (folder / "digits").mkdir()
    for number, image in enumerate(digits()[:200]):
        Image.fromarray(image[0]).save(folder / "digits" / f"{number:04}.png")
    return folder


def recipe(home: Path, images: str, mirror: bool | str) -> Recipe:
    base = {name: value for name, value in TINY.items() if not name.startswith("data.") or images == "scenes"}
    data = {} if images == "scenes" else {"data.kind": "folder", "data.path": str(home / images), "data.size": 8}
    return load_recipe("post/latent-10", {**base, **data, "train.epochs": 2, "train.mirror": mirror})


def trained(home: Path, images: str, mirror: bool | str) -> tuple[dict[str, np.ndarray], list[str], dict[str, object]]:
    """Weights, notices and what environment.json says of mirroring."""
    asked, folder = recipe(home, images, mirror), home / f"{images}-{mirror}"
    events = list(run(asked, folder, load_data(asked), home / "cache", keep_optimizer=True))
    said = [event.sentence for event in events if isinstance(event, Notice) and "mirrored" in event.sentence]
    weights = load_file(folder / "checkpoints" / "last" / "model.safetensors")
    return weights, said, read_json(folder / "environment.json")["mirror"]


@pytest.mark.parametrize(("images", "mirrors"), [("scenes", True), ("digits", False)])
def test_auto_is_what_suits_the_images(home: Path, images: str, mirrors: bool) -> None:
    """Same bits as where that was asked for, one notice, and it stands in the run folder."""
    weights, said, noted = trained(home, images, "auto")
    others, _, plainly = trained(home, images, mirrors)
    assert all(np.array_equal(weights[name], others[name]) for name in others)
    assert len(said) == 1 and noted == {"mirrors": mirrors, "sentence": said[0]}
    assert said[0].startswith("Half of the training" if mirrors else "Training images are not mirrored")
    assert plainly == {"mirrors": mirrors, "sentence": ""}


@pytest.mark.parametrize("mirror", ["auto", True, False])
def test_what_was_done_to_pictures_is_what_was_decided(home: Path, mirror: bool | str) -> None:
    """Whatever was asked for: the digits are not said to be mirrored where they are not."""
    asked, folder = recipe(home, "digits", mirror), home / f"told-{mirror}"
    said = [event.sentence for event in load_and_run(asked, folder, home / "cache") if isinstance(event, Notice)]
    done = [change["what"] for change in read_json(folder / "environment.json")["data"]["handling"]]
    assert ("mirrored" in done) is (mirror is True)
    assert any(sentence.startswith("Training shows half") for sentence in said) is (mirror is True)


def test_a_resumed_run_keeps_to_what_was_decided(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked, folder = recipe(home, "digits", "auto"), home / "interrupted"
    whole, _, _ = trained(home, "digits", "auto")
    events = run(asked, folder, load_data(asked), home / "cache")
    for event in events:
        if isinstance(event, Epoch):
            break
    events.close()
    monkeypatch.setattr(prepare, "choose_mirror", lambda *_: pytest.fail("decided again"))
    list(run(asked, folder, load_data(asked), home / "cache", keep_optimizer=True))
    weights = load_file(folder / "checkpoints" / "last" / "model.safetensors")
    assert all(np.array_equal(weights[name], whole[name]) for name in whole)


@pytest.mark.parametrize("count", [50, 200, 1000])
def test_sides_are_seen(count: int) -> None:
    drawn = registry.build("datasets", "scenes", {"train": count, "test": 2, "size": 16}).load().train.images
    for images, harmless in ((digits()[:count], False), (drawn, True)):
        held = count // 10
        assert mirroring(images[held:], images[:held]).harmless == harmless


def test_photographs_have_no_sides(shared_data: Path) -> None:
    real = registry.build("datasets", "parquet", {"path": str(shared_data / "cifar10-exact")}).load().train.images
    assert mirroring(real[400:], real[:400]).harmless
    assert mirroring(real[20:200], real[:20]).harmless


@pytest.mark.parametrize("value", [0, 255])
def test_images_all_alike_do_no_harm(value: int) -> None:
    images = np.full((4, 3, 5, 7), value, np.uint8)
    assert mirroring(images, images[:1]).ratio == 1.0


def test_no_recipe_that_comes_with_isthmus_mirrors_unasked() -> None:
    for name in builtin():
        _, variations = describe(name)
        for recipe in [f"{name}/{variation}" for variation, _ in variations] or [name]:
            assert load_recipe(recipe, {"data.kind": "scenes"}).train.mirror is not True
