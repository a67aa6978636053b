"""The few test images that pages show, kept while all of them go by."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

_NAMES = {"pca": "pca", "noisy_input": "noisy", "denoised": "denoised"}  # beside the model's outputs, by method


class Extremes:
    """The images with the highest scores; of equal ones the first. sign: -1 for the lowest, and of equal ones the last.

    index: (n,) their numbers, the most extreme first.
    """

    def __init__(self, count: int, sign: int) -> None:
        self.count, self.sign = count, sign
        self.index, self.scores = np.zeros(0, np.int64), np.zeros(0)
        self.pairs: list[tuple[np.ndarray, np.ndarray]] = []

    def see(self, start: int, scores: np.ndarray, originals: np.ndarray, outputs: np.ndarray) -> None:
        """Images `start` and on: their scores (B,), originals and outputs (B, C, H, W)."""
        index = np.concatenate([self.index, np.arange(start, start + len(scores))])
        scores = np.concatenate([self.scores, scores])
        # the keys of a later one decide first
        order = np.lexsort((self.sign * index, -self.sign * scores))[: self.count]
        known = len(self.pairs)
        self.pairs = [
            self.pairs[at] if at < known else (originals[at - known].copy(), outputs[at - known].copy()) for at in order
        ]
        self.index, self.scores = index[order], scores[order]

    def pictures(self) -> tuple[np.ndarray, np.ndarray]:
        """Their originals and outputs, (n, C, H, W) each."""
        originals, outputs = zip(*self.pairs, strict=True)
        return np.stack(originals), np.stack(outputs)


class KeptPictures:
    """Originals and outputs of the images `shown` (n,), ascending, and of `count` best and worst ones by a score."""

    def __init__(self, shown: np.ndarray, count: int) -> None:
        self.shown, self.best, self.worst = shown, Extremes(count, 1), Extremes(count, -1)
        self._parts: dict[str, list[np.ndarray]] = {}
        self._images = 0

    def see(self, originals: np.ndarray, outputs: Mapping[str, np.ndarray], scores: np.ndarray) -> None:
        """The next images (B, C, H, W), every method's outputs for them, and the model's scores (B,)."""
        start, self._images = self._images, self._images + len(originals)
        for extremes in (self.best, self.worst):
            extremes.see(start, scores, originals, outputs["model"])
        here = self.shown[(self.shown >= start) & (self.shown < self._images)] - start
        others = {name: outputs[method] for method, name in _NAMES.items() if method in outputs}
        for name, images in {"original": originals, "output": outputs["model"], **others}.items():
            self._parts.setdefault(f"shown/{name}", []).append(images[here])

    def pictures(self) -> dict[str, np.ndarray]:
        """name -> (n, C, H, W), as in pictures.safetensors."""
        found = {name: np.concatenate(parts) for name, parts in self._parts.items()}
        for which, extremes in (("best", self.best), ("worst", self.worst)):
            found[f"{which}/original"], found[f"{which}/output"] = extremes.pictures()
        return found
