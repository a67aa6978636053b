"""The strip of pictures with which a study's page opens: the same few held-out images, from the original to PCA."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from isthmus.pages.report import text
from isthmus.pages.report.gallery import Picture, first_shown, image_names, numbers, shows_the_same
from isthmus.pages.report.headlines import size_of
from isthmus.pages.report.pictures import strip_uri
from isthmus.pages.report.read_folder import Compared, PixelArray, RunFolder
from isthmus.run_files.findings import Finding
from isthmus.run_files.scores import Score

_MODELS = 6
_IMAGES = 3
_WIDTH = 96  # CSS pixels


@dataclass(frozen=True)
class Card:
    """What one model makes of the images."""

    name: str
    pictures: Sequence[Picture]
    details: Sequence[str] = ()
    colour: int | None = None
    link: str = ""


@dataclass(frozen=True)
class Opening:
    """The cards from left to right; `left_out`: number of models that the strip has no room for."""

    cards: Sequence[Card]
    left_out: int


def opening(subjects: Sequence[Compared], findings: Sequence[Finding], links: Mapping[str, str]) -> Opening | None:
    """A card for the original, each model and, after the models of its latent size, PCA. None without pictures.

    Of many models, the strip shows those of the largest differences. links: a variation's name -> its run's page.
    """
    first = first_shown(subjects)
    if first is None:
        return None
    fits = [subject for subject in subjects if shows_the_same(subject, first)]
    chosen = _foremost(fits, findings)
    names = image_names(first.evaluation.shown, first)
    cards = [Card("Original", _pictures(first, first.pictures["shown/original"], names, "original"))]
    for size in dict.fromkeys(subject.runs[0].evaluation.latent_size for subject in chosen):
        group = [subject for subject in chosen if subject.runs[0].evaluation.latent_size == size]
        for subject in group:
            run = subject.runs[0]
            made = _pictures(first, run.pictures["shown/output"], names, f"output of {subject.name}")
            scores = [one.evaluation.scores.get("model", Score()).psnr.mean for one in subject.runs]
            details = (numbers(size), _decibels(sum(scores) / len(scores)))
            cards.append(Card(subject.name, made, details, subject.colour, links.get(subject.name, "")))
        run = group[0].runs[0]
        if "shown/pca" in run.pictures:
            made = _pictures(first, run.pictures["shown/pca"], names, f"output of {run.evaluation.yardstick}")
            score = _decibels(run.evaluation.scores.get("pca", Score()).psnr.mean)
            cards.append(Card("PCA", made, (numbers(run.evaluation.pca_components), score)))
    return Opening(cards, len(subjects) - len(chosen))


def _foremost(subjects: Sequence[Compared], findings: Sequence[Finding]) -> list[Compared]:
    """At most six, in the study's order: both sides of the largest differences first, then from the top."""
    if len(subjects) <= _MODELS:
        return list(subjects)
    compared = sorted((f for f in findings if f.kind == "comparison"), key=lambda f: -size_of(f))
    wanted = [name for finding in compared for name in (finding.against, finding.variation)]
    ranked = dict.fromkeys([*wanted, *(subject.name for subject in subjects)])
    known = {subject.name for subject in subjects}
    chosen = [name for name in ranked if name in known][:_MODELS]
    return [subject for subject in subjects if subject.name in chosen]


def _pictures(first: RunFolder, images: PixelArray, names: Sequence[str], what: str) -> list[Picture]:
    height = round(_WIDTH * images.shape[2] / images.shape[3])
    return [
        Picture(strip_uri(first.view.pictures(image)), f"{name}, {what}", _WIDTH, height)
        for image, name in zip(images[:_IMAGES], names[:_IMAGES], strict=False)
    ]


def _decibels(value: float) -> str:
    return "" if text.fixed(value, 1) == text.MISSING else f"{text.fixed(value, 1)} dB"
