"""isthmus trains, compares and looks inside image autoencoders, and says which choice mattered."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

__version__ = "0.1.0"
__all__ = [
    "Autoencoder",
    "InputError",
    "Run",
    "RunError",
    "Study",
    "calibrate",
    "chart",
    "compare",
    "denoise",
    "doctor",
    "encode",
    "evaluate",
    "explore",
    "export",
    "list_runs",
    "load",
    "sample",
    "score",
    "similar",
    "strip",
    "study",
    "train",
]

if TYPE_CHECKING:
    from isthmus.api.at_work import calibrate, denoise, encode, score, similar
    from isthmus.api.comparison import compare
    from isthmus.api.drawings import chart, strip
    from isthmus.api.functions import doctor, evaluate, explore, export, load, sample, study, train
    from isthmus.api.list_runs import list_runs
    from isthmus.api.run_object import Run
    from isthmus.api.study_object import Study
    from isthmus.core.errors import InputError, RunError
    from isthmus.models.autoencoder import Autoencoder

_HOMES = {
    "Autoencoder": "isthmus.models.autoencoder",
    "InputError": "isthmus.core.errors",
    "Run": "isthmus.api.run_object",
    "RunError": "isthmus.core.errors",
    "Study": "isthmus.api.study_object",
    "calibrate": "isthmus.api.at_work",
    "chart": "isthmus.api.drawings",
    "compare": "isthmus.api.comparison",
    "denoise": "isthmus.api.at_work",
    "doctor": "isthmus.api.functions",
    "encode": "isthmus.api.at_work",
    "evaluate": "isthmus.api.functions",
    "explore": "isthmus.api.functions",
    "export": "isthmus.api.functions",
    "list_runs": "isthmus.api.list_runs",
    "load": "isthmus.api.functions",
    "sample": "isthmus.api.functions",
    "score": "isthmus.api.at_work",
    "similar": "isthmus.api.at_work",
    "strip": "isthmus.api.drawings",
    "study": "isthmus.api.functions",
    "train": "isthmus.api.functions",
}

# PyTorch's threads, which are OpenMP's, sleep while they wait: spinning takes the core from those they wait for, which
# beside another program's busy process is three to ten times slower (records/2026-11-28-neighbour-first-look.md). It is
# read once, when torch is loaded. Whoever has chosen how to wait is left alone.
if not {"OMP_WAIT_POLICY", "GOMP_SPINCOUNT"} & os.environ.keys():
    os.environ["GOMP_SPINCOUNT"] = "0"

# onnxruntime, with which exports are checked, reports its use to its makers unless told not to when it is loaded.
os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")


def __getattr__(name: str) -> object:
    if name in _HOMES:
        from importlib import import_module  # as late as the name: `isthmus --help` must not wait for torch

        if _HOMES[name] != "isthmus.core.errors":  # all others load torch
            from isthmus.core.paths import check_working_folder

            check_working_folder()
        return getattr(import_module(_HOMES[name]), name)
    raise AttributeError(f"module 'isthmus' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted([*__all__, "__version__"])


del TYPE_CHECKING, annotations, os  # no names of ours
