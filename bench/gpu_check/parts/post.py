"""The whole study `post` with three seeds, as a user runs it; how far it is, every few seconds."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from bench.contest import ROOT
from bench.gpu_check.found import Found, NoGoal, Said, Value
from bench.gpu_check.goals import POST, POST_RUNS
from bench.gpu_check.setting import Setting


def measure(setting: Setting) -> Iterator[Found]:
    with tempfile.TemporaryDirectory() as folder:
        study, log = Path(folder) / "study", Path(folder) / "log"
        begun = time.perf_counter()
        with log.open("wb") as said:
            child = subprocess.Popen(
                command(setting, study),
                cwd=ROOT,
                env={**os.environ, "XDG_CACHE_HOME": folder},
                stdout=said,
                stderr=said,
            )
            while child.poll() is None:
                time.sleep(0.2 if setting.rehearse else 2.0)
                yield Value(POST_RUNS, _finished(study))
        seconds = time.perf_counter() - begun
        if child.returncode:
            raise RuntimeError(log.read_text(errors="replace").strip()[-500:])
        yield Value(POST_RUNS, _finished(study))
        yield Value(POST, seconds)
    if not setting.data:
        yield Said("isthmus study post: on images drawn by code, as many as CIFAR-10 has to train on")
    if setting.rehearse:
        yield NoGoal(POST, "a rehearsal")


def command(setting: Setting, study: Path) -> list[str]:
    """`isthmus study post` into the folder `study`."""
    words = [f"{name}={_written(value)}" for name, value in setting.images().items()]
    words += [f"train.device={setting.device}", f"seeds={1 if setting.rehearse else 3}"]
    if setting.rehearse:
        words += ["train.epochs=1", "train.least_steps=0", "split.limit=64", "train.kernels=torch"]
    return [sys.executable, "-m", "isthmus", "study", "post", *words, "--jobs", "auto", "-o", str(study)]


def _finished(study: Path) -> int:
    return len(list(study.rglob("evaluation.json")))


def _written(value: object) -> str:
    """A list as the command line takes it."""
    return "[" + ",".join(f'"{one}"' for one in value) + "]" if isinstance(value, list) else str(value)
