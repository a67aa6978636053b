"""The doctor: for every rule a training that trips it and one that does not, and how its words reach people."""

from __future__ import annotations

import json
import tracemalloc
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from sklearn.datasets import load_digits
from tests.command import isthmus
from tests.families.small import CONV, recipe_of

import isthmus as ist
from isthmus.core import registry
from isthmus.core.atomic_files import write_json
from isthmus.core.pixels import Rows
from isthmus.evaluation.baselines.mirroring import Mirroring
from isthmus.evaluation.doctor.diagnosis import ALWAYS, SEVERITIES, as_sentence
from isthmus.evaluation.doctor.examine import examine, read_diagnoses
from isthmus.evaluation.doctor.learning_curve import falls, jumps, read_curve, read_epochs, rises
from isthmus.evaluation.doctor.measurements import CodeUse, Measurements, TrainingCourse
from isthmus.evaluation.doctor.pixels import PixelStatistics, pixels_of, twins
from isthmus.evaluation.doctor.remedies import changed, fitting
from isthmus.models.autoencoder import Autoencoder
from isthmus.recipes.recipe import Recipe, apply, parse_overrides, resolve
from isthmus.recipes.study_plan import load_plan
from isthmus.recipes.training_length import budget
from isthmus.run_files.anomalies import AnomalyRecord, Separation
from isthmus.run_files.diagnosis import Diagnosis
from isthmus.run_files.evaluation import AgainstPca, Course, EvaluationRecord
from isthmus.run_files.read import read_json
from isthmus.run_files.scores import IntervalRecord, Score
from isthmus.runs.load import load_data
from isthmus.runs.run import run
from isthmus.training.events import Notice

HEALTHY: dict[str, Any] = {
    "model.linear": "pca",
    "train.optimizer": "muon",
    "train.learning_rate": 1e-3,
    "train.epochs": 24,
}
VAE = {"bottleneck.kind": "gaussian", "bottleneck.dim": 8}
SHORT = {"train.epochs": 2, "train.batch": 16}  # 136 steps, as many as it takes to be called trained
TRIPS: dict[str, dict[str, Any]] = {
    "below_pca": {**SHORT, "train.learning_rate": 1e-5},
    "collapsed": {**VAE, "objective.weights.kl": 300.0},
    "dead_codes": {
        "bottleneck.kind": "vq",
        "bottleneck.codes": 512,
        "bottleneck.revive": 0.0,
        "objective.weights.commitment": 0.25,
        "train.epochs": 8,
    },
    "dead_units": {
        **SHORT,
        "bottleneck.kind": "top_k",
        "bottleneck.dim": 200,
        "bottleneck.k": 1,
        "bottleneck.boost": 0.0,
    },
    "far_from_prior": {**VAE, "objective.weights.kl": 1e-3},
    "ignores_latent": {**SHORT, "train.learning_rate": 1e-8},
    "mirrored": {**SHORT, "data.kind": "digits", "train.mirror": True},
    "noise_left_on": {"corruption.kind": "frozen", "train.epochs": 1},
    "overfits": {"split.limit": 60, "bottleneck.dim": 64, "train.epochs": 150, "train.batch": 16},
    "rate_too_high": {**SHORT, "train.learning_rate": 0.05, "train.schedule": "constant"},
    "rate_too_low": {"train.learning_rate": 1e-4, "train.schedule": "constant", "train.epochs": 10},
    "stays_at_pca": {**SHORT, **CONV, "model.linear": "pca", "bottleneck.dim": 64},
    "untrained": {"train.epochs": 1},
}
LOSING = {"below_pca", "rate_too_low"}
# of pictures, seen in numbers alone, or of pictures that were scored later (tests/inference/anomaly)
UNTRAINED_HERE = {"input_range", "inverted_test", "leaked", "reconstructs_anomalies", "too_wide"}


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("doctor")


def pictures(home: Path, name: str = "scenes") -> Path:
    """A folder of them, without labels and causes, which take the longest to evaluate."""
    folder = home / name
    if not folder.exists():
        if name == "digits":
            save(folder / "train", (load_digits().images * 255 / 16).round().astype(np.uint8)[:1000, None])
            return folder / "train"
        drawn = registry.build("datasets", "scenes", {"train": 1200, "test": 120, "size": 16}).load()
        save(folder / "train", drawn.train.images)
        save(folder / "test", drawn.test.images)
    return folder / "train" if name == "digits" else folder


def save(folder: Path, images: np.ndarray) -> None:
    folder.mkdir(parents=True)
    for number, image in enumerate(images):
        pixels = image[0] if len(image) == 1 else image.transpose(1, 2, 0)
        Image.fromarray(pixels).save(folder / f"{number:04}.png", compress_level=1)


