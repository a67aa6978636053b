"""How the time of the whole command is shared."""

from __future__ import annotations

from collections.abc import Mapping

BEGUN = "GPU_CHECK_BEGUN"  # in the environment: when the command began, which includes the installation of wheels
WHOLE = 480.0
END = 5.0  # kept for the end
REHEARSED = 120.0  # that a rehearsed part may take on a slow machine


def shares(parts: Mapping[str, float], seconds: float) -> dict[str, float]:
    """part -> its share of `seconds`, in proportion to what it was given."""
    total = sum(parts.values())
    return {part: share * max(seconds, 0.0) / total for part, share in parts.items()}
