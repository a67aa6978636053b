"""A recipe's nested tables as dotted options."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

_NO_CHOICE = ("name", "seed", "format", "train.threads")


def flat(table: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """Dotted option -> value, without what is no choice of a method, such as the seed.

    >>> flat({"bottleneck": {"kind": "vector", "dim": 16}, "seed": 3})
    {'bottleneck.kind': 'vector', 'bottleneck.dim': 16}
    """
    found: dict[str, Any] = {}
    for key, value in table.items():
        path = f"{prefix}{key}"
        if path in _NO_CHOICE:
            continue
        found |= flat(value, f"{path}.") if isinstance(value, dict) else {path: value}
    return found
