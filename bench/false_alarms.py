"""Is the promised false-alarm rate kept? `python -m bench.false_alarms`, about a minute.

An autoencoder is trained on some of scikit-learn's digits. The others, which it never saw, are split again and again
into calibration and test pictures, all of them normal: every flag is a false alarm.

**What to expect.** Of one split's test pictures, all are held against one calibration. So their number of flags is not
binomial but beta-binomial: the rate of one calibration is a draw of Beta(k, n + 1 - k), k = rate (n + 1). Splits of the
same pictures are independent all the same, because the ranks in a random part of fixed pictures are. The interval of
the mean share over all splits is exact, from the convolution of their distributions.

Beside it stands the usual threshold: the same quantile of the errors of the training images.
"""

from __future__ import annotations

import argparse
import tempfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from scipy.stats import betabinom

from bench import record
from bench.goals import Measured
from isthmus.core.pixels import Pixels
from isthmus.data.splits import Splits
from isthmus.evaluation.latents.measure_latents import encode_training
from isthmus.inference.anomaly.conformal import p_values, promise
from isthmus.inference.anomaly.errors import errors_of, usable
from isthmus.inference.anomaly.latent_distance import LatentReference, latent_reference
from isthmus.inference.anomaly.scored_model import ScoredModel, load_scored
from isthmus.recipes.study_plan import load_recipe
from isthmus.runs.claim import claim
from isthmus.runs.load import load_data
from isthmus.training.in_folder import train_in_folder

LEVELS = (0.01, 0.05, 0.1)
CALIBRATION, SPLITS = 199, 200  # 199: each level is a whole number of two-hundredths
RECIPE = {"split.test": 0.7, "split.validation": 0.1, "bottleneck.dim": 8, "train.device": "cpu"}
MODELS = {
    "plain": ("digits/latent-10", {}),
    "vae": ("digits/vae", {"distortion.kind": "gaussian", "objective.weights.kl": 1.0}),
}


@dataclass(frozen=True)
class Row:
    """One measure at one level: mean share of false alarms over all splits, what was to be expected, and the share
    that a threshold from training errors flags."""

    name: str
    level: float
    share: float
    low: float
    high: float
    from_training: float

    @property
    def kept(self) -> bool:
        return self.low <= self.share <= self.high


def expected(level: float, n: int, tested: int, splits: int) -> tuple[float, float]:
    """The central 95 % of the mean share of flags over splits, if the promise is kept and no two errors are equal."""
    allowed = promise(level, n).allowed
    of_one = betabinom.pmf(np.arange(tested + 1), tested, allowed, n + 1 - allowed)
    size = splits * tested + 1
    total = np.fft.irfft(np.fft.rfft(of_one, size) ** splits, size).clip(0)
    below = np.cumsum(total / total.sum())
    low, high = (int(np.searchsorted(below, chance)) for chance in (0.025, 0.975))
    return low / (size - 1), high / (size - 1)


def shares(errors: np.ndarray, level: float, draws: np.random.Generator, splits: int) -> np.ndarray:
    """errors (N,) of normal pictures -> the share of false alarms of each split, (splits,)."""
    promised, found = promise(level, CALIBRATION), np.empty(splits)
    for split in range(splits):
        order = draws.permutation(len(errors))
        calibration = np.sort(errors[order[:CALIBRATION]])
        found[split] = promised.flags(p_values(calibration, errors[order[CALIBRATION:]])).mean()
    return found


def trained(model: str, home: Path) -> tuple[ScoredModel, Splits, LatentReference]:
    """A model of the study `digits`, and the digits that it did not see as test images."""
    name, changes = MODELS[model]
    recipe = load_recipe(name, RECIPE | changes)
    splits = load_data(recipe)
    claim(home, recipe)
    for _ in train_in_folder(recipe, home, splits, home / "cache"):
        pass
    scored, _ = load_scored(home, "cpu")
    return scored, splits, latent_reference(encode_training(scored.model, splits).latents.z)


def rows_of(model: str, splits: int) -> list[Row]:
    with tempfile.TemporaryDirectory(prefix="isthmus-false-alarms-") as home:
        scored, images, reference = trained(model, Path(home))
    measures = usable(scored)

    def errors(pixels: Pixels) -> dict[str, np.ndarray]:
        return errors_of(scored, pixels[np.arange(len(pixels))], measures, reference).errors

    new, old, found = errors(images.test.images), errors(images.train.images), list[Row]()
    for measure in measures:
        for place, level in enumerate(LEVELS):
            draws = np.random.default_rng([place, *map(ord, model + measure)])
            share = float(shares(new[measure], level, draws, splits).mean())
            low, high = expected(level, CALIBRATION, len(new[measure]) - CALIBRATION, splits)
            usual = float((new[measure] > np.quantile(old[measure], 1 - level)).mean())
            found.append(Row(f"{model}, {measure}", level, share, low, high, usual))
    return found


def main() -> None:
    """Measure, and write the record."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="try it out: 20 splits, kept in runs/")
    given = parser.parse_args()
    splits, machine = 20 if given.quick else SPLITS, record.hardware("cpu")
    rows = [row for model in MODELS for row in rows_of(model, splits)]
    headings = ("error", "promised", "false alarms", "expected (95 %)", "kept", "threshold from training errors")
    lines = [f"| {' | '.join(headings)} |", "|---" * len(headings) + "|"]
    for row in rows:
        cells = [row.name, f"{row.level:.0%}", f"{row.share:.2%}", f"{row.low:.2%} to {row.high:.2%}"]
        lines.append(f"| {' | '.join(cells)} | {'yes' if row.kept else '**no**'} | {row.from_training:.1%} |")
    share = sum(row.kept for row in rows) / len(rows)
    record.write(
        "false-alarms",
        "The promised false-alarm rate",
        f"Over {splits} splits of digits that a model never saw into {CALIBRATION} calibration and all other pictures, "
        "is the share of false alarms the promised one?",
        # one interval in twenty is missed by chance alone
        [Measured(f"shares within their 95 % interval, of {len(rows)}", (share,), 0.85)],
        machine=machine,
        details={"rows": [{**row.__dict__, "kept": row.kept} for row in rows], "splits": splits},
        out=record.folder(given.quick),
        beside="\n".join(lines),
    )


if __name__ == "__main__":
    main()