def recipe_on(path: Path, changes: dict[str, Any]) -> Recipe:
    size = 8 if changes.get("data.kind") == "digits" else 16
    chosen = {name: value for name, value in changes.items() if name != "data.kind"}
    raw = recipe_of({"train.warmup_steps": 20, **chosen}).table()
    return resolve(apply(raw, {"data.kind": "folder", "data.path": str(path), "data.size": size}))


def made(home: Path, name: str, changes: dict[str, Any]) -> Path:
    """A finished run, trained once a session."""
    folder = home / name
    if not (folder / "evaluation.json").exists():
        train_in(folder, recipe_on(pictures(home, changes.get("data.kind", "scenes")), changes), home)
    return folder


def train_in(folder: Path, recipe: Recipe, home: Path) -> list[Notice]:
    """The notices on the way."""
    return [one for one in run(recipe, folder, load_data(recipe), home / "cache") if isinstance(one, Notice)]


def found(folder: Path) -> dict[str, Diagnosis]:
    return {one.rule: one for one in ist.doctor(folder)}


@pytest.fixture(scope="module")
def healthy(home: Path) -> Path:
    return made(home, "healthy", HEALTHY)


def test_every_rule_has_a_run_that_trips_it() -> None:
    assert {*TRIPS, *UNTRAINED_HERE} == set(registry.kinds("checks"))


@pytest.mark.parametrize("rule", TRIPS)
def test_a_rule_finds_its_fault(home: Path, rule: str) -> None:
    diagnoses = found(made(home, rule, TRIPS[rule]))
    assert rule in diagnoses
    one = diagnoses[rule]
    assert one.severity in SEVERITIES
    for words in (one.sentence, one.remedy):
        assert not words[0].islower() and words.endswith(".")


def test_a_healthy_run_has_no_diagnosis(healthy: Path) -> None:
    assert found(healthy) == {}


@pytest.mark.parametrize(
    ("rule", "changes"),
    [
        ("collapsed", {**VAE, "objective.weights.kl": 0.3}),
        ("far_from_prior", {**VAE, "objective.weights.kl": 1.0}),
        ("far_from_prior", {**CONV, "regularizer.kind": "mmd", "train.epochs": 20}),
        ("dead_codes", {"bottleneck.kind": "fsq", "bottleneck.levels": [4, 4, 4]}),
        ("dead_units", {"bottleneck.kind": "top_k", "bottleneck.dim": 12, "bottleneck.k": 6, **CONV}),
    ],
)
def test_rules_of_a_family_stay_silent_on_its_healthy_run(home: Path, rule: str, changes: dict[str, Any]) -> None:
    assert rule not in found(made(home, f"healthy-{rule}-{len(changes)}", changes))


def test_a_pull_that_is_too_weak_is_noticed(home: Path) -> None:
    """Without a posterior: the regularizer says that latents should become draws of the prior."""
    changes = {"regularizer.kind": "mmd", "regularizer.weight": 0.01, "train.epochs": 8}
    one = found(made(home, "weak-pull", changes))["far_from_prior"]
    assert "raise regularizer.weight" in one.remedy


@pytest.mark.parametrize(("brightest", "trips"), [(1, True), (255, False)])
def test_images_scaled_twice_are_noticed(home: Path, brightest: int, trips: bool) -> None:
    random = np.random.default_rng(0)
    images = home / f"images-{brightest}"
    save(images, random.integers(0, brightest + 1, (80, 3, 16, 16), dtype=np.uint8))
    train_in(home / f"dark-{brightest}", recipe_on(images, {"train.epochs": 1}), home)
    diagnoses = found(home / f"dark-{brightest}")
    assert ("input_range" in diagnoses) == trips
    if trips:
        assert "only the values 0 to 1" in diagnoses["input_range"].sentence


def grey(mean: float, *, darker: float = 0.5) -> PixelStatistics:
    """PixelStatistics of whose values a share `darker` is 40 below the mean, and the rest as far above as it takes."""
    shares = np.zeros(256)
    shares[0], shares[255] = 0.01, 0.01
    shares[int(mean - 40)] += darker * 0.98
    shares[int(mean + 40 * darker / (1 - darker))] += (1 - darker) * 0.98
    return PixelStatistics(0, 255, mean, 30.0, shares)


def negative(pixels: PixelStatistics) -> PixelStatistics:
    return replace(pixels, mean=255 - pixels.mean, shares=pixels.shares[::-1])


