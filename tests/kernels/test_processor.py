"""What Linux tells of the processor, and what is made of silence."""

from __future__ import annotations

import io
import platform
from collections.abc import Callable, Iterator

import pytest

from isthmus.kernels import processor


@pytest.fixture
def told(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[str | None], None]]:
    """Sets what /proc/cpuinfo holds; None: there is none."""

    def tell(text: str | None) -> None:
        def cpuinfo(*_: object, **__: object) -> io.StringIO:
            if text is None:
                raise FileNotFoundError
            return io.StringIO(text)

        monkeypatch.setattr(processor, "open", cpuinfo, raising=False)
        processor._told.cache_clear()

    yield tell
    processor._told.cache_clear()


def test_the_first_core_speaks_for_all(told: Callable[[str | None], None]) -> None:
    told("processor\t: 0\nmodel name\t: Some: CPU\nflags\t\t: fpu amx_bf16\n\nprocessor\t: 1\nflags\t\t: fpu sse\n\n")
    assert processor.name() == "Some: CPU"
    assert processor.flags() == {"fpu", "amx_bf16"}


def test_arm_has_another_word_for_flags(told: Callable[[str | None], None]) -> None:
    told("processor\t: 0\nFeatures\t: fp asimd bf16\n")
    assert processor.flags() == {"fp", "asimd", "bf16"}


def test_elsewhere_there_is_a_name_and_no_flags(told: Callable[[str | None], None]) -> None:
    told(None)
    assert processor.name() == (platform.processor() or platform.machine())
    assert processor.flags() == frozenset()
