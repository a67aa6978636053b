"""Averages of records over seeds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from isthmus.run_files.evaluation import Cost
from isthmus.run_files.write import as_json


def mean_cost(each: Sequence[Cost]) -> Cost:
    """Numbers are averaged over the seeds that have them (other versions may lack some); words are joined."""
    costs, found = [as_json(cost) for cost in each], dict[str, Any]()
    for key in costs[0]:
        values: list[Any] = [cost[key] for cost in costs if cost.get(key) is not None]
        if not values:
            continue
        if all(isinstance(one, int | float) for one in values):
            mean = float(np.mean([float(one) for one in values]))
            found[key] = int(mean) if mean.is_integer() else mean
        else:
            same = all(one == values[0] for one in values)
            found[key] = values[0] if same else ", ".join(dict.fromkeys(map(str, values)))
    return Cost(**found)


def means(trees: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Average nested numbers key by key; a key that one seed lacks is left out."""
    found: dict[str, Any] = {}
    for key, value in trees[0].items():
        values: list[Any] = [tree.get(key) for tree in trees]
        if isinstance(value, dict) and all(isinstance(one, dict) for one in values):
            found[key] = means(values)
        elif all(isinstance(one, int | float) for one in values):
            found[key] = float(np.mean(values))
    return found