def went(
    steps: int, pass_steps: int, kept: int, validation: tuple[float, ...], *, images: int = 1000, warmup_steps: int = 0
) -> TrainingCourse:
    return TrainingCourse(images, steps, pass_steps, warmup_steps, kept, validation)


def shown(**changes: Any) -> Measurements:
    """Those of a run without fault, one or another changed."""
    recipe = changes.get("recipe") or recipe_of()
    sound = Measurements(
        recipe,
        changes.get("model") or Autoencoder(recipe, (3, 16, 16)),
        against_pca(0.5, 1.5),
        {"train": 0.01, "validation": 0.0105, "test": 0.0105, "shuffled": 0.05, "negatives": 0.02},
        np.ones(8),
        None,
        {8: 0.0105, 4: 0.02},
        None,
        None,
        {"train": grey(100.0), "validation": grey(101.0), "test": grey(99.0)},
        True,
        0.0,
        Mirroring(1.0, 1000),
        went(2000, 100, 20, (0.03, 0.0105)),
        (*((share / 10, 1 / (1 + share)) for share in range(1, 8)), (0.8, 0.12), (1.0, 0.119)),
    )
    return replace(sound, **changes)


def against_pca(low: float, high: float, *, components: int = 8) -> EvaluationRecord:
    spread = IntervalRecord(mean=(low + high) / 2, low=low, high=high)
    return EvaluationRecord(
        name="one",
        seed=0,
        latent_size=8,
        scores={"pca": Score(components=components)},
        against_pca=AgainstPca(psnr=spread, validation=Course(pca_mse=0.013)),
    )


def found_anomalies(area: float, half: float = 0.05, *, measure: str = "mse") -> AnomalyRecord:
    """What scoring labelled anomalies found: the AUROC of the squared error is `area` plus or minus `half`."""
    mse = IntervalRecord(mean=area, low=area - half, high=area + half)
    sound = IntervalRecord(mean=0.9, low=0.85, high=0.95)
    areas = {"model": mse if measure == "mse" else sound, "pca": mse, "pixel_neighbours": sound}
    return AnomalyRecord(
        weights="sha256:0",
        measure=measure,
        normal="good",
        normal_pictures=100,
        anomalies=50,
        level=0.01,
        false_alarms=0.01,
        detected=0.02,
        methods={name: Separation(auroc=one, average_precision=one) for name, one in areas.items()},
        reconstruction=mse,
        normal_mse=0.01,
        anomaly_mse=0.011,
    )


def faulty(rule: str, recipe: Recipe, model: Autoencoder) -> Measurements | None:
    """Those of a run of this recipe that the rule finds faulty; None where it never looks at such a recipe."""
    kl = np.array([0.0, 0.0, 1.0, 1.0]) if model.bottleneck.penalties == ("kl",) else None
    codes = CodeUse(1024, 100_000, 3, 1.6) if model.bottleneck.codes else None
    far = {"train": 0.01, "validation": 0.02, "test": 0.02, "shuffled": 0.02, "negatives": 0.01}
    changes: dict[str, dict[str, Any]] = {
        "below_pca": {"evaluation": against_pca(-2.0, -1.0)},
        "collapsed": {"kl": kl, "spread": np.array([1e-9, 1e-9, 1.0, 1.0])},
        "dead_codes": {"codes": codes},
        "dead_units": {"spread": np.array([0.0, 0.0, 1.0, 1.0])},
        "far_from_prior": {"from_prior": 2.0},
        "ignores_latent": {"mse": far},
        "input_range": {"pixels": {"train": grey(120.0), "validation": grey(120.0), "test": grey(180.0)}},
        "inverted_test": {
            "pixels": {"train": grey(60.0), "validation": grey(60.0), "test": negative(grey(60.0))},
            "mse": {**far, "negatives": 0.005},
        },
        "leaked": {"twins": 0.1},
        "mirrored": {"mirroring": Mirroring(1.3, 1000)},
        "overfits": {"mse": far},
        "rate_too_high": {"curve": tuple((n / 20, 1.0 + n % 2) for n in range(1, 21))},
        "rate_too_low": {"curve": tuple((n / 20, 1 / n) for n in range(1, 21))},
        "reconstructs_anomalies": {"anomalies": found_anomalies(0.5)},
        "stays_at_pca": {"training": went(2000, 100, 0, (0.01, 0.03))},
        "too_wide": {"narrowed": {8: 0.01, 4: 0.01, 2: 0.01, 1: 0.5}},
        "untrained": {"training": went(10, 5, 2, ()), "evaluation": against_pca(-2.0, -1.0)},
        "noise_left_on": {},
    }
    return shown(recipe=recipe, model=model, **changes[rule])


