"""Runs the doctor's checks and turns what they find into sentences with remedies."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from isthmus.core import registry
from isthmus.core.errors import InputError, RunError
from isthmus.evaluation.doctor.diagnosis import SEVERITIES, Fault, as_sentence
from isthmus.evaluation.doctor.measurements import Measurements
from isthmus.evaluation.doctor.remedies import fitting
from isthmus.evaluation.interfaces import Check
from isthmus.recipes.recipe import Recipe
from isthmus.run_files.diagnosis import Diagnosis
from isthmus.run_files.evaluation import EvaluationRecord
from isthmus.run_files.read import read_record

_REMEDIES = 3  # shown at most: more would not help to decide


def examine(measured: Measurements, left_out: list[str] | None = None) -> list[Diagnosis]:
    """What the checks in `checks/` find, the most severe first; only checks for the run's state are run.

    left_out: gets a sentence for each check of another package that fails; what it found is not in the result.
    """
    found: list[Diagnosis] = []
    for kind in registry.usable("checks"):
        other = registry.foreign("checks", kind)
        try:
            with contextlib.nullcontext() if other is None else other.used():
                one = _found(kind, measured)
        except InputError as error:
            if other is None:
                raise
            if left_out is not None:
                left_out.append(str(error))
            continue
        if one is not None:
            found.append(one)
    return sorted(found, key=lambda one: SEVERITIES.index(one.severity))


def _found(kind: str, measured: Measurements) -> Diagnosis | None:
    """What one check finds. Raises ValueError or TypeError where it gives something else than a `Fault` or None."""
    rule: Check = registry.build("checks", kind, {})
    fault: Any = rule.look(measured) if measured.state in rule.states else None
    if fault is None:
        return None
    if not isinstance(fault, Fault):
        raise TypeError(f"gave a {type(fault).__name__}, and a Fault or None is needed")
    return diagnosis(kind, fault, measured.recipe, measured.model.image_shape)


def diagnosis(rule: str, fault: Fault, recipe: Recipe, image_shape: tuple[int, int, int]) -> Diagnosis:
    """The fault with the first remedies that fit the recipe."""
    remedies = fitting(recipe, fault.remedies, image_shape)[:_REMEDIES]
    words = ", or ".join(map(str, remedies))
    return Diagnosis(
        rule=rule,
        severity=fault.severity,
        sentence=fault.sentence,
        remedy=as_sentence(words),
        measured=dict(fault.measured),
        changes=tuple(dict(remedy.changes) for remedy in remedies if remedy.changes),
    )


def read_diagnoses(folder: Path) -> Mapping[str, Sequence[Diagnosis]]:
    """What the last evaluation of a run, or of each finished run of a study, found; by run folder.

    Raises InputError where `folder` is neither, RunError where a run has not been examined yet.
    """
    if any(os.path.lexists(folder / name) for name in ("recipe.toml", "evaluation.json")):
        runs = [folder]
    else:
        runs = sorted(path.parent for path in folder.glob("*/seed-*/evaluation.json"))
    if not runs:
        raise InputError(f"{folder}: neither a run nor a study with a finished run; `isthmus train` makes a run")
    return {str(run): _read(run) for run in runs}


def _read(run: Path) -> Sequence[Diagnosis]:
    path = run / "evaluation.json"
    if not path.exists():
        raise RunError(f"{run}: is not evaluated yet; `isthmus evaluate {run}` examines it")
    doctor = read_record(path, EvaluationRecord).doctor
    if doctor is None:
        raise RunError(f"{path}: holds no examination; `isthmus evaluate {run}` makes one")
    return doctor
