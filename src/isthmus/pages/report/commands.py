"""Commands that a reader of a page can paste into a shell."""

from __future__ import annotations

import json
import os
import re
import shlex
from collections.abc import Mapping
from pathlib import Path

from pydantic import JsonValue

from isthmus.pages.report.read_folder import in_study


def train_again(run: Path, changes: Mapping[str, JsonValue], suffix: str) -> str:
    """The command that trains the recipe of the folder `run` with `changes` into a new folder."""
    options = " ".join(map(shlex.quote, as_options(changes)))
    return f"isthmus train {quoted(run / 'recipe.toml')} {options} -o {beside(run, suffix)}"


def as_options(changes: Mapping[str, JsonValue]) -> list[str]:
    """{"model.linear": "pca"} -> ['model.linear=pca']."""
    return [f"{path}={_value(value)}" for path, value in changes.items()]


def in_a_name(changes: Mapping[str, JsonValue]) -> str:
    """{"model.linear": "pca"} -> 'linear-pca', for the name of a folder."""
    path, value = next(iter(changes.items()))
    option = path.removesuffix(".kind").rpartition(".")[2]
    return re.sub(r"[^A-Za-z0-9.-]+", "-", f"{option}-{_value(value)}").strip("-.")


def beside(folder: Path, suffix: str, ending: str = "") -> str:
    """A new name beside a study, or beside a run that belongs to none."""
    folder = Path(os.path.abspath(folder))
    home, variation = (folder.parent.parent, f"-{folder.parent.name}") if in_study(folder) else (folder, "")
    return quoted(home.parent / f"{home.name}{variation}-{suffix}{ending}")


def quoted(path: Path) -> str:
    """For a shell: from the present folder if the path is below it, else absolute."""
    absolute, here = Path(os.path.abspath(path)), Path.cwd()
    shown = str(absolute.relative_to(here) if absolute.is_relative_to(here) else absolute)
    return shlex.quote(f"./{shown}" if shown.startswith("-") else shown)


def _value(value: JsonValue) -> str:
    return value if isinstance(value, str) else json.dumps(value, separators=(",", ":"))
