"""What a study or a run cannot say, in sentences as plain as its findings."""

from __future__ import annotations

import math
from collections.abc import Sequence

from isthmus.core.wording import counted
from isthmus.pages.report import text
from isthmus.pages.report.read_folder import Compared
from isthmus.run_files.data import Data
from isthmus.run_files.evaluation import EvaluationRecord
from isthmus.run_files.findings import Finding, Findings

_NAMED = 4
_EYES = "PSNR counts pixels. It does not say which picture a person would prefer; look at the pictures."
_ONE_RUN = "One run shows neither the luck of training nor whether the choices of its recipe are good."
ONE_SEED = (
    "With one seed each, a verdict is about these trained models. It does not cover the luck of training, so it says "
    "nothing about the choice between them."
)


def study_limits(findings: Findings, subjects: Sequence[Compared]) -> list[str]:
    """From the most specific to what holds for every study."""
    if not subjects:
        return ["No run has a score yet, so this study says nothing about its variations."]
    said: list[str] = []
    if all(len(subject.runs) == 1 for subject in subjects):
        said.append(ONE_SEED)
    said += _undecided(findings.findings)
    said += _alone(findings, subjects)
    lost = sum(run.status != "done" for variation in findings.variations for run in variation.runs)
    if lost:
        said.append(f"{counted(lost, 'run')} of the study {'has' if lost == 1 else 'have'} no result and no say here.")
    return [*said, _other_images(findings.data or Data()), _EYES]


def run_limits(evaluation: EvaluationRecord) -> list[str]:
    """For one run; empty if it has no score."""
    if "model" not in evaluation.scores:
        return []
    said = [_ONE_RUN]
    against = evaluation.against_pca.psnr
    if against.low <= 0 <= against.high:  # false where it is undefined
        said.append(
            f"It cannot tell this model from PCA: the difference is anywhere from {_bounds(against.low, against.high)}."
        )
    return [*said, _other_images(evaluation.data), _EYES]


def undecided(findings: Sequence[Finding]) -> list[Finding]:
    """The comparisons whose interval contains zero."""
    return [
        one
        for one in findings
        if one.kind in ("comparison", "pca")
        and one.final_verdict == "no measurable difference"
        and math.isfinite(one.low + one.high)
    ]


def _undecided(findings: Sequence[Finding]) -> list[str]:
    """A sentence for each comparison that is open, and one for those that are too many to name."""
    pairs = undecided(findings)
    said = [
        f"Whether {one.variation} or {'PCA' if one.against == 'pca' else one.against} is better is open: the "
        f"difference is anywhere from {_bounds(one.low, one.high)}."
        for one in pairs[:_NAMED]
    ]
    more = len(pairs) - _NAMED
    return [*said, *([f"So it is for {more} more of the comparisons above."] if more > 0 else [])]


def _alone(findings: Findings, subjects: Sequence[Compared]) -> list[str]:
    """A sentence on the variations that were compared with no other one."""
    known = {name for one in findings.findings if one.kind == "comparison" for name in (one.variation, one.against)}
    alone = [subject.name for subject in subjects if subject.name not in known]
    if len(subjects) < 2 or not alone:
        return []
    names = text.listing(alone) if len(alone) <= _NAMED else f"{len(alone)} variations"
    return [f"{names} {'was' if len(alone) == 1 else 'were'} compared with PCA only, and with no other variation."]


def _other_images(data: Data) -> str:
    images = f"these images ({data.source})" if data.source else "these images"
    return f"Everything here is about {images}. On other images the order can be another one."


def _bounds(low: float, high: float) -> str:
    return f"{text.signed(low, 2)} to {text.signed(high, 2)} dB"
