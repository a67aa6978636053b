"""One run of a study on a node of a cluster: `python -m isthmus.runs.executors.one STUDY VARIATION SEED`.

It talks to the command that placed it through the study's folder alone. Exit codes: 0 done, or another process does it;
1 failed; 2 cannot begin here; 130 interrupted, which leaves a checkpoint to go on from.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

from isthmus.core.atomic_files import open_regular, own_folder, refuse_link
from isthmus.core.errors import InputError, RunError
from isthmus.core.lease import Leases
from isthmus.core.lease_files import machine
from isthmus.core.paths import cache_folder
from isthmus.core.wording import printable
from isthmus.run_files.job import LOG_FILE
from isthmus.runs.executors.carry_out import carry_out
from isthmus.runs.executors.failures import kept
from isthmus.runs.executors.in_process import InProcess
from isthmus.runs.executors.job import Job, RunElsewhere, RunEvent, RunFailed, failed
from isthmus.runs.load import load_data
from isthmus.runs.run import Done
from isthmus.runs.same_version import check_version
from isthmus.runs.study_jobs import job_in
from isthmus.training.events import Notice, Started
from isthmus.training.loop import Epoch

KEEP_OPTIMIZER = "--keep-optimizer"


def main() -> None:
    """Do the run that sys.argv names; exits with a code as above."""
    words = [word for word in sys.argv[1:] if word != KEEP_OPTIMIZER]
    study = Path(words[0])
    try:
        job = _job(study, words[1], int(words[2]), KEEP_OPTIMIZER in sys.argv)
        _print_into(job.folder / LOG_FILE)
    except (InputError, RunError) as error:
        _say(str(error))
        sys.exit(2)
    sys.exit(do(study, job))


def do(study: Path, job: Job) -> int:
    """Do this run of a study, and print how it goes; the exit code."""
    try:
        check_version(study)
    except (InputError, RunError) as error:
        return [_told(event) for event in kept(iter([failed(job, error)]))][-1]
    leases, code = Leases(), 1
    try:
        for event in InProcess(1, lambda job: carry_out(job, load_data, cache_folder(), leases)).run([job]):
            code = _told(event)
    except KeyboardInterrupt:
        _say("interrupted; the next job goes on from what was saved")
        return 130
    return code


def _job(study: Path, variation: str, seed: int, keep_optimizer: bool) -> Job:
    """Raises InputError where this node does not see the study, or the study has no such run."""
    if not (study / "study.toml").is_file():
        raise InputError(
            f"{study}: {machine().host} does not see this study; put its folder on a file system that the nodes share"
        )
    job = job_in(study, variation, seed, keep_optimizer)
    if job is None:
        raise InputError(f"{study}: has no run {variation!r} with seed {seed}; its study.toml was changed")
    return job


def _print_into(log: Path) -> None:
    """Append what this process and its libraries print to the run's log."""
    refuse_link(log.parent.parent)
    own_folder(log.parent)
    with open_regular(log, os.O_WRONLY | os.O_APPEND | os.O_CREAT) as file:
        _say(f"prints into {log} from here on")
        for standard in (1, 2):
            os.dup2(file.fileno(), standard)
    _say(f"process {os.getpid()} on {machine().host}")


def _told(event: object) -> int:
    """Print an event; the exit code if it is the last one."""
    match event:
        case RunFailed():
            _say(f"failed: {event.sentence}\n{event.traceback}".rstrip())
            return 1
        case RunElsewhere():
            _say(f"{event.sentence}; nothing is written here")
        case RunEvent(event=Notice() as notice):
            _say(notice.sentence)
        case RunEvent(event=Started() as begun):
            _say(f"step {begun.step:,} of {begun.total_steps:,}, on {begun.device} in {begun.precision}")
        case RunEvent(event=Epoch() as epoch):
            _say(f"epoch {epoch.epoch}: train loss {epoch.log.get('train_loss', float('nan')):.5f}")
        case RunEvent(event=Done()):
            _say("done")
        case _:
            pass
    return 0


def _say(sentence: str) -> None:
    print(f"isthmus: {printable(sentence)}", flush=True)


if __name__ == "__main__":
    main()
