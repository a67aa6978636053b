"""The first sentences of a page, each with a drawing of its interval."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup

from isthmus.evaluation.baselines.pca_comparison import run_beside_pca
from isthmus.evaluation.noise_sentence import run_beside_noise
from isthmus.evaluation.statistics.intervals import Interval
from isthmus.evaluation.statistics.verdicts import verdict
from isthmus.pages.report import text
from isthmus.pages.report.scales import span
from isthmus.pages.report.strips import difference_strip
from isthmus.run_files.evaluation import EvaluationRecord
from isthmus.run_files.findings import Finding
from isthmus.run_files.scores import IntervalRecord, Score

_TONES = {"better": "better", "worse": "worse", "no measurable difference": "even", "not tested": "even"}
_FOREMOST = 8
_ROOM = 0.5
"""Free space left and right of the interval, as a share of its width: the number beside the whisker must fit there."""


@dataclass(frozen=True)
class Headline:
    """A sentence; a drawing of its interval if it is in dB; `tone` is better, worse, even or plain."""

    sentence: str
    strip: Markup | None
    tone: str


@dataclass(frozen=True)
class Verdicts:
    """A study's comparisons, the largest difference first: `mattered` have a verdict, `even` have none."""

    mattered: Sequence[Headline]
    further: Sequence[Headline]
    even: Sequence[Headline]
    pca: Sequence[Headline]


def verdicts(findings: Sequence[Finding]) -> Verdicts:
    """Sort the comparisons; of many that have a verdict, the smaller ones are `further`."""
    largest = sorted((f for f in findings if f.kind in ("comparison", "pca")), key=lambda f: -size_of(f))
    lines = dict(zip(map(id, largest), study_headlines(largest), strict=True))
    choices = [finding for finding in largest if finding.kind == "comparison"]
    mattered = [lines[id(one)] for one in choices if one.final_verdict in ("better", "worse")]
    return Verdicts(
        mattered[:_FOREMOST],
        mattered[_FOREMOST:],
        [lines[id(one)] for one in choices if one.final_verdict not in ("better", "worse")],
        [lines[id(one)] for one in largest if one.kind == "pca"],
    )


def study_headlines(findings: Sequence[Finding]) -> list[Headline]:
    """The comparisons of a study, all intervals on one common axis."""
    measured = [finding for finding in findings if finding.kind in ("comparison", "pca")]
    domain = span((end for f in measured if _in_decibels(f) for end in (f.low, f.difference, f.high)), include=0.0)
    headlines: list[Headline] = []
    for finding in measured:
        tone = _TONES[finding.final_verdict or "no measurable difference"]
        strip = None
        if _in_decibels(finding):
            difference = IntervalRecord(mean=finding.difference, low=finding.low, high=finding.high)
            strip = difference_strip(difference, tone, domain, finding.sentence)
        headlines.append(Headline(finding.sentence, strip, tone))
    return headlines


def corrections(findings: Sequence[Finding]) -> str:
    """A sentence on the correction for multiple comparisons; empty if there was none."""
    families = {
        "PCA" if finding.against == "pca" else finding.against or "": finding.corrected.comparisons
        for finding in findings
        if finding.corrected is not None
    }
    if not families:
        return ""
    named = text.listing([f"{count} with {against}" for against, count in families.items()])
    return (
        f"Some of many comparisons differ by chance. So each verdict is also corrected for all comparisons with the "
        f"same base ({named}) by Holm’s method. Colours show the corrected verdict; intervals are not corrected."
    )


def run_headlines(evaluation: EvaluationRecord) -> list[Headline]:
    """The comparisons with PCA and with the noisy input first, as a score without a baseline says little; then it.

    Of a model that is to remove noise, the comparison with the noisy input leads.
    """
    beside = [_beside_pca(evaluation), _beside_noise(evaluation)]
    if evaluation.is_denoiser:
        beside.reverse()
    headlines = [headline for headline in beside if headline is not None]
    psnr = evaluation.scores.get("model", Score()).psnr
    if not math.isnan(psnr.mean):
        images = text.count(evaluation.data.test_images)
        score = f"PSNR {text.fixed(psnr.mean, 2)} dB on {images} held-out images"
        headlines.append(Headline(f"{score} (95 % interval {text.interval(psnr, 2)}).", None, "plain"))
    return headlines


def decibel_headlines(found: Sequence[tuple[str, IntervalRecord]]) -> list[Headline]:
    """Sentences with the differences that they tell, all on one axis in dB."""
    ends = [end for _, one in found for end in (one.low, one.mean, one.high) if math.isfinite(end)]
    domain = span(ends, include=0.0, padding=_ROOM)
    headlines: list[Headline] = []
    for sentence, one in found:
        if not math.isfinite(one.mean + one.low + one.high):
            headlines.append(Headline(sentence, None, "plain"))
            continue
        tone = _TONES[verdict(Interval(one.mean, one.low, one.high, covers_seeds=False))]
        headlines.append(Headline(sentence, difference_strip(one, tone, domain, sentence), tone))
    return headlines


def _beside_pca(evaluation: EvaluationRecord) -> Headline | None:
    sentence, difference = run_beside_pca(evaluation)
    if difference is None:
        return Headline(sentence, None, "even") if sentence else None
    return _with_strip(sentence, difference, evaluation.against_pca.psnr)


def _beside_noise(evaluation: EvaluationRecord) -> Headline | None:
    found = run_beside_noise(evaluation)
    return None if found is None else _with_strip(*found, evaluation.against_noisy)


def _with_strip(sentence: str, difference: Interval, measured: IntervalRecord) -> Headline:
    tone = _TONES[verdict(difference)]
    domain = span((difference.low, difference.high), include=0.0, padding=_ROOM)
    return Headline(sentence, difference_strip(measured, tone, domain, sentence), tone)


def size_of(finding: Finding) -> float:
    """The size of its difference; untested findings sort last."""
    return abs(finding.difference) if math.isfinite(finding.difference) else -1.0


def _in_decibels(finding: Finding) -> bool:
    return finding.measure == "psnr" and math.isfinite(finding.difference + finding.low + finding.high)
