"""What the doctor finds in trainings whose faults are known: `python -m bench.doctor_table`, writes into records/.

Every remedy that options can do is applied in a run of its own: it must help, or at least do no harm.
"""

from __future__ import annotations

import argparse
import json
import math
import shlex
import shutil
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from bench.contest import ROOT
from bench.doctor_cases import BASE, FAULTY, HEALTHY, Case
from bench.doctor_images import SIDE, folder
from bench.record import hardware
from isthmus.core.errors import RunError
from isthmus.data.splits import Splits
from isthmus.evaluation.doctor.learning_curve import read_epochs
from isthmus.recipes.recipe import Recipe, apply, resolve
from isthmus.run_files.read import read_json
from isthmus.runs.load import load_data
from isthmus.runs.run import run

_HARM = 0.1  # largest loss of PSNR in dB that a remedy may cause
# higher limits for faults that are not about reconstruction error, since their remedies cost some of it; for example,
# new noise at every step is a harder task, and this PSNR does not measure its benefit on noisy pictures
_PAID_DB = {"far_from_prior": 99.0, "too_wide": 0.3, "collapsed": 0.3, "noise_left_on": 0.3}


@dataclass(frozen=True)
class Tried:
    """A remedy's run: PSNR in dB with and without it, and the rule's diagnosis afterwards."""

    changes: Mapping[str, Any]
    psnr: float
    over: float
    gone: bool
    verdict: str  # "helps", "harms nothing" or "wrong"


@dataclass
class Row:
    """The result of a case: the diagnosis of each rule, and the effect of its remedies."""

    case: Case
    found: dict[str, dict[str, Any]]
    psnr: float
    tried: dict[str, list[Tried]] = field(default_factory=dict)

    @property
    def hit(self) -> bool:
        return self.case.fault in self.found

    @property
    def false_alarms(self) -> list[str]:
        return [rule for rule in self.found if rule != self.case.fault and rule not in self.case.also]


def recipe_of(case: Case, seed: int, home: Path) -> Recipe:
    images = folder(case.images, seed, home / "images")
    data = {"data.kind": "folder", "data.path": str(images), "data.size": 8 if "digits" in case.images else SIDE}
    kinds = {path for path in case.changes if path.endswith(".kind")}  # a new kind drops the options of the base's kind
    base = {path: value for path, value in BASE.items() if f"{path.partition('.')[0]}.kind" not in kinds}
    return resolve(apply({}, {**data, "seed": seed, **base, **case.changes}))


@cache
def _read(path: str, size: int) -> Splits:
    raw = {**BASE, "data.kind": "folder", "data.path": path, "data.size": size}
    return load_data(resolve(apply({}, raw)))


@dataclass(frozen=True)
class Judged:
    """A finished run: the doctor's diagnoses, and PSNR in dB of its test images, or of its validation images."""

    doctor: Sequence[Mapping[str, Any]]
    psnr: float


def judged(case: Case, recipe: Recipe, place: Path, home: Path) -> Judged | None:
    """A run of the recipe; None if its loss became non-finite."""
    shutil.rmtree(place, ignore_errors=True)
    try:
        for _ in run(recipe, place, _read(recipe.data.options["path"], recipe.data.options["size"]), home / "cache"):
            pass
    except RunError:
        return None
    evaluation = read_json(place / "evaluation.json")
    held_out = evaluation["scores"]["model"]["psnr"]["mean"]
    return Judged(
        evaluation["doctor"],
        -10 * math.log10(min(read_epochs(place / "metrics.jsonl"))) if case.wrong_test else held_out,
    )


def examine(case: Case, seed: int, home: Path, *, remedies: int) -> Row | None:
    recipe = recipe_of(case, seed, home)
    first = judged(case, recipe, home / "run", home)
    if first is None:
        return None
    found = {one["rule"]: dict(one) for one in first.doctor}
    row = Row(case, found, first.psnr)
    for rule, one in found.items():
        row.tried[rule] = [_tried(case, recipe, rule, changes, first, home) for changes in one["changes"][:remedies]]
    return row


def _tried(case: Case, recipe: Recipe, rule: str, changes: Mapping[str, Any], first: Judged, home: Path) -> Tried:
    again = judged(case, resolve(apply(recipe.table(), changes)), home / "again", home)
    if again is None:
        return Tried(changes, math.nan, math.nan, gone=False, verdict="wrong")
    gone = rule not in {one["rule"] for one in again.doctor}
    cost = first.psnr - again.psnr
    if cost <= -_HARM or (gone and cost <= _PAID_DB.get(rule, _HARM)):
        verdict = "helps"
    else:
        verdict = "harms nothing" if cost <= _PAID_DB.get(rule, _HARM) else "wrong"
    return Tried(changes, again.psnr, -cost, gone, verdict)


