"""`--on`: the executor that carries out a study's runs elsewhere."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from isthmus.core import registry
from isthmus.core.errors import InputError
from isthmus.core.paths import cache_folder
from isthmus.runs.executors.interfaces import Executor

PLACES = ("here", "slurm", "ray")


def executor_on(on: str, study: Path, slurm: Sequence[str], ray: Sequence[str]) -> Executor | None:
    """The executor of that name for the study in a folder; None for `here`. slurm, ray: options, as KEY=VALUE.

    Raises InputError for another name, for options that do not fit or have no effect, and where no such cluster is.
    """
    if on not in PLACES:
        raise InputError(f"--on: {on!r} is not known{registry.suggest(on, PLACES)}; there are {', '.join(PLACES)}")
    for option, given in (("slurm", slurm), ("ray", ray)):
        if given and on != option:
            raise InputError(f"--{option}: has no effect with --on {on}; leave it out, or use --on {option}")
    if on == "here":
        return None
    from isthmus.runs.executors.placed import Placed  # with what it needs only where it is asked for

    if on == "slurm":
        from isthmus.runs.executors.slurm import Slurm

        cluster = Slurm(_options("slurm", slurm), cache_folder() / "slurm")
    else:
        from isthmus.runs.executors.ray import Ray

        address = next(
            (word.removeprefix("address=") for word in ray if "=" not in word or word.startswith("address=")), None
        )
        cluster = Ray(
            address, _options("ray", [word for word in ray if "=" in word and not word.startswith("address=")])
        )
    cluster.check()  # before minutes of reading images
    return Placed(cluster, study)


def _options(option: str, words: Sequence[str]) -> dict[str, str]:
    found: dict[str, str] = {}
    for word in words:
        key, given, value = word.partition("=")
        if not given or not key:
            raise InputError(f"--{option}: {word!r} does not fit: give KEY=VALUE, such as --{option} cpus=4")
        if key in found:
            raise InputError(f"--{option} {key}: is given twice; leave one out")
        found[key] = value
    return found
