"""Does the recipe `denoiser` beat the methods that need no training, on photographs that no training saw?

    python -m bench.denoising PHOTOS [--out runs/bench-denoising] [--minutes 10] [option.path=value ...]

PHOTOS: a folder of photographs. The recipe is trained on their crops, on one CPU thread within the minutes, and seven
whole photographs that scikit-image and scikit-learn install are denoised through `isthmus.denoise`. A run that is there
is used as it is. The methods without training know the noise, and each has its best parameter for it on the training
photographs.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Mapping
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

import isthmus as ist
from bench.denoising_photos import gather, test_photographs
from isthmus.evaluation.evenly import evenly
from isthmus.evaluation.statistics.intervals import paired_difference
from isthmus.evaluation.untrained_denoisers import Untrained, untrained_methods
from isthmus.recipes.recipe import parse_overrides
from isthmus.runs.load import load_run_data

STDS = (0.1, 0.2, 0.4)  # of the noise on the [-1, 1] scale: 12.8, 25.5 and 51 of 255 levels
_TUNED_ON = 40  # crops of the training photographs
Picture = NDArray[np.uint8]


def main() -> None:
    words = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    words.add_argument("photos", type=Path)
    words.add_argument("options", nargs="*", metavar="option.path=value", help="changes to the recipe")
    words.add_argument("--out", type=Path, default=Path("runs/bench-denoising"))
    words.add_argument("--minutes", type=float, default=10.0)
    asked = words.parse_intermixed_args()
    run = asked.out / "run"
    if not (run / "evaluation.json").exists():
        gather(asked.photos, asked.out / "photos")
        options = {"train.seconds": 60 * asked.minutes, "train.threads": 1, "train.device": "cpu"}
        options |= parse_overrides(asked.options)
        ist.train("denoiser", data=asked.out / "photos", out=run, options=options)
    crops = load_run_data(run).train.images
    tuning = crops[evenly(len(crops), _TUNED_ON)]
    print(json.dumps({f"{std:g}": measured(run, std, tuning) for std in STDS}, indent=1))


def measured(run: Path, std: float, tuning: np.ndarray) -> dict[str, object]:
    """PSNR of each method on each test photograph, their means, and how far ahead the model is of the best other."""
    methods, draw = untrained_methods(), np.random.default_rng(0)
    settings = _settings(methods, std, tuning, draw)
    scores: dict[str, dict[str, float]] = {}
    seconds = 0.0
    for name, clean in test_photographs().items():
        noisy = _noisy(clean, std, draw)
        begun = time.process_time()
        made = {"noisy": noisy, "denoiser": ist.denoise(run, noisy)[0]}
        seconds += time.process_time() - begun
        for kind, method in methods.items():
            made[kind] = method(noisy.transpose(2, 0, 1)[None], std / 2, settings[kind])[0].transpose(1, 2, 0)
        scores[name] = {kind: _psnr(picture, clean) for kind, picture in made.items()}
    columns = {kind: np.array([each[kind] for each in scores.values()]) for kind in scores["astronaut"]}
    best = max(methods, key=lambda kind: columns[kind].mean())
    ahead = paired_difference(columns["denoiser"][None], columns[best][None])
    return {
        "psnr": {kind: round(float(each.mean()), 2) for kind, each in columns.items()},
        "settings": settings,
        "best_untrained": best,
        "ahead_db": [round(value, 2) for value in (ahead.mean, ahead.low, ahead.high)],
        "ahead_on": int((columns["denoiser"] > columns[best]).sum()),
        "cpu_seconds_of_denoise": round(seconds, 1),
        "of_each": {name: {kind: round(value, 2) for kind, value in each.items()} for name, each in scores.items()},
    }


def _settings(
    methods: Mapping[str, Untrained], std: float, clean: np.ndarray, draw: np.random.Generator
) -> dict[str, float]:
    noisy = _noisy(clean, std, draw)
    found: dict[str, float] = {}
    for kind, method in methods.items():
        tried = {value: _mean_psnr(method(noisy, std / 2, value), clean) for value in method.values}
        found[kind] = max(tried, key=tried.__getitem__)
    return found


def _noisy(clean: np.ndarray, std: float, draw: np.random.Generator) -> Picture:
    return np.rint(clean + draw.normal(0, std * 127.5, clean.shape)).clip(0, 255).astype(np.uint8)


def _psnr(made: np.ndarray, clean: np.ndarray) -> float:
    return float(10 * np.log10(255**2 / ((made.astype(float) - clean) ** 2).mean()))


def _mean_psnr(made: np.ndarray, clean: np.ndarray) -> float:
    return float(np.mean([_psnr(*pair) for pair in zip(made, clean, strict=True)]))


if __name__ == "__main__":
    main()
