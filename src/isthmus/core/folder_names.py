"""The names of what isthmus writes into a run and a study, and checks of names that become folders beside them."""

from __future__ import annotations

import re

from isthmus.core.errors import InputError

# What has another name in a run or a study is somebody else's, and `isthmus remove` refuses to remove it.
_BOTH = frozenset(
    {"lock", "log.jsonl", "report.html", "explorer.html", "watch.html", "images.safetensors", "images.parquet"}
)
RUN_FILES = _BOTH | {
    *("recipe.toml", "start.json", "environment.json", "metrics.jsonl", "training.json", "failed.json"),
    *("evaluation.json", "per_image.parquet", "pictures.safetensors", "preview.safetensors"),
    *("calibration.safetensors", "anomalies.json", "denoising.json", "job.json", "job.log"),
}
# in a run that a process is at work on, see core/lease.py
LEASE = re.compile(r"lease-([1-9][0-9]{0,8})\.json")
CHECKPOINT_FILES = frozenset({"model.safetensors", "objective.safetensors", "optimizer.safetensors", "state.json"})
EVENTS = "events.out.tfevents."
# folders in a run folder, and their files
RUN_FOLDERS = {
    "checkpoints": frozenset[str](),
    **{f"checkpoints/{name}{suffix}": CHECKPOINT_FILES for name in ("last", "best") for suffix in ("", ".new", ".old")},
    "tensorboard": frozenset[str](),  # event files, whose names TensorBoard chooses: they begin with EVENTS
    "export": frozenset({"encoder.onnx", "decoder.onnx", "model.safetensors", "export.json"}),
}
# what is made with other test sets: a folder for each, with these files
OTHER_IMAGES = "other-images"
OTHER_FILES = frozenset(
    {"evaluation.json", "per_image.parquet", "pictures.safetensors", "report.html", "explorer.html"}
)
# beside `VARIATION/seed-N`
STUDY_FILES = _BOTH | {"study.toml", "findings.json", "budget.json", "version.json"}
# files and folders that a study or a run writes; the folders of a study's variations are beside them
RESERVED = RUN_FILES | STUDY_FILES | {"checkpoints", "export", "tensorboard", OTHER_IMAGES}
# Windows opens a device under each of these names, with any suffix
_DEVICES = re.compile(r"(con|prn|aux|nul|com[0-9¹²³]|lpt[0-9¹²³])(\..*)?", re.IGNORECASE)
_FORBIDDEN = re.compile(r'[\x00-\x1f\x7f/\\<>:"|?*]')


def lease_name(number: int) -> str:
    return f"lease-{number}.json"


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
