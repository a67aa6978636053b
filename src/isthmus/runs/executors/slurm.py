"""Runs as jobs of SLURM: submitit submits them, and queues them again before their time is over."""

from __future__ import annotations

import contextlib
import importlib
import importlib.util
import io
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from isthmus.core.errors import InputError, RunError
from isthmus.runs.executors.cluster import Cluster, JobState, Placement
from isthmus.runs.executors.on_node import Task, last_line
from isthmus.runs.executors.slurm_options import read_options
from isthmus.runs.executors.slurm_queue import ask, queue

_SIGNAL_SECONDS = 90  # before a job's time is over: the run saves, and is queued again
_MOST_TIMEOUTS = 50


class Slurm(Cluster):
    """options: see slurm_options.py. notes: a folder that the nodes see, for submitit's files and the jobs' output.

    submitit's files are pickles, which a job loads; they lie in no run folder, which may come from somebody else.
    """

    kind = "slurm"

    def __init__(self, options: Mapping[str, str], notes: Path) -> None:
        """Raises InputError for options that do not fit."""
        self.parameters, self.notes = read_options(options), notes

    def check(self) -> None:
        if importlib.util.find_spec("submitit") is None:
            raise InputError("--on slurm needs the package submitit: `pip install 'isthmus[slurm]'`")
        if missing := [name for name in ("sbatch", "squeue", "scontrol") if shutil.which(name) is None]:
            raise InputError(f"--on slurm: there is no SLURM here (no `{missing[0]}`); use a login node, or --on here")
        try:
            ask("sinfo", "--noheader")
        except RunError as error:
            raise InputError(f"--on slurm: {error}; use a login node, or --on here") from None

    def find(self, names: Sequence[str]) -> Mapping[str, str]:
        return {name: id for id, name, _ in queue() if name in names}

    def submit(self, placement: Placement) -> str:
        submitit: Any = importlib.import_module("submitit")  # an optional extra: types cannot rely on it
        # a folder that nobody had before: a job must not find another job's pickle under its own number
        executor = submitit.SlurmExecutor(self.notes / placement.name, max_num_timeout=_MOST_TIMEOUTS)
        executor.update_parameters(job_name=placement.name, signal_delay_s=_SIGNAL_SECONDS, **self.parameters)
        try:
            with contextlib.redirect_stderr(io.StringIO()):  # submitit prints what it raises
                return executor.submit(Task(placement.command)).job_id
        except submitit.core.utils.FailedJobError as error:
            raise RunError(f"SLURM refused the job: {last_line(str(error))}") from None

    def states(self, ids: Sequence[str]) -> Mapping[str, JobState]:
        stand: dict[str, JobState] = dict.fromkeys(ids, "gone")
        stand.update({id: state for id, _, state in queue() if id in stand})
        return stand

    def requeue(self, id: str, placement: Placement) -> str:
        if self.states([id])[id] in ("waiting", "running"):  # SLURM has queued it again itself
            return id
        try:
            ask("scontrol", "requeue", id)
        except RunError:  # SLURM has forgotten the job
            return self.submit(placement)
        return id

    def last_words(self, id: str) -> str:
        for stream in ("err", "out"):
            for file in self.notes.glob(f"*/{id}_0_log.{stream}"):
                if said := last_line(file.read_text(encoding="utf-8", errors="replace")):
                    return said
        return ""

    def hints(self, ids: Sequence[str]) -> tuple[str, str]:
        return f"squeue --jobs {','.join(ids)}", f"scancel {' '.join(ids)}"
