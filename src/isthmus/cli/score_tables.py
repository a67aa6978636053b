"""Calibrations and anomaly scores as the command line prints them."""

from __future__ import annotations

import math
from pathlib import Path
from typing import TYPE_CHECKING, Any

from isthmus.cli.console import new_console, print_hanging
from isthmus.cli.narrow_tables import print_table
from isthmus.core.wording import all_printable, counted, on_one_line, printable
from isthmus.inference.anomaly.conformal import percent
from isthmus.inference.anomaly.errors import UNITS
from isthmus.run_files.anomalies import AnomalyRecord
from isthmus.run_files.write import as_json as dumped

if TYPE_CHECKING:
    from isthmus.api.verbs import ScoredRun
    from isthmus.inference.anomaly.calibrate import Calibrated
    from isthmus.run_files.scores import IntervalRecord

_SHOWN = 8  # of the highest errors


def print_calibration(made: Calibrated, path: Path) -> None:
    """The measure and why, the errors, what their number allows, and where they are kept."""
    record, errors = made.calibration.record, made.calibration.errors
    console = new_console()
    console.print(f"Measure of the error: {printable(record.why)}", markup=False)
    middle, highest = float(errors[(len(errors) - 1) // 2]), float(errors[-1])
    console.print(
        f"{counted(record.pictures, 'normal picture')} from {printable(record.source)}: {record.measure} "
        f"({UNITS[record.measure]}) median {middle:.3g}, highest {highest:.3g}.",
        markup=False,
    )
    console.print(made.allows, markup=False)
    console.print(printable(str(path)), markup=False, soft_wrap=True)


def print_scores(found: ScoredRun) -> None:
    """What is flagged and what that promises, the highest errors, and with labels how well errors find anomalies."""
    scored, console = found.scored, new_console()
    console.print(scored.summary, markup=False)
    console.print(scored.measured, markup=False)
    rows = [
        (
            on_one_line(scored.path[one.index]),
            f"{scored.error[one.index]:.4g}",
            f"{scored.p_value[one.index]:.3g}",
            "flagged" if scored.flag[one.index] else "",
            f"row {one.place.top}, column {one.place.left}",
        )
        for one in scored.highest[:_SHOWN]
    ]
    console.print()
    print_table(console, ("highest errors", "error", "p-value", "flag", "where, pixels"), rows)
    if scored.judged is not None and scored.judged.record is not None:
        _print_anomalies(console, AnomalyRecord.model_validate(all_printable(dumped(scored.judged.record))))
    if found.doctor is not None:
        console.print()
        print_hanging(console, printable(found.doctor.sentence), after=f"{found.doctor.severity}  ", style="bold")
        print_hanging(console, printable(found.doctor.remedy), after=" " * len(f"{found.doctor.severity}  "))


def as_json(found: ScoredRun, out: Path) -> dict[str, Any]:
    """Everything that is known of the scores, for programs."""
    scored = found.scored
    judged = scored.judged
    low, high = scored.promise.likely
    return {
        "table": str(out),
        "measure": scored.calibration.record.measure,
        "promise": {
            "false_alarms": scored.promise.level,
            "calibration_pictures": scored.promise.n,
            "flagged_up_to": scored.promise.rate,
            "likely_rate": [low, high],
        },
        "flagged": int(scored.flag.sum()),
        "pictures": [
            {"path": path, "error": error if math.isfinite(error) else None, "p_value": p, "flag": flag}
            for path, error, p, flag in zip(
                scored.path, scored.error.tolist(), scored.p_value.tolist(), scored.flag.tolist(), strict=True
            )
        ],
        "highest": [
            {
                "path": scored.path[one.index],
                "window": {"top": one.place.top, "left": one.place.left, "side": one.place.side},
            }
            for one in scored.highest
        ],
        "anomalies": dumped(judged.record) if judged is not None and judged.record is not None else None,
        "doctor": dumped(found.doctor) if found.doctor is not None else None,
        "notices": list(found.notices),
    }


def _print_anomalies(console: Any, record: AnomalyRecord) -> None:
    console.print(
        f"\n{counted(record.normal_pictures, 'normal picture')} ({record.normal}) and "
        f"{'1 anomaly' if record.anomalies == 1 else f'{record.anomalies:,} anomalies'}: "
        f"{percent(record.false_alarms)} of the normal ones and {percent(record.detected)} of the anomalies are "
        "flagged.",
        markup=False,
    )
    names = {"model": "this model", "pca": "PCA", "pixel_neighbours": "neighbours"}  # three intervals in 80 columns
    rows: list[tuple[str, ...]] = []
    for name, method in record.methods.items():
        over = record.over.get(name)
        rows.append(
            (
                names.get(name, name),
                _interval(method.auroc),
                _interval(method.average_precision),
                "" if over is None else _interval(over, "+.3f"),
            )
        )
    print_table(console, ("", "AUROC", "average precision", "model's AUROC over it"), rows)
    if record.kinds:
        kinds = [
            (name, f"{kind.pictures:,}", _interval(kind.auroc), percent(kind.flagged))
            for name, kind in record.kinds.items()
        ]
        print_table(console, ("anomaly", "pictures", "AUROC", "flagged"), kinds)
    console.print(
        f"PCA: the error of {record.pca}. Neighbours: the distance to the nearest of {record.neighbours_of:,} training "
        "images, pixel by pixel. In brackets: 95 % intervals over these pictures (AUROC: DeLong; average precision: "
        f"bootstrap). By chance, AUROC is 0.50 and average precision {record.chance:.2f}.",
        markup=False,
    )


def _interval(value: IntervalRecord, form: str = ".2f") -> str:
    return f"{value.mean:{form}} ({value.low:{form}} to {value.high:{form}})"