@cache
def families() -> tuple[tuple[Recipe, Autoencoder], ...]:
    """Every family, narrow, with and without what a user may have set already."""
    narrow = {"architecture.width": 4, "architecture.depth": 1, "data.kind": "scenes", "data.size": 16}
    recipes = [one.recipe(0) for one in load_plan("families", narrow).variations]
    recipes += [recipe_of({"model.linear": "pca"}), recipe_of({"corruption.kind": "frozen", "train.mirror": True})]
    return tuple((one, Autoencoder(one, (3, 16, 16))) for one in recipes)


@pytest.mark.parametrize("rule", registry.kinds("checks"))
def test_a_rules_remedies_fit_every_family(rule: str) -> None:
    """What a rule would have changed can be built, whatever the recipe; and a rule says of which runs it speaks."""
    part, spoke = registry.build("checks", rule, {}), 0
    assert part.states and set(part.states) <= set(ALWAYS)
    for recipe, model in families():
        fault = part.look(faulty(rule, recipe, model))
        for remedy in fault.remedies if fault else ():
            if remedy.changes:
                changed(recipe, remedy, (3, 16, 16))  # raises InputError where it does not fit
                words = str(remedy)
                typed = [word.strip("(),") for word in words.split() if "=" in word]
                assert set(parse_overrides(typed)) == set(remedy.changes), words
        spoke += fault is not None
    assert spoke


@pytest.mark.parametrize("rule", registry.kinds("checks"))
def test_a_remedy_that_is_set_already_is_not_told(rule: str) -> None:
    """With a remedy's changes made, the same fault is answered by others."""
    part = registry.build("checks", rule, {})
    for recipe, model in families()[-2:]:
        fault = part.look(faulty(rule, recipe, model))
        for remedy in fitting(recipe, fault.remedies, (3, 16, 16)) if fault else ():
            other = changed(recipe, remedy, (3, 16, 16)) if remedy.changes else None
            if other is not None:
                assert remedy not in fitting(other, [remedy], (3, 16, 16))


@pytest.mark.parametrize(
    ("area", "half", "words"),
    [
        (0.52, 0.05, "reconstructs anomalies as well as normal pictures"),
        (0.4, 0.05, "reconstructs anomalies better than normal pictures"),
        (0.58, 0.05, None),  # measurably better than chance
        (0.7, 0.25, None),  # too few pictures to say
    ],
)
def test_anomalies_that_are_reconstructed_as_well_are_noticed(area: float, half: float, words: str | None) -> None:
    if words is None:
        assert examine(shown(anomalies=found_anomalies(area, half))) == []
        return
    one = one_of(anomalies=found_anomalies(area, half))
    assert (one.rule, one.severity) == ("reconstructs_anomalies", "warning") and words in one.sentence
    assert one.remedy.startswith("Use the distance to the nearest training image, whose AUROC is 0.90, or give it")
    assert one.changes == ({"bottleneck.dim": 2},)


def test_another_measure_that_finds_the_anomalies_is_kept() -> None:
    one = one_of(anomalies=found_anomalies(0.5, measure="latent"))
    assert one.remedy.startswith("Keep to the measure latent, whose AUROC is 0.90")


def test_a_healthy_run_gets_no_diagnosis() -> None:
    assert examine(shown()) == []


def one_of(**changes: Any) -> Diagnosis:
    (one,) = examine(shown(**changes))
    return one


def test_other_test_images_are_good_to_know_and_no_error() -> None:
    """A data set that brings test images of its own may mean them to differ; drawn from the rest they cannot."""
    bright = {"train": grey(120.0), "validation": grey(121.0), "test": grey(180.0)}
    one = one_of(pixels=bright)
    assert (one.rule, one.severity) == ("input_range", "note")
    assert "are brighter than those it was trained on: 180 on average, not 120" in one.sentence
    assert examine(shown(pixels=bright, own_test=False)) == []


def test_test_images_that_are_scaled_twice_are_an_error() -> None:
    black = replace(grey(60.0), low=0, high=1)
    one = one_of(pixels={"train": grey(100.0), "validation": grey(101.0), "test": black})
    assert (one.rule, one.severity) == (
        "input_range",
        "error",
    ) and "test images use only the values 0 to 1" in one.sentence


