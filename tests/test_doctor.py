"""The doctor: for every rule a training that trips it and one that does not, and how its words reach people."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from tests.command import isthmus
from tests.families.small import CONV, recipe_of

import isthmus as ist
from isthmus import registry
from isthmus.atomic_files import write_json
from isthmus.checkup import examine, read_diagnoses
from isthmus.diagnosis import SEVERITIES, Diagnosis, as_sentence
from isthmus.files import read_json
from isthmus.model import Autoencoder
from isthmus.runs import load_data, run
from isthmus.symptoms import Pixels, Symptoms, falls, jumps, read_curve, rises

HEALTHY: dict[str, Any] = {"model.linear": "pca", "train.learning_rate": 1e-3}
VAE = {"bottleneck.kind": "gaussian", "bottleneck.dim": 8}
TRIPS: dict[str, dict[str, Any]] = {
    "below_pca": {"train.learning_rate": 1e-5, "train.epochs": 2},
    "collapsed": {**VAE, "objective.weights.kl": 300.0},
    "dead_codes": {
        "bottleneck.kind": "vq",
        "bottleneck.codes": 1024,
        "bottleneck.revive": 0.0,
        "objective.weights.commitment": 0.25,
        "train.epochs": 4,
    },
    "dead_units": {
        "bottleneck.kind": "top_k",
        "bottleneck.dim": 200,
        "bottleneck.k": 1,
        "bottleneck.boost": 0.0,
        "train.epochs": 4,
    },
    "far_from_prior": {**VAE, "objective.weights.kl": 1e-3},
    "ignores_latent": {"train.learning_rate": 1e-8, "train.epochs": 1},
    "noise_left_on": {"corruption.kind": "frozen", "train.epochs": 1},
    "overfits": {"data.train": 60, "bottleneck.dim": 64, "train.epochs": 150, "train.batch": 16},
    "rate_too_high": {"train.learning_rate": 0.02, "train.schedule": "constant", "train.batch": 16, "train.epochs": 10},
    "rate_too_low": {"train.learning_rate": 1e-4, "train.schedule": "constant", "train.epochs": 10},
    "too_wide": {"bottleneck.dim": 64, "train.epochs": 4},
}


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("doctor")


def made(home: Path, name: str, changes: dict[str, Any]) -> Path:
    """A finished run, trained once a session."""
    folder = home / name
    if not (folder / "evaluation.json").exists():
        recipe = recipe_of(changes)
        for _ in run(recipe, folder, load_data(recipe), home / "cache"):
            pass
    return folder


def found(folder: Path) -> dict[str, Diagnosis]:
    return {one.rule: one for one in ist.doctor(folder)}


@pytest.fixture(scope="module")
def healthy(home: Path) -> Path:
    return made(home, "healthy", HEALTHY)


def test_every_rule_has_a_run_that_trips_it() -> None:
    assert {*TRIPS, "input_range"} == set(registry.kinds("rules"))


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
    changes = {"regularizer.kind": "mmd", "regularizer.weight": 0.01, "train.epochs": 4}
    one = found(made(home, "weak-pull", changes))["far_from_prior"]
    assert "raise regularizer.weight" in one.remedy


def dark(folder: Path, *, brightest: int, count: int = 80) -> Path:
    folder.mkdir(parents=True)
    random = np.random.default_rng(0)
    for number in range(count):
        image = random.integers(0, brightest + 1, (16, 16, 3), dtype=np.uint8)
        Image.fromarray(image).save(folder / f"{number}.png")
    return folder


@pytest.mark.parametrize(("brightest", "trips"), [(1, True), (255, False)])
def test_images_scaled_twice_are_noticed(home: Path, brightest: int, trips: bool) -> None:
    images = dark(home / f"images-{brightest}", brightest=brightest)
    folder = home / f"dark-{brightest}"
    recipe = recipe_of({"train.epochs": 1})
    from isthmus.recipe import apply, resolve

    raw = apply(recipe.table(), {"data.kind": "folder", "data.path": str(images), "data.size": 16})
    recipe = resolve(raw)
    for _ in run(recipe, folder, load_data(recipe), home / "cache"):
        pass
    diagnoses = found(folder)
    assert ("input_range" in diagnoses) == trips
    if trips:
        assert "only the values 0 to 1" in diagnoses["input_range"].sentence


def symptoms(**changes: Any) -> Symptoms:
    """Those of a run without fault, one or another changed."""
    recipe = recipe_of()
    spread = {"mean": 1.0, "low": 0.5, "high": 1.5}
    summary = {
        "against_pca": {"psnr": spread},
        "scores": {"pca": {"components": 8}},
        "latent": {},
    }
    return replace(
        Symptoms(
            recipe,
            Autoencoder(recipe, (3, 16, 16)),
            summary,
            {"train": 0.01, "validation": 0.0105, "test": 0.0105, "shuffled": 0.05},
            np.ones(8),
            None,
            {8: 0.0105, 4: 0.02},
            None,
            {"train": Pixels(0, 255, 120.0, 30.0), "test": Pixels(0, 255, 118.0, 30.0)},
            (*((share / 10, 1 / (1 + share)) for share in range(1, 8)), (0.8, 0.12), (1.0, 0.119)),
        ),
        **changes,
    )


def test_without_symptoms_no_rule_speaks() -> None:
    assert examine(symptoms()) == []


def test_test_images_of_another_brightness_are_noticed() -> None:
    bright = {"train": Pixels(0, 255, 120.0, 30.0), "test": Pixels(0, 255, 200.0, 30.0)}
    (one,) = examine(symptoms(pixels=bright))
    assert one.rule == "input_range"
    assert "brighter than those it was trained on: 200 on average, not 120" in one.sentence


def test_the_gravest_comes_first() -> None:
    worse = {"train": 0.01, "validation": 0.02, "test": 0.02, "shuffled": 0.02}
    rules = examine(symptoms(mse=worse, narrowed={8: 0.01, 4: 0.01, 2: 0.01, 1: 0.5}))
    assert [one.rule for one in rules] == ["ignores_latent", "overfits", "too_wide"]
    assert rules[2].measured == {"enough": 2, "of": 8}


def test_collapse_is_graver_the_more_of_the_latent_it_takes(home: Path) -> None:
    part = registry.find("rules", "collapsed")()
    recipe = recipe_of({**VAE, "objective.weights.kl": 1.0})
    model = Autoencoder(recipe, (3, 16, 16))
    severities = []
    for dead in (0, 1, 4, 8):
        kl = np.array([0.0] * dead + [1.0] * (8 - dead))
        one = part.look(symptoms(recipe=recipe, model=model, kl=kl))
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
    journal.write_text("".join(json.dumps(line) + "\n" for line in steps[:3] + epochs[:3]))
    assert read_curve(journal) == ()
    assert read_curve(tmp_path / "nothing") == ()


def test_a_remedys_names_keep_their_spelling() -> None:
    assert as_sentence("set model.linear=pca, which starts at PCA") == "Set model.linear=pca, which starts at PCA."


def test_the_verb_prints_fault_and_remedy_and_ends_with_1_for_an_error(home: Path, healthy: Path) -> None:
    ignoring = made(home, "ignores_latent", TRIPS["ignores_latent"])
    done = isthmus("doctor", ignoring)
    assert done.code == 1
    assert "error  Its decoder ignores the latent" in done.out
    assert "the doctor found" in done.err
    well = isthmus("doctor", healthy)
    assert (well.code, well.out) == (0, "Nothing to mend: no rule found a fault.\n")


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
    assert "good/seed-0" in done.out and "Nothing to mend" in done.out
