"""Do the images use the range of their values, and are training and test images equally bright?"""

from __future__ import annotations

from isthmus.evaluation.doctor.diagnosis import ALWAYS, Fault, Remedy
from isthmus.evaluation.doctor.measurements import Measurements
from isthmus.evaluation.doctor.pixels import NARROW, PixelStatistics, inverted
from isthmus.evaluation.interfaces import Check


class InputRange(Check):
    """Training or test images use less than a quarter of the values 0 to 255, or test images differ in brightness.

    Of 16 bits, the 8 highest are judged.
    Test images that came with the data set may be meant to differ, so another brightness is only a note.
    """

    states = ALWAYS

    def look(self, measured: Measurements) -> Fault | None:
        train, test = measured.pixels["train"], measured.pixels["test"]
        if _narrow(train):
            return _scaled("training", train, measured.model.depth)
        if _narrow(test):
            return _scaled("test", test, measured.model.depth)
        if abs(test.mean - train.mean) <= max(train.spread, 1.0) or not measured.own_test:
            return None  # test images drawn from a small data set differ by chance
        if inverted(train, measured.pixels["validation"], test):
            return None  # `inverted_test` reports it
        brighter = "brighter" if test.mean > train.mean else "darker"
        return Fault(
            "note",
            f"The test images, which came with the data set, are {brighter} than those it was trained on: "
            f"{test.mean:.0f} on average, not {train.mean:.0f}.",
            [Remedy("its scores hold for such images; if both should be alike, scale them in the same way")],
            {"train": train.mean, "test": test.mean},
        )


def _narrow(pixels: PixelStatistics) -> bool:
    return pixels.high - pixels.low < NARROW


def _scaled(which: str, pixels: PixelStatistics, depth: int) -> Fault:
    look = "look at them with `isthmus data KIND --sheet images.png`"
    if depth == 8:
        told, remedy = f"the values {pixels.low} to {pixels.high} of 0 to 255", "scale them to 0 to 255 before saving"
    else:
        share = (pixels.high - pixels.low + 1) / 256
        told, remedy = f"{100 * share:.2g} % of the range from black to white", "set data.range to what they use"
    return Fault(
        "error",
        f"Its {which} images use only {told}.",
        [Remedy(f"{look}, and {remedy}")],
        {"low": pixels.low, "high": pixels.high},
    )
