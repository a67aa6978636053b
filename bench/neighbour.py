"""isthmus beside other programs' busy processes: `make bench ARGS=--neighbour`, or `python -m bench.neighbour`.

All contestants start and warm up before the first turn. Then, in every round, each works for a few seconds beside
zero, one and two busy processes. Linux divides cores among threads; if it groups threads by session, it divides them
among sessions first, so a busy process in its own session gets as much as all of our threads together. Both cases are
measured. A busy process must stay alive and busy during every turn beside it.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import subprocess
import sys
import time
from collections.abc import Generator, Mapping, Sequence
from pathlib import Path
from statistics import mean
from typing import Any

from bench import record
from bench.contest import ROOT, Results, rotated, surroundings
from bench.goals import Measured, ratios, spread

QUIET, ONE, TWO, STRANGER = "quiet", "beside one", "beside two", "beside one in its own session"
BUSY = {QUIET: 0, ONE: 1, TWO: 2, STRANGER: 1}
SETTLE_SECONDS = 0.3
SLICES = 6  # per turn
KEPT, FASTER, UNCHANGED = 0.6, 6.0, 0.97
RATE = "images_per_second"


class Contestant:
    """Processes of `bench.contestants.in_turns` that work at the same time; `folder`: their checkout."""

    def __init__(self, label: str, words: Sequence[str], folder: Path = ROOT, *, count: int = 1) -> None:
        self.label = label
        # always this benchmark's code, whichever checkout's isthmus it measures
        environment = {**surroundings(), "PYTHONPATH": os.pathsep.join([str(folder / "src"), str(ROOT)])}
        command = [sys.executable, "-m", "bench.contestants.in_turns", *words]
        self.processes = [
            subprocess.Popen(
                command, cwd=ROOT, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
            )
            for _ in range(count)
        ]

    def await_ready(self) -> None:
        for process in self.processes:
            if self._line(process) != "ready":
                raise SystemExit(f"{self.label} did not begin")

    def turn(self, seconds: float) -> float:
        """Images per second of all processes together."""
        for process in self.processes:
            assert process.stdin is not None
            process.stdin.write(f"{seconds}\n")
            process.stdin.flush()
        return sum(float(self._line(process)) for process in self.processes)

    def end(self) -> None:
        for process in self.processes:
            process.kill()
            process.wait()

    def _line(self, process: subprocess.Popen[str]) -> str:
        assert process.stdout is not None
        line = process.stdout.readline().strip()
        if not line:
            raise SystemExit(f"{self.label} ended with exit code {process.wait()}")
        return line


@contextlib.contextmanager
def neighbours(count: int, *, apart: bool = False) -> Generator[list[int]]:
    """Context with `count` busy processes; yields their process ids. `apart`: each in its own session.

    Raises SystemExit if one of them ends early.
    """
    command = [sys.executable, "-c", "while True: pass"]
    busy = [subprocess.Popen(command, start_new_session=apart) for _ in range(count)]
    try:
        time.sleep(SETTLE_SECONDS)
        yield [process.pid for process in busy]
        if any(process.poll() is not None for process in busy):
            raise SystemExit("a busy process ended before the turns beside it: these numbers are worth nothing")
    finally:
        for process in busy:
            process.kill()
            process.wait()


def cpu_seconds(pid: int) -> float:
    """CPU seconds that a process has used so far (Linux)."""
    fields = Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def one_slice(contestant: Contestant, seconds: float, busy: Sequence[int]) -> dict[str, Any]:
    """The contestant's images per second, and the share of a core that each busy process had meanwhile."""
    before, begun = [cpu_seconds(pid) for pid in busy], time.perf_counter()
    rate = contestant.turn(seconds)
    elapsed = time.perf_counter() - begun
    shares = [(cpu_seconds(pid) - had) / elapsed for pid, had in zip(busy, before, strict=True)]
    return {RATE: rate, "neighbours_had": shares}


