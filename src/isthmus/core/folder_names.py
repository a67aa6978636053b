"""Checks names that become folders: those of recipes, studies and variations."""

from __future__ import annotations

import re

from isthmus.core.errors import InputError

# files and folders that a study or a run writes; the folders of a study's variations are beside them
RESERVED = frozenset(
    {
        *("study.toml", "findings.json", "budget.json", "report.html", "explorer.html", "lock"),
        *("recipe.toml", "environment.json", "training.json", "metrics.jsonl", "failed.json"),
        *(
            "evaluation.json",
            "per_image.parquet",
            "pictures.safetensors",
            "preview.safetensors",
            "watch.html",
            "images.safetensors",
            "checkpoints",
            "export",
        ),
    }
)
# Windows opens a device under each of these names, with any suffix
_DEVICES = re.compile(r"(con|prn|aux|nul|com[0-9¹²³]|lpt[0-9¹²³])(\..*)?", re.IGNORECASE)
_FORBIDDEN = re.compile(r'[\x00-\x1f\x7f/\\<>:"|?*]')


def check_folder_name(name: str, option: str) -> None:
    """Raise InputError where `name` cannot name a folder on every system; the message calls it `option`."""
    if name in ("", ".", "..") or _FORBIDDEN.search(name):
        reason = "use letters and digits"
    elif name[-1] in ". " or name[0] == " ":
        reason = "let it begin and end with a letter or digit"
    elif _DEVICES.fullmatch(name):
        reason = "Windows has a device of that name; use another"
    else:
        return
    raise InputError(f"{option}: {name!r} does not fit: it becomes a folder's name; {reason}")


def check_not_reserved(name: str, option: str) -> None:
    """Raise InputError where a variation has the name of a file that its study writes; `option` as above."""
    if name.casefold() in RESERVED:
        raise InputError(f"{option}: {name!r} does not fit: the study itself writes that name; use another")
