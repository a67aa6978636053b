"""`--slurm key=value`: what a job of SLURM asks for."""

from __future__ import annotations

from collections.abc import Mapping

from isthmus.runs.executors.cluster_options import checked

# ours -> submitit's, what fits, and that in words
_OPTIONS = {
    "partition": ("partition", r"[\w.,-]+", "a partition, as `sinfo` lists them"),
    "time": ("time", r"(\d+-)?\d+(:\d\d){0,2}", "minutes or H:MM:SS, such as 90 or 1:30:00"),
    "gpus": ("gpus_per_node", r"([\w-]+:)?\d+", "a number, or a type and a number, such as 1 or a100:1"),
    "memory": ("mem", r"\d+[KMGT]?", "megabytes, or a size such as 16G"),
    "cpus": ("cpus_per_task", r"[1-9]\d*", "a whole number from 1"),
    "account": ("account", r"[\w.@-]+", "an account's name"),
    "qos": ("qos", r"[\w.-]+", "the name of a quality of service"),
    "constraint": ("constraint", r"[\w&|*,.()\[\]-]+", "features of nodes"),
    "exclude": ("exclude", r"[\w.,\[\]-]+", "names of nodes"),
}
_DEFAULT_MINUTES = 60


def read_options(options: Mapping[str, str]) -> dict[str, str | int]:
    """The parameters for submitit. Raises InputError for unknown keys and for values that do not fit."""
    parameters: dict[str, str | int] = {"time": _DEFAULT_MINUTES}
    for key, name, value in checked("--slurm", options, _OPTIONS):
        parameters[name] = minutes(value) if key == "time" else value
    return parameters


def minutes(value: str) -> int:
    """Of SLURM's ways to write a time; seconds count as a whole minute. At least 1: for SLURM 0 is no limit.

    >>> [minutes(value) for value in ("90", "1:30", "1:30:00", "2-12", "1-0:30")]
    [90, 2, 90, 3600, 1470]
    """
    days, _, clock = value.rpartition("-")
    parts = [int(part) for part in clock.split(":")]
    if len(parts) < 3 and not days:  # M or M:SS
        parts.insert(0, 0)
    hours, least, seconds = (*parts, 0, 0)[:3]
    return max(1, (int(days or 0) * 24 + hours) * 60 + least + (seconds > 0))
