"""isthmus from Python: train, study, load, and pictures through a trained model."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import torch
from PIL import Image
from safetensors.numpy import load_file as load_pictures
from safetensors.torch import load_file
from tests.conftest import TINY

import isthmus as ist
from isthmus.api.asked import asked_run
from isthmus.core.errors import InputError, RunError
from isthmus.run_files.read import read_json
from isthmus.runs.run_folder import read_recipe
from isthmus.training import checkpoint

SIDE = 16
SCENES: dict[str, Any] = {"kind": "scenes", "train": 60, "test": 10, "size": SIDE}
OPTIONS = {name: value for name, value in TINY.items() if not name.startswith("data.")}


def test_the_package_shows_its_public_names_alone() -> None:
    """To whoever types `isthmus.` and a tab, before and after the lazy names were used."""
    program = (
        "import isthmus, sys\n"
        "def held(): return {n for n in vars(isthmus) if n[0] != '_' and f'isthmus.{n}' not in sys.modules}\n"
        "assert held() == set(), held()\n"
        "[getattr(isthmus, name) for name in isthmus.__all__]\n"
        "assert held() <= set(isthmus.__all__), held()\n"
        "assert dir(isthmus) == sorted([*isthmus.__all__, '__version__']), dir(isthmus)\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


@pytest.fixture(scope="module", autouse=True)
def own_cache(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """Fitted baselines go here and not to the user's cache."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("ISTHMUS_DATA", str(tmp_path_factory.mktemp("cache")))
        yield


def train(out: Path, data: Any = SCENES, **options: Any) -> Path:
    return ist.train(
        "post/latent-10", data=data, out=out, options={**OPTIONS, **options}, show_progress=False, keep_optimizer=True
    )


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A finished run; not to be changed, but copied."""
    return train(tmp_path_factory.mktemp("api") / "run")


@pytest.fixture
def pictures(run: Path) -> dict[str, np.ndarray]:
    return load_pictures(run / "pictures.safetensors")


def test_train_leaves_a_whole_run_folder(run: Path) -> None:
    """Its recipe says what was asked for, its evaluation what came of it, its page shows both."""
    recipe = read_recipe(run)
    assert (recipe.data.kind, recipe.data.options["train"], recipe.data.options["size"]) == ("scenes", 60, SIDE)
    assert recipe.bottleneck.options["dim"] == OPTIONS["bottleneck.dim"]
    summary = read_json(run / "evaluation.json")
    assert summary["data"]["image_shape"] == [3, SIDE, SIDE]
    assert summary["data"]["test_images"] == 10
    assert summary["cost"]["epochs"] == OPTIONS["train.epochs"]
    assert (run / "report.html").stat().st_size > 10_000


def test_training_again_changes_nothing(run: Path) -> None:
    def times() -> dict[Path, int]:
        kept = [path for path in run.glob("**/*") if path.is_file() and path.name not in ("lock", "report.html")]
        return {path: path.stat().st_mtime_ns for path in kept}

    before = times()
    assert train(run) == run
    assert times() == before


def test_an_unfinished_run_goes_on_only_when_asked(run: Path, tmp_path: Path) -> None:
    """By the recipe's name and by its folder, as on the command line; nothing happens without `resume`."""
    copy = Path(shutil.copytree(run, tmp_path / "run"))
    for name in ("evaluation.json", "training.json"):
        (copy / name).unlink()
    for again in (lambda: train(copy), lambda: ist.train(str(copy), show_progress=False)):
        with pytest.raises(InputError, match=rf"{copy}: holds an unfinished run; give resume=True .* another `out`"):
            again()
    assert not (copy / "training.json").exists()
    assert ist.train(str(copy), resume=True, show_progress=False) == copy
    assert read_json(copy / "evaluation.json")["scores"] == read_json(run / "evaluation.json")["scores"]


def test_a_run_folder_takes_no_changes_that_make_it_another_training(run: Path) -> None:
    """More epochs go into another folder: tests/runs/test_start_from.py."""
    for changes in ({"options": {"bottleneck.dim": 9}}, {"data": "scenes"}):
        with pytest.raises(InputError, match="--from"):
            ist.train(str(run), show_progress=False, **changes)  # pyright: ignore[reportArgumentType]


