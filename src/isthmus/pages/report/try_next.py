"""Three commands that fit what a study or a run has found."""

from __future__ import annotations

import json
import math
import shlex
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import count, islice
from pathlib import Path

from pydantic import JsonValue

from isthmus.core.wording import counted
from isthmus.pages.report.commands import as_options, beside, in_a_name, quoted, train_again
from isthmus.pages.report.limits import undecided
from isthmus.pages.report.read_folder import Compared, RunFolder, StudyFolder
from isthmus.recipes.recipe import Raw
from isthmus.run_files.diagnosis import Diagnosis
from isthmus.run_files.metrics import EpochRecord
from isthmus.run_files.scores import Score
from isthmus.runs.belonging import written_recipe

_THREE = 3
_STILL_RISING = 0.1
"""dB over the last quarter of the epochs: less is not worth as much training again."""
_SEVERITIES = ("error", "warning", "note")

Said = tuple[RunFolder, Diagnosis]


@dataclass(frozen=True)
class Advice:
    """Why, in a sentence, and a command."""

    why: str
    command: str


def after_study(study: StudyFolder, subjects: Sequence[Compared]) -> list[Advice]:
    """At most three, the most important first."""
    return list(islice(_distinct(_of_study(study, [subject.runs[0] for subject in subjects])), _THREE))


def after_run(run: RunFolder) -> list[Advice]:
    """At most three, the most important first."""
    return list(islice(_distinct(_of_run(run)), _THREE))


def _of_study(study: StudyFolder, runs: Sequence[RunFolder]) -> Iterator[Advice]:
    said = _diagnoses(runs)
    again = (study.path / "study.toml").is_file()
    if again:
        yield from _lost_runs(study)
    yield from _remedies([one for one in said if one[1].severity == "error"])
    if again and runs:
        yield from _more_seeds(study)
    yield from _remedies([one for one in said if one[1].severity == "warning"])
    yield from _longer(runs)
    yield from _remedies(said)
    best_first = sorted(runs, key=_score, reverse=True)
    # runs that were only compared have no folder in common that a verb could take
    yield from _put_to_work(study.path if again or not runs else best_first[0].path, best_first)


def _of_run(run: RunFolder) -> Iterator[Advice]:
    said = _diagnoses([run])
    yield from islice(_remedies([one for one in said if one[1].severity != "note"]), 1)
    yield from _longer([run])
    if _recipe(run):
        name, seed = run.evaluation.name, run.evaluation.seed + 1
        why = f"One seed shows nothing about the luck of training: train {name} with another one."
        yield Advice(why, train_again(run.path, {"seed": seed}, f"seed-{seed}"))
    yield from _remedies(said)
    yield from _put_to_work(run.path, [run])


def _distinct(advice: Iterator[Advice]) -> Iterator[Advice]:
    seen: set[str] = set()
    for one in advice:
        if one.command not in seen:
            seen.add(one.command)
            yield one


def _lost_runs(study: StudyFolder) -> Iterator[Advice]:
    """Run what has no result. If nothing has one, also try one run alone, and a study that needs no other images."""
    lost = [(v.name, run.status) for v in study.findings.variations for run in v.runs if run.status != "done"]
    if not lost:
        return
    failed = sum(status == "failed" for _, status in lost)
    cause = f"{counted(failed, 'run')} failed: mend the cause, then " if failed else "Runs are missing: "
    yield Advice(f"{cause}run the study again. Finished runs are kept.", f"isthmus study {quoted(study.path)}")
    if study.runs:
        return
    name = lost[0][0]
    yield Advice(
        f"Nothing has finished: train {name} alone, to see what stops it.",
        f"isthmus train {quoted(study.path / 'study.toml' / name)} -o {beside(study.path, name)}",
    )
    yield Advice(
        "See whether isthmus works here, on images that it brings along.",
        f"isthmus study digits -o {beside(study.path, 'check')}",
    )