def page(
    rows: Sequence[Row], diverged: Sequence[str], seed: int, seconds: float, machine: Mapping[str, Any], command: str
) -> str:
    faulty = [row for row in rows if row.case.fault]
    healthy = [row for row in rows if not row.case.fault]
    tried = [one for row in rows for several in row.tried.values() for one in several]
    hits, wrong = sum(row.hit for row in faulty), [one for one in tried if one.verdict == "wrong"]
    alarms = sum(len(row.false_alarms) for row in rows)
    lines = [
        f"# What the doctor finds in {len(faulty)} faulty and {len(healthy)} healthy trainings, seed {seed}",
        "",
        "**Question.** Does it find faults that were put there, is it silent where there is none, and do its remedies "
        "help?",
        "",
        f"**Machine.** {machine['cpu']}, {machine['cores']} cores; torch {machine['torch']}, isthmus "
        f"{machine['isthmus']}; {time.strftime('%Y-%m-%d')}; {seconds / 60:.0f} minutes beside other work.",
        "",
        f"**Run.** `{command}`. Pictures of 8 and 16 pixels, a second or two of "
        "training each. A rule other than the fault counts as a false alarm, unless the case allows it because it is "
        "true as well (`bench/doctor_cases.py`). A remedy that options can do is trained anew: it helps where PSNR "
        "rises by 0.1 dB or the fault is gone; it is wrong where PSNR falls by more than 0.1 dB (0.3 dB where it is "
        "to save numbers of the latent or to learn from fresh noise; not counted where the fault is one of draws, "
        "which PSNR does not see). PSNR is of test images, or of validation images where test images may be the fault.",
        "",
        "| goal | wanted | found |",
        "|---|---|---|",
        f"| faults found | 18 of 20 | {hits} of {len(faulty)} |",
        f"| false alarms | none | {alarms} |",
        f"| wrong remedies | none | {len(wrong)} of {len(tried)} tried |",
        "",
    ]
    for title, part in (("Faulty", faulty), ("Healthy", healthy)):
        lines += [f"## {title}", "", "| training | pictures | PSNR dB | put there | found | remedies tried |"]
        lines.append("|---|---|---|---|---|---|")
        lines += [_line(row) for row in part]
        lines.append("")
    if diverged:
        lines += [f"Without a finite loss, and so not examined: {', '.join(diverged)}.", ""]
    return "\n".join(lines)


def _line(row: Row) -> str:
    found = [rule + (" (false alarm)" if rule in row.false_alarms else "") for rule in row.found] or ["nothing"]
    if row.case.fault and not row.hit:
        found.append("(missed)")
    tried = [
        f"`{' '.join(f'{path}={value}' for path, value in one.changes.items())}` {one.over:+.2f} dB"
        f"{', gone' if one.gone else ''}: {one.verdict}"
        for several in row.tried.values()
        for one in several
    ]
    cells = [row.case.name, row.case.images, f"{row.psnr:.2f}", row.case.fault or "", ", ".join(found)]
    return f"| {' | '.join([*cells, '; '.join(tried)])} |"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seed", type=int, default=0, help="of the pictures and of the trainings")
    parser.add_argument("--only", default="", help="cases whose name holds this; writes no record")
    parser.add_argument("--remedies", type=int, default=3, help="of each diagnosis that are tried, the likeliest first")
    given = parser.parse_args()
    command = shlex.join(["python", "-m", "bench.doctor_table", *sys.argv[1:]])
    machine, begun = hardware("cpu"), time.monotonic()
    rows: list[Row] = []
    diverged: list[str] = []
    with TemporaryDirectory(prefix="isthmus-") as home:
        for case in (*FAULTY, *HEALTHY):
            if given.only not in case.name:
                continue
            try:
                row = examine(case, given.seed, Path(home), remedies=given.remedies)
            except FileNotFoundError as error:
                print(f"{case.name}: left out, {error} is not there", flush=True)
                continue
            if row is None:
                diverged.append(case.name)
                continue
            rows.append(row)
            print(_line(row), flush=True)
    text = page(rows, diverged, given.seed, time.monotonic() - begun, machine, command)
    print(text)
    if given.only:
        return
    name = f"{time.strftime('%Y-%m-%d')}-doctor-seed-{given.seed}"
    (ROOT / "records" / f"{name}.md").write_text(text, encoding="utf-8")
    record = {
        "format": 1,
        "seed": given.seed,
        "hardware": machine,
        "rows": [{**asdict(row), "psnr": row.psnr} for row in rows],
    }
    (ROOT / "records" / f"bench-{name}.json").write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
