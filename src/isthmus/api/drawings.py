"""The public functions that draw pictures and curves in notebooks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal

from isthmus.core.arguments import checked
from isthmus.pages.notebook.chart import Chart
from isthmus.pages.notebook.strip import Strip


@checked
def chart(
    lines: Mapping[str, Mapping[Any, Any]],
    *,
    x: str = "x",
    y: str = "y",
    x_scale: Literal["linear", "log2", "log10"] = "linear",
) -> Chart:
    """Numbers as curves, to compare them by eye in a notebook, where the result shows itself; at most four.

    lines: names and points, {x: y}, or {x: (y, low, high)} with the ends of an interval, which is drawn as a bar; an
        interval of an evaluation will do.
    x, y: titles of the axes. Raises InputError for points that are no numbers.

    >>> import isthmus as ist
    >>> run = ist.Run("runs/digits-10")
    >>> curve = {point.components: point.psnr for point in run.evaluation.pca_curve}
    >>> model = {run.evaluation.latent_size: run.evaluation.scores["model"].psnr}
    >>> ist.chart({"network": model, "PCA": curve}, x="numbers in the latent", y="PSNR, dB", x_scale="log2")
    Chart(network: 1 point, PCA: 7 points)
    """
    return Chart(lines, x=x, y=y, x_scale=x_scale)


@checked
def strip(rows: Mapping[str, Any], *, against: str | None = None, captions: Sequence[str] = ()) -> Strip:
    """Pictures in rows under each other, to compare them by eye in a notebook, where the result shows itself.

    rows: names and pictures, arrays (N, H, W) or (N, H, W, C) of uint8 or uint16, at most 16 in a row.
    against: the name of the row with which the others are compared: each of their pictures gets its PSNR in dB.
    captions: words above the pictures, from the left.
    Raises InputError for other arrays, and for rows of other shapes than the one they are compared with.

    >>> import isthmus as ist
    >>> run = ist.Run("runs/digits-10")
    >>> digits = run.pictures()["shown/original"][:6]
    >>> ist.strip({"original": digits, "rebuilt": run.model.reconstruct(digits)}, against="original")
    Strip(original: 6, rebuilt: 6)
    """
    return Strip(rows, against=against, captions=tuple(captions))
