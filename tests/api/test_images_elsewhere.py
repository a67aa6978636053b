"""A trained run with its own images at another place, and with another test set, which is always called so."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from tests.command import TINY, assert_refused, isthmus

import isthmus as ist
from isthmus.recipes.recipe import parse_overrides
from isthmus.run_files.arrays import read_scores

pytestmark = pytest.mark.usefixtures("cache_of_module")


def pictures(seed: int, count: int = 60) -> np.ndarray:
    """(count, 16, 16) uint8 of two grey halves and a little noise."""
    draw = np.random.default_rng(seed)
    images = draw.integers(0, 30, (count, 16, 16)).astype(np.uint8)
    images[:, :, :8] += draw.integers(0, 200, (count, 1, 1), dtype=np.uint8)
    return images


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory, cache_of_module: None) -> Path:
    """`run`, trained on `own.npy`, which is `moved.npy` now; `other.npy` holds another test set."""
    folder = tmp_path_factory.mktemp("home")
    np.save(folder / "own.npy", pictures(0))
    np.save(folder / "other.npy", pictures(1, 20))
    options = {name: value for name, value in parse_overrides(TINY).items() if not name.startswith("data.")}
    ist.train("post/latent-10", data=folder / "own.npy", out=folder / "run", options=options, show_progress=False)
    (folder / "own.npy").rename(folder / "moved.npy")
    return folder


def evaluation(home: Path) -> bytes:
    return (home / "run" / "evaluation.json").read_bytes()


def other_folder(home: Path, name: str) -> Path:
    (found,) = (home / "run" / "other-images").glob(f"{name}-*")
    return found


def test_images_that_were_moved_are_asked_for_by_name(home: Path) -> None:
    assert_refused(isthmus("evaluate", home / "run"), "no longer at", "data.path=")
    assert_refused(isthmus("evaluate", home / "run", "--data", home / "other.npy"), "no longer at", "data.path=")


@pytest.mark.parametrize("words", [["data.path={home}/moved.npy"], ["--data", "{home}/moved.npy"]])
def test_the_runs_own_images_are_recognised_at_another_place(home: Path, words: list[str]) -> None:
    """Then it is the run's own evaluation, and no other test set."""
    before = json.loads(evaluation(home))
    answer = isthmus("evaluate", home / "run", *(word.format(home=home) for word in words))
    assert answer.code == 0, answer.err
    after = json.loads(evaluation(home))
    assert after["scores"] == before["scores"] and after["flags"] == before["flags"]
    assert "another test set" not in answer.out + answer.err


def test_a_place_beside_the_runs_own_images_is_not_ignored(home: Path) -> None:
    answer = isthmus("evaluate", home / "run", "--data", home / "moved.npy", "data.path=/nowhere")
    assert_refused(answer, "data.path: has no effect beside --data ", "leave one out")


def test_other_images_are_not_taken_for_the_runs_own(home: Path) -> None:
    answer = isthmus("evaluate", home / "run", f"data.path={home / 'other.npy'}")
    assert_refused(answer, "not those it was trained on", "--data")


def test_scores_on_another_test_set_have_a_place_of_their_own_and_say_so(home: Path) -> None:
    before = evaluation(home)
    page = (home / "run" / "report.html").read_bytes()
    answer = isthmus("evaluate", home / "run", f"data.path={home / 'moved.npy'}", "--data", home / "other.npy")
    assert answer.code == 0, answer.err
    assert "scores on another test set, 20 pictures" in answer.out
    assert "other.npy (another test set)" in answer.out
    folder = other_folder(home, "other")
    found = json.loads((folder / "evaluation.json").read_text())
    assert found["data"]["test_images"] == 20 and "another test set" in found["data"]["source"]
    assert len(read_scores(folder / "per_image.parquet")["model_psnr"]) == 20
    assert "scores on another test set" in (folder / "report.html").read_text()
    assert evaluation(home) == before
    assert (home / "run" / "report.html").read_bytes() == page
    scores = ist.Run(home / "run").per_image()
    assert len(scores["index"]) != 20  # the run's own


