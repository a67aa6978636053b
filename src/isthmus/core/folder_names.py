"""Names that become folders: of recipes, studies and their variations."""

from __future__ import annotations

import re

from isthmus.core.errors import InputError

# what a study or a run writes into its folder itself; a variation's folder lies beside
RESERVED = frozenset(
    {
        *("study.toml", "findings.json", "budget.json", "report.html", "explorer.html", "lock"),
        *("recipe.toml", "environment.json", "training.json", "metrics.jsonl", "failed.json"),
        *(
            "evaluation.json",
            "per_image.parquet",
            "pictures.safetensors",
            "images.safetensors",
            "checkpoints",
            "export",
        ),
    }
)
# Windows opens a device under each of these, with whatever ending
_DEVICES = re.compile(r"(con|prn|aux|nul|com[0-9¹²³]|lpt[0-9¹²³])(\..*)?", re.IGNORECASE)
_FORBIDDEN = re.compile(r'[\x00-\x1f\x7f/\\<>:"|?*]')


def check_folder_name(name: str, option: str) -> None:
    """See that `name` is one folder's on every system. Raises InputError, which calls it `option`, where it is not."""
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
    """See that a variation's folder can lie beside what its study writes. Raises InputError as `check_folder_name`."""
    if name.casefold() in RESERVED:
        raise InputError(f"{option}: {name!r} does not fit: the study itself writes that name; use another")
