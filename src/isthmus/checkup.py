"""Reads what a run shows and says, a sentence each, what is wrong with it and what to do."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from isthmus import registry
from isthmus.diagnosis import SEVERITIES, Diagnosis
from isthmus.errors import InputError, RunError
from isthmus.run_files.read import read_record
from isthmus.run_files.schema import Evaluation
from isthmus.symptoms import Symptoms


def examine(symptoms: Symptoms) -> list[Diagnosis]:
    """What the rules find, the gravest first; every rule of the package `rules` looks."""
    found = [registry.build("rules", kind, {}).look(symptoms) for kind in registry.kinds("rules")]
    return sorted(filter(None, found), key=lambda one: SEVERITIES.index(one.severity))


def read_diagnoses(folder: Path) -> Mapping[str, list[Diagnosis]]:
    """What the last evaluation of a run found, or of every finished run of a study, by run folder.

    Raises InputError where `folder` is neither, RunError where a run was not examined yet.
    """
    if (folder / "recipe.toml").is_file():
        runs = [folder]
    else:
        runs = sorted(path.parent for path in folder.glob("*/seed-*/evaluation.json"))
    if not runs:
        raise InputError(f"{folder}: neither a run nor a study with a finished run; `isthmus train` makes a run")
    return {str(run): _read(run) for run in runs}


def _read(run: Path) -> list[Diagnosis]:
    path = run / "evaluation.json"
    if not path.exists():
        raise RunError(f"{run}: is not evaluated yet; `isthmus evaluate {run}` examines it")
    doctor = read_record(path, Evaluation, f"`isthmus evaluate {run}` writes it anew").doctor
    if doctor is None:
        raise RunError(f"{path}: holds no examination; `isthmus evaluate {run}` makes one")
    return [Diagnosis(one.rule, one.severity, one.sentence, one.remedy, one.measured) for one in doctor]
