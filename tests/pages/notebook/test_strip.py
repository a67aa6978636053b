"""`isthmus.strip` shows exactly the pixels it was given, and says in one sentence what it cannot show."""

from __future__ import annotations

import base64
import io
import re
from typing import Any

import numpy as np
import pytest
from PIL import Image

import isthmus as ist
from isthmus.pages.report.pictures import psnr


def decoded(html: str) -> list[np.ndarray]:
    found = re.findall(r'src="data:image/png;base64,([^"]+)"', html)
    return [np.asarray(Image.open(io.BytesIO(base64.b64decode(one)))) for one in found]


def random(*shape: int) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, shape, dtype=np.uint8)


def test_pictures_are_enlarged_and_not_changed() -> None:
    grey, colour = random(2, 8, 8), random(3, 8, 8, 3)
    made = ist.strip({"grey": grey, "colour <b>": colour}, captions=["first"])
    shown = decoded(made._repr_html_())
    assert repr(made) == "Strip(grey: 2, colour <b>: 3)"
    assert len(shown) == 5
    for picture, given in zip(shown, [*grey, *colour], strict=True):
        assert picture.shape[:2] == (112, 112)
        assert np.array_equal(picture[::14, ::14], given)
    assert "first" in made._repr_html_() and "<b>" not in made._repr_html_()


def test_more_pictures_are_smaller_so_that_a_row_fits() -> None:
    assert decoded(ist.strip({"many": random(16, 8, 8)})._repr_html_())[0].shape == (32, 32)


def test_each_picture_has_its_psnr_against_the_named_row() -> None:
    first, second = random(2, 8, 8, 1), random(2, 8, 8, 1)[::-1].copy()
    html = ist.strip({"original": first, "rebuilt": second}, against="original")._repr_html_()
    wanted = psnr(first[0].transpose(2, 0, 1), second[0].transpose(2, 0, 1))
    assert re.findall(r"<br>(\S+)</td>", html) == [f"{wanted:.1f}"] * 2
    assert "PSNR against original" in html
    assert "PSNR" not in ist.strip({"original": first, "rebuilt": second})._repr_html_()


@pytest.mark.parametrize(
    ("rows", "more", "said"),
    [
        ({}, {}, "there are none"),
        ({"a": np.zeros((2, 8, 8))}, {}, "'a' has values of type float64; give uint8"),
        ({"a": random(8, 8)}, {}, "one picture is images"),
        ({"a": random(17, 8, 8)}, {}, "'a' has 17 pictures; give at most 16"),
        ({"a": random(2, 8, 8)}, {"against": "b"}, "'b' is none of the rows; they are a"),
        ({"a": random(2, 8, 8), "b": random(2, 4, 4)}, {"against": "a"}, "there is no PSNR between them"),
        ({"a": random(1, 8, 8), "b": random(2, 8, 8)}, {"against": "a"}, "there is no PSNR between them"),
        ({"a": random(1, 8, 8)}, {"captions": ["x", "y"]}, "captions: there are 2 for 1 pictures"),
    ],
)
def test_what_cannot_be_shown_is_refused(rows: dict[str, Any], more: dict[str, Any], said: str) -> None:
    with pytest.raises(ist.InputError, match=said):
        ist.strip(rows, **more)
