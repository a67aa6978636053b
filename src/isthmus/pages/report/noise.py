"""How a denoising model is shown: its noisy input, its output, and the clean image."""

from __future__ import annotations

import math
from dataclasses import dataclass

from isthmus.pages.report import text
from isthmus.pages.report.gallery import Gallery, Row, image_names, plain_pictures, scored_pictures
from isthmus.pages.report.read_folder import Compared
from isthmus.run_files.scores import IntervalRecord, Score


@dataclass(frozen=True)
class Denoising:
    """Pictures, a sentence with the scores, and the kind of noise."""

    gallery: Gallery
    sentence: str
    kind: str


def denoising(subject: Compared) -> Denoising | None:
    """The evaluation of a subject's first run on noisy images; None if it has none.

    A model that also adds noise at inference has no `denoised` pictures: its usual output is denoised already.
    """
    run = subject.runs[0]
    adds_its_own = "shown/denoised" not in run.pictures
    output = "output" if adds_its_own else "denoised"
    if not {"shown/original", "shown/noisy", f"shown/{output}"} <= set(run.pictures):
        return None
    names = image_names(run.evaluation.shown, run)
    clean = run.pictures["shown/original"]
    made = f"output of {subject.name} for the noisy input"
    noise = "noise added by the model" if adds_its_own else "noisy"
    rows = [
        Row("Input", scored_pictures(run.view, clean, run.pictures["shown/noisy"], names, "noisy input"), noise),
        Row("Output", scored_pictures(run.view, clean, run.pictures[f"shown/{output}"], names, made)),
        Row("Target", plain_pictures(run.view, clean, names, "clean original"), "clean"),
    ]
    shown = Gallery(f"{subject.name}: noisy input, output and target", names, rows)
    scores = run.evaluation.scores
    pair = [scores.get(who, Score()).psnr for who in ("noisy_input", "model" if adds_its_own else "denoised")]
    return Denoising(shown, _sentence(subject.name, *pair), run.evaluation.noise or "")


def _sentence(name: str, noisy: IntervalRecord, output: IntervalRecord) -> str:
    """How far the noisy input and the output are from the clean image, and which one is nearer."""
    if math.isnan(noisy.mean) or math.isnan(output.mean):
        return ""
    if output.low > noisy.high:
        verdict = "The output is nearer to the clean image than its input was."
    elif output.high < noisy.low:
        verdict = "The output is further from the clean image than its input was."
    else:
        verdict = "The two intervals overlap."
    scores = f"the noisy input scores {_decibels(noisy)} and the output of {name} {_decibels(output)}"
    return f"Against the clean image, {scores}. {verdict}"


def _decibels(value: IntervalRecord) -> str:
    return f"{text.fixed(value.mean, 2)} dB ({text.interval(value, 2)})"
