"""Which channels of an image people see: one as grey, or three as red, green and blue."""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

from isthmus.core.errors import InputError
from isthmus.core.wording import shown


def usual_channels(count: int) -> tuple[int, ...]:
    """Of `count` channels: the first as grey if there are one or two, else the first three as red, green and blue."""
    return (0,) if count < 3 else (0, 1, 2)


def shown_channels(count: int, wanted: object) -> tuple[int, ...]:
    """Which of `count` channels a page shows.

    wanted: `data.shown_channels`: one channel number from 0, alone or in a list, or a list of three; None for the usual
        ones.
    Raises InputError where it is something else.
    """
    if wanted is None:
        return usual_channels(count)
    listed = isinstance(wanted, Sequence) and not isinstance(wanted, str)
    numbers = tuple(cast("Sequence[object]", wanted)) if listed else (wanted,)
    found = [one for one in numbers if isinstance(one, int) and not isinstance(one, bool) and 0 <= one < count]
    if len(found) != len(numbers) or len(found) not in (1, 3):
        names = f"channel numbers from 0 to {count - 1}" if count > 1 else "channel 0"
        raise InputError(f"data.shown_channels: {shown(wanted)} does not fit; give one or three {names}")
    return tuple(found)
