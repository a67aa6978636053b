"""`--slurm key=value` and `--ray key=value`, checked."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from isthmus.core.errors import Faults

Known = Mapping[str, tuple[str, str, str]]
"""Our key -> the cluster's name for it, a pattern of what fits, and that in words."""


def checked(flag: str, given: Mapping[str, str], known: Known, besides: str = "") -> Iterator[tuple[str, str, str]]:
    """(key, the cluster's name, value) for each of the given options.

    besides: what else the flag takes, in words. Raises InputError, after the last one, for unknown keys and for values
    that do not fit.
    """
    faults = Faults()
    for key, value in given.items():
        if key not in known:
            faults.add(f"{flag} {key}: unknown; it takes {', '.join(known)}{besides}")
            continue
        name, pattern, wanted = known[key]
        if re.fullmatch(pattern, value) is None:
            faults.add(f"{flag} {key}: {value!r} does not fit: it is {wanted}")
        else:
            yield key, name, value
    faults.check()