def test_a_finished_run_is_shown_again_where_its_images_are_gone(tmp_path: Path) -> None:
    home = tmp_path / "pictures"
    home.mkdir()
    for value in range(30):
        Image.new("RGB", (SIDE, SIDE), (value * 8, 0, 0)).save(home / f"{value}.png")
    run = train(tmp_path / "run", data={"kind": "folder", "path": str(home), "size": SIDE})
    shutil.rmtree(home)
    (run / "report.html").unlink()
    assert ist.train(str(run), show_progress=False) == run
    assert (run / "report.html").exists()


def test_a_loaded_run_has_the_best_weights(run: Path, tmp_path: Path) -> None:
    """The checkpoint `best`, bit for bit, and not `last`, in evaluation mode."""
    copy = Path(shutil.copytree(run, tmp_path / "run"))
    model = ist.load(copy)
    progress, _, _ = checkpoint.load(copy / "checkpoints" / "best", model)
    with torch.no_grad():
        for weight in model.parameters():
            weight += 0.25
    checkpoint.save(copy / "checkpoints" / "best", model, progress)
    loaded = ist.load(str(copy), device="cpu")
    best, last = (load_file(copy / f"checkpoints/{which}/model.safetensors") for which in ("best", "last"))
    assert all(torch.equal(value, best[name]) for name, value in loaded.state_dict().items())
    assert not torch.equal(best["bottleneck.to_latent.weight"], last["bottleneck.to_latent.weight"])
    assert not loaded.training


def test_a_loaded_run_gives_what_its_evaluation_shows(run: Path, pictures: dict[str, np.ndarray]) -> None:
    originals = pictures["shown/original"]
    model = ist.load(run, device="cpu")
    assert np.array_equal(model.reconstruct(originals), pictures["shown/output"].transpose(0, 2, 3, 1))
    photos = [Image.fromarray(one) for one in originals.transpose(0, 2, 3, 1)]
    z = model.encode(photos)
    assert z.shape == (10, 3)
    assert np.array_equal(model.decode(z), model.reconstruct(photos))
    one_by_one = np.concatenate([model.encode(photo) for photo in photos])
    np.testing.assert_allclose(one_by_one, z, atol=1e-5)


def test_a_loaded_run_owes_nothing_to_the_generator(run: Path) -> None:
    """Building draws initial weights; all of them are replaced."""
    torch.manual_seed(1)
    first = ist.load(run, device="cpu")
    torch.manual_seed(2)
    second = ist.load(run, device="cpu")
    image = np.zeros((SIDE, SIDE, 3), np.uint8)
    assert np.array_equal(first.encode(image), second.encode(image))


@pytest.mark.parametrize("name", ["missing", "empty", "study"])
def test_a_folder_that_is_no_run_is_one_sentence(run: Path, tmp_path: Path, name: str) -> None:
    (tmp_path / "empty").mkdir()
    shutil.copytree(run, tmp_path / "study" / "one" / "seed-0")
    with pytest.raises(InputError, match=rf"{name}: .*not a run"):
        ist.load(tmp_path / name)


def test_a_device_that_is_not_here_is_one_sentence(run: Path) -> None:
    with pytest.raises(InputError, match=r"'banana' is no device; use auto, cpu"):
        ist.load(run, device="banana")


def test_a_damaged_best_checkpoint_gives_way_to_the_last_and_warns(run: Path, tmp_path: Path) -> None:
    copy = Path(shutil.copytree(run, tmp_path / "run"))
    (copy / "checkpoints/best/model.safetensors").write_bytes(b"broken")
    with pytest.warns(UserWarning) as warned:
        model = ist.load(copy, device="cpu")
    assert any("using the last weights instead of the best" in str(warning.message) for warning in warned)
    last = load_file(copy / "checkpoints/last/model.safetensors")
    assert all(torch.equal(value, last[name]) for name, value in model.state_dict().items())
    shutil.rmtree(copy / "checkpoints")
    with pytest.raises(RunError, match="no weights that can be read"):
        ist.load(copy)


def test_data_may_be_a_kind_alone(tmp_path: Path) -> None:
    options = {f"data.{name}": value for name, value in SCENES.items() if name != "kind"}
    run = train(tmp_path / "run", "scenes", **options, **{"train.epochs": 1})
    assert read_recipe(run).data.options["test"] == 10