def test_16_bits_are_judged_like_the_8_highest_of_them() -> None:
    images = np.random.default_rng(0).integers(0, 256, (90, 1, 12, 9), dtype=np.uint8)
    deep = (images.astype(np.uint16) << 8) + np.random.default_rng(1).integers(0, 256, images.shape, dtype=np.uint16)
    few, many = pixels_of(images), pixels_of(Rows(deep, np.arange(90)))
    assert (few.low, few.high, few.mean, few.spread) == (many.low, many.high, many.mean, many.spread)
    assert np.array_equal(few.shares, many.shares)
    assert twins(deep[:60], np.concatenate([deep[:3] + 1, deep[60:]])) == pytest.approx(3 / 33)


def test_pixels_are_counted_in_little_memory() -> None:
    """Of 256 x 256 pixels, eight bytes for each value of all images would not fit."""
    images = np.zeros((4000, 3, 16, 16), np.uint8)
    images[3000:] = 255
    tracemalloc.start()
    try:
        seen = pixels_of(images)
        assert tracemalloc.get_traced_memory()[1] < images.nbytes
    finally:
        tracemalloc.stop()
    assert (seen.low, seen.high) == (0, 255)
    assert (seen.shares[0], seen.shares[255], seen.shares.sum()) == (0.75, 0.25, 1.0)


def test_a_denoiser_overfits_where_its_error_on_noisy_images_rises() -> None:
    """Its errors on clean images, and on photographs of more detail, are larger without any overfitting."""
    errors = {**shown().mse, "train": 0.001, "validation": 0.002, "noisy train": 0.010, "noisy validation": 0.016}
    assert examine(shown(mse=errors, training=went(2000, 100, 20, (0.05, 0.03, 0.016)))) == []
    alike = {**errors, "noisy validation": 0.011}
    assert examine(shown(mse=alike, training=went(2000, 100, 20, (0.05, 0.016, 0.019)))) == []
    risen = one_of(mse=errors, training=went(2000, 100, 20, (0.05, 0.016, 0.019)))
    assert risen.rule == "overfits" and "its error on noisy validation images is 1.6" in risen.sentence


def test_inverted_test_images_are_noticed() -> None:
    """By their values; and where these are as often dark as bright, by the model's errors."""
    values = {"train": grey(60.0), "validation": grey(60.0), "test": negative(grey(60.0))}
    assert one_of(pixels=values, mse={**shown().mse, "negatives": 0.01}).rule == "inverted_test"
    errors = {"train": 0.01, "validation": 0.01, "test": 0.03, "shuffled": 0.05, "negatives": 0.01}
    assert one_of(mse=errors).rule == "inverted_test"
    assert examine(shown(mse={**errors, "negatives": 0.04})) == []


def test_inverted_photographs_are_noticed_by_their_values(home: Path) -> None:
    """Through the pixels themselves: 500 images against 500 others, upright and inverted."""
    images = load_data(recipe_of()).train.images
    train, test = pixels_of(images[:500]), pixels_of(255 - images[500:1000])
    seen = {"train": train, "validation": pixels_of(images[1000:]), "test": test}
    mse = {**shown().mse, "negatives": 0.01}
    assert one_of(pixels=seen, mse=mse).rule == "inverted_test"
    assert examine(shown(pixels={**seen, "test": pixels_of(images[500:1000])}, mse=mse)) == []


def test_copies_of_training_images_are_found() -> None:
    images = load_data(recipe_of()).train.images
    noise = np.random.default_rng(0).integers(-2, 3, images[:10].shape)
    copies = np.clip(images[:10].astype(int) + noise, 0, 255).astype(np.uint8)
    assert twins(images[:800], images[800:1000]) == 0
    assert twins(images[:800], np.concatenate([copies, images[800:890]])) == pytest.approx(0.1)
    assert one_of(twins=0.1).rule == "leaked"


def test_the_gravest_comes_first() -> None:
    worse = {"train": 0.01, "validation": 0.02, "test": 0.02, "shuffled": 0.02, "negatives": 0.03}
    worse["validation"] = 0.0125
    worse["shuffled"] = 0.0125
    rules = examine(shown(mse=worse, narrowed={8: 0.01, 4: 0.01, 2: 0.01, 1: 0.5}))
    assert [one.rule for one in rules] == ["ignores_latent", "overfits", "too_wide"]
    assert rules[2].measured == {"enough": 2, "of": 8}


def test_a_latent_is_not_called_too_wide_by_a_network_that_loses_to_pca() -> None:
    narrowed = {8: 0.01, 4: 0.01, 2: 0.01, 1: 0.5}
    assert one_of(narrowed=narrowed).rule == "too_wide"
    assert [one.rule for one in examine(shown(narrowed=narrowed, evaluation=against_pca(-2.0, -1.0)))] == ["below_pca"]
    assert examine(shown(narrowed=narrowed, evaluation=against_pca(-0.1, 0.1))) == []
    losing = {"train": 0.02, "validation": 0.02, "test": 0.5, "shuffled": 0.05, "negatives": 0.5}
    assert examine(shown(narrowed=narrowed, mse=losing)) == []  # on other test images PCA may lose more


