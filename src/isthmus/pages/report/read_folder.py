"""Read the files of a run or a study; nothing here computes a score."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar
from urllib.parse import quote

from pydantic import JsonValue

from isthmus.core.bounded_reading import read_bytes
from isthmus.core.errors import InputError, RunError
from isthmus.core.wording import counted
from isthmus.pages.shown_pixels import View, view_of
from isthmus.run_files.arrays import PixelArray, read_pictures, read_scores
from isthmus.run_files.environment import Environment
from isthmus.run_files.evaluation import EvaluationRecord
from isthmus.run_files.findings import Findings
from isthmus.run_files.metrics import EpochRecord
from isthmus.run_files.read import damaged, read_log, read_record
from isthmus.run_files.record import Record
from isthmus.run_files.write import as_json
from isthmus.runs.run_folder import read_recipe

__all__ = ["Compared", "PixelArray", "RunFolder", "StudyFolder", "in_study", "read_run", "read_study", "run_links"]

R = TypeVar("R", bound=Record)


@dataclass(frozen=True)
class RunFolder:
    """An evaluated run.

    pictures: the tensors of pictures.safetensors, (n, C, H, W) uint8 or uint16; empty if the file is missing.
    view: the channels that its pictures show.
    labels: test image index -> class name; empty if the data has no classes.
    notices: problems with the files that did not prevent the page.
    """

    path: Path
    evaluation: EvaluationRecord
    epochs: tuple[EpochRecord, ...]
    environment: Mapping[str, JsonValue]
    recipe: str
    pictures: Mapping[str, PixelArray]
    view: View
    labels: Mapping[int, str]
    notices: tuple[str, ...]


@dataclass(frozen=True)
class StudyFolder:
    """A study; `runs` maps the folder names in findings.json to the evaluated runs."""

    path: Path
    findings: Findings
    runs: Mapping[str, RunFolder]


@dataclass(frozen=True)
class Compared:
    """A variation that a page compares, with one evaluated run per seed. `colour` is its place in the palette."""

    name: str
    colour: int
    runs: tuple[RunFolder, ...]


def read_run(folder: Path, scored: Path | None = None) -> RunFolder:
    """Read an evaluated run.

    scored: the folder of its evaluation, where that is one on other images than its own.
    Raises InputError if evaluation.json is missing or empty, RunError if a file is damaged.
    """
    held = scored or folder
    evaluation = _read_first(held / "evaluation.json", EvaluationRecord, "evaluate the run first")
    log = read_log(folder / "metrics.jsonl")
    pictures = _read_pictures(held / "pictures.safetensors")
    return RunFolder(
        folder,
        evaluation,
        log.epochs,
        _read_environment(folder / "environment.json"),
        _read_text(folder / "recipe.toml"),
        pictures,
        view_of(_channels(pictures, evaluation), _shown_channels(folder)),
        _read_labels(held / "per_image.parquet", evaluation.data.class_names),
        tuple(left_out(folder)),
    )


def left_out(folder: Path) -> Iterator[str]:
    """A sentence for each damaged file of a run whose content the page does without."""
    unreadable = read_log(folder / "metrics.jsonl").unreadable
    if unreadable:
        lines = counted(unreadable, "unreadable line")
        yield f"metrics.jsonl holds {lines}; the training curves leave {'it' if unreadable == 1 else 'them'} out."
    for name, read in (("recipe.toml", lambda: read_recipe(folder)), ("per_image.parquet", lambda: _scores(folder))):
        try:
            read()
        except FileNotFoundError:
            pass
        except (InputError, RunError) as error:
            yield f"{name}: {str(error).removeprefix(str(folder / name)).lstrip(': ')}."


def _scores(folder: Path) -> object:
    return read_scores(folder / "per_image.parquet")


def read_study(folder: Path) -> StudyFolder:
    """Read a study and its finished runs. Raises as `read_run` does."""
    findings = _read_first(folder / "findings.json", Findings, "run the study first")
    done = [run.folder for v in findings.variations for run in v.runs if run.status == "done"]
    return StudyFolder(folder, findings, {name: read_run(_within(folder, name)) for name in done})


def compared(study: StudyFolder) -> list[Compared]:
    """The variations with at least one evaluated run, coloured by their place in the study."""
    found: list[Compared] = []
    for colour, variation in enumerate(study.findings.variations):
        runs = tuple(study.runs[run.folder] for run in variation.runs if run.folder in study.runs)
        if runs:
            found.append(Compared(variation.name, colour, runs))
    return found


def run_links(study: StudyFolder) -> Mapping[str, str]:
    """folder in findings.json -> the address of its page, for the runs that have one, relative to the study's page."""
    with_page = (name for name in study.runs if (study.path / name / "report.html").is_file())
    return {name: f"./{quote(name)}/report.html" for name in with_page}


def in_study(run: Path) -> bool:
    """Whether a run's folder is one of a study's."""
    home = Path(os.path.abspath(run))
    return home.name.startswith("seed-") and (home.parent.parent / "study.toml").is_file()


def _within(folder: Path, name: str) -> Path:
    """The run folder `name` of a study; its page is written there. Raises RunError if it is outside the study."""
    home = os.path.realpath(folder)
    place = os.path.realpath(folder / name)
    if place == home or os.path.commonpath([home, place]) != home:
        raise RunError(f"{folder / 'findings.json'}: names a run outside of the study, {name!r}; run the study again")
    return folder / name


def _read_text(path: Path) -> str:
    try:
        return read_bytes(path).decode("utf-8")
    except FileNotFoundError:
        return ""
    except (OSError, UnicodeDecodeError) as error:
        raise damaged(path, error) from None


def _read_first(path: Path, record: type[R], remedy: str) -> R:
    try:
        empty = not path.stat().st_size and path.is_file()
    except OSError:
        empty = not path.is_symlink()
    if empty:
        raise InputError(f"{path}: is missing or empty; {remedy}")
    return read_record(path, record)


def _read_environment(path: Path) -> Mapping[str, JsonValue]:
    if not os.path.lexists(path):
        return {}
    return as_json(read_record(path, Environment))


def _read_pictures(path: Path) -> Mapping[str, PixelArray]:
    try:
        return read_pictures(path)
    except FileNotFoundError:
        return {}


def _channels(pictures: Mapping[str, PixelArray], evaluation: EvaluationRecord) -> int:
    """Of the run's images; of RGB ones if the run does not tell."""
    for images in pictures.values():
        return images.shape[1]
    return (evaluation.data.image_shape or (3,))[0]


def _shown_channels(folder: Path) -> object:
    """`data.shown_channels` of the recipe; None if it has none, or cannot be read, which `left_out` says."""
    try:
        return read_recipe(folder).data.options.get("shown_channels")
    except (FileNotFoundError, InputError, RunError):
        return None


def _read_labels(path: Path, class_names: tuple[str, ...]) -> Mapping[int, str]:
    if not class_names:
        return {}
    try:
        table = read_scores(path, needed=())
    except FileNotFoundError:
        return {}
    if not {"index", "label"} <= set(table):
        return {}
    pairs = zip(table["index"].tolist(), table["label"].tolist(), strict=True)
    return {index: class_names[label] for index, label in pairs if 0 <= label < len(class_names)}