def whole_turn(name: str, slices: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """The means of a turn's slices."""
    shares = [mean(several) for several in zip(*(one["neighbours_had"] for one in slices), strict=True)]
    if any(share <= 0.05 for share in shares):
        raise SystemExit(f"a busy process did not work beside {name}: it had {shares} of a core")
    return {RATE: mean(one[RATE] for one in slices), "neighbours_had": shares}


def label(name: str, where: str) -> str:
    return f"{name}, {where}"


def play(contestants: Sequence[Contestant], rounds: int, seconds: float) -> Results:
    """One turn per contestant, number of busy processes and round.

    A turn is cut into slices, with slices of the other contestants in between, so that outside load on the machine
    slows all contestants equally.
    """
    results: Results = {label(one.label, where): [] for one in contestants for where in BUSY}
    for number in range(rounds):
        for where in BUSY if number % 2 == 0 else reversed(BUSY):
            slices: dict[str, list[dict[str, Any]]] = {one.label: [] for one in contestants}
            with neighbours(BUSY[where], apart=where == STRANGER) as busy:
                for turn in range(SLICES):
                    for one in rotated(contestants, number + turn):
                        slices[one.label].append(one_slice(one, seconds / SLICES, busy))
            for name, several in slices.items():
                results[label(name, where)].append(whole_turn(name, several))
        print(f"round {number + 1} of {rounds} is over", file=sys.stderr, flush=True)
    return results


def table(results: Results, names: Sequence[str]) -> str:
    """One row per contestant: images/s beside each number of busy processes, and the share of speed it keeps."""
    busy = list(BUSY)[1:]
    heads = [QUIET, *(f"{where} | kept" for where in busy)]
    lines = [f"| images/s | {' | '.join(heads)} |", "|---" * 2 * len(BUSY) + "|"]
    for name in names:
        rates = {where: [turn[RATE] for turn in results[label(name, where)]] for where in BUSY}
        cells = [spread(rates[QUIET])]
        for where in busy:
            cells += [spread(rates[where]), spread(ratios(results, label(name, where), label(name, QUIET), RATE))]
        lines.append(f"| {name} | {' | '.join(cells)} |")
    return "\n".join(lines)


def goals(results: Results, names: Sequence[str]) -> list[Measured]:
    """The goals of the contestants that took part."""
    ours = ("isthmus fp32", "isthmus bf16", "evaluator")
    rows = [
        Measured(f"{name}: {where} / quiet", ratios(results, label(name, where), label(name, QUIET), RATE), goal)
        for name in (*ours, "two jobs fp32")
        for where, goal in ((ONE, KEPT), (TWO, None), (STRANGER, None))
    ]
    for where, goal in ((ONE, FASTER), (STRANGER, None)):
        pair = (label("isthmus fp32", where), label("plain fp32", where))
        rows.append(Measured(f"{where}: isthmus fp32 / plain fp32", ratios(results, *pair, RATE), goal))
    for name in ours:
        for where, goal in ((QUIET, UNCHANGED), (ONE, None), (TWO, None), (STRANGER, None)):
            if f"{name}, before" in names:
                pair = (label(name, where), label(f"{name}, before", where))
                rows.append(Measured(f"{label(name, where)}: now / before", ratios(results, *pair, RATE), goal))
    return rows


def plan(threads: int, before: Path | None) -> Mapping[str, tuple[tuple[str, ...], Path, int]]:
    """The contestants: label -> (arguments, checkout, number of processes)."""
    share = str(max(1, threads // 2))
    words = {
        "isthmus fp32": ("isthmus", "--precision", "fp32", "--threads", str(threads)),
        "isthmus bf16": ("isthmus", "--precision", "bf16", "--threads", str(threads)),
        "evaluator": ("evaluator", "--threads", str(threads)),
    }
    found = {name: (given, ROOT, 1) for name, given in words.items()}
    found["two jobs fp32"] = (("isthmus", "--threads", share), ROOT, 2)
    found["plain fp32"] = (("plain", "--threads", str(threads)), ROOT, 1)
    if before is not None:
        found |= {f"{name}, before": (given, before, 1) for name, given in words.items()}
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description="isthmus beside other programs' busy processes")
    parser.add_argument("--seconds", type=float, default=3.0, help="of each turn")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--threads", type=int, default=os.cpu_count())
    parser.add_argument("--before", type=Path, help="another checkout of isthmus, measured in the same rounds")
    parser.add_argument("--quick", action="store_true", help="try it out: numbers without worth, kept in runs/")
    given = parser.parse_args()
    if given.quick:
        given.seconds, given.rounds = 0.5, 1

    machine = record.hardware("cpu")
    contestants: list[Contestant] = []
    try:
        for name, (words, folder, count) in plan(given.threads, given.before).items():
            contestants.append(Contestant(name, words, folder, count=count))
        for one in contestants:
            one.await_ready()
        results = play(contestants, given.rounds, given.seconds)
    finally:
        for one in contestants:
            one.end()
    names = [one.label for one in contestants]
    record.write(
        "neighbour",
        "isthmus beside other programs' busy processes",
        "How much of its speed does training the post's latent-10 network keep, batch 32, beside one and two busy "
        "processes of other programs? All contestants warm, in turns of "
        f"{given.seconds:g} s, in {SLICES} slices between those of the others; rounds: {given.rounds}; "
        f"CPU threads: {given.threads}. "
        "Two jobs are two processes with half of the threads each.",
        goals(results, names),
        machine=machine,
        details={"turns": results},
        out=record.folder(given.quick),
        beside=table(results, names),
    )


if __name__ == "__main__":
    main()
