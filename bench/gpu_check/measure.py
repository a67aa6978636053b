"""Goes through the parts, each in its share of the time, and writes what is known after every value.

python -m bench.gpu_check [--device cuda] [--data FOLDER ...] [--only PART ...] [--seconds 480] [--out FOLDER]
python -m bench.gpu_check --rehearse        (the same code on the CPU, with tiny sizes, in two minutes)
"""

from __future__ import annotations

import argparse
import os
import signal
import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

from bench import record
from bench.goals import Measured, table
from bench.gpu_check.found import Found, NoGoal, Said, Value
from bench.gpu_check.goals import PARTS, goal_of_h200, without_goal
from bench.gpu_check.seconds import BEGUN, END, REHEARSED, WHOLE, shares
from bench.gpu_check.watched import watched


class Report:
    """The rows of all parts, with what is known so far."""

    def __init__(self, parts: list[str], machine: dict[str, Any], out: Path, *, rehearse: bool) -> None:
        self.parts, self.machine, self.out, self.rehearse = parts, machine, out, rehearse
        self.elsewhere = machine["gpu"] is not None and "H200" not in machine["gpu"]
        self.rows = {part: {row.name: self._begin(row) for row in PARTS[part].rows} for part in parts}
        self.ends: dict[str, str] = {}
        self.said: list[str] = []

    def _begin(self, row: Measured) -> Measured:
        return without_goal(row) if self.rehearse else row

    def take(self, part: str, found: Found) -> None:
        rows = self.rows[part]
        if isinstance(found, Value):
            rows[found.name] = replace(rows[found.name], values=(found.value,))
        elif isinstance(found, NoGoal):
            rows[found.name] = without_goal(rows[found.name])
            self.said.append(f"{found.name}: no goal here: {found.reason}")
        elif isinstance(found, Said):
            self.said.append(found.sentence)

    def shown(self, part: str) -> list[Measured]:
        rows = self.rows[part].values()
        return [goal_of_h200(row, PARTS[part]) for row in rows] if self.elsewhere else list(rows)

    @property
    def holds(self) -> bool:
        """Whether every part was done and every goal was reached."""
        rows = [row for part in self.parts for row in self.rows[part].values() if row.goal is not None]
        return all(self.ends.get(part, "").startswith("done") for part in self.parts) and all(row.holds for row in rows)

    def write(self, *, show: bool = False) -> None:
        ends = [f"| {part} | {self.ends.get(part, 'not begun')} |" for part in self.parts]
        beside = "\n".join(["| part | |", "|---|---|", *ends])
        if self.said:
            beside += "\n\n" + "\n".join(f"- {sentence}" for sentence in self.said)
        about = "Sizes are tiny: this only shows that every part runs. " if self.rehearse else ""
        if self.elsewhere:
            about += f"Times are held against goals of an H200; this GPU is another one: {self.machine['gpu']}. "
        record.write(
            "gpu-check",
            "Every open goal on a GPU" if not self.rehearse else "Rehearsal of the check on a GPU",
            f"{about}Does isthmus on one GPU reach its goals? Each part ran once, in its own process and share of "
            "eight minutes; a value that is not there was not measured in that time.",
            [row for part in self.parts for row in self.shown(part)],
            machine=self.machine,
            details={"parts": self.ends, "said": self.said},
            out=self.out,
            beside=beside,
            show=show,
        )


def main() -> None:
    given = _options()
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    deadline = time.monotonic() + given.seconds - _passed() - END
    parts = list(given.only)
    report = Report(parts, record.hardware(given.device), given.out, rehearse=given.rehearse)
    code = 130
    try:
        for index, part in enumerate(parts):
            left = deadline - time.monotonic()
            # what earlier parts did not need goes to the ones after them
            ahead = {one: PARTS[one].seconds for one in parts[index:]}
            seconds = min(REHEARSED, left) if given.rehearse else shares(ahead, left)[part]
            if seconds < 5:
                report.ends[part] = "not begun: no time was left"
                continue
            print(f"{part}: up to {seconds:.0f} s", file=sys.stderr, flush=True)
            report.ends[part] = "stopped with the whole command"
            for found in watched(_command(given, part, seconds), seconds):
                if isinstance(found, str):
                    report.ends[part] = found
                else:
                    report.take(part, found)
                report.write()
            print(f"\n{part}: {report.ends[part]}\n\n{table(report.shown(part))}", flush=True)
        code = 0 if report.holds else 1
    except KeyboardInterrupt:
        print("gpu-check: stopped; what was measured is kept", file=sys.stderr)
    report.write(show=True)
    sys.exit(code)


def _passed() -> float:
    """Seconds since the whole command began."""
    return time.time() - float(os.environ[BEGUN]) if BEGUN in os.environ else 0.0


def _command(given: argparse.Namespace, part: str, seconds: float) -> list[str]:
    rehearse = ["--rehearse"] if given.rehearse else []
    options = ["--device", given.device, "--seconds", f"{seconds:.1f}", *rehearse]
    return [sys.executable, "-m", "bench.gpu_check.part", part, *options, "--data", *map(str, given.data)]


def _options() -> argparse.Namespace:
    import torch

    parser = argparse.ArgumentParser(prog="python -m bench.gpu_check", description=(__doc__ or "").partition("\n")[0])
    parser.add_argument(
        "--data", type=Path, nargs="+", default=[], help="parquet folders of CIFAR-10, its test set last"
    )
    parser.add_argument("--only", nargs="+", choices=list(PARTS), default=list(PARTS), help="parts, all by default")
    parser.add_argument("--seconds", type=float, default=WHOLE, help="for everything together (default 480)")
    parser.add_argument("--out", type=Path, help="for the page and the JSON file (default records/)")
    parser.add_argument("--device", default="cuda", choices=("cuda", "cpu"))
    parser.add_argument("--rehearse", action="store_true", help="tiny sizes on the CPU: numbers without worth")
    given = parser.parse_args()
    if given.rehearse:
        given.device = "cpu"
    elif given.device == "cpu":
        parser.exit(2, "gpu-check: --device cpu measures no GPU; add --rehearse to try the command out\n")
    elif not torch.cuda.is_available():
        parser.exit(2, "gpu-check: torch finds no CUDA device here; run it where there is one, or try --rehearse\n")
    for path in given.data:
        if not path.exists():
            parser.exit(2, f"gpu-check: --data {path} does not exist; give folders of parquet files\n")
    given.data = [path.resolve() for path in given.data]
    given.out = (given.out or record.folder(given.rehearse)).resolve()
    return given


if __name__ == "__main__":
    main()
