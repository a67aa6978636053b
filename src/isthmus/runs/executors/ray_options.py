"""`--ray key=value`: what the actor of a run asks for."""

from __future__ import annotations

import re
from collections.abc import Mapping

from isthmus.runs.executors.cluster_options import checked

_SIZES = {"": 1 << 20, "K": 1 << 10, "M": 1 << 20, "G": 1 << 30, "T": 1 << 40}
# ours -> Ray's, what fits, and that in words
_OPTIONS = {
    "cpus": ("num_cpus", r"[1-9]\d*", "a whole number from 1"),
    "gpus": ("num_gpus", r"\d+|0?\.\d+", "a whole number, or a part of one such as 0.5"),
    "memory": ("memory", r"[1-9]\d*[KMGT]?", "megabytes, or a size such as 16G"),
}


def read_options(options: Mapping[str, str]) -> dict[str, float]:
    """Ray's resources. Raises InputError for unknown keys and for values that do not fit."""
    found: dict[str, float] = {"num_cpus": 1}
    for key, name, value in checked("--ray", options, _OPTIONS, ", and an address HOST:PORT without a key"):
        if key == "memory":
            number, unit = re.fullmatch(r"(\d+)(\D?)", value).groups()  # pyright: ignore[reportOptionalMemberAccess]
            found[name] = int(number) * _SIZES[unit]
        else:
            found[name] = float(value) if "." in value else int(value)
    return found
