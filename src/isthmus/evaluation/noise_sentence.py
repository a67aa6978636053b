"""The sentence on what a model that was trained with noise makes of noisy images."""

from __future__ import annotations

from isthmus.evaluation.statistics.intervals import Interval
from isthmus.evaluation.statistics.sentences import comparison_sentence, scope_of
from isthmus.run_files.evaluation import EvaluationRecord


def run_beside_noise(evaluation: EvaluationRecord) -> tuple[str, Interval] | None:
    """The sentence, and the tested difference in dB; None where nothing was measured.

    "This model, one seed: the output of denoiser for noisy images beats the noisy images themselves by 9 dB (95 %
    interval 8 to 10)."
    """
    if not evaluation.removes_noise:
        return None
    one = evaluation.against_noisy
    difference = Interval(one.mean, one.low, one.high, covers_seeds=False)
    name = f"the output of {evaluation.name} for noisy images"
    scope = scope_of(1, evaluation.name)
    return comparison_sentence(name, "the noisy images themselves", difference, scope=scope), difference
