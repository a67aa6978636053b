"""Make the explorer of a run or of a study."""

from __future__ import annotations

import datetime
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import tomli_w

from isthmus.core.atomic_files import own_folder, write_text
from isthmus.core.errors import InputError
from isthmus.core.folder_names import OTHER_IMAGES
from isthmus.core.outputs import check_free, deliver
from isthmus.core.pixels import depth_of, levels
from isthmus.data.splits import Splits
from isthmus.inference.images_elsewhere import Elsewhere, OtherTestSet, find_images
from isthmus.pages.explorer import assets, pictures
from isthmus.pages.explorer.embed import blob, tensors, wrapped
from isthmus.pages.explorer.model_entry import ModelEntry
from isthmus.pages.explorer.page import render
from isthmus.pages.explorer.plain_twins import plain_twins
from isthmus.pages.explorer.workers import ModelOrder, build_all
from isthmus.pages.report import text
from isthmus.pages.report.read_folder import RunFolder, read_run, read_study
from isthmus.pages.report.reproduce import device, image_counts
from isthmus.pages.shown_pixels import View, remarks
from isthmus.recipes.recipe import Recipe
from isthmus.runs.run_folder import check_is_run, read_recipe

MOST_MODELS = 4
_HERE = Elsewhere()


@dataclass(frozen=True)
class Explorer:
    """The page that was written, and notices for the user."""

    page: Path
    notices: tuple[str, ...]


@dataclass(frozen=True)
class _Named:
    name: str
    about: str
    run: RunFolder


def write_explorer(
    folder: Path, cache: Path, *, only: Sequence[str] = (), out: Path | None = None, where: Elsewhere = _HERE
) -> Explorer:
    """Write explorer.html of a run folder, or of a study folder with up to four of its variations.

    only: names of the study's variations to show. cache: folder of fitted baselines. out: another path for the page.
    where: the images, if they are not where the run's recipe says; with another test set, the page says so and is
        written into a folder of its own.
    Raises InputError if the runs' training images are missing, if there is nothing to show, or if the page would
    replace a file that isthmus did not make.
    """
    if out is not None:
        check_free(out)
    runtime = assets.read("runtime.wasm.gz")  # read first, since it may be missing
    title, named, notices = _study(folder, only) if (folder / "findings.json").is_file() else _run(folder, only)
    first = named[0].run
    found = find_images(first.path, where)
    splits, other = found.splits, found.other
    chosen = pictures.choose(
        len(splits.test), splits.test.images.shape[1:], first.evaluation.shown if other is None else ()
    )
    left_out = tuple(notices)
    subjects = build_all(
        [ModelOrder(one.name, one.about, one.run, chosen, cache) for one in named],
        splits,
        at_a_time=None if where == _HERE else 1,  # other processes read the images where the recipe says
    )
    notices += found.notices
    yardsticks = list(dict.fromkeys(subject.pca for subject in subjects))
    twins = plain_twins([read_recipe(one.run.path) for one in named])
    unknown = {"psnr_db": None, "pca_psnr_db": None} if other is not None else {}  # those are of the run's own images
    models = [
        {**subject.about, **unknown, "pca": yardsticks.index(subject.pca), "plain": twin}
        for subject, twin in zip(subjects, twins, strict=True)
    ]
    labels = splits.test.labels

    def entry(index: int) -> dict[str, int]:
        return {"index": index, "label": -1 if labels is None else int(labels[index])}

    about = {
        "format": 1,
        "title": title,
        "created": datetime.date.today().isoformat(),
        "image_shape": list(splits.test.images.shape[1:]),
        "shown_channels": list(first.view.channels),
        "levels": levels(splits.test.images.dtype),
        "remarks": [*left_out, *_labelled(other), *_remarks(first.view, splits)],
        "class_names": list(splits.class_names),
        "shown": [entry(int(index)) for index in chosen.shown],
        "points": [
            {**entry(int(index)), "shown": place if place < len(chosen.shown) else -1}
            for place, index in enumerate(chosen.points)
        ],
        "models": models,
        "facts": _facts(named, models, other),
        "recipes": [[one.name, _without_folders(read_recipe(one.run.path))] for one in named],
    }
    blobs = [("runtime", wrapped(runtime)), ("images", blob(tensors(pictures.arrays(splits.test.images, chosen))))]
    blobs += [(f"pca-{number}", content) for number, content in enumerate(yardsticks)]
    for number, subject in enumerate(subjects):
        blobs += _blobs(number, subject)
        notices += subject.notices
    page = render(title, about, blobs)
    if out is not None:
        deliver(out, page.encode())
        return Explorer(out, tuple(notices))
    home = folder if other is None else own_folder(own_folder(folder / OTHER_IMAGES) / other.name)
    write_text(home / "explorer.html", page)
    return Explorer(home / "explorer.html", tuple(notices))


