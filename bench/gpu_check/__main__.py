"""`python -m bench.gpu_check`: makes importable what this machine lacks, then measures (`measure.py`).

The wheels of `make gpu-wheels` are installed into a folder of their own for this command alone: nothing that the
machine has is changed, and PyTorch is never installed.
"""

from __future__ import annotations

import importlib.util
import os
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from bench.gpu_check.packages import missing
from bench.gpu_check.seconds import BEGUN

ROOT = Path(__file__).resolve().parents[2]
WHEELS = ROOT / ".gpu-wheels"


def install(target: Path) -> str | None:
    """Install what is missing from `WHEELS` into `target`; a sentence about what could not be."""
    lacking = missing()
    names = [name for package in lacking for name in (package.distribution, *package.with_)]
    wheels = {wheel.name.partition("-")[0].lower().replace("_", "-"): wheel for wheel in sorted(WHEELS.glob("*.whl"))}
    found = [str(wheels[name]) for name in names if name in wheels]
    absent = [package.distribution for package in lacking if package.distribution not in wheels]
    if found:
        pip = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-compile"]
        options = ["--no-index", "--no-deps", "--no-cache-dir", "--root-user-action=ignore", "--target", str(target)]
        done = subprocess.run([*pip, *options, *found], capture_output=True, text=True, check=False)
        if done.returncode:
            raise SystemExit(f"gpu-check: pip cannot install {WHEELS}:\n{done.stderr[-1000:]}")
    if absent:
        return f"not here, and no wheel in {WHEELS.name}/: {', '.join(absent)}; `make gpu-wheels` collects them"
    return None


def main() -> None:
    begun = time.time()
    if importlib.util.find_spec("torch") is None:
        sys.exit("gpu-check: PyTorch is not here; it comes with the machine and is never installed by this command")
    with tempfile.TemporaryDirectory() as folder:
        sentence = install(Path(folder))
        if sentence:
            print(f"gpu-check: {sentence}", file=sys.stderr, flush=True)
        paths = [folder, str(ROOT / "src"), str(ROOT), os.environ.get("PYTHONPATH", "")]
        environment = {
            **os.environ,
            "PYTHONPATH": os.pathsep.join(filter(None, paths)),
            "PYTHONUNBUFFERED": "1",
            BEGUN: str(begun),
        }
        command = [sys.executable, "-m", "bench.gpu_check.measure", *sys.argv[1:]]
        child = subprocess.Popen(command, cwd=ROOT, env=environment)
        signal.signal(signal.SIGTERM, lambda *_: child.terminate())
        while True:
            try:
                sys.exit(child.wait())
            except KeyboardInterrupt:  # the child hears Ctrl-C too: it ends its parts and writes what it has
                continue


if __name__ == "__main__":
    main()
