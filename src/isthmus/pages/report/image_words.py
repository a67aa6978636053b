"""What a page says about its images: their channels and bits, what pictures leave out, what an error map averages."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from isthmus.pages.report import text
from isthmus.pages.report.read_folder import RunFolder
from isthmus.pages.shown_pixels import View, kind_of_images, remarks


@dataclass(frozen=True)
class ImageWords:
    """Parts of sentences for the pages.

    kind: such as "8-bit RGB images". error: completes "the absolute error". unit: of the error maps' scale.
    remarks: whole sentences about what the pictures leave out.
    """

    kind: str
    error: str
    unit: str
    remarks: Sequence[str]


def image_words(runs: Sequence[RunFolder]) -> ImageWords:
    """For the runs of one page; those of several kinds of images are all named."""
    kinds = [kind_of_images(run.view.of, run.evaluation.data.depth) for run in runs]
    errors = [averaged_over(run.view) for run in runs]
    deep = any(run.evaluation.data.depth > 8 for run in runs)
    whole = all(run.view.everything for run in runs) and not deep
    said = [
        sentence for run in runs for sentence in remarks(run.view, run.evaluation.data.depth, run.evaluation.data.range)
    ]
    return ImageWords(
        text.listing(list(dict.fromkeys(kinds))) or kind_of_images(3, 8),
        max(errors, key=errors.count, default=""),
        "255ths of the range from black to white" if deep else "grey levels of 255",
        [*dict.fromkeys(said), *([] if whole else ["Scores and error maps are of all channels and all bits."])],
    )


def on_some(what: str, images: int | None) -> str:
    """' All but the rate is measured on 2,000 test images, evenly spread.'; empty if it is measured on all."""
    return "" if images is None else f" {what} measured on {images:,} test images, evenly spread."


def averaged_over(view: View) -> str:
    """What an error map averages: ', averaged over the colour channels'; empty for one channel."""
    if view.of == 1:
        return ""
    return ", averaged over the colour channels" if view.of == 3 else f", averaged over all {view.of} channels"
