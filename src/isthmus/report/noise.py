"""How a denoising model is shown: what it got, what it made of it, and what it should have made."""

from __future__ import annotations

from dataclasses import dataclass

from isthmus.report import text
from isthmus.report.folder import Subject
from isthmus.report.gallery import Gallery, Row, image_names, plain_pictures, scored_pictures
from isthmus.report.schema import Interval


@dataclass(frozen=True)
class Denoising:
    """Pictures, the scores in a sentence, and which noise it was."""

    gallery: Gallery
    sentence: str
    kind: str


def denoising(subject: Subject) -> Denoising | None:
    """The noisy evaluation of a subject's first run, None where it has none."""
    run = subject.runs[0]
    if not {"shown/original", "shown/noisy", "shown/denoised"} <= set(run.pictures):
        return None
    names = image_names(run.evaluation.shown, run)
    clean = run.pictures["shown/original"]
    made = f"output of {subject.name} for the noisy input"
    rows = [
        Row("Input", scored_pictures(clean, run.pictures["shown/noisy"], names, "noisy input"), "noisy"),
        Row("Output", scored_pictures(clean, run.pictures["shown/denoised"], names, made)),
        Row("Target", plain_pictures(clean, names, "clean original"), "clean"),
    ]
    shown = Gallery(f"{subject.name}: noisy input, output and target", names, rows)
    return Denoising(shown, _sentence(subject), run.evaluation.noise or "")


def _sentence(subject: Subject) -> str:
    """How far the noisy input and the output are from the clean image, and which is nearer."""
    evaluation = subject.runs[0].evaluation
    if not {"noisy_input", "denoised"} <= set(evaluation.scores):
        return ""
    noisy, output = evaluation.scores["noisy_input"].psnr, evaluation.scores["denoised"].psnr
    if output.low > noisy.high:
        verdict = "The output is nearer to the clean image than its input was."
    elif output.high < noisy.low:
        verdict = "The output is further from the clean image than its input was."
    else:
        verdict = "The two intervals overlap."
    return (
        f"Against the clean image, the noisy input scores {_decibels(noisy)} and the output of {subject.name} "
        f"{_decibels(output)}. {verdict}"
    )


def _decibels(value: Interval) -> str:
    return f"{text.fixed(value.mean, 2)} dB ({text.interval(value, 2)})"
