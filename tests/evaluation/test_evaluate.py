"""The sealed evaluator: what it measures, on which pixels, and what it leaves alone."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from skimage.metrics import structural_similarity
from tests.conftest import TINY
from torch import Tensor, nn

from isthmus.core import pixels as core_pixels
from isthmus.core.pixels import Rows, blocks
from isthmus.core.values import ImageSet
from isthmus.data.splits import Splits
from isthmus.evaluation import evaluate as evaluator
from isthmus.evaluation import methods
from isthmus.evaluation.baselines import pca, principal_directions
from isthmus.evaluation.cost import cost
from isthmus.evaluation.describe_measures import known_measures
from isthmus.evaluation.doctor import pixels as doctor_pixels
from isthmus.evaluation.doctor.measure import measure_run
from isthmus.evaluation.evaluate import SAMPLES, Evaluation, evaluate
from isthmus.models import collect_latents
from isthmus.models.autoencoder import Autoencoder
from isthmus.models.build_objective import build_objective
from isthmus.models.collect_latents import Collecting
from isthmus.models.pixels import to_pixels, to_unit
from isthmus.recipes.recipe import Recipe
from isthmus.recipes.study_plan import load_plan, load_recipe
from isthmus.run_files.write import as_json
from isthmus.runs.evaluate_run import evaluate_run
from isthmus.runs.load import load_data
from isthmus.runs.run import run
from isthmus.training.in_folder import train_in_folder
from isthmus.training.validation import validate

SIDE, TRAIN, TEST = 16, 60, 23
KINDS: dict[str, dict[str, Any]] = {
    "plain": {},
    "denoise": {"corruption.kind": "gaussian", "corruption.std": 0.1},
    "frozen": {"corruption.kind": "frozen", "corruption.std": 0.1},
    "variational": {
        "bottleneck.kind": "gaussian",
        "bottleneck.dim": 3,
        "objective.kind": "weighted",
        "objective.weights.kl": 1.0,
    },
}


def recipe_of(changes: dict[str, Any] | None = None) -> Recipe:
    sizes = {"data.train": TRAIN, "data.test": TEST, "data.size": SIDE}
    return load_recipe("post/latent-10", {**TINY, **sizes, **(changes or {})})


def untrained(recipe: Recipe, seed: int = 0) -> Autoencoder:
    """A model with weights of its own and running statistics away from their start."""
    torch.manual_seed(seed)
    model = Autoencoder(recipe, (3, SIDE, SIDE))
    for _ in range(20):
        model(torch.rand(8, 3, SIDE, SIDE) * 2 - 1)
    return model


class Constant(nn.Module):
    """A decoder whose answer is one value everywhere, on the [-1, 1] scale."""

    def __init__(self, value: float) -> None:
        super().__init__()
        self.value = value

    def forward(self, h: Tensor) -> Tensor:
        return 0 * h.sum() + torch.full((len(h), 3, SIDE, SIDE), self.value)


@pytest.fixture(scope="module")
def splits() -> Splits:
    return load_data(recipe_of())


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("cache")


@pytest.fixture(scope="module")
def measured(splits: Splits, cache: Path) -> dict[str, Evaluation]:
    """An evaluation of an untrained model of each kind."""
    recipes = {kind: recipe_of(changes) for kind, changes in KINDS.items()}
    return {kind: evaluate(untrained(recipe), recipe, splits, cache) for kind, recipe in recipes.items()}


def summary(found: Evaluation) -> dict[str, Any]:
    """As evaluation.json holds it."""
    return as_json(found.record)


@pytest.mark.parametrize(("value", "level"), [(1.7, 255), (-3.0, 0), (-0.3, 89), (0.004, 128), (0.0, 128)])
def test_output_is_clamped_and_rounded_to_8_bits(splits: Splits, cache: Path, value: float, level: int) -> None:
    """Scores are those of the 8-bit picture against the 8-bit original: exact, computed here in integers."""
    model = untrained(recipe_of())
    model.architecture.decoder = Constant(value)
    found = evaluate(model, recipe_of(), splits, cache)
    assert (found.pictures["shown/output"] == level).all()
    squared = (level - splits.test.images.astype(np.int64)) ** 2
    errors = squared.mean(axis=(1, 2, 3)) / 255**2
    scores = summary(found)["scores"]["model"]
    np.testing.assert_allclose(found.per_image["model_mse"], errors, rtol=1e-12)
    np.testing.assert_allclose(found.per_image["model_psnr"], -10 * np.log10(errors), rtol=1e-12)
    assert scores["mse"]["mean"] == pytest.approx(errors.mean(), rel=1e-12)
    assert scores["psnr"]["mean"] == pytest.approx(-10 * np.log10(errors).mean(), rel=1e-12)
    assert scores["psnr_of_mean_mse"] == pytest.approx(-10 * np.log10(errors.mean()), rel=1e-12)
    assert scores["psnr_of_mean_mse"] < scores["psnr"]["mean"]


def test_ssim_is_that_of_the_pictures(measured: dict[str, Evaluation]) -> None:
    found = measured["plain"]
    pairs = zip(found.pictures["shown/output"], found.pictures["shown/original"], strict=True)
    expected = [
        structural_similarity(
            ours, true, channel_axis=0, data_range=255, gaussian_weights=True, sigma=1.5, use_sample_covariance=False
        )
        for ours, true in pairs
    ]
    np.testing.assert_allclose(found.per_image["model_ssim"][summary(found)["shown"]], expected, atol=1e-4)


@pytest.mark.parametrize("kind", KINDS)
def test_scores_do_not_depend_on_the_batch(
    measured: dict[str, Evaluation], splits: Splits, cache: Path, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    """23 images in batches of 256, 10 and 1, read in blocks of 256, 20 and 3: a ragged last one counts by its images,
    noise stays the same, and so do the images that are shown.
    """
    whole, recipe = measured[kind], recipe_of(KINDS[kind])
    for batch, block in ((10, 20), (1, 3)):
        monkeypatch.setattr(methods, "BATCH", batch)
        monkeypatch.setattr(evaluator, "blocks_of", lambda _model, images, block=block: blocks(images, block))
        found = evaluate(untrained(recipe), recipe, splits, cache)
        assert [getattr(found.record, which) for which in ("best", "worst", "shown")] == [
            getattr(whole.record, which) for which in ("best", "worst", "shown")
        ]
        for name in ("shown/original", "shown/output", "best/original", "worst/output", "shown/pca"):
            assert np.abs(found.pictures[name].astype(int) - whole.pictures[name]).max() <= 1
        for name, column in whole.per_image.items():  # other kernels may round a pixel to the next grey level
            np.testing.assert_allclose(found.per_image[name], column, rtol=1e-4, atol=1e-6, err_msg=name)
        for who, scores in summary(whole)["scores"].items():
            assert summary(found)["scores"][who]["psnr"] == pytest.approx(scores["psnr"], rel=1e-5)


def test_evaluation_computes_in_full_precision(splits: Splits, cache: Path) -> None:
    """A network trained in bf16 is judged in float32: exactly as its fp32 twin of the same weights."""
    coarse, fine = (recipe_of({"train.precision": precision}) for precision in ("bf16", "fp32"))
    model = untrained(coarse)
    seen: set[torch.dtype] = set()
    for part in (model.architecture.encoder, model.architecture.decoder):
        part.register_forward_hook(lambda _module, _given, output: seen.add(output.dtype))
    found = evaluate(model, coarse, splits, cache)
    assert seen == {torch.float32}
    twin = evaluate(untrained(fine), fine, splits, cache)
    assert np.array_equal(found.per_image["model_psnr"], twin.per_image["model_psnr"])


@pytest.mark.parametrize("kind", ["plain", "frozen", "variational"])
def test_every_test_image_is_encoded_and_decoded_once(splits: Splits, cache: Path, kind: str) -> None:
    recipe = recipe_of(KINDS[kind])
    model = untrained(recipe)
    counts = {"encoder": 0, "decoder": 0}
    for name in counts:

        def count(_module: nn.Module, given: tuple[Tensor, ...], name: str = name) -> None:
            counts[name] += len(given[0])

        getattr(model.architecture, name).register_forward_pre_hook(count)
    cost(model)
    for_cost = dict(counts)
    evaluate(model, recipe, splits, cache)
    found = {name: counts[name] - 2 * for_cost[name] for name in counts}
    assert found == {"encoder": TEST + len(splits.train), "decoder": TEST + SAMPLES}


@pytest.mark.parametrize("kind", KINDS)
def test_evaluation_is_deterministic(measured: dict[str, Evaluation], splits: Splits, cache: Path, kind: str) -> None:
    """Whatever the generators hold and whichever mode the model is in; the generators are left as they were."""
    recipe = recipe_of(KINDS[kind])
    model = untrained(recipe).train()
    torch.manual_seed(4)
    state = torch.get_rng_state()
    found, first = evaluate(model, recipe, splits, cache), measured[kind]
    assert torch.equal(torch.get_rng_state(), state)
    assert summary(found) == summary(first)
    for now, before in ((found.per_image, first.per_image), (found.pictures, first.pictures)):
        assert now.keys() == before.keys()
        assert all(np.array_equal(now[name], before[name]) for name in now)


class Sealed(ImageSet):
    """Images that may be counted, but not looked at."""

    def __init__(self, count: int) -> None:
        object.__setattr__(self, "count", count)

    def __len__(self) -> int:
        return self.__dict__["count"]

    @property
    def images(self) -> np.ndarray:
        raise AssertionError("test images were read")


def test_training_never_looks_at_test_images(splits: Splits, cache: Path, tmp_path: Path) -> None:
    """A whole training, validation and checkpoints included, runs on test images that cannot be read."""
    sealed = Splits(
        splits.train, splits.validation, Sealed(TEST), splits.source, splits.class_names, splits.notices, splits.hash
    )
    recipe = recipe_of({"train.epochs": 2})
    events = list(train_in_folder(recipe, tmp_path, sealed, tmp_path))
    assert events
    assert (tmp_path / "training.json").is_file()
    with pytest.raises(AssertionError, match="test images were read"):
        evaluate(untrained(recipe), recipe, sealed, cache)


@pytest.mark.parametrize(
    ("kind", "noisy"),
    [
        ("plain", set()),
        ("variational", set()),
        ("denoise", {"noisy_input", "denoised"}),
        ("frozen", {"noisy_input"}),
    ],
)
def test_noisy_scores_are_where_there_is_noise(measured: dict[str, Evaluation], kind: str, noisy: set[str]) -> None:
    """Frozen noise is part of every output, so a score for a second helping of it would mean nothing."""
    found = measured[kind]
    who = {"model", "pca", "mean_image", *noisy}
    assert set(summary(found)["scores"]) == who
    columns = {f"{one}_{measure}" for one in who for measure in known_measures()}
    assert set(found.per_image) == {"index", "label", *columns}
    pictures = {"noisy_input": "shown/noisy", "denoised": "shown/denoised"}
    assert {name for name in found.pictures if "nois" in name} == {pictures[one] for one in noisy}
    assert ("noise" in summary(found)) == bool(noisy)


def test_the_noisy_input_is_an_8_bit_picture_scored_against_the_clean_one(
    measured: dict[str, Evaluation], splits: Splits
) -> None:
    found, recipe = measured["denoise"], recipe_of(KINDS["denoise"])
    shown = summary(found)["shown"]
    noisy, clean = found.pictures["shown/noisy"], splits.test.images[shown]
    error = ((noisy.astype(np.int64) - clean) ** 2).mean(axis=(1, 2, 3)) / 255**2
    np.testing.assert_allclose(found.per_image["noisy_input_mse"][shown], error, rtol=1e-12)
    assert 0.0015 < error.mean() < 0.0027, "0.1 on the [-1, 1] scale is 0.05 in [0, 1], a little less for clamping"
    denoised = untrained(recipe).reconstruct(noisy).transpose(0, 3, 1, 2)
    assert np.array_equal(found.pictures["shown/denoised"], denoised)
    assert summary(found)["noise"] == "gaussian, std 0.1 on the [-1, 1] scale, evaluation seed 20261122"


def test_noise_at_evaluation_is_the_same_for_every_run(
    measured: dict[str, Evaluation], splits: Splits, cache: Path
) -> None:
    recipe = recipe_of({**KINDS["denoise"], "seed": 5})
    other = evaluate(untrained(recipe, seed=5), recipe, splits, cache)
    assert np.array_equal(other.pictures["shown/noisy"], measured["denoise"].pictures["shown/noisy"])
    assert not np.array_equal(other.pictures["shown/denoised"], measured["denoise"].pictures["shown/denoised"])


def test_frozen_noise_is_shown_as_the_model_adds_it(measured: dict[str, Evaluation], splits: Splits) -> None:
    found, model = measured["frozen"], untrained(recipe_of(KINDS["frozen"]))
    clean = torch.from_numpy(splits.test.images[summary(found)["shown"]])
    assert np.array_equal(
        found.pictures["shown/noisy"], to_pixels(to_unit(clean) + model.corruption.noise, torch.uint8).numpy()
    )
    assert summary(found)["noise"] == "frozen, std 0.1, seed 0 on the [-1, 1] scale"


@pytest.mark.parametrize("dim", [3, 7])
def test_pca_has_as_many_components_as_the_latent(splits: Splits, cache: Path, dim: int) -> None:
    """Fitted on the training images; the curve holds the run's own size among the powers of two."""
    recipe = recipe_of({"bottleneck.dim": dim})
    found = evaluate(untrained(recipe), recipe, splits, cache)
    score = summary(found)["scores"]["pca"]
    assert summary(found)["latent_size"] == score["components"] == dim
    expected = pca.fit(splits.train.images, dim).reconstruct(splits.test.images, dim).astype(np.int64)
    errors = ((expected - splits.test.images) ** 2).mean(axis=(1, 2, 3)) / 255**2
    np.testing.assert_allclose(found.per_image["pca_mse"], errors, rtol=1e-3)
    curve = {row["components"]: row for row in summary(found)["pca_curve"]}
    assert list(curve) == sorted({1, 2, 4, 8, 10, 16, 32, dim})
    assert curve[dim]["mse"] == pytest.approx(score["mse"]["mean"], rel=1e-3)
    falling = [row["mse"] for row in curve.values()]
    assert falling == sorted(falling, reverse=True)


