"""Decoding, stores and image sets that do not fit into memory: `python -m bench.store`.

Decoding is measured beside plain Pillow in as many processes, in rounds that begin with another one each. The training
on a million images is killed with SIGKILL and resumed; it runs once, because its numbers are memory, not speed.
"""

from __future__ import annotations

import argparse
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from bench import record
from bench.contest import ROOT, rotated, surroundings
from bench.goals import Measured
from bench.photographs import photographs

SIZE = 128
GIB = 1 << 30


def main() -> None:
    """Measure, and write the record."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="fewer images, into runs/bench-quick")
    parser.add_argument("--rounds", type=int, default=5, help="of decoding, and of training from memory and store")
    parser.add_argument("--only", choices=("decoding", "training", "million"), help="one part, without a record")
    parser.add_argument("--at", type=Path, help="keep the drawn files in this folder for the next time")
    asked = parser.parse_args()
    machine = record.hardware("cpu")
    rows: list[Measured] = []
    with tempfile.TemporaryDirectory(prefix="isthmus-store-") as temporary:
        home = Path(temporary)
        files, many = (2_000, 20_000) if asked.quick else (20_000, 1_000_000)
        folder = (asked.at or home) / "photographs"
        if asked.only in (None, "decoding"):
            rows += _decoding(folder, home, files, asked.rounds)
        if asked.only in (None, "training"):
            rows += _training(folder, home, files, asked.rounds)
        if asked.only in (None, "million"):
            rows += _million(home, many)
    if asked.only is not None:
        for row in rows:
            print(row.as_dict())
        return
    record.write(
        "store",
        "Decoding, stores, and a million images",
        "Is decoding as fast as plain Pillow on all cores? Does the second start skip it? Does memory stay the same, "
        "however many images there are?",
        rows,
        machine=machine,
        details={"photographs": files, "size": SIZE, "drawn": many},
        out=record.folder(asked.quick),
    )


def _decoding(folder: Path, home: Path, files: int, rounds: int) -> Iterator[Measured]:
    """Images per second of isthmus's decoding, over plain Pillow on one and on all cores."""
    photographs(folder, files)
    cores = len(os.sched_getaffinity(0))
    rates: dict[str, list[float]] = {"one": [], "all": [], "isthmus": []}
    for number in range(rounds):
        for who in rotated(["one", "all", "isthmus"], number):
            count = files // 4 if who == "one" else files
            begun = time.perf_counter()
            if who == "isthmus":
                out = home / "store"
                _run("-m", "isthmus", "data", "prepare", str(folder), f"size={SIZE}", "-q", "-o", str(out))
                shutil.rmtree(out)
            else:
                _pillow(folder, count, 1 if who == "one" else cores)
            rates[who].append(count / (time.perf_counter() - begun))
            print(f"round {number + 1}: {who} {rates[who][-1]:.0f} images/s", file=sys.stderr, flush=True)
    yield Measured("decoding, images/s, isthmus", tuple(rates["isthmus"]))
    yield Measured("plain Pillow in as many processes", tuple(rates["all"]))
    yield Measured("plain Pillow in one process", tuple(rates["one"]))
    pairs = list(zip(rates["isthmus"], rates["all"], rates["one"], strict=True))
    yield Measured("isthmus over Pillow in as many processes", tuple(a / b for a, b, _ in pairs), 0.9)
    yield Measured("isthmus over Pillow in one process", tuple(a / c for a, _, c in pairs), 1.8)


def _pillow(folder: Path, count: int, processes: int) -> None:
    words = [sys.executable, "-m", "bench.contestants.plain_pillow", str(folder), str(SIZE)]
    started = [
        subprocess.Popen([*words, str(first), str(processes), str(count)], cwd=ROOT, env=surroundings())
        for first in range(processes)
    ]
    if any(process.wait() for process in started):
        raise SystemExit("plain Pillow failed")


def _training(folder: Path, home: Path, files: int, rounds: int) -> Iterator[Measured]:
    """The second start of a training on a folder, and images/s from a store over those from memory."""
    photographs(folder, files)
    first: list[float] = []
    for number in range(rounds + 1):  # the first makes the store
        out = home / f"run-{number}"
        words = ("-m", "bench.contestants.start_again", str(folder), str(SIZE), str(out))
        started, step = map(float, _run(*words, cache=home / "cache").split())
        print(f"start {number}: {started:.2f} s, first step {step:.2f} s", file=sys.stderr, flush=True)
        first += [step] if number else []
    yield Measured("second start, to the first step", tuple(first), 2.0, at_least=False, unit="s")
    store = home / "store"
    _run("-m", "isthmus", "data", "prepare", str(folder), f"size={SIZE}", "-q", "-o", str(store))
    lines = _run("-m", "bench.contestants.from_store", str(store), "5", str(rounds)).splitlines()
    rates = [tuple(map(float, line.split())) for line in lines]
    yield Measured("training from memory, images/s", tuple(held for held, _ in rates))
    yield Measured("from the store, over that", tuple(read / held for held, read in rates), 0.95)


def _million(home: Path, images: int) -> Iterator[Measured]:
    """Peak memory of 200 steps on drawn images of 64x64, killed and resumed, above that of a few images."""
    few = _peak(home, 2_000, home / "few")
    out = home / "many"
    process = _many(home, images, out)
    assert process.stdout is not None
    killed = 0
    for line in process.stdout:
        print(line, end="", file=sys.stderr, flush=True)
        if line.startswith("step-") and (out / "checkpoints" / "last").is_dir():
            process.send_signal(signal.SIGKILL)
            killed = int(line.split()[0].removeprefix("step-"))
            break
    process.wait()
    many = _peak(home, images, out)
    if not killed:
        raise SystemExit("the training ended before it could be killed")
    yield Measured(f"killed at step, of {_STEPS}", (float(killed),))
    yield Measured("peak memory on 2,000 images", (few / GIB,), unit="GiB")
    yield Measured(f"peak memory on {images:,} images", (many / GIB,), unit="GiB")
    yield Measured("more than on 2,000", ((many - few) / GIB,), 1.5, at_least=False, unit="GiB")


_STEPS = 400


def _many(home: Path, images: int, out: Path) -> subprocess.Popen[str]:
    words = [sys.executable, "-m", "bench.contestants.many_images", str(images), "64", str(_STEPS), str(out)]
    environment = {**surroundings(), "ISTHMUS_DATA": str(home / "cache")}
    return subprocess.Popen(words, cwd=ROOT, env=environment, stdout=subprocess.PIPE, text=True)


def _peak(home: Path, images: int, out: Path) -> int:
    """Bytes, of a training to its end and its evaluation."""
    process = _many(home, images, out)
    assert process.stdout is not None
    peak = 0
    for line in process.stdout:
        print(line, end="", file=sys.stderr, flush=True)
        peak = int(line.split()[2])
    if process.wait():
        raise SystemExit("a training failed")
    return peak


def _run(*words: str, cache: Path | None = None) -> str:
    environment = surroundings() | ({} if cache is None else {"ISTHMUS_DATA": str(cache)})
    done = subprocess.run([sys.executable, *words], cwd=ROOT, env=environment, stdout=subprocess.PIPE, text=True)
    if done.returncode:
        raise SystemExit(f"{' '.join(words)} failed")
    return done.stdout


if __name__ == "__main__":
    main()