def _labelled(other: OtherTestSet | None) -> list[str]:
    """What a page with another test set says of its pictures."""
    return [] if other is None else [f"The pictures are another test set, {other.source}.", *other.flags[1:]]


def _run(folder: Path, only: Sequence[str]) -> tuple[str, list[_Named], list[str]]:
    if only:
        raise InputError(f"{folder}: a run, so there is nothing to choose from; --model is for studies")
    check_is_run(folder)
    run = read_run(folder)
    name = run.evaluation.name
    return name, [_Named(name, "", run)], []


def _study(folder: Path, only: Sequence[str]) -> tuple[str, list[_Named], list[str]]:
    study = read_study(folder)
    there: dict[str, _Named] = {}
    for variation in study.findings.variations:
        for run in variation.runs:
            if run.folder in study.runs:
                there.setdefault(variation.name, _Named(variation.name, variation.about or "", study.runs[run.folder]))
    if not there:
        raise InputError(f"{folder}: none of its runs is finished; `isthmus study {folder}` goes on")
    for name in only:
        if name not in there:
            raise InputError(f"--model: {name!r} is no finished variation of {folder}; there are {', '.join(there)}")
    wanted = [there[name] for name in dict.fromkeys(only)] or list(there.values())
    same = [one for one in wanted if one.run.evaluation.data.hash == wanted[0].run.evaluation.data.hash]
    notices = [
        f"{one.name} was trained on other images than {wanted[0].name}, so it is not on the page."
        for one in wanted
        if one not in same
    ]
    if len(same) > MOST_MODELS:
        left = ", ".join(one.name for one in same[MOST_MODELS:])
        notices.append(f"The explorer shows {MOST_MODELS} models at most; not on it: {left} (--model NAME chooses).")
    return study.findings.study, same[:MOST_MODELS], notices


def _remarks(view: View, splits: Splits) -> list[str]:
    """What the page says of its pictures. It computes in 8 bits, whatever the images have."""
    depth = depth_of(splits.test.images.dtype)
    said = remarks(view, depth, splits.range)
    return [*said, "On this page, models get these 8 bits, and scores are of them."] if depth > 8 else said


def _facts(named: Sequence[_Named], models: Sequence[dict[str, Any]], other: OtherTestSet | None) -> list[list[str]]:
    data = named[0].run.evaluation.data
    facts = [["Data", data.source], ["Images", image_counts(data)], ["Trained on", device([one.run for one in named])]]
    facts += [] if other is None else [["Pictures on this page", f"another test set, {other.source}"]]
    for one, model in zip(named, models, strict=True):
        ours, pca, cost = (model[key] for key in ("psnr_db", "pca_psnr_db", "storage_cost_db"))
        if ours is not None and pca is not None:
            score = f"{text.fixed(ours, 2)} dB, PCA with as many numbers {text.fixed(pca, 2)} dB"
            if one.run.evaluation.stayed_at_pca:
                score += "; training did not improve on PCA"
            facts.append([f"Held-out PSNR, {one.name}", score])
        if cost is not None:
            facts.append([f"Weights in 8 and 16 bits cost {one.name}", f"{text.signed(-cost, 3)} dB"])
    commands = dict.fromkeys(str(one.run.environment.get("command", "")) for one in named)
    facts.append(["Command", " / ".join(filter(None, commands))])
    versions = dict.fromkeys(one.run.evaluation.isthmus for one in named)
    facts.append(["isthmus", ", ".join(filter(None, versions))])
    return [fact for fact in facts if fact[1]]


def _without_folders(recipe: Recipe) -> str:
    """The resolved recipe as TOML, with only the last part of each path: pages are sent to other people."""

    def last(value: Any) -> Any:
        if isinstance(value, list):
            return [last(one) for one in value]
        return Path(value).name if isinstance(value, str) and Path(value).is_absolute() else value

    table = recipe.table()
    return tomli_w.dumps({**table, "data": {key: last(value) for key, value in table["data"].items()}})


def _blobs(number: int, subject: ModelEntry) -> list[tuple[str, str]]:
    return [
        (f"encoder-{number}", subject.encoder),
        (f"decoder-{number}", subject.decoder),
        (f"model-{number}", subject.arrays),
    ]