def _more_seeds(study: StudyFolder) -> Iterator[Advice]:
    seeds, open_pairs = study.findings.seeds, len(undecided(study.findings.findings))
    if len(seeds) == 1:
        why = "One seed shows nothing about the luck of training: train every variation with two more."
    elif seeds and open_pairs:
        what = f"{counted(open_pairs, 'comparison')} {'is' if open_pairs == 1 else 'are'}"
        why = f"{what} undecided: more seeds narrow the intervals."
    else:
        return
    wanted = [*seeds, *islice((seed for seed in count() if seed not in seeds), 2)]
    first = sorted(wanted) == list(range(len(wanted)))
    value = str(len(wanted)) if first else json.dumps(wanted, separators=(",", ":"))
    yield Advice(why, f"isthmus study {quoted(study.path)} {shlex.quote(f'seeds={value}')}")


def _longer(runs: Sequence[RunFolder]) -> Iterator[Advice]:
    """Train the run twice as long whose validation score rose most at its end."""
    rises = [(_last_rise(run.epochs), run) for run in runs if _recipe(run)]
    rise, run = max(rises, key=lambda one: one[0], default=(0.0, None))
    if run is None or rise < _STILL_RISING:
        return
    name, seconds = run.evaluation.name, _recipe(run)["train"].get("seconds")
    changes = {"train.seconds": 2 * seconds} if seconds else {"train.epochs": 2 * run.epochs[-1].epoch}
    why = f"{name} was still improving when its training ended, by {rise:.1f} dB lately: train it twice as long."
    yield Advice(why, train_again(run.path, changes, "longer"))


def _last_rise(epochs: Sequence[EpochRecord]) -> float:
    """dB that the last quarter of the epochs added on validation images; 0 if an earlier epoch was the best."""
    scores = [epoch.validation_psnr for epoch in epochs if math.isfinite(epoch.validation_psnr)]
    if len(scores) < 3 or scores[-1] < max(scores):
        return 0.0
    return scores[-1] - max(scores[: -max(1, len(scores) // 4)])


def _diagnoses(runs: Iterable[RunFolder]) -> list[Said]:
    """What the doctor says with a change of options as a remedy, the most serious first."""
    found = [(run, line) for run in runs if _recipe(run) for line in run.evaluation.doctor or () if _changes(line)]
    return sorted(found, key=lambda one: _SEVERITIES.index(one[1].severity))


def _remedies(said: Sequence[Said]) -> Iterator[Advice]:
    """The doctor's first remedy for each fault; of runs with the same fault, for the one in which it weighs most."""
    faults: dict[str, Said] = {}
    for run, line in said:
        if line.rule not in faults or _weight(line) > _weight(faults[line.rule][1]):
            faults[line.rule] = run, line
    for run, line in faults.values():
        name, sentence = run.evaluation.name, line.sentence
        why = f"{name}: {sentence[:1].lower()}{sentence[1:]} Try {' '.join(as_options(_changes(line)))}."
        yield Advice(why, train_again(run.path, _changes(line), in_a_name(_changes(line))))


def _put_to_work(folder: Path, best_first: Sequence[RunFolder]) -> Iterator[Advice]:
    """What a trained model is good for, whatever was found."""
    if not best_first or not (best_first[0].path / "checkpoints").is_dir():
        return
    best, name = best_first[0], best_first[0].evaluation.name
    if not (folder / "explorer.html").is_file():
        yield Advice("Look inside: the trained model runs in your browser.", f"isthmus explore {quoted(folder)}")
    if "samples" in best.pictures:
        out = beside(best.path, "samples", ".png")
        yield Advice(f"Draw new images from {name}.", f"isthmus sample {quoted(best.path)} -n 64 -o {out}")
    yield Advice(f"Use {name} elsewhere: write it as ONNX.", f"isthmus export {quoted(best.path)}")
    yield Advice(f"Ask the doctor about {name} once more.", f"isthmus doctor {quoted(best.path)}")


def _changes(line: Diagnosis) -> Mapping[str, JsonValue]:
    """The first remedy that the command line can express as options."""
    return next((c for c in line.changes if c and not any(isinstance(value, dict) for value in c.values())), {})


def _recipe(run: RunFolder) -> Raw:
    """The run's recipe as it was written; empty if it cannot be read."""
    table = written_recipe(run.path)
    return table if isinstance(table.get("train"), dict) else {}


def _weight(line: Diagnosis) -> float:
    return max((abs(value) for value in line.measured.values() if math.isfinite(value)), default=0.0)


def _score(run: RunFolder) -> float:
    score = run.evaluation.scores.get("model", Score()).psnr.mean
    return -math.inf if math.isnan(score) else score
