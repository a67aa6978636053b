"""Rounds: every entry runs once per round in its own process; each round starts with another entry."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

ROOT = Path(__file__).resolve().parents[1]
T = TypeVar("T")
Results = dict[str, list[dict[str, Any]]]  # label -> one result per round


@dataclass(frozen=True)
class Entry:
    """A script of the benchmark: its module name under `bench`, and its arguments in addition to the common ones."""

    label: str
    module: str
    arguments: tuple[str, ...] = ()


def training(contestant: str, batch: int, precision: str) -> Entry:
    """The entry of one of `bench/contestants`; its label is, for example, `isthmus 32 auto`."""
    name = contestant.partition("_")[0]
    arguments = ("--batch", str(batch), "--precision", precision)
    return Entry(f"{name} {batch} {precision}", f"contestants.{contestant}", arguments)


def rotated(entries: Sequence[T], number: int) -> list[T]:
    """The order of round `number`: the second entry of the previous round comes first."""
    start = number % len(entries)
    return [*entries[start:], *entries[:start]]


def rounds(entries: Sequence[Entry], count: int, common: dict[str, Sequence[str]]) -> Results:
    """Run every entry `count` times; `common`: module -> arguments, with "" for all other modules."""
    results: Results = {entry.label: [] for entry in entries}
    for number, entry in _schedule(entries, count):
        arguments = [*common.get(entry.module, common[""]), *entry.arguments]
        result = run_module(entry.module, arguments)
        results[entry.label].append(result)
        rate = result.get("images_per_second")
        said = f"{rate:.0f} images/s" if rate else json.dumps(result)
        print(f"round {number + 1} of {count}: {entry.label}: {said}", file=sys.stderr, flush=True)
    return results


def surroundings() -> dict[str, str]:
    """The environment of a contestant, without what `import isthmus` sets: each contestant sets its own."""
    return {name: value for name, value in os.environ.items() if name != "GOMP_SPINCOUNT"}


def run_module(module: str, arguments: Sequence[str]) -> dict[str, Any]:
    """The last line of what `python -m bench.MODULE` printed, which is JSON.

    Raises SystemExit with the end of its error output if it fails.
    """
    command = [sys.executable, "-m", f"bench.{module}", *arguments]
    done = subprocess.run(command, cwd=ROOT, env=surroundings(), capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"{module} {' '.join(arguments)} failed:\n{done.stderr[-2000:]}")
    return json.loads(done.stdout.splitlines()[-1])


def _schedule(entries: Sequence[Entry], count: int) -> Iterator[tuple[int, Entry]]:
    for number in range(count):
        for entry in rotated(entries, number):
            yield number, entry
