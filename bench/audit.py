"""The promises of isthmus, gone through: claim, value, holds.

    python -m bench.audit [--tests] [--results junit.xml] [--out records]

First come claims that this module measures with its own code, in some minutes; then claims that tests check, each with
the number of its tests that passed. `--tests` runs the tests, `--results` reads the results of an earlier run. Writes
`audit-DATE.md` and exits with 1 if a claim does not hold.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
import xml.etree.ElementTree as Xml
from collections.abc import Iterable, Mapping
from pathlib import Path

from bench.audit_measured import MEASURED
from bench.contest import ROOT
from bench.record import hardware

# claim -> tests that check it: a file, or a file and a word of the tests' names
TESTED: Mapping[str, tuple[str, ...]] = {
    "everything learned starts from the recipe's seed": ("training/test_same_bits.py",),
    "every generator begins at a stream": ("core/test_streams.py", "training/test_steps.py"),
    "twenty steps beside Keras, within 1e-5": ("models/test_keras_parity.py",),
    "densities, gradients and KLs at the edges": ("models/test_precision.py",),
    "tiles' batch norm at mean 100": ("kernels/test_convolve_norm_leaky.py",),
    "a default type or device changes nothing": ("kernels/test_defaults.py",),
    "intervals, p-values, Holm, one seed": ("evaluation/test_statistics.py",),
    "not tested where nothing left PCA": ("runs/test_study.py",),
    "the doctor": ("evaluation/test_doctor.py", "training/test_mirroring.py"),
    "few images": ("recipes/test_training_length.py", "data/test_splits.py"),
    "what is done to pictures is said": ("core/test_image_changes.py", "data/test_images.py"),
    "nothing written elsewhere, nothing lost": ("hostile/test_folders.py",),
    "damaged kernels are compiled again": ("kernels/test_compiled.py",),
    "memory": ("training/test_memory_estimate.py", "cli/test_supervise.py"),
    "no tracebacks": ("hostile", "hostile/test_bad_input.py"),
    "a slow machine shortens the study": ("runs/test_time_budget.py",),
    "same bits whatever runs beside": ("kernels/test_parallel.py", "kernels/test_waiting.py"),
    "old run folders": ("training/test_older_runs.py",),
}


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.audit", description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--tests", action="store_true", help="run the tests that keep the other promises, too")
    parser.add_argument("--results", type=Path, help="of a run of them: PYTEST_ADDOPTS=--junitxml=FILE make test")
    parser.add_argument("--out", type=Path, default=ROOT / "records")
    given = parser.parse_args()
    machine = hardware("cpu")
    rows: list[tuple[str, str, bool]] = []
    with tempfile.TemporaryDirectory() as home:
        for claim, measure in MEASURED.items():
            rows.append(_said((claim, *measure(Path(home)))))
        if given.tests:
            given.results = Path(home) / "results.xml"
            _run(given.results)
        if given.results:
            rows += map(_said, _tested(given.results))
    date = time.strftime("%Y-%m-%d")
    given.out.mkdir(parents=True, exist_ok=True)
    lines = [f"| {claim} | {value} | {'yes' if holds else '**no**'} |" for claim, value, holds in rows]
    command = f"python -m bench.audit{' --tests' if given.tests else ' --results FILE' if given.results else ''}"
    where = f"{machine['cpu']}, {machine['cores']} cores, torch {machine['torch']}, Python {machine['python']}"
    page = f"# Audit, {date}\n\n`{command}`, {where}.\n\n"
    page += "| claim | value | holds |\n|---|---|---|\n" + "\n".join(lines) + "\n"
    (given.out / f"{date}-audit.md").write_text(page, encoding="utf-8")
    sys.exit(not all(holds for _, _, holds in rows))


def _said(row: tuple[str, str, bool]) -> tuple[str, str, bool]:
    claim, value, holds = row
    print(f"{'holds' if holds else 'FAILS'}  {claim}: {value}", flush=True)
    return row


def _run(results: Path) -> None:
    """Run all tests of TESTED once."""
    paths = dict.fromkeys(f"tests/{name}" for names in TESTED.values() for name in names)
    command = [sys.executable, "-m", "pytest", "-q", "-m", "not slow", "-n", "auto", f"--junitxml={results}", *paths]
    subprocess.run(command, cwd=ROOT, env={**os.environ, "OMP_NUM_THREADS": "1"}, stdout=subprocess.DEVNULL)


def _tested(results: Path) -> Iterable[tuple[str, str, bool]]:
    """Each claim with the results of its tests."""
    cases = [(case.get("classname", ""), case) for case in Xml.parse(results).iter("testcase")]
    for claim, names in TESTED.items():
        modules = tuple(f"tests.{name.removesuffix('.py').replace('/', '.')}" for name in names)
        mine = [
            case for module, case in cases if module in modules or module.startswith(tuple(m + "." for m in modules))
        ]
        failed = [case for case in mine if case.find("failure") is not None or case.find("error") is not None]
        skipped = sum(case.find("skipped") is not None for case in mine)
        passed = len(mine) - len(failed) - skipped
        value = f"{passed} passed, {len(failed)} failed, {skipped} skipped ({', '.join(names)})"
        yield claim, value, bool(passed) and not failed


if __name__ == "__main__":
    main()
