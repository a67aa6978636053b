"""The command line as a user has it: words in; exit code, stdout and stderr out."""

from __future__ import annotations

import contextlib
import io
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from unittest import mock

from isthmus.cli import main

TINY = (
    "data.kind=scenes",
    "data.train=80",
    "data.test=12",
    "model.linear=none",
    "architecture.filters=[4,5]",
    "architecture.strides=[2,2]",
    "bottleneck.dim=3",
    "train.batch=16",
    "train.epochs=3",
    "train.device=cpu",
    "train.precision=fp32",
)


# how a sentence says what to do
WAYS_OUT = ("; ", "`", "did you mean", "does not fit: ", "needs ", ", such as ", ": give ")


@dataclass(frozen=True)
class Answer:
    code: int
    out: str
    err: str


def isthmus(*words: Any) -> Answer:
    """Run in this process, which is fast; the environment is put back afterwards."""
    out, err = io.StringIO(), io.StringIO()
    with (
        mock.patch.object(sys, "argv", ["isthmus", *map(str, words)]),
        mock.patch.dict(os.environ),
        contextlib.redirect_stdout(out),
        contextlib.redirect_stderr(err),
    ):
        try:
            main()
        except SystemExit as stop:
            assert isinstance(stop.code, int)
            return Answer(stop.code, out.getvalue(), err.getvalue())
    raise AssertionError("main() returned instead of exiting")


def environment(**changes: str) -> dict[str, str]:
    """This process's environment for another that is to find the same isthmus."""
    return {**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": os.pathsep.join(filter(None, sys.path)), **changes}


def start(*words: Any, **changes: str) -> subprocess.Popen[str]:
    """Start a process of its own, as a shell does; `changes` of its environment."""
    return subprocess.Popen(
        [sys.executable, "-m", "isthmus", *map(str, words)],
        env=environment(**changes),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        encoding="utf-8",
    )


def finish(process: subprocess.Popen[str], seconds: float = 120) -> Answer:
    out, err = process.communicate(timeout=seconds)
    return Answer(process.returncode, out, err)


def train(folder: Path, *changes: str) -> Answer:
    """Train the tiny recipe in `folder`; a change takes the place of the tiny recipe's own."""
    return isthmus("train", "post/latent-10", *tiny(*changes), "-o", folder)


def tiny(*changes: str) -> list[str]:
    """The tiny recipe's overrides, with some changed; another kind of data brings all its own options."""
    changed = {change.partition("=")[0] for change in changes}
    if "data.kind" in changed:
        changed |= {"data.train", "data.test"}
    return [*(change for change in TINY if change.partition("=")[0] not in changed), *changes]


def assert_refused(answer: Answer, *parts: str, code: int = 2) -> None:
    """One sentence on stderr, or a line for each of several faults, with these parts and a way out; no stdout."""
    assert answer.code == code, answer
    assert answer.out == ""
    assert answer.err.startswith("isthmus: ")
    faults = answer.err.splitlines()[1:]
    assert answer.err.count("\n") == 1 + len(faults), answer.err
    assert all(line.startswith("  - ") for line in faults), answer.err
    for part in parts:
        assert part in answer.err
    assert any(hint in answer.err for hint in WAYS_OUT), f"no remedy in: {answer.err}"
