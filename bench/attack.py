"""Attacks a study's folder and the Python functions with what a disk, a slip or a stranger can make of them.

    python -m bench.attack [--count 300] [--seed 0] [--quick]

Each mutation damages a copy of one small study, every verb is tried on the copy in a process of its own, and the rest
of the disk is looked at. What must hold: no traceback, no signal, no endless wait, exit codes 0, 1 and 2 alone, one
sentence where there is a failure, no control character on the terminal, and nothing changed outside of the folder.
"""

from __future__ import annotations

import argparse
import contextlib
import hashlib
import importlib
import io
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import traceback
import warnings
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from unittest import mock

from bench.damage import mutate

SECONDS = 90  # time limit of a verb; beyond it the verb counts as endless
STUDY = """
name = "small"
base.data = {kind = "scenes", train = 60, test = 8, size = 8}
base.architecture = {kind = "conv", filters = [4], strides = [2]}
base.bottleneck = {kind = "vector", dim = 2}
base.train = {epochs = 1, device = "cpu", precision = "fp32"}
[[variation]]
name = "plain"
[[variation]]
name = "wide"
compare = "plain"
changes = {bottleneck.dim = 3}
"""
RUN = Path("plain", "seed-0")
# imported once here, since each process would need seconds to import them; importing computes nothing
PRELOADED = (
    *("isthmus.cli", "isthmus.api", "isthmus.pages.explorer.write", "isthmus.inference.export.run_to_onnx"),
    "isthmus.runs.executors.pool",
    *(f"sklearn.{name}" for name in ("linear_model", "manifold", "mixture", "neighbors")),
    "onnxscript",
)
# verbs that take a second or more; the quick attack leaves them out
SLOW = ("explore", "export")


@dataclass(frozen=True)
class Outcome:
    """The result of an attack: a claim, the counts, and the cases that broke the claim."""

    claim: str
    tried: int
    failed: int  # failed with a sentence, as they should
    faults: tuple[str, ...]

    @property
    def holds(self) -> bool:
        return not self.faults

    @property
    def value(self) -> str:
        return f"{self.tried} tried, {self.failed} refused in one sentence, {len(self.faults)} faults"


def attack_folders(
    home: Path, *, count: int, seed: int = 0, verbs: Sequence[str] | None = None, first: int = 0
) -> Outcome:
    """Mutations `first` to `first + count` of `seed`, each tried with every verb, or with those in `verbs`.

    home: an empty folder to work in; afterwards `home/sound` holds the undamaged study.
    """
    for name in PRELOADED:
        importlib.import_module(name)
    sound = make_study(home)
    tried = failed = 0
    faults: list[str] = []
    for number in range(first, first + count):
        place = home / "attack"
        shutil.rmtree(place, ignore_errors=True)
        place.mkdir()
        shutil.copytree(sound, place / "study", symlinks=True)
        _make_victim(place / "victim")
        what = mutate(place / "study", RUN, place / "victim", random.Random(f"{seed} {number}"))
        before = _digest(place, leave_out="study")
        for name, answer in _apart(partial(_try_all, place, verbs)):
            tried += 1
            failed += answer.code in (1, 2)
            faults += [f"mutation {number} ({what}), {name}: {fault}" for fault in answer.faults()]
        if _digest(place, leave_out="study") != before:
            faults.append(f"mutation {number} ({what}): changed something outside of the folder")
        print(f"mutation {number} is over: {tried} tried, {len(faults)} faults", file=sys.stderr, flush=True)
    return Outcome("a mutated run folder is one sentence", tried, failed, tuple(faults))


def make_study(home: Path) -> Path:
    """The undamaged study in `home/sound`; trained if it does not exist."""
    sound = home / "sound"
    if not (sound / "report.html").exists():
        (home / "small.toml").write_text(STUDY)
        for name, answer in _apart(partial(_make_study, home, sound)):
            assert answer.code == 0, (name, answer)
    return sound


def _make_study(home: Path, sound: Path) -> Iterator[tuple[str, Answer]]:
    yield "study", _cli(home, "study", home / "small.toml", "-o", sound, "-q")
    yield "report", _cli(home, "report", sound / RUN)


def attack_from_a_fresh_process(*, count: int, seed: int, verbs: Sequence[str]) -> Outcome:
    """`attack_folders` in a process that has not computed anything: OpenMP threads do not survive a fork."""
    words = [f"--count={count}", f"--seed={seed}", "--json", "--verbs", *verbs]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    done = subprocess.run(
        [sys.executable, "-m", "bench.attack", *words],
        env=environment,
        capture_output=True,
        text=True,
        timeout=60 + 30 * count,
    )
    if not done.stdout:
        return Outcome("the attack itself", 0, 0, (done.stderr[-500:],))
    found = json.loads(done.stdout)
    return Outcome(found["claim"], found["tried"], found["failed"], tuple(found["faults"]))


@dataclass(frozen=True)
class Answer:
    """How one verb ended; `unforeseen` is a traceback if it did not end as it should."""

    code: int | None
    out: str = ""
    err: str = ""
    unforeseen: str = ""

    def faults(self) -> Iterator[str]:
        if self.unforeseen:
            yield self.unforeseen
        elif self.code not in (0, 1, 2):
            yield f"ended with {self.code}"
        elif self.code and self.err and sum(line.startswith("isthmus: ") for line in self.err.splitlines()) != 1:
            yield f"exit code {self.code} without its sentence: {self.err[-300:]}"
        if any(letter in self.out + self.err for letter in "\x1b\x07\x9b"):
            yield "printed a control character"


