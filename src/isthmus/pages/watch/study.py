"""Which runs a folder holds: one, or those of a study."""

from __future__ import annotations

import os
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from isthmus.core.atomic_files import is_leftover
from isthmus.core.errors import InputError
from isthmus.core.folder_names import check_folder_name
from isthmus.core.lease import is_in_use
from isthmus.data.given_images import FILES
from isthmus.pages.watch.look import RunLooks, WatchedRun
from isthmus.recipes.recipe import read_toml
from isthmus.recipes.study_tables import MOST_SEEDS

_EARLY = frozenset({"lock", "budget.json", *FILES})
"""What may be in a folder before its recipe or study file."""
_BETWEEN_RUNS = 60.0
"""Seconds after a study's last write in which the next run may still begin, where its lock cannot be seen."""


@dataclass(frozen=True)
class Watched:
    """A run or a study at one moment.

    ended: how it ended, `finished` or `stopped`; empty while it goes on.
    """

    folder: Path
    name: str
    runs: Sequence[WatchedRun]
    is_study: bool
    ended: str

    @property
    def finished(self) -> int:
        """Number of runs that are done."""
        return sum(run.state == "done" for run in self.runs)


@dataclass
class Looks:
    """Looks at a folder again and again."""

    folder: Path
    _runs: dict[Path, RunLooks] = field(default_factory=dict)
    _study_held: bool = False

    def look(self) -> Watched | None:
        """How the run or study stands; None if nothing is there yet.

        Raises InputError if the folder holds something else, or a study file that cannot be read.
        """
        if os.path.lexists(self.folder) and not self.folder.is_dir():
            raise InputError(f"{self.folder}: is no folder; name the folder of a run or of a study")
        if (self.folder / "study.toml").is_file():
            return self._study()
        if (self.folder / "recipe.toml").is_file():
            run = self._of(self.folder).look()
            ended = {"done": "finished", "failed": "stopped", "stopped": "stopped"}.get(run.state, "")
            return Watched(self.folder, run.name, (run,), False, ended)
        held = sorted(set(os.listdir(self.folder)) - _EARLY) if self.folder.is_dir() else []
        if any(not is_leftover(name) for name in held):
            raise InputError(
                f"{self.folder}: holds neither a run nor a study ({held[0]} is there); name the folder that "
                "`isthmus train` or `isthmus study` writes"
            )
        return None

    def _study(self) -> Watched:
        path = self.folder / "study.toml"
        raw = read_toml(path)
        rows, seeds = raw.get("variation"), raw.get("seeds", 1)
        if isinstance(seeds, int):
            seeds = list(range(min(seeds, MOST_SEEDS)))
        if not isinstance(rows, list) or not isinstance(seeds, list):
            raise InputError(f"{path}: is no study that isthmus wrote; `isthmus study {path}` checks the file")
        names = [str(row.get("name")) for row in rows if isinstance(row, dict)]
        for name in names:
            check_folder_name(name, f"{path}: variation.name")
        pairs = [(name, seed) for seed in seeds if isinstance(seed, int) for name in names]
        runs = [self._of(self.folder / name / f"seed-{seed}", name, seed).look() for name, seed in pairs]
        return Watched(self.folder, str(raw.get("name", self.folder.name)), runs, True, self._ended(runs))

    def _ended(self, runs: Sequence[WatchedRun]) -> str:
        """A study goes on while its lock is held, or one of its runs is at work."""
        held = is_in_use(self.folder)
        was_held, self._study_held = self._study_held, held or self._study_held
        if held or any(run.state in ("training", "evaluating") for run in runs):
            return ""
        if all(run.state in ("done", "failed") for run in runs):
            return "finished"
        recent = time.time() - _written(self.folder) < _BETWEEN_RUNS
        return "" if recent and not was_held else "stopped"

    def _of(self, folder: Path, name: str = "", seed: int = 0) -> RunLooks:
        return self._runs.setdefault(folder, RunLooks(folder, name, seed))


def _written(folder: Path) -> float:
    files = [folder / name for name in ("study.toml", "findings.json", "lock")]
    return max((path.stat().st_mtime for path in files if path.exists()), default=0.0)
