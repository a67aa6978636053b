"""Write a measurement to records/: JSON with everything, and a dated page for readers."""

from __future__ import annotations

import os
import platform
import shlex
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch

import isthmus
from bench.contest import ROOT
from bench.goals import Measured, table
from isthmus.core.atomic_files import write_json, write_text
from isthmus.training.devices import describe


def hardware(device: str) -> dict[str, Any]:
    """The hardware that the numbers depend on. Call it before the run, so that the load shows other work."""
    cpu = describe(torch.device("cpu")).rpartition(",")[0]
    return {
        "cpu": cpu,
        "cores": os.cpu_count(),
        "memory_gib": round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30),
        "gpu": describe(torch.device(device)) if device == "cuda" else None,
        "load_average_1_minute": round(os.getloadavg()[0], 2),
        "python": platform.python_version(),
        "torch": torch.__version__,
        "isthmus": isthmus.__version__,
    }


def write(
    name: str,
    title: str,
    question: str,
    rows: Sequence[Measured],
    *,
    machine: dict[str, Any],
    details: dict[str, Any],
    out: Path,
    beside: str = "",
    show: bool = True,
) -> None:
    """Write `bench-NAME-DATE.json` and `DATE-NAME.md` into `out`, and print the page if `show`.

    rows: in the order of the table, rows with a goal last. machine: result of `hardware` before the run.
    details: everything else, kept in the JSON. beside: a markdown table of quantities without a goal.
    """
    date = time.strftime("%Y-%m-%d")
    command = shlex.join(["python", "-m", _module(), *sys.argv[1:]])
    record = {
        "format": 1,
        "date": date,
        "command": command,
        "hardware": machine,
        "measured": [row.as_dict() for row in rows],
        **details,
    }
    where = machine["gpu"] or f"{machine['cpu']}, {machine['cores']} cores"
    versions = ", ".join(f"{key} {machine[key]}" for key in ("python", "torch", "isthmus"))
    tables = "\n\n".join(part for part in (beside, table(rows)) if part)
    page = (
        f"# {title}\n\n**Question.** {question}\n\n"
        f"**Machine.** {where}, {machine['memory_gib']} GiB; {versions}; one-minute load before the run "
        f"{machine['load_average_1_minute']}; {date}.\n\n"
        f"**Run.** `{command}`; every number is in [bench-{name}-{date}.json](bench-{name}-{date}.json).\n\n"
        f"**Predicted and measured.** The goals are the predictions.\n\n{tables}\n"
    )
    out.mkdir(parents=True, exist_ok=True)
    write_json(out / f"bench-{name}-{date}.json", record)
    write_text(out / f"{date}-{name}.md", page)
    if show:
        print(page, flush=True)


def _module() -> str:
    """The module that was started, as `python -m` takes it: `bench.gpu` or `bench.gpu_check`."""
    path = Path(sys.argv[0]).resolve()
    return f"bench.{path.parent.name if path.parent.name != 'bench' else path.stem}"


def folder(quick: bool) -> Path:
    """The folder for records; trials (`quick`) go elsewhere."""
    return ROOT / "runs" / "bench-quick" if quick else ROOT / "records"
