"""A study of 60 tiny runs on a real SLURM and a real Ray of one node, of which three are killed at random moments.

`python -m bench.cluster [slurm] [ray]`: is nothing run twice, is nothing lost, are the findings those of one machine?
"""

from __future__ import annotations

import contextlib
import json
import os
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Generator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.cluster import tiny_study
from tests.cluster.ray_node import ENVIRONMENT, ray_node
from tests.cluster.slurm_node import slurm_node

from bench import record
from bench.contest import ROOT
from bench.goals import Measured

DIMS, SEEDS, EPOCHS = range(3, 9), 10, 10
KILLS = 3
RUNS = len(DIMS) * SEEDS
PLACES = ("slurm", "ray")


@dataclass(frozen=True)
class Outcome:
    """What a study on a cluster came to, beside the same on this computer."""

    place: str
    seconds: float
    kills: int
    done: int
    done_twice: int
    processes: int
    epochs: int
    equal: bool

    def rows(self) -> list[Measured]:
        repeated = self.epochs - RUNS * EPOCHS
        return [
            Measured(f"{self.place}: runs done, of {RUNS}", (self.done,), goal=RUNS),
            Measured(f"{self.place}: runs done twice", (self.done_twice,), goal=0, at_least=False),
            Measured(f"{self.place}: processes killed at work", (self.kills,), goal=KILLS),
            Measured(f"{self.place}: processes begun in all", (self.processes,), goal=RUNS + KILLS, at_least=False),
            Measured(f"{self.place}: epochs done again, one a kill at most", (repeated,), goal=KILLS, at_least=False),
            Measured(f"{self.place}: findings, scores and weights equal (1: all bits)", (float(self.equal),), goal=1),
            Measured(f"{self.place}: whole study", (self.seconds,), unit="s"),
        ]


def main() -> None:
    places = sys.argv[1:] or PLACES
    machine = record.hardware("cpu")
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        tiny_study.write_study(home / "sixty.toml", DIMS, SEEDS, EPOCHS)
        common = {"XDG_CACHE_HOME": str(home / "cache"), "OMP_NUM_THREADS": "1", "PYTHONPATH": _modules()}
        with _started(home, "here", {**os.environ, **common}) as command:
            _finish(command)
        here = tiny_study.result(home / "here")
        outcomes = [_on(place, home, common, here) for place in places]
    record.write(
        "cluster",
        "A study of 60 runs on SLURM and on Ray, with three kills",
        "Is every run done once, is nothing lost, and are the results those of one machine to the bit?",
        [row for outcome in outcomes for row in outcome.rows()],
        machine=machine,
        details={"runs": RUNS, "epochs": EPOCHS, "images": 80},
        out=record.folder(quick=False),
    )


def _on(place: str, home: Path, common: dict[str, str], here: dict[str, Any]) -> Outcome:
    study = home / place
    with contextlib.ExitStack() as until:
        if place == "slurm":
            words, own = ["--on", "slurm"], until.enter_context(slurm_node())
        else:
            words, own = ["--on", "ray", "--ray", until.enter_context(ray_node())], ENVIRONMENT
        begun = time.monotonic()
        with _started(home, place, {**os.environ, **common, **own}, *words) as command:
            killed = _kill_some(study, command, worker=place == "ray")
            _finish(command)
        seconds = time.monotonic() - begun
    told = [tiny_study.told(run) for run in tiny_study.runs_in(study)]
    outcome = Outcome(
        place,
        seconds,
        kills=len(killed),
        done=sum(one.done > 0 for one in told),
        done_twice=sum(one.done > 1 for one in told),
        processes=sum(len(one.processes) for one in told),
        epochs=sum(one.epochs for one in told),
        equal=tiny_study.result(study) == here,
    )
    print(json.dumps(outcome.__dict__), flush=True)
    return outcome


def _kill_some(study: Path, command: subprocess.Popen[bytes], *, worker: bool) -> list[Path]:
    """Kill KILLS processes that are in the middle of a run, in thirds of the study; worker: those of Ray above them."""
    draw, killed = random.Random(), list[Path]()
    while len(killed) < KILLS and command.poll() is None:
        runs = tiny_study.runs_in(study)
        done = sum(tiny_study.told(run).done for run in runs)
        if done >= len(killed) * RUNS // (KILLS + 1):
            at_work = [(run, process) for run in runs if (process := tiny_study.process_in(run)) and run not in killed]
            if at_work:
                run, process = draw.choice(at_work)
                with contextlib.suppress(OSError):  # it has just ended
                    tiny_study.kill(tiny_study.parent_of(process) if worker else process)
                    killed.append(run)
        time.sleep(0.2)
    return killed


@contextlib.contextmanager
def _started(home: Path, name: str, environment: dict[str, str], *words: str) -> Generator[subprocess.Popen[bytes]]:
    """`isthmus study`, ended at the latest with the block."""
    study = ["study", str(home / "sixty.toml"), "-o", str(home / name), "--quiet", *words]
    command = subprocess.Popen([sys.executable, "-m", "isthmus", *study], env=environment, stdout=subprocess.DEVNULL)
    try:
        yield command
    finally:
        command.terminate()
        command.wait()


def _finish(command: subprocess.Popen[bytes]) -> None:
    if command.wait():
        raise SystemExit(f"{' '.join(map(str, command.args))} failed")  # pyright: ignore[reportArgumentType]


def _modules() -> str:
    return os.pathsep.join((str(ROOT / "src"), str(ROOT)))


if __name__ == "__main__":
    main()