def test_pca_is_measured_on_validation_images_too(
    measured: dict[str, Evaluation], splits: Splits, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By the measure of a run's own validation error: the two can be laid on each other."""
    images = splits.validation.images
    against_pca = summary(measured["plain"])["against_pca"]
    output = pca.fit(splits.train.images, 3).reconstruct(images, 3)
    recipe = recipe_of()
    model = untrained(recipe)
    answer = torch.from_numpy(output).float() / 127.5 - 1
    monkeypatch.setattr(model.architecture.decoder, "forward", lambda _h: answer)
    logged = validate(model, build_objective(recipe, model), torch.from_numpy(images))
    assert against_pca["validation"] == {"pca_mse": pytest.approx(logged["validation_mse"], rel=1e-6)}
    scores = summary(measured["plain"])["scores"]
    assert against_pca["mse_ratio"] == pytest.approx(scores["model"]["mse"]["mean"] / scores["pca"]["mse"]["mean"])


def test_an_evaluation_says_since_when_the_run_beats_pca(cache: Path, tmp_path: Path) -> None:
    """From the run's own log, up to the weights that are scored; without a log, evaluating works as well."""
    recipe = recipe_of({"data.train": 400, "train.epochs": 3, "bottleneck.dim": 1})
    splits, folder = load_data(recipe), tmp_path / "run"
    list(run(recipe, folder, splits, cache))
    path, journal = folder / "evaluation.json", folder / "metrics.jsonl"
    evaluation = json.loads(path.read_text())
    before, kept = evaluation["against_pca"]["validation"], evaluation["checkpoint"]["epoch"]
    assert (before["epochs"], before["since"]) == (3, None), "three epochs at this rate are too few"

    rows = [row for row in map(json.loads, journal.read_text().splitlines()) if row["kind"] == "epoch"]
    assert before["lowest_ratio"] == min(row["validation_mse"] for row in rows) / before["pca_mse"]
    for row in rows:
        row["validation_mse"] = before["pca_mse"] * (0.75 if row["epoch"] == kept else 1.5)
    journal.write_text("".join(f"{json.dumps(row)}\n" for row in rows))
    assert evaluate_run(folder, splits, cache) == []
    since = {key: rows[kept - 1][key] for key in ("epoch", "step", "seconds")}
    expected = {**before, "lowest_ratio": pytest.approx(0.75), "since": since}
    assert json.loads(path.read_text())["against_pca"]["validation"] == expected

    journal.unlink()
    assert evaluate_run(folder, splits, cache) == []
    assert json.loads(path.read_text())["against_pca"]["validation"] == {"pca_mse": before["pca_mse"]}


def test_pca_says_how_many_components_there_were(splits: Splits, cache: Path) -> None:
    """A latent larger than the training images vary in is held against all of their components."""
    recipe = recipe_of({"bottleneck.dim": 200})
    found = evaluate(untrained(recipe), recipe, splits, cache)
    assert summary(found)["latent_size"] == 200
    assert summary(found)["scores"]["pca"]["components"] == len(splits.train) - 1


def test_the_mean_image_is_the_training_images_mean(measured: dict[str, Evaluation], splits: Splits) -> None:
    mean = np.rint(splits.train.images.mean(axis=0)).astype(np.int64)
    errors = ((mean - splits.test.images) ** 2).mean(axis=(1, 2, 3)) / 255**2
    np.testing.assert_allclose(measured["plain"].per_image["mean_image_mse"], errors, rtol=1e-6)


@pytest.mark.parametrize("kind", KINDS)
def test_summary_columns_and_pictures_agree(measured: dict[str, Evaluation], splits: Splits, kind: str) -> None:
    found = measured[kind]
    assert found.per_image["index"].tolist() == list(range(TEST))
    assert np.array_equal(found.per_image["label"], splits.test.labels)
    for who, scores in summary(found)["scores"].items():
        for measure in ("mse", "psnr", "ssim"):
            assert scores[measure]["mean"] == pytest.approx(found.per_image[f"{who}_{measure}"].mean(), rel=1e-12)
            assert scores[measure]["low"] < scores[measure]["mean"] < scores[measure]["high"]
    sets = {("shown", "output"): "model", ("best", "output"): "model", ("worst", "output"): "model"}
    sets |= {("shown", "pca"): "pca", ("shown", "noisy"): "noisy_input", ("shown", "denoised"): "denoised"}
    for (which, name), who in sets.items():
        if f"{which}/{name}" not in found.pictures:
            continue
        index, picture = summary(found)[which], found.pictures[f"{which}/{name}"]
        assert picture.dtype == np.uint8
        assert np.array_equal(found.pictures[f"{which}/original"], splits.test.images[index])
        errors = ((picture.astype(np.int64) - splits.test.images[index]) ** 2).mean(axis=(1, 2, 3)) / 255**2
        np.testing.assert_allclose(found.per_image[f"{who}_mse"][index], errors, rtol=1e-12, err_msg=f"{which}/{name}")


def test_best_and_worst_are_by_psnr_and_shown_are_equal_for_all_runs(measured: dict[str, Evaluation]) -> None:
    for found in measured.values():
        ranked = found.per_image["model_psnr"]
        descending = sorted(range(TEST), key=lambda index: -ranked[index])
        assert summary(found)["best"] == descending[:8]
        assert summary(found)["worst"] == descending[::-1][:8]
        assert summary(found)["shown"] == summary(measured["plain"])["shown"]
    shown = summary(measured["plain"])["shown"]
    assert len(shown) == 15
    assert shown == sorted(set(shown))
    assert shown != list(range(15)), "chosen by seed, not the first ones"
    assert np.array_equal(measured["plain"].pictures["shown/pca"], measured["denoise"].pictures["shown/pca"])


def test_fewer_test_images_than_pictures_wanted(cache: Path) -> None:
    """All are shown then, and each is among the best and the worst."""
    recipe = recipe_of({"data.test": 3})
    found = evaluate(untrained(recipe), recipe, load_data(recipe), cache)
    assert summary(found)["shown"] == [0, 1, 2]
    assert sorted(summary(found)["best"]) == [0, 1, 2]
    assert summary(found)["worst"] == summary(found)["best"][::-1]
    assert found.pictures["best/output"].shape == (3, 3, SIDE, SIDE)


class Few(Rows):
    """Images of which only a few may be read at a time."""

    def __getitem__(self, rows: Any, /) -> np.ndarray:
        found = super().__getitem__(rows)
        assert len(found) <= 16, "too many images at a time"
        return found


def test_neither_evaluation_nor_doctor_reads_all_images_at_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """64x64 pixels, so that a model takes 16 of them at a time; memory does not grow with the number of images."""
    image = 3 * 64 * 64
    for module in (core_pixels, collect_latents, doctor_pixels):
        monkeypatch.setattr(module, "BLOCK_BYTES", 16 * image)
    monkeypatch.setattr(principal_directions, "_BLOCK_VALUES", 16 * image)
    monkeypatch.setattr(principal_directions, "BLOCK", 16)
    recipe = recipe_of({"data.size": 64, "data.train": 45, "data.test": 38})
    whole = load_data(recipe)

    def few(images: ImageSet) -> ImageSet:
        return replace(images, images=Few(images.images, np.arange(len(images))))

    splits = replace(whole, train=few(whole.train), validation=few(whole.validation), test=few(whole.test))
    torch.manual_seed(0)
    model = Autoencoder(recipe, (3, 64, 64))
    found = evaluate(model, recipe, splits, tmp_path)
    assert np.array_equal(
        found.per_image["model_psnr"], evaluate(model, recipe, whole, tmp_path).per_image["model_psnr"]
    )
    (tmp_path / "metrics.jsonl").write_text("")
    record, seen = found.record, found.test.latents
    measure_run(model, recipe, splits, found.train, seen, record, tmp_path / "metrics.jsonl", steps=9, kept=1)


def test_grey_oblong_images_of_16_bits(tmp_path: Path) -> None:
    """Scored at their depth, on the range that they were given."""
    rng = np.random.default_rng(0)

    def some(count: int) -> ImageSet:
        return ImageSet(rng.integers(0, 65536, (count, 1, 20, 14), dtype=np.uint16))

    splits = Splits(some(30), some(5), some(12), "noise", (), (), "sha256:0", range=(-1000.0, 3000.0))
    recipe = recipe_of()
    torch.manual_seed(0)
    model = Autoencoder(recipe, (1, 20, 14), depth=16)
    found = evaluate(model, recipe, splits, tmp_path)
    shown = summary(found)["shown"]
    for who in ("output", "pca"):
        output = found.pictures[f"shown/{who}"]
        assert output.dtype == np.uint16
        errors = np.square(output / 65535 - splits.test.images[shown] / 65535).mean(axis=(1, 2, 3))
        name = "model" if who == "output" else who
        np.testing.assert_allclose(found.per_image[f"{name}_mse"][shown], errors, rtol=1e-9)
    assert len(np.unique(found.pictures["shown/output"])) > 256
    assert summary(found)["measures"]["psnr"]["about"].startswith("Peak signal-to-noise ratio of 16-bit images")
    assert summary(found)["flags"] == [
        "Scores are of 16-bit pixels: 0 and 1 on the scale of errors stand for the values -1000 and 3000 of the "
        "sources."
    ]
    (tmp_path / "metrics.jsonl").write_text("")
    record, seen = found.record, found.test.latents
    measured = measure_run(
        model, recipe, splits, found.train, seen, record, tmp_path / "metrics.jsonl", steps=9, kept=1
    )
    assert measured.pixels["test"].high == 255
    assert 0 < measured.mse["negatives"] < 1


@pytest.mark.parametrize(
    ("count", "said"),
    [(2, "only 2 test images: intervals are wide"), (12, None)],
)
def test_few_test_images_are_told_for_what_they_are(cache: Path, count: int, said: str | None) -> None:
    recipe = recipe_of({"data.test": 12})
    splits = load_data(recipe)
    splits = replace(splits, test=splits.test.take(np.arange(count)))
    found = evaluate(untrained(recipe), recipe, splits, cache)
    scores = summary(found)["scores"]["model"]
    if said is None:
        assert summary(found)["flags"] == []
    else:
        (flag,) = summary(found)["flags"]
        assert said in flag
    assert 0 <= scores["mse"]["low"] <= scores["mse"]["mean"] <= scores["mse"]["high"] <= 1


def test_of_very_many_test_images_some_latents_are_kept(
    measured: dict[str, Evaluation], splits: Splits, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Evenly spread, and the record says on how many its measures of the latent rest; scores are of all images."""
    whole = measured["variational"]
    assert whole.record.latent.images is None
    monkeypatch.setattr(evaluator, "_LATENT_VALUES", 10 * 3)
    monkeypatch.setattr(evaluator, "_CURVE_VALUES", 7 * 3 * SIDE * SIDE)
    recipe = recipe_of(KINDS["variational"])
    found = evaluate(untrained(recipe), recipe, splits, cache)
    assert summary(found)["latent"]["images"] == 10
    assert summary(found)["pca_curve_images"] == 7
    rows = np.linspace(0, TEST - 1, 10).astype(int)
    assert np.array_equal(found.test.latents.z, whole.test.latents.z[rows])
    assert np.array_equal(found.test.images.images[:], splits.test.images[rows])
    assert np.array_equal(found.per_image["model_psnr"], whole.per_image["model_psnr"])
    assert summary(found)["latent"]["rate"] == summary(whole)["latent"]["rate"]


def test_weights_chosen_on_the_training_loss_are_flagged(splits: Splits, cache: Path) -> None:
    recipe = recipe_of({**KINDS["frozen"], "train.monitor": "training"})
    found = evaluate(untrained(recipe), recipe, splits, cache)
    against = summary(found)["against_pca"]["psnr"]
    difference = found.per_image["model_psnr"] - found.per_image["pca_psnr"]
    assert against["mean"] == pytest.approx(difference.mean())
    assert against["high"] < 0
    (flag,) = summary(found)["flags"]
    assert "training loss, not on validation" in flag


def test_a_run_that_beats_pca_needs_no_flag(splits: Splits, cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    model = untrained(recipe_of())

    class Perfect(Collecting):
        def reconstruct(self, block: np.ndarray) -> np.ndarray:
            super().reconstruct(block)
            return block

    monkeypatch.setattr(methods, "Collecting", Perfect)
    found = evaluate(model, recipe_of(), splits, cache)
    assert summary(found)["against_pca"]["psnr"]["low"] > 0
    assert summary(found)["flags"] == []
    assert summary(found)["scores"]["model"]["mse"]["mean"] == 0


def test_undefined_ssim_stays_undefined(cache: Path) -> None:
    """Below 11 pixels no window fits: null in the summary, which stays strict JSON, and NaN in the columns."""
    recipe = recipe_of({"data.size": 8})
    torch.manual_seed(0)
    found = evaluate(Autoencoder(recipe, (3, 8, 8)), recipe, load_data(recipe), cache)
    for who, scores in summary(found)["scores"].items():
        reason = "images are smaller than the window of 11 pixels"
        assert scores["ssim"] == {"mean": None, "low": None, "high": None, "undefined": reason}
        assert np.isnan(found.per_image[f"{who}_ssim"]).all()
        assert scores["psnr"]["low"] < scores["psnr"]["high"]
    json.dumps(summary(found), allow_nan=False)


# name: parameters, trainable, encoder, decoder; as Keras counts the post's networks
POST: dict[str, tuple[int, int, int | None, int | None]] = {
    "latent-10": (311_181, 310_285, 135_114, 176_067),
    "denoise": (311_181, 310_285, 135_114, 176_067),
    "latent-512": (4_424_067, 4_423_171, 2_191_808, 2_232_259),
    "many-layers": (6_618_499, 6_614_659, None, None),
}


@pytest.mark.parametrize("study", ["post", "post-faithful"])
@pytest.mark.parametrize("name", POST)
def test_the_posts_networks_have_the_posts_parameters(study: str, name: str) -> None:
    parameters, trainable, encoder, decoder = POST[name]
    (variation,) = (row for row in load_plan(study, {"model.linear": "none"}).variations if row.name == name)
    found = cost(Autoencoder(variation.recipe(0), (3, 32, 32)))
    assert (found.parameters, found.trainable) == (parameters, trainable)
    assert found.encoder_parameters + found.decoder_parameters == parameters
    if encoder is not None:
        assert (found.encoder_parameters, found.decoder_parameters) == (encoder, decoder)


def test_many_layers_at_latent_10() -> None:
    recipe = load_recipe("post/many-layers", {"bottleneck.dim": 10, "model.linear": "none"})
    assert cost(Autoencoder(recipe, (3, 32, 32))).parameters == 2_505_613


def test_multiply_adds_equal_a_hand_count() -> None:
    """Every layer of a tiny network on 32x32, 3x3 kernels: positions x inputs x outputs x 9."""
    found = cost(Autoencoder(load_recipe("post/latent-10", TINY), (3, 32, 32)))
    down = 16 * 16 * 3 * 4 * 9 + 8 * 8 * 4 * 5 * 9
    dense = 2 * (8 * 8 * 5) * 3
    # a transposed convolution works once per pixel of its input
    up = 8 * 8 * 5 * 5 * 9 + 16 * 16 * 5 * 4 * 9 + 32 * 32 * 4 * 3 * 9
    assert found.multiply_adds == down + dense + up


def test_frozen_noise_is_no_parameter(tiny: Callable[..., Recipe]) -> None:
    frozen = Autoencoder(tiny({"corruption.kind": "frozen"}), (3, 32, 32))
    assert cost(frozen) == cost(Autoencoder(tiny(), (3, 32, 32)))


def test_a_variational_encoder_owns_both_of_its_heads() -> None:
    """Mean and variance come from one layer, twice as wide; all of it counts for the encoder."""
    plain, variational = (
        cost(Autoencoder(recipe_of(KINDS[kind]), (3, SIDE, SIDE))) for kind in ("plain", "variational")
    )
    features = 5 * 4 * 4
    assert variational.encoder_parameters - plain.encoder_parameters == (features + 1) * 3
    assert variational.decoder_parameters == plain.decoder_parameters
