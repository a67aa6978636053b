"""Values are taken ahead of their use, in order; errors arrive, and no thread outlives the iteration."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator

import pytest

from isthmus.training.read_ahead import read_ahead


def test_values_come_in_order() -> None:
    assert list(read_ahead(iter(range(50)))) == list(range(50))


def test_the_next_values_are_taken_while_the_caller_works() -> None:
    taken: list[int] = []

    def values() -> Iterator[int]:
        for value in range(20):
            taken.append(value)
            yield value

    ahead = read_ahead(values())
    assert next(ahead) == 0
    deadline = time.monotonic() + 10
    while len(taken) < 3 and time.monotonic() < deadline:
        time.sleep(0.01)
    assert 3 <= len(taken) < 20, "some, not all"
    ahead.close()  # type: ignore[attr-defined]


def test_what_the_iterator_raises_is_raised_after_the_values_before_it() -> None:
    def values() -> Iterator[int]:
        yield 1
        raise OSError("the disk is gone")

    found: list[int] = []
    with pytest.raises(OSError, match="the disk is gone"):
        found.extend(read_ahead(values()))
    assert found == [1]


def test_the_thread_ends_with_an_iteration_that_is_left_early() -> None:
    before = threading.active_count()
    ahead = read_ahead(iter(range(1000)))
    next(ahead)
    assert threading.active_count() == before + 1
    ahead.close()  # type: ignore[attr-defined]
    assert threading.active_count() == before
