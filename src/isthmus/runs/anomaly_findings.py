"""anomalies.json of a run: kept when labelled anomalies are scored, and read by the doctor."""

from __future__ import annotations

from pathlib import Path

from torch import nn

from isthmus.core.atomic_files import write_json
from isthmus.core.errors import RunError
from isthmus.evaluation.doctor.diagnosis import SEVERITIES
from isthmus.evaluation.doctor.examine import diagnosis
from isthmus.evaluation.doctor.found_anomalies import RULE, anomaly_fault
from isthmus.models.weights_hash import weights_hash
from isthmus.recipes.recipe import Recipe
from isthmus.run_files.anomalies import AnomalyRecord
from isthmus.run_files.diagnosis import Diagnosis
from isthmus.run_files.evaluation import EvaluationRecord
from isthmus.run_files.read import read_json, read_or_none, read_record
from isthmus.run_files.write import as_json, write_record
from isthmus.runs.claim import locked

NAME = "anomalies.json"


def read_anomalies(run: Path, *modules: nn.Module) -> AnomalyRecord | None:
    """What scoring labelled anomalies found; None if there is none, or only of other weights than these modules'."""
    found = read_or_none(run / NAME, AnomalyRecord)  # if it is damaged, the next scoring writes it again
    return found if found is not None and found.weights == weights_hash(*modules) else None


def anomaly_diagnosis(found: AnomalyRecord, recipe: Recipe, image_shape: tuple[int, int, int]) -> Diagnosis | None:
    """What the doctor says of labelled anomalies that a run of this recipe has scored."""
    fault = anomaly_fault(found, recipe)
    return None if fault is None else diagnosis(RULE, fault, recipe, image_shape)


def keep_anomalies(
    run: Path, found: AnomalyRecord, recipe: Recipe, image_shape: tuple[int, int, int]
) -> Diagnosis | None:
    """Write anomalies.json and put what the doctor says of it into evaluation.json, if the run has one.

    Returns what the doctor says. Raises RunError where another process is at work in the folder.
    """
    said = anomaly_diagnosis(found, recipe, image_shape)
    with locked(run):
        write_record(run / NAME, found)
        path = run / "evaluation.json"
        try:
            doctor = read_record(path, EvaluationRecord).doctor
        except RunError:
            return said  # not evaluated yet, or damaged: an evaluation examines it again
        if doctor is not None:
            now = [one for one in doctor if one.rule != RULE]
            if said is not None:
                now.append(said)
            now.sort(key=lambda one: SEVERITIES.index(one.severity))
            # not the record, which would lose keys that another version wrote
            write_json(path, read_json(path) | {"doctor": [as_json(one) for one in now]})
    return said