def test_data_may_be_options_without_a_kind(tmp_path: Path) -> None:
    """They change the recipe's own data set, and are checked as on the command line."""
    with pytest.raises(InputError, match=r"data\.trian: unknown for 'scenes' \(did you mean 'train'\?\)"):
        train(tmp_path / "run", {"kind": "scenes", "trian": 5})
    assert not (tmp_path / "run").exists()


def test_data_may_be_a_folder_of_pictures(tmp_path: Path) -> None:
    drawn = np.random.default_rng(0).integers(0, 256, (30, 20, 24, 3), dtype=np.uint8)
    for number, pixels in enumerate(drawn):
        (tmp_path / "mine").mkdir(exist_ok=True)
        Image.fromarray(pixels).save(tmp_path / "mine" / f"{number}.png")
    run = train(tmp_path / "run", tmp_path / "mine", **{"data.size": SIDE, "train.epochs": 1})
    data = read_json(run / "evaluation.json")["data"]
    assert (data["kind"], data["image_shape"]) == ("folder", [3, SIDE, SIDE])
    assert data["train_images"] + data["validation_images"] + data["test_images"] == 30


def test_data_may_be_parquet_files(tmp_path: Path) -> None:
    """A folder that holds some is taken for a data set of the hub's layout, not for a folder of pictures."""
    drawn = np.random.default_rng(0).integers(0, 256, (36, SIDE, SIDE, 3), dtype=np.uint8)
    (tmp_path / "mine").mkdir()
    for name, part in (("train", drawn[:30]), ("test", drawn[30:])):
        files: list[dict[str, Any]] = []
        for pixels in part:
            Image.fromarray(pixels).save(tmp_path / "one.png")
            files.append({"bytes": (tmp_path / "one.png").read_bytes(), "path": "one.png"})
        pq.write_table(pa.table({"img": files}), tmp_path / "mine" / f"{name}.parquet")
    run = train(tmp_path / "run", str(tmp_path / "mine"), **{"train.epochs": 1})
    data = read_json(run / "evaluation.json")["data"]
    assert (data["kind"], data["test_images"]) == ("parquet", 6)


@pytest.mark.parametrize(
    ("tables", "kind"), [((), "folder"), (("meta",), "folder"), (("train",), None), (("meta", "train"), None)]
)
def test_a_folder_of_pictures_may_hold_a_table_about_them(
    tables: tuple[str, ...], kind: str | None, tmp_path: Path
) -> None:
    """Where the table may be the data set itself, nothing is guessed."""
    Image.new("RGB", (8, 8)).save(tmp_path / "one.PNG")
    for name in tables:
        pq.write_table(pa.table({"about": [1]}), tmp_path / f"{name}.parquet")
    if kind is None:
        with pytest.raises(InputError, match=r"holds image files and train\*\.parquet; say which .*'kind': 'folder'"):
            asked_run("demo/latent-10", None, {}, tmp_path)
    else:
        assert asked_run("demo/latent-10", None, {}, tmp_path).recipe.data.kind == kind


def test_options_of_a_path_need_no_kind(tmp_path: Path) -> None:
    """As a path alone needs none."""
    Image.new("RGB", (8, 8)).save(tmp_path / "one.png")
    data = asked_run("demo/latent-10", None, {}, {"path": tmp_path, "size": 8}).recipe.data
    assert (data.kind, data.options["path"], data.options["size"]) == ("folder", str(tmp_path), 8)


def test_numbers_of_numpy_are_numbers() -> None:
    asked = asked_run("post/latent-10", None, {"bottleneck.dim": np.int64(3), "train.learning_rate": np.float32(0.5)})
    assert (asked.recipe.bottleneck.options["dim"], asked.recipe.train.learning_rate) == (3, 0.5)


@pytest.mark.parametrize("count", ["3", True, b"3"])
def test_what_is_no_number_is_not_taken_for_one(run: Path, count: Any) -> None:
    with pytest.raises(InputError, match=r"^count: .* does not fit: it needs a whole number$"):
        ist.sample(run, count)


def test_what_is_no_study_names_the_verb_for_it(run: Path) -> None:
    with pytest.raises(InputError, match=r"^post/latent-10: a single recipe, not a study; use `isthmus train post/"):
        ist.study("post/latent-10")
    with pytest.raises(InputError, match=rf"^{run}: a run, not a study; `isthmus train {run}` goes on with it"):
        ist.study(str(run))