def test_codes_are_counted_once_for_all_that_is_said_of_them() -> None:
    """Never "used like 2 codes; 100 % never used": the two and the rest make all."""
    recipe = recipe_of({"bottleneck.kind": "vq", "objective.weights.commitment": 0.25})
    one = one_of(recipe=recipe, codes=CodeUse(1024, 100_000, 2, 1.4))
    assert "Of its 1,024 codes, 1,022 are never used; the 2 others carry as much information as 1.4" in one.sentence
    assert examine(shown(recipe=recipe, codes=CodeUse(1024, 2000, 200, 150.0))) == []  # too few draws to use more


def test_mirroring_is_recommended_where_it_does_no_harm() -> None:
    learnt = {"train": 0.01, "validation": 0.02, "test": 0.0105, "shuffled": 0.05, "negatives": 0.02}
    assert one_of(mse=learnt).changes[0]["train.mirror"] is True
    harmful = one_of(mse=learnt, mirroring=Mirroring(1.2, 1000))
    chosen = one_of(mse=learnt, recipe=recipe_of({"train.mirror": "auto"}))
    assert not any("train.mirror" in changes for changes in (*harmful.changes, *chosen.changes))


def test_a_handful_of_steps_is_untrained_and_nothing_else() -> None:
    """Whatever the numbers of such a network look like."""
    everything = {
        "mse": {"train": 0.01, "validation": 0.02, "test": 0.02, "shuffled": 0.02, "negatives": 0.02},
        "narrowed": {8: 0.01, 1: 0.01},
        "evaluation": against_pca(-5.0, -4.0),
        "curve": tuple((n / 20, 1.0 + n % 2) for n in range(1, 21)),
    }
    one = one_of(**everything, training=went(5, 1, 5, ()))
    assert (one.rule, one.changes) == ("untrained", ({"train.epochs": 1000},))
    assert "it took 5 steps" in one.sentence
    assert one_of(**everything, training=went(500, 10, 5, (), warmup_steps=400)).rule == "untrained"
    assert len(examine(shown(**everything, training=went(500, 10, 5, ())))) > 2


def test_the_doctor_and_the_notice_before_training_say_the_same_of_a_handful_of_steps(home: Path) -> None:
    """The warm-up that was taken, not the recipe's, and one number of epochs."""
    recipe = recipe_on(pictures(home), {"split.limit": 90, "train.epochs": 2, "train.warmup_steps": 100})
    train_in(home / "handful", recipe, home)
    one, environment = found(home / "handful")["untrained"], read_json(home / "handful/environment.json")
    steps, warmup = (environment["schedule"][key] for key in ("steps", "warmup_steps"))
    (changes,) = one.changes
    assert f"it took {steps} steps, {warmup} of them in the warm-up" in one.sentence and 0 < warmup < steps
    assert f"set train.epochs={changes['train.epochs']}, or" in " ".join(environment["data"]["notices"])


