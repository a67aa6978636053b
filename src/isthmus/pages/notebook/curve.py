"""The training curve of a run as a small SVG picture that is readable on light and on dark pages."""

from __future__ import annotations

import base64
import math
from collections.abc import Sequence

from isthmus.evaluation.statistics.psnr_of_mse import psnr_of_mean_mse
from isthmus.pages.notebook.pictures import Small
from isthmus.pages.report import text
from isthmus.pages.report.read_folder import RunFolder
from isthmus.pages.report.scales import Scale, span
from isthmus.pages.report.svg import Canvas
from isthmus.pages.report.validation_curve import chosen_on_noise, logged, shown_psnr, title

_WIDTH, _HEIGHT = 460, 170
_LEFT, _RIGHT, _TOP, _BOTTOM = 42, _WIDTH - 64, 26, _HEIGHT - 34
# A picture cannot know its page's theme. Each of these has a contrast of 3.7 or more on white and on #111111.
_INK, _MODEL = "#808080", "#3b82f6"
_FONT = "font: 12px sans-serif"
_MOST_POINTS = 200


def training_curve(run: RunFolder) -> Small | None:
    """Validation PSNR of each epoch beside PCA's; None where fewer than two epochs were logged."""
    epochs, noisy = logged(run), chosen_on_noise([run])
    if len(epochs) < 2:
        return None
    every = math.ceil(len(epochs) / _MOST_POINTS)
    epochs = [*epochs[:-1:every], epochs[-1]]
    pca = math.nan if noisy else _pca_on_validation(run)
    points = [(one.epoch, shown_psnr(one, noisy=noisy)) for one in epochs]
    drawing = _draw(points, pca, title(noisy=noisy))
    (begun, first), (ended, last) = points[0], points[-1]
    alt = (
        f"{title(noisy=noisy)} against epochs: from {text.fixed(first, 2)} dB at epoch {begun} to "
        f"{text.fixed(last, 2)} dB at epoch {ended}"
    )
    if math.isfinite(pca):
        alt += f"; {run.evaluation.yardstick}: {text.fixed(pca, 2)} dB"
    return Small(
        f"data:image/svg+xml;base64,{base64.b64encode(drawing.encode()).decode('ascii')}", alt, _WIDTH, _HEIGHT
    )


def _pca_on_validation(run: RunFolder) -> float:
    error = run.evaluation.against_pca.validation.pca_mse
    if error is None or error <= 0:
        return math.nan
    values = math.prod(run.evaluation.data.image_shape or ())
    return psnr_of_mean_mse(error, values, depth=run.evaluation.data.depth)


def _draw(points: Sequence[tuple[int, float]], pca: float, name: str) -> str:
    """points: (epoch, dB). name: of what is drawn."""
    canvas = Canvas(_WIDTH, _HEIGHT, kind="curve", title="Training", description=f"{name} against epochs.")
    x = Scale(points[0][0], points[-1][0], _LEFT, _RIGHT)
    y = Scale(*span([*(psnr for _, psnr in points), pca]), _BOTTOM, _TOP)
    for value in y.ticks(4):
        canvas.draw("line", x1=_LEFT, x2=_RIGHT, y1=y(value), y2=y(value), stroke=_INK, stroke_opacity=0.35)
        canvas.draw("text", x=_LEFT - 6, y=y(value) + 4, text=f"{value:g}", text_anchor="end", fill=_INK, style=_FONT)
    for value in filter(float.is_integer, x.ticks(8)):
        canvas.draw("text", x=x(value), y=_BOTTOM + 16, text=f"{value:g}", text_anchor="middle", fill=_INK, style=_FONT)
    canvas.draw("text", x=0, y=13, text=f"{name} (dB)", fill=_INK, style=_FONT)
    canvas.draw("text", x=_RIGHT, y=_HEIGHT - 4, text="epoch", text_anchor="end", fill=_INK, style=_FONT)
    heights = [y(points[-1][1])]
    if math.isfinite(pca):
        canvas.draw(
            "line", x1=_LEFT, x2=_RIGHT, y1=y(pca), y2=y(pca), stroke=_INK, stroke_width=1.5, stroke_dasharray="5 4"
        )
        canvas.draw("text", x=_RIGHT + 8, y=y(pca) + 4, text="PCA", fill=_INK, style=_FONT)
        if abs(heights[0] - y(pca)) < 14:  # the two names would cross
            heights[0] = y(pca) + (-14 if heights[0] <= y(pca) else 14)
    line = " ".join(f"{x(epoch):.1f},{y(psnr):.1f}" for epoch, psnr in points)
    canvas.draw("polyline", points=line, fill="none", stroke=_MODEL, stroke_width=2)
    canvas.draw("circle", cx=_RIGHT, cy=y(points[-1][1]), r=3.5, fill=_MODEL)
    canvas.draw("text", x=_RIGHT + 8, y=heights[0] + 4, text="model", fill=_MODEL, style=_FONT)
    # an image of its own has to name its language
    return str(canvas.markup()).replace("<svg ", '<svg xmlns="http://www.w3.org/2000/svg" ', 1)
