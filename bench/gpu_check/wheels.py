"""Collect the wheels that a GPU machine without a network may lack: `make gpu-wheels`.

    python -m bench.gpu_check.wheels [--python 3.12] [--there NAME ...] [--most MEGABYTES]

The versions are those installed here. `--there` names what the machine has, which is left out. What does not fit into
`--most` is left out too, and named: the last packages of `packages.NEEDED` are large.
"""

from __future__ import annotations

import argparse
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from bench.gpu_check.packages import NEEDED, Package, installed

ROOT = Path(__file__).resolve().parents[2]
FOLDER = ROOT / ".gpu-wheels"
_GLIBC = (17, 24, 27, 28)  # minor versions of glibc 2 that wheels are built for; pip compares names, not numbers


def collect(package: Package, folder: Path, python: str) -> int:
    """Download the package and what comes with it into `folder`; returns their bytes.

    Raises SystemExit with a sentence where it fails.
    """
    names = (package.distribution, *package.with_)
    versions = installed(names)
    if package.distribution not in versions:
        raise SystemExit(f"gpu-wheels: {package.distribution} is not installed here; run `make .venv/installed` first")
    platforms = [f"manylinux_2_{minor}_x86_64" for minor in _GLIBC] + ["manylinux2014_x86_64", "manylinux1_x86_64"]
    done = subprocess.run(
        [sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check", "--no-deps"]
        + ["-c", str(ROOT / "constraints.txt"), "--only-binary=:all:", "--implementation", "cp"]
        + ["--python-version", python, *(f"--platform={name}" for name in platforms), "-d", str(folder)]
        + [f"{name}=={version}" for name, version in versions.items()],
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        lines = done.stderr.strip().splitlines() or ["no reason given"]
        raise SystemExit(f"gpu-wheels: pip cannot download {package.distribution}: {lines[-1]}")
    return sum(wheel.stat().st_size for wheel in folder.iterdir())


def main() -> None:
    parser = argparse.ArgumentParser(prog="make gpu-wheels", description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--python", default="3.12", help="version of the interpreter there (default 3.12)")
    parser.add_argument("--there", nargs="+", default=[], metavar="NAME", help="packages that the machine has")
    parser.add_argument("--most", type=float, default=50, help="megabytes that may travel (default 50)")
    parser.add_argument("--folder", type=Path, default=FOLDER, help="for the wheels; it is emptied first")
    given = parser.parse_args()
    unknown = set(given.there) - {package.distribution for package in NEEDED}
    if unknown:
        known = ", ".join(package.distribution for package in NEEDED)
        parser.exit(2, f"gpu-wheels: --there {min(unknown)}: is none of {known}\n")
    if given.folder.exists() and any(file.suffix != ".whl" for file in given.folder.iterdir()):
        parser.exit(2, f"gpu-wheels: --folder {given.folder}: holds other files than wheels; choose another folder\n")
    shutil.rmtree(given.folder, ignore_errors=True)
    given.folder.mkdir(parents=True)
    total, left_out = 0, list[str]()
    for package in NEEDED:
        if package.distribution in given.there:
            continue
        with tempfile.TemporaryDirectory() as beside:
            size = collect(package, Path(beside), given.python)
            if total + size > given.most * 1e6:
                left_out.append(f"{package.distribution} ({size / 1e6:.0f} MB)")
                continue
            for wheel in Path(beside).iterdir():
                shutil.copy2(wheel, given.folder)
            total += size
    print(f"{len(list(given.folder.iterdir()))} wheels for Python {given.python}, {total / 1e6:.1f} MB: {given.folder}")
    if left_out:
        print(
            f"Left out, beyond {given.most:g} MB: {', '.join(left_out)}. On a machine that lacks them, the parts that "
            "need them will say so. Name with --there what the machine has, or raise --most."
        )


if __name__ == "__main__":
    main()
