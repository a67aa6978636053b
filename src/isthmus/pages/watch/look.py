"""What the files of a run's folder say about its training. Nothing is written, and no lock is taken."""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from isthmus.core.errors import RunError
from isthmus.core.lease import is_in_use
from isthmus.recipes.recipe import Raw
from isthmus.run_files import preview
from isthmus.run_files.environment import Environment
from isthmus.run_files.evaluation import EvaluationRecord
from isthmus.run_files.failed import Failure
from isthmus.run_files.metrics import EpochRecord, StepRecord
from isthmus.run_files.preview import KeptPreview
from isthmus.run_files.read import read_log, read_or_none
from isthmus.runs.belonging import written_recipe
from isthmus.runs.run_folder import is_finished

STALE_SECONDS = 180.0
"""A training writes a line every few seconds. One that wrote nothing for so long, and whose lock nobody is seen to
hold, has stopped; its lock may be invisible because it runs on another machine."""
_FILES = (
    *("recipe.toml", "environment.json", "metrics.jsonl", preview.NAME, "checkpoints", "training.json"),
    *("evaluation.json", "per_image.parquet", "failed.json"),
)

State = Literal["waiting", "training", "evaluating", "done", "failed", "stopped"]


@dataclass(frozen=True)
class WatchedRun:
    """A run as far as its folder tells.

    name: of its recipe or, in a study, of its variation. last: the last line of its log, step: the last about steps.
    done: the share of the training that is over, 0 to 1.
    left: estimated seconds of training that are left; None if that cannot be told. error: why it failed.
    """

    folder: Path
    name: str
    seed: int
    state: State
    epochs: tuple[EpochRecord, ...] = ()
    last: EpochRecord | StepRecord | None = None
    step: StepRecord | None = None
    done: float = 0.0
    left: float | None = None
    shown_channels: object = None
    environment: Environment | None = None
    preview: KeptPreview | None = None
    evaluation: EvaluationRecord | None = None
    error: str = ""


@dataclass
class RunLooks:
    """Looks at one run again and again; files that did not change are not read twice."""

    folder: Path
    name: str = ""
    seed: int = 0
    _was_held: bool = False
    _seen: tuple[object, WatchedRun] | None = None

    def look(self) -> WatchedRun:
        """How the run stands now. A file that is damaged, or half there, counts as missing."""
        held = is_in_use(self.folder)  # first: a run that ends after this has its files below
        files = (held, *(_stamp(self.folder / name) for name in _FILES))
        if self._seen is not None and self._seen[0] == files and self._seen[1].state in ("done", "failed", "waiting"):
            return self._seen[1]
        state = self._state(held)
        if self._seen is None or self._seen[0] != files or self._seen[1].state != state:
            self._seen = files, self._run(state)
        return self._seen[1]

    def _state(self, held: bool) -> State:
        was_held, self._was_held = self._was_held, held or self._was_held
        if not held and is_finished(self.folder):
            return "done"
        if (self.folder / "failed.json").is_file():
            return "failed"
        if not (self.folder / "recipe.toml").is_file():
            return "waiting"
        if held or (not was_held and time.time() - self._last_written() < STALE_SECONDS):
            return "evaluating" if (self.folder / "training.json").is_file() else "training"
        return "stopped"

    def _last_written(self) -> float:
        stamps = (_stamp(self.folder / name) for name in _FILES)
        return max((stamp[0] / 1e9 for stamp in stamps if stamp is not None), default=0.0)

    def _run(self, state: State) -> WatchedRun:
        recipe, log = written_recipe(self.folder), read_log(self.folder / "metrics.jsonl")
        environment = read_or_none(self.folder / "environment.json", Environment)
        last = log.lines[-1] if log.lines else None
        done, left = _progress(recipe, environment, last)
        shown, seed = recipe.get("data", {}), recipe.get("seed")
        failure = read_or_none(self.folder / "failed.json", Failure) if state == "failed" else None
        return WatchedRun(
            self.folder,
            self.name or str(recipe.get("name") or self.folder.name),
            seed if isinstance(seed, int) else self.seed,
            state,
            log.epochs,
            last,
            next((line for line in reversed(log.lines) if isinstance(line, StepRecord)), None),
            1.0 if state in ("done", "evaluating") else done,
            left,
            shown.get("shown_channels") if isinstance(shown, dict) else None,
            environment,
            _preview(self.folder),
            read_or_none(self.folder / "evaluation.json", EvaluationRecord) if state == "done" else None,
            failure.error if failure is not None else "",
        )


def _stamp(path: Path) -> tuple[int, int] | None:
    try:
        status = path.lstat()
    except OSError:
        return None
    return status.st_mtime_ns, status.st_size


def _preview(folder: Path) -> KeptPreview | None:
    try:
        return preview.read_preview(folder / preview.NAME)
    except (FileNotFoundError, RunError):
        return None


def _progress(
    recipe: Raw, environment: Environment | None, last: EpochRecord | StepRecord | None
) -> tuple[float, float | None]:
    """The share of the training that is over, and the estimated seconds that are left."""
    if last is None:
        return 0.0, None
    train = recipe.get("train")
    limit = train.get("seconds") if isinstance(train, dict) else None
    steps = environment.schedule.steps if environment and environment.schedule else 0
    shares = [last.step / steps] if steps else []
    if isinstance(limit, int | float) and limit > 0:
        shares.append(last.seconds / limit)
    done = min(1.0, max(shares, default=0.0))
    return done, last.seconds / done - last.seconds if done > 0 else None
