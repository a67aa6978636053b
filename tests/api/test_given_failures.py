"""Images handed to Python functions that cannot be kept or read: one sentence about what the user gave."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

import isthmus as ist
from isthmus.data.given_arrays import GivenArrays

IMAGES = np.random.default_rng(0).random((20, 8, 8, 3)).astype(np.float32)
OPTIONS = {"train.steps": 1, "train.batch": 4}
PLAN = """
[[variation]]
name = "only"
[base]
architecture = { kind = "conv", filters = [4], strides = [2] }
bottleneck = { kind = "vector", dim = 2 }
"""


@pytest.fixture(params=["train", "study"])
def call(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """`ist.train` or `ist.study` of an array, in a relative folder."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "mine.toml").write_text(PLAN)
    function, name = {"train": (ist.train, "post/latent-10"), "study": (ist.study, "mine.toml")}[request.param]
    return lambda array: function(name, data=array, out="out", options=OPTIONS, show_progress=False)


def test_a_full_disk_is_one_sentence_and_nothing_is_left(call, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(self: GivenArrays) -> Iterator[bytes]:
        yield b"a beginning"
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(GivenArrays, "_content", full)
    with pytest.raises(ist.RunError, match=r"images\.safetensors: the disk is full; make room, and call it again"):
        call(IMAGES)
    assert [file.name for file in (tmp_path / "out").iterdir()] == ["lock"]


def test_an_image_that_cannot_be_read_is_named_as_it_was_given(call) -> None:
    images = IMAGES.copy()
    images[3, 2, 1, 0] = np.nan
    message = r"images in an array .*\(image 3: holds nan at row 2, column 1,"
    with pytest.raises(ist.InputError, match=message) as caught:
        call(images)
    assert "images.safetensors" not in str(caught.value)
    assert str(caught.value).endswith('or leave them out with `options={"data.skip_broken": True}`')
