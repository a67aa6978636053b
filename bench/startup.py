"""How long `isthmus --help` takes, and that it does not import torch."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

ISTHMUS = Path(sys.executable).with_name("isthmus")


def help_seconds(times: int = 10) -> tuple[float, ...]:
    """Wall times of `isthmus --help`, with its files already in the page cache."""
    command = [str(ISTHMUS), "--help"]
    subprocess.run(command, capture_output=True, check=True)
    seconds: list[float] = []
    for _ in range(times):
        begun = time.perf_counter()
        subprocess.run(command, capture_output=True, check=True)
        seconds.append(time.perf_counter() - begun)
    return tuple(seconds)


def assert_no_torch() -> None:
    """Raises SystemExit if `isthmus --help` imports torch."""
    command = [sys.executable, "-X", "importtime", "-m", "isthmus", "--help"]
    times = subprocess.run(command, capture_output=True, text=True, check=True).stderr
    imported = {line.rpartition("|")[2].strip() for line in times.splitlines() if line.startswith("import time:")}
    assert "isthmus.cli" in imported, "no import times were printed"
    if "torch" in imported:
        raise SystemExit("`isthmus --help` imports torch before it is needed")
