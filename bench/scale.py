"""Two processes that share each batch against one on the same two cores: `python -m bench.scale`.

Both train the same recipe on the same drawn images, in turns. Also counted: the messages and bytes of a step.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
from contextlib import nullcontext
from typing import Any

from bench.contest import ROOT, Results, rotated
from bench.goals import Measured, ratios
from bench.neighbour import neighbours
from bench.record import folder, hardware, write

_GOAL = 0.85
_MODULE = "bench.contestants.shared_batches"
_TORCHRUN = ("-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2", "-m")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=8.0)
    parser.add_argument("--recipe", default="post/latent-10")
    parser.add_argument("--batches", type=int, nargs="+", default=[64, 256])
    parser.add_argument("--quick", action="store_true")
    given = parser.parse_args()
    machine = hardware("cpu")
    if given.quick:
        given.rounds, given.seconds = 1, 1.0
    rows: list[Measured] = []
    details: dict[str, Any] = {}
    for beside in (0, 1):
        with neighbours(1) if beside else nullcontext():
            for precision in ("fp32", "auto"):
                for batch in given.batches:
                    results = _turns(given, batch, precision)
                    where = "beside a busy process" if beside else "quiet"
                    label = f"{given.recipe}, batch {batch}, {precision}, {where}"
                    values = ratios(results, "two", "one", "images_per_second")
                    rows.append(Measured(f"two processes / one, {label}", values, None if beside else _GOAL))
                    details[label] = results
                    print(label, [round(value, 3) for value in values], file=sys.stderr, flush=True)
    write(
        "scale",
        "Two processes that share each batch",
        "How many images a second do two processes of one core each train, against one process on both cores?",
        rows,
        machine=machine,
        details={"results": details},
        out=folder(given.quick),
    )


def _turns(given: argparse.Namespace, batch: int, precision: str) -> Results:
    results: Results = {"one": [], "two": []}
    words = [given.recipe, str(batch), precision, str(given.seconds)]
    commands = {"one": (["-m", _MODULE, *words], "2"), "two": ([*_TORCHRUN, _MODULE, *words], "1")}
    for number in range(given.rounds):
        for name in rotated(list(commands), number):
            command, threads = commands[name]
            done = subprocess.run(
                [sys.executable, *command],
                cwd=ROOT,
                env={**os.environ, "OMP_NUM_THREADS": threads},
                capture_output=True,
                text=True,
                check=False,
            )
            if done.returncode:
                raise SystemExit(f"{name} failed:\n{done.stderr[-3000:]}")
            results[name].append(json.loads(done.stdout.splitlines()[-1]))
    return results


if __name__ == "__main__":
    main()
