"""The wall time of a whole `isthmus study`, as a user experiences it."""

from __future__ import annotations

import os
import subprocess
import tempfile
import time
from pathlib import Path

from bench.contest import ROOT
from bench.startup import ISTHMUS

STUDY = ROOT / "bench" / "one-network.toml"


def study_seconds(study: str | Path, *words: str) -> float:
    """Seconds of `isthmus study STUDY WORDS...` into an empty folder with an empty cache.

    Raises SystemExit with the end of its error output if it fails.
    """
    with tempfile.TemporaryDirectory() as folder:
        command = [str(ISTHMUS), "study", str(study), *words, "-o", f"{folder}/study"]
        begun = time.perf_counter()
        done = subprocess.run(
            command,
            cwd=ROOT,
            env={**os.environ, "XDG_CACHE_HOME": folder},  # otherwise the second run would use PCA fitted by the first
            capture_output=True,
            text=True,
            check=False,
        )
        seconds = time.perf_counter() - begun
    if done.returncode:
        raise SystemExit(f"{' '.join(command)} failed:\n{done.stderr[-2000:]}")
    return seconds