def test_the_scores_on_another_test_set_are_of_its_pictures(home: Path) -> None:
    """The mean squared error is that of the model's output for them."""
    found = ist.evaluate(
        home / "run", data=home / "other.npy", options={"data.path": str(home / "moved.npy")}, device="cpu"
    )
    images = pictures(1, 20)
    made = ist.load(home / "run", device="cpu").reconstruct(images[..., None])
    error = ((made.astype(float) - images[..., None]) / 255) ** 2
    assert found.scores["model"].mse.mean == pytest.approx(error.mean(), rel=1e-6)


def test_pictures_that_were_trained_on_are_counted(home: Path) -> None:
    """A test set that holds them flatters the model, and its first lines say so."""
    mixed = np.concatenate([pictures(0), pictures(1, 20)])
    np.save(home / "mixed.npy", mixed)
    found = ist.evaluate(
        home / "run", data=home / "mixed.npy", options={"data.path": str(home / "moved.npy")}, device="cpu"
    )
    trained = json.loads((home / "run" / "environment.json").read_text())["data"]["train_images"]
    assert any(f"{trained} of these 80 pictures were trained on" in flag for flag in found.flags)


def test_the_doctor_looks_at_another_test_set(home: Path) -> None:
    before = evaluation(home)
    words = [home / "run", f"data.path={home / 'moved.npy'}", "--data", home / "other.npy", "--device", "cpu", "--json"]
    answer = isthmus("doctor", *words)
    assert list(json.loads(answer.out)) == [str(other_folder(home, "other"))]
    assert "another test set" in answer.err
    assert evaluation(home) == before
    assert_refused(isthmus("doctor", home / "run", "--device", "cpu"), "without --data")


def test_the_explorer_of_another_test_set_says_so_and_shows_no_scores_of_the_own(home: Path) -> None:
    words = [home / "run", f"data.path={home / 'moved.npy'}"]
    assert isthmus("explore", *words).code == 0
    own = (home / "run" / "explorer.html").read_bytes()
    answer = isthmus("explore", *words, "--data", home / "other.npy")
    assert answer.code == 0, answer.err
    page = Path(answer.out.strip())
    assert page == (other_folder(home, "other") / "explorer.html").resolve()
    written = page.read_text()
    assert "another test set" in written
    assert "Held-out PSNR" not in written
    assert (home / "run" / "explorer.html").read_bytes() == own


def test_a_sampler_is_fitted_to_other_images_and_says_so(home: Path, tmp_path: Path) -> None:
    words = [home / "run", f"data.path={home / 'moved.npy'}", "-n", 4, "--sampler", "mixture", "--device", "cpu"]
    own = isthmus("sample", *words, "-o", tmp_path / "own.png")
    other = isthmus("sample", *words, "--data", home / "other.npy", "-o", tmp_path / "other.png", "--json")
    assert own.code == other.code == 0, other.err
    assert "fitted to" in other.err and "fitted to" not in own.err
    assert json.loads(other.out)["sampler"] == "mixture"
    assert (tmp_path / "own.png").read_bytes() != (tmp_path / "other.png").read_bytes()


@pytest.mark.parametrize(
    ("verb", "words", "said"),
    [
        ("evaluate", ["train.epochs=3"], "only data.*"),
        ("evaluate", ["data.path={home}/moved.npy", "--data", "{home}/nowhere"], "no such file"),
        ("evaluate", ["data.path={home}/moved.npy", "--data", "{home}/one.npy"], "2 or more"),
        ("evaluate", ["--noise", "0.1", "--data", "{home}/other.npy"], "leave out --data"),
        ("explore", ["data.path={home}/nowhere.npy"], "nowhere.npy"),
        ("sample", ["data.pathh={home}/moved.npy", "--sampler", "mixture"], "data.pathh"),
    ],
)
def test_images_that_cannot_be_used_are_refused(home: Path, verb: str, words: list[str], said: str) -> None:
    np.save(home / "one.npy", pictures(1, 1))
    assert_refused(isthmus(verb, home / "run", *(word.format(home=home) for word in words)), said)