def verbs_of(place: Path) -> dict[str, Callable[[], Answer]]:
    study, run, out = place / "study", place / "study" / RUN, place / "study" / "out"
    picture = place / "victim" / "picture.png"

    def words(*given: object) -> Callable[[], Answer]:
        return lambda: _cli(place, *given)

    return {
        "doctor": words("doctor", run),
        "report": words("report", run),
        "report --json": words("doctor", run, "--json"),
        "study report": words("report", study),
        "sample": words("sample", run, "-n", 4, "-o", out / "samples.png"),
        "calibrate": words("calibrate", run, "-q"),
        "score": words("score", run, picture, "-o", out / "scores.csv", "--false-alarms", 0.5, "-q"),
        "reconstruct": words("reconstruct", run, picture, "-o", out / "picture.png"),
        "load": lambda: _python(lambda: _use(run, picture)),
        "explore": words("explore", run),
        "explore study": words("explore", study, "-o", out / "page.html"),
        "export": words("export", run, "-o", out / "export"),
        "evaluate": words("evaluate", run),
        "train": words("train", run, "--resume", "-q"),
        "study": words("study", study, "-q"),
        "list": words("list", "recipes"),
    }


def _use(run: Path, picture: Path) -> None:
    import isthmus

    model = isthmus.load(run, device="cpu")
    model.decode(model.encode(picture))
    isthmus.doctor(run)
    isthmus.sample(run, 2, device="cpu")


def _try_all(place: Path, names: Sequence[str] | None) -> Iterator[tuple[str, Answer]]:
    for name, verb in verbs_of(place).items():
        if names is None or name in names:
            yield name, _timed(verb)


def _timed(verb: Callable[[], Answer]) -> Answer:
    def late(*_: object) -> None:
        raise TimeoutError(f"did not end in {SECONDS} seconds")

    signal.signal(signal.SIGALRM, late)
    signal.alarm(SECONDS)
    try:
        return verb()
    finally:
        signal.alarm(0)


def _cli(place: Path, *words: object) -> Answer:
    from isthmus.cli import main

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
            code = stop.code if isinstance(stop.code, int) else None
            return Answer(code, out.getvalue(), err.getvalue())
        except BaseException:
            return Answer(None, out.getvalue(), err.getvalue(), _last_frames())
    return Answer(None, unforeseen="returned")


def _python(call: Callable[[], object]) -> Answer:
    """Call a Python function: expected failures are exceptions of isthmus and of the system."""
    from isthmus.core.errors import InputError, RunError

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            call()
        except (InputError, RunError, OSError) as error:
            return Answer(1, err="" if "\n" not in str(error) else f"several lines: {error}")
        except BaseException:
            return Answer(None, unforeseen=_last_frames())
    return Answer(0)


def _last_frames() -> str:
    return "".join(traceback.format_exc().splitlines(keepends=True)[-8:])


def _apart(work: Callable[[], Iterator[tuple[str, Answer]]]) -> list[tuple[str, Answer]]:
    """What `work` yields, in another process; if that process ends early, one more answer says how."""
    read, write = os.pipe()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # warns about a fork beside threads; no thread is working
        child = os.fork()
    if not child:
        try:
            with open(write, "w", encoding="utf-8") as pipe:
                for name, answer in work():
                    print(json.dumps([name, asdict(answer)]), file=pipe, flush=True)
        finally:
            os._exit(0)
    os.close(write)
    answers: list[tuple[str, Answer]] = []
    with open(read, encoding="utf-8") as pipe:
        for line in pipe:
            name, answer = json.loads(line)
            answers.append((name, Answer(**answer)))
    status = os.waitpid(child, 0)[1]
    if status:
        after = answers[-1][0] if answers else "the start"
        answers.append((f"after {after}", Answer(None, unforeseen=f"the process ended with status {status}")))
    return answers


def _make_victim(folder: Path) -> None:
    from PIL import Image

    folder.mkdir()
    (folder / "diary.txt").write_text("dear diary")
    Image.new("RGB", (8, 8), "teal").save(folder / "picture.png")


def _digest(place: Path, *, leave_out: str) -> str:
    whole = hashlib.sha256()
    for path in sorted(place.rglob("*")):
        if path.relative_to(place).parts[0] != leave_out:
            whole.update(str(path).encode())
            whole.update(path.read_bytes() if path.is_file() else b"folder")
    return whole.hexdigest()


def quick_verbs(place: Path) -> list[str]:
    """All verbs except the slow ones."""
    return [name for name in verbs_of(place) if not name.startswith(SLOW)]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=300)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--first", type=int, default=0)
    parser.add_argument("--quick", action="store_true", help=f"without {' and '.join(SLOW)}")
    parser.add_argument("--verbs", nargs="+", help="these alone")
    parser.add_argument("--json", action="store_true", help="print what came out as JSON")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as home, mock.patch.dict(os.environ, ISTHMUS_DATA=f"{home}/cache"):
        verbs = asked.verbs or (quick_verbs(Path(home)) if asked.quick else None)
        found = attack_folders(Path(home), count=asked.count, seed=asked.seed, verbs=verbs, first=asked.first)
    if asked.json:
        print(json.dumps(asdict(found)))
        sys.exit(not found.holds)
    print(found.claim, found.value, "holds" if found.holds else "broken", sep=": ")
    for fault in found.faults:
        print(f"- {fault}")
    sys.exit(not found.holds)


if __name__ == "__main__":
    main()
