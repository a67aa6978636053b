"""Which signals ask a training to stop."""

from __future__ import annotations

import signal
from collections.abc import Iterator

import pytest

from isthmus.training import interrupts as module
from isthmus.training.interrupts import interrupts


@pytest.fixture(autouse=True)
def handlers() -> Iterator[None]:
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


def test_ctrl_c_asks_once_and_then_stops(monkeypatch: pytest.MonkeyPatch) -> None:
    signal.signal(signal.SIGINT, signal.default_int_handler)
    with interrupts() as asked:
        signal.raise_signal(signal.SIGINT)
        assert asked.is_set()
        signal.raise_signal(signal.SIGINT)  # at once: the same request, sent to every process and passed on
        monkeypatch.setattr(module, "_AT_ONCE", 0.0)
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(signal.SIGINT)
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_a_signal_that_is_ignored_stays_ignored() -> None:
    """As a shell asks of programs in the background; the other one still stops them."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    with interrupts() as asked:
        signal.raise_signal(signal.SIGINT)
        assert not asked.is_set()
        signal.raise_signal(signal.SIGTERM)
        assert asked.is_set()
    assert signal.getsignal(signal.SIGINT) is signal.SIG_IGN