def test_data_that_is_nowhere_is_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"^data: '.*nowhere' is neither a data set \(.*cifar10, .*\) nor a path"):
        train(tmp_path / "run", tmp_path / "nowhere")


@pytest.mark.parametrize(
    ("recipe", "options", "sentence"),
    [
        ("post/latent-11", {}, r"no variation 'latent-11' \(did you mean 'latent-10'\?\)"),
        ("post", {}, r"a study of latent-10.*train one"),
        ("nothing", {}, r"nothing: no such recipe or study"),
        ("post/latent-10", {"bottleneck.dimm": 3}, r"bottleneck\.dimm: unknown for 'vector' \(did you mean 'dim'\?\)"),
        ("post/latent-10", {"bottleneck.dim": "many"}, r"bottleneck\.dim: 'many' does not fit"),
    ],
)
def test_what_cannot_be_trained_is_one_sentence(
    tmp_path: Path, recipe: str, options: dict[str, Any], sentence: str
) -> None:
    with pytest.raises(InputError, match=sentence):
        ist.train(recipe, data=SCENES, out=tmp_path / "run", options=options, show_progress=False)
    assert not (tmp_path / "run").exists()


def test_another_recipe_does_not_take_the_folder(run: Path) -> None:
    with pytest.raises(InputError, match=r"bottleneck\.dim is 3 there, 4 here.*choose another `out`"):
        train(run, **{"bottleneck.dim": 4})


def test_a_study_returns_its_findings(tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    path.write_text(
        'base = {data = {kind = "scenes"}, architecture = {kind = "conv", filters = [4], strides = [2]}, '
        'bottleneck = {kind = "vector", dim = 2}, train = {epochs = 1, device = "cpu", precision = "fp32"}}\n'
        '[[variation]]\nname = "narrow"\n'
        '[[variation]]\nname = "wide"\ncompare = "narrow"\nchanges = {bottleneck.dim = 5}\n'
    )
    found = ist.study(str(path), data=SCENES, out=tmp_path / "out", options={"seeds": [3]}, show_progress=False)
    assert found == json.loads((tmp_path / "out" / "findings.json").read_text())
    assert found["seeds"] == [3]
    assert [row["kind"] for row in found["findings"]] == ["comparison", "pca", "pca", "note"]
    assert "wide" in (tmp_path / "out" / "report.html").read_text()
    assert (tmp_path / "out" / "wide" / "seed-3" / "report.html").is_file(), "every run has a page of its own"
    again = ist.study(str(tmp_path / "out"), show_progress=False)
    scores = [[row["scores"] for row in one["variations"]] for one in (found, again)]
    assert scores[0] == scores[1], "by its folder, in which nothing is missing"


def test_progress_is_on_stderr_and_can_be_silenced(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    train(tmp_path / "quiet", **{"train.epochs": 1})
    assert capsys.readouterr() == ("", "")
    ist.train("post/latent-10", data=SCENES, out=tmp_path / "loud", options={**OPTIONS, "train.epochs": 1})
    said = capsys.readouterr()
    assert said.out == ""
    assert "epoch 1/1" in said.err


def test_the_public_names_are_there() -> None:
    from isthmus.api import functions
    from isthmus.models import autoencoder

    assert ist.train is functions.train
    assert ist.load is functions.load
    assert ist.Autoencoder is autoencoder.Autoencoder
    with pytest.raises(AttributeError, match="no attribute 'trian'"):
        _ = ist.trian


def test_a_study_is_no_run_to_be_examined(tmp_path: Path) -> None:
    """Its runs are named; one of them stands for none of the others."""
    for seed in (0, 1):
        run = tmp_path / "study" / "a" / f"seed-{seed}"
        run.mkdir(parents=True)
        (run / "recipe.toml").touch()
    with pytest.raises(ist.InputError, match=r"a study, not a run; name one .*a/seed-0, .*a/seed-1") as error:
        ist.doctor(tmp_path / "study")
    assert isinstance(error.value, ValueError)


def test_errors_are_public() -> None:
    assert {"InputError", "RunError"} <= set(ist.__all__)
    assert (ist.InputError, ist.RunError) == (InputError, RunError)
