"""How well vectors serve as a search key: precision at 10, beside PCA's numbers and raw pixels.

Source of the measure: Manning, Raghavan and Schuetze, Introduction to Information Retrieval, 2008, section 8.4.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from isthmus.core.streams import sealed
from isthmus.evaluation.statistics.intervals import Interval, mean_interval
from isthmus.evaluation.statistics.sentences import comparison_sentence, scope_of, with_correction
from isthmus.evaluation.statistics.verdicts import holm, verdict
from isthmus.inference.nearest import Distance, Nearest
from isthmus.inference.picture_sources import Label

NEIGHBOURS = 10
_QUERIES = 1000  # of which the interval is over: half a minute on pixels of 32x32
FEWEST = 2 * NEIGHBOURS + 2  # labelled pictures; among fewer, ten neighbours are most of all there is


@dataclass(frozen=True)
class SearchKey:
    """Precision at 10: of the ten nearest pictures of a query, itself left out, the share that has its label.

    queries: how many pictures were looked for, among: in how many. chance: the precision of neighbours drawn at
    random. precision: name of a key -> the mean over queries with its 95 % interval. sentences: the findings.
    """

    queries: int
    among: int
    chance: float
    precision: Mapping[str, Interval]
    sentences: tuple[str, ...]


def drawn_rows(count: int, most: int) -> np.ndarray:
    """Places of pictures that precision is measured on, ascending: all `count`, or `most` of them drawn at random."""
    if count <= most:
        return np.arange(count)
    return np.sort(np.random.default_rng(sealed("search key")).choice(count, most, replace=False))


def search_key(
    keys: Mapping[str, np.ndarray], labels: Sequence[Label], distance: Distance, *, queries: np.ndarray | None = None
) -> SearchKey | None:
    """keys: name -> (N, D), the model's latent first. labels: N. queries: (N,) which pictures may be looked for.

    None where too few pictures have a label, or all have the same.
    """
    known = np.flatnonzero([label is not None for label in labels])
    found = [label for label in labels if label is not None]
    counts = Counter(found)
    if len(known) < FEWEST or len(counts) < 2:
        return None
    classes = {label: number for number, label in enumerate(counts)}
    numbers = np.array([classes[label] for label in found])
    allowed = np.arange(len(known)) if queries is None else np.flatnonzero(queries[known])
    if len(allowed) < 2:
        return None
    rows = allowed[drawn_rows(len(allowed), _QUERIES)]
    scores = {name: _precision(vectors[known], numbers, rows, distance) for name, vectors in keys.items()}
    sizes = np.array(list(counts.values()))
    chance = float((sizes * (sizes - 1)).sum() / (len(known) * (len(known) - 1)))
    precision = {name: mean_interval(one[None], least=0, most=1) for name, one in scores.items()}
    return SearchKey(len(rows), len(known), chance, precision, _sentences(scores, precision))


def _precision(vectors: np.ndarray, numbers: np.ndarray, rows: np.ndarray, distance: Distance) -> np.ndarray:
    """(Q,) the precision of each query."""
    nearest = Nearest(vectors[rows], NEIGHBOURS + 1, distance)
    nearest.add(vectors)
    itself: np.ndarray = nearest.rows == rows[:, None]
    itself[~itself.any(axis=1), -1] = True  # eleven others have the same vector: any of them is left out
    others = nearest.rows[~itself].reshape(len(rows), NEIGHBOURS)
    same: np.ndarray = numbers[others] == numbers[rows][:, None]
    return same.mean(axis=1)


def _sentences(scores: Mapping[str, np.ndarray], precision: Mapping[str, Interval]) -> tuple[str, ...]:
    """The model's latent against each of the others, corrected for their number."""
    own, *others = scores
    intervals = {name: mean_interval(100 * (scores[own] - scores[name])[None]) for name in others}
    corrected = holm([interval.p for interval in intervals.values()])
    said: list[str] = []
    for (name, interval), p in zip(intervals.items(), corrected, strict=True):
        sentence = comparison_sentence(own, name, interval, "points", scope=scope_of(1, own))
        said.append(with_correction(sentence, verdict(interval), p, len(others)) if len(others) > 1 else sentence)
    return tuple(said)
