"""One run as a list shows it, from a few small files: no image, no weight and no table of scores is read."""

from __future__ import annotations

import os
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal, TypeVar

from isthmus.core.bounded_reading import parse_json, parse_toml, read_bytes, reason
from isthmus.core.lease import is_in_use
from isthmus.run_files.evaluation import AgainstPca, Checkpoint
from isthmus.run_files.read import parse_record
from isthmus.run_files.record import Count, Record
from isthmus.run_files.scores import IntervalRecord, Score

R = TypeVar("R", bound=Record)
State = Literal["finished", "unfinished", "failed", "in use", "unreadable"]
_LARGEST_RECIPE = 300_000  # bytes, a hundred times what is usual: a list of runs waits for no file of millions of lines
STATES: tuple[State, ...] = ("finished", "unfinished", "failed", "in use", "unreadable")


@dataclass(frozen=True)
class ListedRun:
    """A run folder and what it says of itself. What it does not say is empty, None or nan.

    name: the folder, as seen from the listed one. study: the folder of its study likewise; empty for a single run.
    why: a sentence on a run that failed or whose files cannot be read. data: the images in a few words. psnr, over_pca:
    on its test images, in dB. is_pca: whether it kept the weights from before its first step, which are PCA.
    started: UTC. size: bytes on the disk.
    """

    folder: Path
    name: str
    study: str
    state: State
    why: str = ""
    recipe: str = ""
    seed: int | None = None
    data: str = ""
    test_images: int | None = None
    psnr: IntervalRecord = field(default_factory=IntervalRecord)
    over_pca: IntervalRecord = field(default_factory=IntervalRecord)
    is_pca: bool = False
    started: datetime | None = None
    size: int = 0

    @property
    def age_seconds(self) -> float:
        """Seconds since its training started, or since its files changed if it does not say; nan if unknown."""
        return float("nan") if self.started is None else (datetime.now(UTC) - self.started).total_seconds()


class _Images(Record):
    kind: str = ""
    source: str = ""
    test_images: Count | None = None


class _Evaluation(Record):
    """The part of evaluation.json that a list shows; older versions wrote less of it."""

    name: str
    seed: Count
    data: _Images = _Images()
    checkpoint: Checkpoint = Checkpoint()
    scores: dict[str, Score]
    against_pca: AgainstPca = AgainstPca()


class _Environment(Record):
    started: str = ""
    data: _Images = _Images()


def read_listed(folder: Path, name: str, study: str = "") -> ListedRun:
    """The run at `folder`, however damaged it is. `name` and `study` as in `ListedRun`."""
    told: dict[str, Any] = {"size": size_of(folder), "started": None}
    problems: list[str] = []
    environment = _read(folder / "environment.json", _Environment, problems)
    evaluation = _read(folder / "evaluation.json", _Evaluation, problems)
    images = (evaluation or environment or _Environment()).data
    told |= {"data": _in_few_words(images), "test_images": images.test_images}
    if environment is not None:
        with suppress(ValueError, OverflowError):  # the latter for year 9999 in another time zone
            told["started"] = _utc(datetime.fromisoformat(environment.started))
    if told["started"] is None:
        told["started"] = _changed(folder)
    if evaluation is not None:
        told |= {"recipe": evaluation.name, "seed": evaluation.seed, "is_pca": evaluation.checkpoint.epoch == 0}
        told |= {"psnr": evaluation.scores.get("model", Score()).psnr, "over_pca": evaluation.against_pca.psnr}
    else:
        told |= _of_recipe(folder / "recipe.toml", told, problems)
    state, why = _state(folder, evaluation is not None, problems)
    return ListedRun(folder, name, study, state, why, **told)


def _state(folder: Path, evaluated: bool, problems: list[str]) -> tuple[State, str]:
    if is_in_use(folder):
        return "in use", ""
    if problems:
        return "unreadable", "; ".join(problems)
    if os.path.lexists(folder / "failed.json"):
        with suppress(OSError, ValueError, TypeError, KeyError):
            return "failed", str(parse_json(read_bytes(folder / "failed.json"))["error"])
        return "failed", "failed.json cannot be read"
    trained = (folder / "training.json").is_file()
    return ("finished" if evaluated and trained else "unfinished"), ""


def _read(path: Path, record: type[R], problems: list[str]) -> R | None:
    """The record at `path`; None where it is missing or, which is added to `problems`, cannot be read."""
    try:
        return parse_record(read_bytes(path), record)
    except FileNotFoundError:
        return None
    except (OSError, ValueError) as error:
        problems.append(f"{path.name} cannot be read ({reason(error)})")
        return None


def _of_recipe(path: Path, known: dict[str, Any], problems: list[str]) -> dict[str, Any]:
    """Name, seed and data of recipe.toml, for a run that has no evaluation."""
    try:
        table = parse_toml(read_bytes(path, largest=_LARGEST_RECIPE).decode("utf-8"))
    except FileNotFoundError:
        problems.append("recipe.toml is missing")
        return {}
    except (OSError, ValueError) as error:
        problems.append(f"recipe.toml cannot be read ({reason(error)})")
        return {}
    data = table.get("data")
    kind = data.get("kind") if isinstance(data, dict) else None
    name, seed = table.get("name"), table.get("seed")
    return {
        "recipe": name if isinstance(name, str) else "",
        "seed": seed if type(seed) is int else None,
        "data": known["data"] or (kind if isinstance(kind, str) else ""),
    }


def _in_few_words(images: _Images) -> str:
    """`scenes`, `folder: photos`: the source up to its first comma, or the kind where it says no more."""
    source = images.source.partition(",")[0]
    return images.kind if not source or images.kind == source.partition(" ")[0] else source


def _utc(moment: datetime) -> datetime:
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)


def _changed(folder: Path) -> datetime | None:
    """When a file of a run that does not say when it began was last changed."""
    for name in ("evaluation.json", "metrics.jsonl", "recipe.toml", ""):
        with suppress(OSError, OverflowError, ValueError):
            return datetime.fromtimestamp((folder / name).stat().st_mtime, UTC)
    return None


def size_of(folder: str | os.PathLike[str]) -> int:
    """Bytes of all files below `folder`; links are not followed. What cannot be read does not count."""
    total = 0
    with suppress(OSError), os.scandir(folder) as entries:
        for entry in entries:
            with suppress(OSError):
                if entry.is_dir(follow_symlinks=False):
                    total += size_of(entry.path)
                else:
                    total += entry.stat(follow_symlinks=False).st_size
    return total