@pytest.mark.parametrize(
    "limits",
    [
        {},
        {"train.steps": 32},
        {"train.epochs": 3, "train.least_steps": 500},
        {"train.epochs": 3, "train.least_steps": 500, "train.steps": 40},
    ],
)
def test_longer_is_longer_whatever_ended_the_training(limits: dict[str, Any]) -> None:
    """Twice the epochs of a run that `train.steps` or a study's budget cut short are the same run."""
    recipe, images = recipe_of({"train.epochs": 40, "train.batch": 16, **limits}), 120
    taken = budget(recipe, images).steps
    course = went(taken, -(-images // recipe.train.batch), 3, ())
    seen = shown(recipe=recipe, training=course)
    for changes, wanted in ((seen.longer(2), 2 * taken), (seen.trained_for(5000), 5000)):
        longer = budget(resolve(apply(recipe.table(), changes)), images).steps
        assert abs(longer - wanted) <= course.pass_steps, changes


def test_longer_moves_a_limit_of_seconds_too() -> None:
    recipe = recipe_of({"train.epochs": 40, "train.seconds": 10.0})
    seen = shown(recipe=recipe, training=went(300, 8, 3, ()))
    assert seen.longer(2) == {"train.epochs": 75, "train.seconds": 20}


def test_weights_that_are_pcas_are_called_so() -> None:
    """What is said of them is about PCA, or about what training did to it; never that the network learned by heart."""
    recipe = recipe_of({"model.linear": "pca"})
    still: dict[str, Any] = {"recipe": recipe, "evaluation": against_pca(0.0, 0.0)}
    calm = went(2000, 100, 0, (0.01, 0.0104, 0.0102))
    one = one_of(**still, training=calm)
    assert one.rule == "stays_at_pca" and "It is still PCA with 8 components" in one.sentence
    assert {"train.epochs": 4 * recipe.train.epochs} in one.changes
    learnt = {"train": 0.01, "validation": 0.02, "test": 0.02, "shuffled": 0.05, "negatives": 0.05}
    both = {one.rule: one for one in examine(shown(**still, training=calm, mse=learnt))}
    assert set(both) == {"stays_at_pca", "overfits"}
    assert both["overfits"].sentence.startswith("It is PCA, and with this many components PCA memorises")
    harmed = {one.rule: one for one in examine(shown(**still, training=went(2000, 100, 0, (0.01, 0.05, 0.02))))}
    assert set(harmed) == {"stays_at_pca", "rate_too_high"}
    assert "to 5.0 times PCA's error" in harmed["rate_too_high"].sentence
    assert all("learning_rate" in str(dict(harmed[rule].changes[0])) for rule in harmed)
    near = went(2000, 100, 3, (0.01, 0.0104, 0.00999))
    assert one_of(recipe=recipe, evaluation=against_pca(0.0, 0.01), training=near).rule == "stays_at_pca"
    assert examine(shown(recipe=recipe, training=near)) == []


@pytest.mark.parametrize("linear", ["none", "pca"])
def test_on_a_handful_of_images_more_of_them_is_the_only_advice(linear: str) -> None:
    """Whatever is tried on 2 images, the next run's fault would be another; and sentences keep their sense."""
    recipe = recipe_of({"model.linear": linear})
    seen: dict[str, Any] = {
        "recipe": recipe,
        "mse": {"train": 1e-9, "validation": 0.02, "test": 0.02, "shuffled": 0.02, "negatives": 0.05},
        "evaluation": against_pca(*((0.0, 0.0) if linear == "pca" else (-2.0, -1.0)), components=1),
        "curve": tuple((n / 20, 1 / n) for n in range(1, 21)),
    }
    found = {one.rule: one for one in examine(shown(**seen, training=went(2000, 1, 0, (), images=2)))}
    rules = {"stays_at_pca"} if linear == "pca" else {"ignores_latent", *LOSING}
    assert set(found) == {"overfits", *rules}
    assert {one.remedy for one in found.values()} == {"Use more images."}
    assert "over 100 times its error on training images" in found["overfits"].sentence
    words = "PCA with 1 component, as many as 2 images determine"
    assert words in found["stays_at_pca" if linear == "pca" else "below_pca"].sentence
    many = examine(shown(**seen, training=went(2000, 1, 0, (), images=1000)))
    assert any("Train longer" in one.remedy for one in many)


def test_pca_that_knows_every_training_image_has_nothing_to_learn_from_them() -> None:
    """Its error in training is nothing already."""
    wide = {"recipe": recipe_of({"model.linear": "pca", "bottleneck.dim": 30}), "evaluation": against_pca(0.0, 0.0)}
    assert one_of(**wide, training=went(2000, 1, 0, (), images=30)).remedy == "Use more images."
    assert one_of(**wide, training=went(2000, 1, 0, (), images=31)).remedy.startswith("Train longer")


def test_collapse_is_graver_the_more_of_the_latent_it_takes(home: Path) -> None:
    part = registry.find("checks", "collapsed")()
    recipe = recipe_of({**VAE, "objective.weights.kl": 1.0})
    model = Autoencoder(recipe, (3, 16, 16))
    severities = []
    for dead in (0, 1, 4, 8):
        kl = np.array([0.0] * dead + [1.0] * (8 - dead))
        one = part.look(shown(recipe=recipe, model=model, kl=kl))
        severities.append(one.severity if one else None)
    assert severities == [None, "note", "warning", "error"]


def test_a_curves_shape_is_read() -> None:
    falling = tuple((n / 20, 1 / n) for n in range(1, 21))
    level = tuple((n / 20, 1.0) for n in range(1, 21))
    rough = tuple((n / 20, 1.0 + n % 2) for n in range(1, 21))
    assert falls(falling) == pytest.approx(1 - np.mean([1 / 19, 1 / 20]) / np.mean([1 / 14, 1 / 15, 1 / 16, 1 / 17]))
    assert falls(level) == 0
    assert jumps(level, 0.1) == 0
    assert jumps(rough, 0.1) == pytest.approx(0.5)
    assert rises(falling) == pytest.approx(19 / 20) and rises(rough) == 2
    assert rises(()) is None and rises(falling[:1]) == 0
    assert falls(()) is None and jumps(falling[:3], 0.1) is None


def test_the_curve_is_of_epochs_or_else_of_logged_steps(tmp_path: Path) -> None:
    journal = tmp_path / "metrics.jsonl"
    steps = [{"kind": "train", "step": n, "epoch": 1, "seconds": n, "distortion": 10 - n / 10} for n in range(1, 12)]
    epochs = [{"kind": "epoch", "step": n, "epoch": n, "seconds": 2 * n, "validation_mse": 1 / n} for n in range(1, 9)]
    journal.write_text("".join(json.dumps(line) + "\n" for line in steps) + '{"kind": "tr')
    assert read_curve(journal)[-1] == (1.0, 10 - 1.1)
    journal.write_text("".join(json.dumps(line) + "\n" for line in steps + epochs))
    assert read_curve(journal)[0] == (0.125, 1.0)
    stalled = [{**line, "seconds": line["seconds"] + 1000 * (line["step"] > 6)} for line in steps + epochs]
    by_steps = read_curve(journal)
    journal.write_text("".join(json.dumps(line) + "\n" for line in stalled))
    assert read_curve(journal) == by_steps
    journal.write_text("".join(json.dumps(line) + "\n" for line in steps[:3] + epochs[:3]))
    assert read_curve(journal) == ()
    assert read_curve(tmp_path / "nothing") == ()


def test_the_curve_of_a_denoiser_is_that_of_noisy_images(tmp_path: Path) -> None:
    """On clean images, a start at PCA is the best, and training only raises the error."""
    rows = [
        {
            "kind": "epoch",
            "step": 10 * epoch,
            "epoch": epoch,
            "seconds": 1.0,
            "validation_mse": 0.001 * (1 + epoch),
            "corrupted_validation_loss": 1 / (1 + epoch),
        }
        for epoch in range(9)
    ]
    journal = tmp_path / "metrics.jsonl"
    journal.write_text("".join(json.dumps(row) + "\n" for row in rows))
    assert read_curve(journal)[-1] == (1.0, 1 / 9)
    assert read_epochs(journal) == tuple(1 / (1 + epoch) for epoch in range(9))


def test_a_remedys_names_keep_their_spelling() -> None:
    assert as_sentence("set model.linear=pca, which starts at PCA") == "Set model.linear=pca, which starts at PCA."


def test_the_verb_prints_fault_and_remedy_and_ends_with_1_for_an_error(home: Path, healthy: Path) -> None:
    ignoring = made(home, "ignores_latent", TRIPS["ignores_latent"])
    done = isthmus("doctor", ignoring)
    assert done.code == 1
    assert "error  Its decoder ignores the latent" in done.out
    assert "the doctor found" in done.err
    well = isthmus("doctor", healthy)
    assert (well.code, well.out) == (0, "No check found a fault.\n")


def test_the_verb_gives_json(home: Path) -> None:
    folder = made(home, "noise_left_on", TRIPS["noise_left_on"])
    answer = json.loads(isthmus("doctor", folder, "--json").out)
    rules = {one["rule"] for one in answer[str(folder)]}
    assert "noise_left_on" in rules


def test_what_was_never_examined_is_said(healthy: Path, tmp_path: Path) -> None:
    old = tmp_path / "old"
    old.mkdir()
    (old / "recipe.toml").write_bytes((healthy / "recipe.toml").read_bytes())
    done = isthmus("doctor", old)
    assert done.code == 1
    assert "is not evaluated yet; `isthmus evaluate" in done.err
    summary = read_json(healthy / "evaluation.json")
    del summary["doctor"]
    write_json(old / "evaluation.json", summary)
    assert "holds no examination; `isthmus evaluate" in isthmus("doctor", old).err
    done = isthmus("doctor", tmp_path)
    assert (done.code, "neither a run nor a study" in done.err) == (2, True)


def test_a_study_is_examined_run_by_run(healthy: Path, home: Path, tmp_path: Path) -> None:
    for name, source in (("good", healthy), ("ignoring", made(home, "ignores_latent", TRIPS["ignores_latent"]))):
        where = tmp_path / name / "seed-0"
        where.mkdir(parents=True)
        write_json(where / "evaluation.json", read_json(source / "evaluation.json"))
    assert [len(lines) > 0 for lines in read_diagnoses(tmp_path).values()] == [False, True]
    done = isthmus("doctor", tmp_path)
    assert "good/seed-0" in done.out and "No check found a fault" in done.out
