"""Tables of pictures: one column per image, one row per way of showing it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from isthmus.pages.report import text
from isthmus.pages.report.pictures import error_map_uri, picture_uri, psnr, shown_size
from isthmus.pages.report.read_folder import Compared, PixelArray, RunFolder
from isthmus.pages.shown_pixels import View

_A_ROW = 15


@dataclass(frozen=True)
class Picture:
    """One image with its alternative text; `score` is its PSNR in dB as text."""

    source: str
    alt: str
    width: int
    height: int
    score: str = ""
    error_source: str = ""
    error_alt: str = ""


@dataclass(frozen=True)
class Row:
    """A row of pictures. `colour` is the variation's place in the palette, None for baselines."""

    name: str
    pictures: Sequence[Picture]
    detail: str = ""
    colour: int | None = None


@dataclass(frozen=True)
class Gallery:
    """A table of pictures under the column names `columns`."""

    title: str
    columns: Sequence[str]
    rows: Sequence[Row]


def comparison(subjects: Sequence[Compared]) -> Gallery | None:
    """The same held-out images through every subject; PCA stands below the subjects of its latent size.

    Pictures come from each subject's first run. A subject that was evaluated on other data shows other images than
    the first subject and is left out; see `not_comparable`.
    """
    first = first_shown(subjects)
    if first is None:
        return None
    names = image_names(first.evaluation.shown, first)
    rows = [Row("Original", plain_pictures(first.view, first.pictures["shown/original"], names, "original"))]
    fits = [subject for subject in subjects if shows_the_same(subject, first)]
    for size in dict.fromkeys(subject.runs[0].evaluation.latent_size for subject in fits):
        group = [subject for subject in fits if subject.runs[0].evaluation.latent_size == size]
        for subject in group:
            run = subject.runs[0]
            made = f"output of {subject.name}"
            pictures = scored_pictures(
                first.view, run.pictures["shown/original"], run.pictures["shown/output"], names, made
            )
            rows.append(Row(subject.name, pictures, numbers(size), subject.colour))
        run = group[0].runs[0]
        if "shown/pca" in run.pictures:
            name, _, _ = run.evaluation.yardstick.partition(" with ")
            made = f"output of {run.evaluation.yardstick}"
            pictures = scored_pictures(
                first.view, run.pictures["shown/original"], run.pictures["shown/pca"], names, made
            )
            rows.append(Row(name, pictures, numbers(run.evaluation.pca_components)))
    return Gallery("The same held-out images through every model", names, rows)


def not_comparable(subjects: Sequence[Compared]) -> list[str]:
    """The names of the subjects whose pictures show other images than the first subject's pictures."""
    first = first_shown(subjects)
    return [s.name for s in subjects if first and _has_pictures(s) and not shows_the_same(s, first)]


def extremes(subject: Compared, at_most: int) -> list[Gallery]:
    """The test images that the subject's first run reconstructs best and worst, `at_most` of each."""
    run = subject.runs[0]
    galleries: list[Gallery] = []
    for which, index in (("best", run.evaluation.best), ("worst", run.evaluation.worst)):
        if f"{which}/original" not in run.pictures or f"{which}/output" not in run.pictures:
            continue
        names = image_names(index[:at_most], run)
        original, output = (run.pictures[f"{which}/{part}"][:at_most] for part in ("original", "output"))
        rows = [
            Row("Original", plain_pictures(run.view, original, names, "original")),
            Row("Output", scored_pictures(run.view, original, output, names, f"output of {subject.name}")),
        ]
        galleries.append(Gallery(which.capitalize(), names, rows))
    return galleries


def samples(subject: Compared, at_most: int) -> list[Row]:
    """New images from the subject's first run, at most `at_most`, in rows of 15; no rows if the run has none."""
    run = subject.runs[0]
    images = run.pictures.get("samples")
    if images is None:
        return []
    names = [f"Sample {n}" for n in range(1, at_most + 1)]
    pictures = plain_pictures(run.view, images[:at_most], names, f"of {subject.name}")
    sampler = run.evaluation.samples.sampler
    return [
        Row(subject.name, row, f"#{start + 1} to #{start + len(row)}" if start else sampler, subject.colour)
        for start, row in ((start, pictures[start : start + _A_ROW]) for start in range(0, len(pictures), _A_ROW))
    ]


def sample_gallery(subjects: Sequence[Compared], at_most: int) -> Gallery | None:
    """Samples of all subjects, one subject below another; None if no subject has samples."""
    rows = [row for subject in subjects for row in samples(subject, at_most)]
    columns = [f"#{n}" for n in range(1, max((len(row.pictures) for row in rows), default=0) + 1)]
    return Gallery("New images", columns, rows) if rows else None


def plain_pictures(view: View, images: PixelArray, names: Sequence[str], what: str) -> list[Picture]:
    return [
        Picture(picture_uri(view.pictures(image)), f"{name}, {what}", *shown_size(image))
        for image, name in zip(images, names, strict=False)
    ]


def scored_pictures(
    view: View, originals: PixelArray, outputs: PixelArray, names: Sequence[str], what: str
) -> list[Picture]:
    """Outputs with their PSNR and error maps, which are of all channels, also of those that `view` leaves out."""
    pictures: list[Picture] = []
    for original, output, name in zip(originals, outputs, names, strict=False):
        score = text.fixed(psnr(original, output), 1)
        alt = f"{name}, {what}, PSNR {score} dB"
        shown, errors = picture_uri(view.pictures(output)), error_map_uri(original, output)
        pictures.append(Picture(shown, alt, *shown_size(output), score, errors, f"Error map: {alt}"))
    return pictures


def image_names(index: Sequence[int], run: RunFolder) -> list[str]:
    """Class and index of each image, or the index alone; the index distinguishes images of one class."""
    return [f"{run.labels[i]} #{i}" if i in run.labels else f"#{i}" for i in index]


def numbers(size: int) -> str:
    return f"{size:,} number{'' if size == 1 else 's'}"


def _has_pictures(subject: Compared) -> bool:
    return bool(subject.runs) and {"shown/original", "shown/output"} <= set(subject.runs[0].pictures)


def first_shown(subjects: Sequence[Compared]) -> RunFolder | None:
    return next((subject.runs[0] for subject in subjects if _has_pictures(subject)), None)


def shows_the_same(subject: Compared, first: RunFolder) -> bool:
    if not _has_pictures(subject):
        return False
    mine, its = subject.runs[0].pictures["shown/original"], first.pictures["shown/original"]
    return mine.shape == its.shape and mine.dtype == its.dtype and bool((mine == its).all())
