"""Decoding takes no more memory than there is, and says so before it converts pictures to the size asked for."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.data.drawn_pictures import picture_set
from tests.data.store.test_store import Source, same

from isthmus.core import memory_limit
from isthmus.core.errors import RunError
from isthmus.data import chunks, decode
from isthmus.data.store.prepare import prepare


@pytest.fixture
def converted(monkeypatch: pytest.MonkeyPatch) -> list[tuple[int, int] | None]:
    """The sizes to which pictures were converted."""
    sizes: list[tuple[int, int] | None] = []
    read = decode.read_picture

    def noting(picture: Any, form: Any, *, name: str) -> Any:
        sizes.append(form.size)
        return read(picture, form, name=name)

    for module in (chunks, decode):
        monkeypatch.setattr(module, "read_picture", noting)
    return sizes


def test_a_size_too_large_for_the_memory_is_told_before_anything_is_converted(
    tmp_path: Path, converted: list[tuple[int, int] | None], monkeypatch: pytest.MonkeyPatch
) -> None:
    found = picture_set(tmp_path / "pictures", size=(500, 600))
    monkeypatch.setattr(memory_limit, "available", lambda: 20_000_000)
    with pytest.raises(RunError, match=r"data\.size: the pictures need .* of memory, and 20 MB are free; make data"):
        decode.load(found)
    with pytest.raises(RunError, match=r"data\.size: pictures of this size, while they are decoded, need .* of mem"):
        prepare("folder", Source(found), tmp_path / "out")  # type: ignore[arg-type]
    assert converted and (500, 600) not in converted
    assert [file.name for file in tmp_path.iterdir()] == ["pictures"]


def test_chunks_of_large_images_are_small_and_give_the_same(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    found = picture_set(tmp_path / "pictures", skip_broken=True)
    found.files[2].write_bytes(b"no picture")
    usual = decode.load(found)
    lengths: list[int] = []
    whole = decode.decode_chunk

    def noting(pictures: Any, task: chunks.Task) -> chunks.Chunk:
        lengths.append(task.stop - task.start)
        return whole(pictures, task)

    monkeypatch.setattr(decode, "MOST_CHUNK", 3 * 3 * 6 * 8)
    monkeypatch.setattr(decode, "decode_chunk", noting)
    same(decode.load(found), usual)
    assert max(lengths) == 3 and sum(lengths) == 25
    assert np.array_equal(usual.train.images[1:3], decode.load(found).train.images[1:3])
