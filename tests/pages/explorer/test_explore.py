"""`isthmus explore`: what the page carries, and what stands in its way."""

from __future__ import annotations

import html
import io
import json
import shutil
from collections import deque
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import onnx
import pytest
from PIL import Image
from tests.command import assert_refused, isthmus, tiny, train
from tests.pages.explorer.page_file import PageFile, fake_bundle
from tests.study_toml import ONE, study_toml

import isthmus as ist
from isthmus.core import child_processes
from isthmus.inference.export.compare import answer
from isthmus.pages.explorer import assets, workers
from isthmus.pages.explorer.latent_space import describe
from isthmus.pages.explorer.pictures import POINTS, SHOWN, arrays, choose
from isthmus.pages.explorer.plain_twins import plain_twins
from isthmus.pages.explorer.workers import ModelOrder, build_all
from isthmus.pages.report.read_folder import read_run
from isthmus.recipes.study_plan import load_recipe
from isthmus.runs.load import load_data, load_model
from isthmus.runs.run_folder import read_recipe

HOSTILE = "<img src=x onerror=alert(1)>"


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return fake_bundle(tmp_path_factory.mktemp("web") / "bundle")


@pytest.fixture(autouse=True)
def built(bundle: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(assets, "FOLDER", bundle)


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("explore") / "run"
    assert train(folder, "train.epochs=1", "data.test=30", "bottleneck.dim=5").code == 0
    return folder


@pytest.fixture(scope="module")
def page(trained: Path, bundle: Path) -> PageFile:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(assets, "FOLDER", bundle)
        told = isthmus("explore", trained)
    assert told.code == 0, told.err
    assert told.out.strip() == str((trained / "explorer.html").resolve())
    return PageFile(trained / "explorer.html")


def test_the_page_holds_every_blob_of_the_contract_and_asks_for_nothing(page: PageFile) -> None:
    assert page.names == ["runtime", "images", "pca-0", "encoder-0", "decoder-0", "model-0"]
    assert page.blob("runtime") == b"wasm"
    policy = html.unescape(page.text)
    assert "default-src 'none'" in policy and "connect-src 'none'" in policy
    for word in ("http://", "https://"):
        assert word not in page.text.partition("</head>")[0]


def test_its_graphs_answer_as_the_model_does(page: PageFile, trained: Path) -> None:
    model, _ = load_model(trained, "cpu")
    pixels = page.tensors("images")["shown"]
    encoder, decoder = (onnx.load_from_string(page.blob(name)) for name in ("encoder-0", "decoder-0"))
    latents = answer(encoder, pixels.astype(np.float32))
    np.testing.assert_allclose(latents, model.encode(pixels), atol=0.02 * np.abs(latents).max())
    np.testing.assert_allclose(page.tensors("model-0")["shown_latents"], model.encode(pixels), atol=1e-5)
    output = answer(decoder, latents) * 255
    assert np.abs(output - model.reconstruct(pixels).transpose(0, 3, 1, 2)).mean() < 1
    assert abs(page.about["models"][0]["storage_cost_db"]) < 0.02


def test_its_pca_is_the_reports_pca(page: PageFile, trained: Path) -> None:
    graph = onnx.load_from_string(page.blob("pca-0"))
    pixels = page.tensors("images")["shown"]
    unit, output = pixels / 255, answer(graph, pixels.astype(np.float32))
    found = -10 * np.log10(np.square(np.rint(output * 255) / 255 - unit).mean((1, 2, 3))).mean()
    assert abs(found - page.about["models"][0]["pca_psnr_db"]) < 0.05


def test_shown_images_are_held_out_images_to_the_bit_those_of_the_report_first(page: PageFile, trained: Path) -> None:
    test = load_data(read_recipe(trained)).test.images
    told = page.about["shown"]
    assert len(told) == len(page.about["points"]) == 30
    np.testing.assert_array_equal(page.tensors("images")["shown"], test[[entry["index"] for entry in told]])
    report = json.loads((trained / "evaluation.json").read_text())["shown"]
    assert [entry["index"] for entry in told[: len(report)]] == report


def test_principal_directions_rebuild_the_latents(page: PageFile) -> None:
    tensors = page.tensors("model-0")
    steps, readings = (tensors[name] * tensors[f"{name}_scale"][:, None] for name in ("steps", "readings"))
    np.testing.assert_allclose(readings @ steps.T, np.eye(5), atol=0.03)
    away = tensors["shown_latents"] - tensors["mean"]
    coordinates = away @ readings.T
    np.testing.assert_allclose(coordinates @ steps, away, atol=0.03 * np.abs(away).max())
    np.testing.assert_allclose(tensors["map/PCA"], coordinates[:, :2], atol=0.05)
    assert (np.diff(tensors["share"]) <= 0).all() and 0 < tensors["share"].sum() < 1


def test_beside_a_linear_path_the_first_directions_are_those_of_pca() -> None:
    """Its latents are equally wide, so only the pictures can say which direction matters."""
    rng = np.random.default_rng(0)
    scales = np.array([60, 30, 15, 8, 4, 2])
    causes, looks = rng.standard_normal((400, 6)), np.linalg.qr(rng.standard_normal((48, 48)))[0][:6]
    images = np.rint(np.clip(128 + causes * scales @ looks, 0, 255)).astype(np.uint8).reshape(400, 3, 4, 4)
    turned = np.linalg.qr(rng.standard_normal((6, 6)))[0]
    space = describe(causes @ turned, images)
    found = np.abs(np.corrcoef(space.coordinates(causes @ turned).T, causes.T)[:6, 6:])
    assert (np.diag(found)[:5] > 0.98).all()
    np.testing.assert_allclose(space.share[:5], (scales**2 / np.square(scales).sum())[:5], rtol=0.2)
    along = space.steps @ turned.T * scales @ looks
    assert (along.sum(1) > -1e-6 * np.abs(along).sum()).all(), "more along a direction is brighter"


def test_a_latent_that_never_varies_has_no_direction() -> None:
    latents = np.random.default_rng(0).standard_normal((50, 3)) * [1, 0, 1e-5]
    space = describe(latents, np.random.default_rng(1).integers(0, 256, (50, 3, 4, 4), dtype=np.uint8))
    assert len(space.share) == 1
    assert np.isfinite(space.coordinates(latents)).all()


def test_neighbours_are_the_nearest_others(page: PageFile) -> None:
    tensors = page.tensors("model-0")
    scaled = tensors["shown_latents"] / tensors["std"]
    distance = np.linalg.norm(scaled[:, None] - scaled[None], axis=2)
    np.fill_diagonal(distance, np.inf)
    found = np.take_along_axis(distance, tensors["latent_neighbours"].astype(int), 1)
    np.testing.assert_allclose(found, np.sort(distance, 1)[:, :8], rtol=1e-4)
    assert page.about["models"][0]["maps"] == ["PCA", "t-SNE"]


def test_a_mixture_is_drawn_from_where_there_is_no_prior(page: PageFile) -> None:
    assert page.about["models"][0]["draws"] == "mixture"
    tensors = page.tensors("model-0")
    assert tensors["mixture/weights"].sum() == pytest.approx(1, abs=1e-5)
    factors = tensors["mixture/factors"]
    second = np.einsum("m,mij->ij", tensors["mixture/weights"], factors @ factors.transpose(0, 2, 1))
    means = tensors["mixture/means"]
    second += np.einsum("m,mi,mj->ij", tensors["mixture/weights"], means, means)
    np.testing.assert_allclose(second, np.eye(len(second)), atol=0.1)  # coordinates are in standard deviations


def test_the_same_run_gives_the_same_page(page: PageFile, trained: Path) -> None:
    """It replaces its own page."""
    assert isthmus("explore", trained).code == 0
    assert (trained / "explorer.html").read_text(encoding="utf-8") == page.text


def test_from_python_it_returns_the_page(trained: Path, tmp_path: Path) -> None:
    assert ist.explore(trained, out=tmp_path / "page.html") == tmp_path / "page.html"
    assert PageFile(tmp_path / "page.html").about["models"][0]["name"] == "latent-10"


def test_a_variational_model_draws_from_its_prior(tmp_path: Path) -> None:
    changes = ("train.epochs=1", "bottleneck.kind=gaussian", "objective.weights.kl=1.0")
    assert train(tmp_path / "run", *changes).code == 0
    assert isthmus("explore", tmp_path / "run").code == 0
    page = PageFile(tmp_path / "run" / "explorer.html")
    assert page.about["models"][0]["draws"] == "prior"
    assert not [name for name in page.tensors("model-0") if name.startswith("mixture")]


def test_a_discrete_latent_brings_its_codebook(tmp_path: Path) -> None:
    changes = [change for change in tiny("train.epochs=1") if not change.startswith("bottleneck.dim")]
    told = isthmus(
        "train", "post/latent-10", *changes, "bottleneck.kind=fsq", "bottleneck.levels=[4,3]", "-o", tmp_path / "run"
    )
    assert told.code == 0, told.err
    assert isthmus("explore", tmp_path / "run").code == 0
    page = PageFile(tmp_path / "run" / "explorer.html")
    assert page.about["models"][0]["code_grid"] == {"shape": [8, 8], "codes": 12}
    tensors = page.tensors("model-0")
    vectors = {tuple(vector) for vector in tensors["codebook"]}
    assert len(vectors) == 12
    shown = tensors["shown_latents"].reshape(-1, 2, 64).transpose(0, 2, 1).reshape(-1, 2)
    assert {tuple(vector) for vector in shown} <= vectors


def test_a_study_shows_up_to_four_models_and_its_report_links_the_page(tmp_path: Path) -> None:
    names = ["one", "two", "three", "four", "five"]
    variations = "".join(
        f'[[variation]]\nname = "{name}"\n[variation.changes]\n'
        f'"bottleneck.dim" = {2 + place // 2}\n"train.warmup_steps" = {place}\n'
        for place, name in enumerate(names)
    )
    (tmp_path / "many.toml").write_text(study_toml(variations, filters=[4, 5]))
    ran = isthmus("study", tmp_path / "many.toml", *few(), "-o", tmp_path / "many", "--explore")
    assert ran.code == 0, ran.err
    assert ran.out.splitlines()[-1] == f"Explorer: {(tmp_path / 'many' / 'explorer.html').resolve()}"
    assert "not on it: five (--model NAME chooses)" in ran.err
    page = PageFile(tmp_path / "many" / "explorer.html")
    assert [model["name"] for model in page.about["models"]] == names[:4]
    assert "not on it: five" in " ".join(page.about["remarks"]), "the page says what it leaves out"
    assert [model["pca"] for model in page.about["models"]] == [0, 0, 1, 1], "models of one size share their yardstick"
    assert 'href="explorer.html"' in (tmp_path / "many" / "report.html").read_text()

    chosen = isthmus("explore", tmp_path / "many", "--model", "five")
    assert chosen.code == 0, chosen.err
    assert [m["name"] for m in PageFile(tmp_path / "many" / "explorer.html").about["models"]] == ["five"]
    assert_refused(isthmus("explore", tmp_path / "many", "--model", "six"), "'six'", "one, two, three")


def test_names_from_outside_stay_text(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    for part in ("train", "test"):
        for name in ("cat", HOSTILE.replace("/", "")):
            (tmp_path / "images" / part / name).mkdir(parents=True)
            for number in range(12):
                pixels = rng.integers(0, 256, (16, 16, 3), dtype=np.uint8)
                Image.fromarray(pixels).save(tmp_path / "images" / part / name / f"{number}.png")
    data = ("data.kind=folder", f"data.path={tmp_path / 'images'}", "data.size=16", "split.validation=0.2")
    assert train(tmp_path / "run", *data, "train.epochs=1").code == 0
    assert isthmus("explore", tmp_path / "run").code == 0
    page = PageFile(tmp_path / "run" / "explorer.html")
    assert HOSTILE in page.about["class_names"]
    assert "<img" not in page.text


def few() -> list[str]:
    """The tiny recipe's overrides, the latent size left to the variations."""
    return [change for change in tiny("train.epochs=1") if not change.startswith("bottleneck.dim")]


def test_images_are_drawn_without_repetition_and_the_reports_come_first() -> None:
    chosen = choose(5000, (3, 32, 32), (7, 4999, 0))
    assert len(chosen.shown) == SHOWN and len(chosen.points) == POINTS
    assert chosen.points[:3].tolist() == [7, 4999, 0]
    assert len(set(chosen.points.tolist())) == POINTS
    np.testing.assert_array_equal(chosen.points[:SHOWN], chosen.shown)


@pytest.mark.parametrize(("side", "shown", "points"), [(32, 100, 1000), (64, 100, 976), (128, 40, 244), (512, 12, 15)])
def test_of_larger_images_a_page_holds_fewer(side: int, shown: int, points: int) -> None:
    chosen = choose(5000, (3, side, side))
    assert (len(chosen.shown), len(chosen.points)) == (shown, points)
    images = np.zeros((5000, 1, 1, 1), np.uint8) + np.zeros((3, 1, 1), np.uint8)
    tile = np.broadcast_to(images, (5000, 3, side, side))
    sheet = Image.open(io.BytesIO(arrays(tile, chosen)["sheet"].tobytes()))
    assert sheet.width * sheet.height >= points * side * side, "every point has its tile"


def test_a_page_names_no_folder_of_the_machine_it_was_made_on(tmp_path: Path) -> None:
    for number in range(40):
        (tmp_path / "pictures").mkdir(exist_ok=True)
        pixels = np.random.default_rng(number).integers(0, 256, (16, 16, 3), dtype=np.uint8)
        Image.fromarray(pixels).save(tmp_path / "pictures" / f"{number}.png")
    data = ("data.kind=folder", f"data.path={tmp_path / 'pictures'}", "data.size=16", "split.validation=0.2")
    assert train(tmp_path / "run", *data, "split.test=0.3", "train.epochs=1").code == 0
    assert isthmus("explore", tmp_path / "run").code == 0
    (recipe,) = PageFile(tmp_path / "run" / "explorer.html").about["recipes"]
    assert 'path = "pictures"' in recipe[1]


def test_without_the_built_script_it_says_what_to_run(
    trained: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(assets, "FOLDER", tmp_path / "nothing")
    assert_refused(isthmus("explore", trained), "npm --prefix web run build")


def test_a_study_without_the_built_script_is_refused_before_training(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(assets, "FOLDER", tmp_path / "nothing")
    (tmp_path / "one.toml").write_text(study_toml(ONE, filters=[4, 5]))
    ran = isthmus("study", tmp_path / "one.toml", *few(), "-o", tmp_path / "one", "--explore")
    assert_refused(ran, "npm --prefix web run build")
    assert not (tmp_path / "one").exists()


def test_what_cannot_be_shown_is_refused(trained: Path, tmp_path: Path) -> None:
    assert_refused(isthmus("explore", tmp_path / "none"), "no such folder")
    assert_refused(isthmus("explore", tmp_path), str(tmp_path), "not a run folder")
    assert_refused(isthmus("explore", trained, "--model", "latent-10"), "--model is for studies")
    assert_refused(isthmus("explore", trained, "-o", tmp_path), "name a file")
    other = tmp_path / "other"
    shutil.copytree(trained, other)
    recipe = (other / "recipe.toml").read_text()
    (other / "recipe.toml").write_text(recipe.replace("test = 30", "test = 31"))
    assert_refused(isthmus("explore", other), "are not those it was trained on")


def test_a_denoisers_twin_is_the_same_recipe_without_noise() -> None:
    """Whatever else differs, they are no twins; a model without noise needs none."""
    noise = {"corruption.kind": "gaussian", "corruption.std": 0.1}
    plain, denoise, wide = (
        load_recipe("post/latent-10", changes) for changes in ({}, noise, {**noise, "bottleneck.dim": 7})
    )
    assert plain_twins([plain, denoise, wide]) == [None, 0, None]
    assert plain_twins([denoise, wide, plain]) == [2, None, None]
    assert plain_twins([denoise]) == [None]


@pytest.mark.slow
def test_models_are_made_ready_beside_each_other(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """To the bit as one after another, in their order; a helper that cannot start costs time alone."""
    rows = "".join(f'[[variation]]\nname = "v{dim}"\nchanges = {{ "bottleneck.dim" = {dim} }}\n' for dim in (3, 4))
    (tmp_path / "mine.toml").write_text(study_toml(rows, data=["train = 40", "test = 15", "size = 8"], filters=[4, 5]))
    assert isthmus("study", tmp_path / "mine.toml", "-o", tmp_path / "study", "train.epochs=1").code == 0
    runs = [read_run(path.parent) for path in sorted((tmp_path / "study").glob("*/seed-0/evaluation.json"))]
    splits = load_data(read_recipe(runs[0].path))
    chosen = choose(len(splits.test), splits.test.images.shape[1:])
    orders = [ModelOrder(run.evaluation.name, "", run, chosen, tmp_path / "cache") for run in runs]
    beside = build_all(orders, splits, at_a_time=2)
    assert [subject.about["name"] for subject in beside] == ["v3", "v4"]
    monkeypatch.setattr(child_processes.sys, "executable", "/bin/false")
    assert build_all(orders, splits, at_a_time=2) == beside


def test_a_model_that_another_thread_took_meanwhile_is_left_to_it(monkeypatch: pytest.MonkeyPatch) -> None:
    class Contended(deque[int]):
        """Looks as if something waited, and is empty when it is asked for."""

        def __bool__(self) -> bool:
            return True

    monkeypatch.setattr(workers, "deque", Contended)
    assert build_all([], SimpleNamespace()) == []  # pyright: ignore[reportArgumentType]
