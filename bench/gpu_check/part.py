"""One part in a process of its own, which its driver ends when its time is over: `watched.py`."""

from __future__ import annotations

import argparse
import importlib

from bench.gpu_check.found import to_line
from bench.gpu_check.goals import PARTS
from bench.gpu_check.setting import Setting


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.gpu_check.part")
    parser.add_argument("name", choices=list(PARTS))
    parser.add_argument("--device", required=True)
    parser.add_argument("--seconds", type=float, required=True)
    parser.add_argument("--data", nargs="*", default=[])
    parser.add_argument("--rehearse", action="store_true")
    given = parser.parse_args()
    part = importlib.import_module(f"bench.gpu_check.parts.{given.name}")
    for found in part.measure(Setting(given.device, tuple(given.data), given.seconds, given.rehearse)):
        print(to_line(found), flush=True)


if __name__ == "__main__":
    main()
