"""The sentence that compares a run, or all seeds of a variation, with PCA of the same latent size.

"latent-10 beats PCA with 10 components by 0.18 dB (95 % interval 0.15 to 0.21), MSE 0.96 of PCA's; below PCA's on
validation images since second 41 of training (epoch 2 of 5)."
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from isthmus.evaluation.baselines.pca_timeline import Course
from isthmus.evaluation.statistics.intervals import Interval
from isthmus.evaluation.statistics.sentences import comparison_sentence, scope_of
from isthmus.run_files.evaluation import EvaluationRecord

_ITS = "PCA's"  # error


def mse_ratio(model: float, pca: float) -> float | None:
    """The model's mean squared error divided by PCA's; None if PCA's error is zero."""
    return model / pca if pca > 0 else None


def pca_sentence(
    name: str,
    yardstick: str,
    difference: Interval,
    *,
    ratio: float | None,
    courses: Sequence[Course],
    stayed: int,
) -> str:
    """The finding about `name` beside PCA, as `yardstick` names it: `PCA with 64 components`.

    difference: in dB of PSNR. ratio: of the MSEs on test images, from `mse_ratio`. courses: on validation images, of
    each seed that left its start. stayed: number of the other seeds, whose weights are still those from before the
    first step, which are PCA.
    """
    if not courses:
        return stayed_at_pca(name, yardstick)
    seeds = len(courses) + stayed
    compared = comparison_sentence(name, yardstick, difference, scope=scope_of(seeds, name))
    return with_stayed(with_standing(compared, ratio, courses, seeds), [(name, stayed, seeds)])


def run_beside_pca(evaluation: EvaluationRecord) -> tuple[str, Interval | None]:
    """The same for one run, and the tested difference: None if the run still is PCA or nothing was measured.

    The sentence is empty if nothing was measured.
    """
    measured = evaluation.against_pca.psnr
    difference = Interval(measured.mean, measured.low, measured.high, covers_seeds=False)
    if not evaluation.stayed_at_pca and not math.isfinite(difference.mean + difference.low + difference.high):
        return "", None
    name = f"{evaluation.name} on images without noise" if evaluation.is_denoiser else evaluation.name
    sentence = pca_sentence(
        evaluation.name if evaluation.stayed_at_pca else name,
        evaluation.yardstick,
        difference,
        ratio=evaluation.against_pca.mse_ratio,
        courses=[] if evaluation.stayed_at_pca else [evaluation.against_pca.validation],
        stayed=int(evaluation.stayed_at_pca),
    )
    return sentence, None if evaluation.stayed_at_pca else difference


def stayed_at_pca(name: str, yardstick: str) -> str:
    """The finding about a network whose best weights are those before its first step: it equals PCA; no comparison."""
    return f"{name} is PCA: training did not improve on its start, {yardstick}; not tested against it."


def neither_improved(name: str, against: str) -> str:
    """The finding about two networks that both equal PCA."""
    return f"{name} against {against}: not tested: neither network improved on PCA."


def with_stayed(sentence: str, stayed: Sequence[tuple[str, int, int]]) -> str:
    """`sentence`, a comparison, plus which networks still equal PCA: (name, how many of its seeds, of how many)."""
    said = [
        f"training did not improve {name} beyond PCA"
        if many == of
        else f"training did not improve {name} beyond PCA in {many} of {of} seeds"
        for name, many, of in stayed
        if many
    ]
    return f"{sentence.removesuffix('.')}; {' and '.join(said)}." if said else sentence


def with_standing(sentence: str, ratio: float | None, courses: Sequence[Course], seeds: int) -> str:
    """Complete `sentence`, a comparison with PCA; what is not known is left out.

    courses: of those of the `seeds` that left PCA, their start.
    """
    if ratio is None:
        return sentence
    beside = _beside(ratio, _ITS)
    said = f"{sentence.removesuffix('.')}, MSE {beside}"
    if not courses or any(course.lowest_ratio is None for course in courses):
        return f"{said}."
    return f"{said}; {_on_validation_images(courses, seeds)}."


def _on_validation_images(courses: Sequence[Course], seeds: int) -> str:
    moments = [course.since for course in courses if course.since is not None]
    if not moments:
        return _above(courses, seeds)
    if len(moments) < seeds:
        return f"below PCA's on validation images in {len(moments)} of {seeds} seeds"
    last = max(moments, key=lambda moment: moment.seconds)
    if last.step == 0:
        return "at or below PCA's on validation images since the start of training"
    second = f"{last.seconds:,.0f}" if last.seconds >= 10 else f"{last.seconds:.1f}"
    epoch = f"epoch {last.epoch} of {_epochs(courses)}"
    latest = f"; the latest of {seeds} seeds" if seeds > 1 else ""
    return f"below PCA's on validation images since second {second} of training ({epoch}{latest})"


def _above(courses: Sequence[Course], seeds: int) -> str:
    """No seed is below PCA with the weights kept."""
    ratios = [course.lowest_ratio for course in courses if course.lowest_ratio is not None]
    below = [ratio for ratio in ratios if ratio < 1 and not _looks_equal(ratio)]
    if below:
        some = f" in {len(below)} of {seeds} seeds" if len(below) < seeds else ""
        lowest = _beside(min(below), _ITS)
        return f"below PCA's on validation images{some} at best ({lowest}), but not with the weights kept"
    some = f" in {len(ratios)} of {seeds} seeds" if len(ratios) < seeds else ""
    best = f"at best {_beside(min(ratios), _ITS)}"
    epochs = _epochs(courses)
    trained = f"in {epochs:,} epoch{'' if epochs == 1 else 's'}"
    if _looks_equal(min(ratios)):  # perhaps a little below it
        return f"{best}, on validation images {trained}{some}"
    return f"never below PCA's on validation images {trained}{some}: {best}"


def _epochs(courses: Sequence[Course]) -> int:
    return max(course.epochs or 0 for course in courses)


def _beside(ratio: float, what: str) -> str:
    """`0.96 of PCA's`, `1,234 times PCA's`: two decimals, and more if those would hide which is the larger."""
    if _looks_equal(ratio):
        return f"equal to {what}" if ratio == 1 else f"equal to {what} to four digits"
    places = next(places for places in (2, 3, 4) if round(ratio, places) != 1)
    return f"{ratio:,.{0 if ratio >= 10 else places}f} {'of' if ratio < 1 else 'times'} {what}"


def _looks_equal(ratio: float) -> bool:
    return round(ratio, 4) == 1
