"""The face of the kernels: what runs is decided by a context, and layers never know."""

from __future__ import annotations

import re
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import isthmus
from isthmus.kernels import ops

ROOM = "isthmus.kernels"
FACES = {"ops", "choose", "threads", "processor"}


def test_outside_of_the_room_nobody_knows_a_kernel() -> None:
    """Layers call operations, a training chooses: which of two implementations runs is for this room alone."""
    for path in Path(isthmus.__file__).parent.rglob("*.py"):
        if path.parent.name == "kernels":
            continue
        text = path.read_text(encoding="utf-8")
        names = re.findall(rf"from {re.escape(ROOM)}\.(\w+) import", text)
        for listed in re.findall(rf"from {re.escape(ROOM)} import (.+)", text):
            names += [name.strip().split(" as ")[0] for name in listed.split(",")]
        assert set(names) <= FACES, path


def test_a_context_decides_for_its_own_thread_and_ends() -> None:
    assert ops._using.get() == "torch"
    with ops.using("compiled"), ThreadPoolExecutor(1) as pool:
        assert ops._using.get() == "compiled"
        assert pool.submit(ops._using.get).result() == "torch"
        with ops.using("torch"):
            assert ops._using.get() == "torch"
        assert ops._using.get() == "compiled"
    assert ops._using.get() == "torch"
