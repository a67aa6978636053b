"""How PyTorch's threads wait: asleep, from before it is loaded, unless the user has chosen otherwise."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from command import environment, start, tiny

LOADED = "import isthmus, sys; assert 'torch' not in sys.modules; import torch"


def waits(error_output: str) -> list[str]:
    """What each process's OpenMP read when it was loaded, as it says where OMP_DISPLAY_ENV asks it to."""
    return re.findall(r"GOMP_SPINCOUNT = '(\d+)'", error_output)


def asked(**changes: str) -> dict[str, str]:
    given = environment(OMP_DISPLAY_ENV="verbose", **changes)
    return {name: value for name, value in given.items() if name in changes or not name.startswith("GOMP_SPIN")}


@pytest.mark.skipif(sys.platform != "linux", reason="PyTorch's OpenMP is GNU's on Linux alone")
@pytest.mark.parametrize(
    ("changes", "found"), [({}, "0"), ({"GOMP_SPINCOUNT": "1234"}, "1234"), ({"OMP_WAIT_POLICY": "active"}, None)]
)
def test_importing_isthmus_lets_threads_sleep_unless_told_otherwise(changes: dict[str, str], found: str | None) -> None:
    done = subprocess.run([sys.executable, "-c", LOADED], env=asked(**changes), capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    (waited,) = waits(done.stderr)
    assert waited == found or (found is None and int(waited) > 10**6)


@pytest.mark.skipif(sys.platform != "linux", reason="PyTorch's OpenMP is GNU's on Linux alone")
def test_threads_sleep_in_the_command_line_and_in_its_workers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """In the process of the study, and in those of its two runs at a time."""
    monkeypatch.delenv("GOMP_SPINCOUNT", raising=False)
    study = Path(__file__).parents[2] / "bench/one-network.toml"
    words = ["study", study, "seeds=2", *tiny("train.epochs=1"), "--jobs", "2", "-q", "-o", tmp_path / "out"]
    process = start(*words, OMP_DISPLAY_ENV="verbose")
    _, err = process.communicate(timeout=240)
    assert process.returncode == 0, err
    assert len(waits(err)) >= 3 and set(waits(err)) == {"0"}  # the compiler has threads too
