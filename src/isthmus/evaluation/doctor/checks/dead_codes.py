"""Are the codes of a codebook used?"""

from __future__ import annotations

from isthmus.evaluation.doctor.diagnosis import Fault, Remedy
from isthmus.evaluation.doctor.measurements import Measurements
from isthmus.evaluation.interfaces import Check

_SHARE = 0.15  # a good fsq may use only a quarter of its fixed grid
_REVIVED = 0.1
_DRAWS = 4  # per code: with fewer, many codes are missing by chance


class DeadCodes(Check):
    """The perplexity of the codes, over training and test images, is below 15 % of their number."""

    states = ("trained",)

    def look(self, measured: Measurements) -> Fault | None:
        codes = measured.codes
        if codes is None or codes.draws < _DRAWS * codes.count or codes.perplexity >= _SHARE * codes.count:
            return None
        return Fault(
            "warning",
            f"Of its {codes.count:,} codes, {codes.count - codes.used:,} are never used; the {codes.used:,} others "
            f"carry as much information as {codes.perplexity:,.1f} equally frequent codes.",
            _remedies(measured, max(2, round(codes.perplexity))),
            {"perplexity": codes.perplexity, "used": codes.used, "codes": codes.count},
        )


def _remedies(measured: Measurements, carried: int) -> list[Remedy]:
    found: list[Remedy] = []
    revive = measured.option("bottleneck.revive")
    if revive is not None and revive < _REVIVED:
        found.append(Remedy("set {}, which puts unused codes where they are needed", {"bottleneck.revive": _REVIVED}))
    entropy = measured.option("objective.weights.entropy")
    if entropy:
        found.append(Remedy(f"raise {{}} (it is {entropy:g})", {"objective.weights.entropy": 3 * entropy}))
    # not without revival: a smaller codebook would lose codes as well
    if measured.option("bottleneck.codes") is not None and (revive is None or revive >= _REVIVED):
        found.append(Remedy("use fewer codes ({})", {"bottleneck.codes": 2 * carried}))
    fsq = {"bottleneck.kind": "fsq", "objective.weights": {}}
    return [*found, Remedy("train longer ({})", measured.longer()), Remedy("set {}, which learns no codebook", fsq)]
