"""The form of pictures: what a user chooses, and what all pictures of a set decide together."""

import pickle

import numpy as np
import pytest
from PIL import Image

from isthmus.core.errors import InputError
from isthmus.data.form import Form, contradicts, idle_options, settled
from isthmus.data.images import read_picture

GREY, COLOUR = Image.new("L", (4, 4)), Image.new("RGB", (4, 4))
DEEP = Image.fromarray(np.arange(16, dtype=np.uint16).reshape(4, 4))
DEEP_BANDS = np.zeros((12, 4, 4), np.uint16)


def test_options_become_a_form_that_other_processes_can_have() -> None:
    form = Form.of({"size": [48, 64], "fit": "pad", "channels": 4, "depth": 16, "range": [0, 4095], "alpha": "ignore"})
    assert form == Form((48, 64), "pad", 4, 16, (0.0, 4095.0), "ignore")
    assert (
        pickle.loads(pickle.dumps(form)) == form and len({form, Form.of({"size": 8}), Form.of({"size": [8, 8]})}) == 2
    )
    assert Form.of({}) == Form() and Form.of({"size": 8, "other": 1}) == Form((8, 8))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"size": 0}, "data.size: 0 must be at least 1"),
        ({"size": [3]}, r"data.size: \[3\] must be \[height, width\], each at least 1"),
        ({"size": [3, 2.5]}, r"must be \[height, width\]"),
        ({"size": True}, "data.size: True must be"),
        ({"size": 100_000}, "data.size: 100000 is more than 65,536 pixels a side; choose a smaller one"),
        ({"size": [8, 65_537]}, r"data.size: \[8, 65537\] is more than 65,536 pixels a side"),
        ({"fit": "zoom", "size": 8}, "data.fit: 'zoom' is unknown; choose crop, pad, stretch"),
        ({"fit": "pad"}, "data.fit: 'pad' has no effect without a size"),
        ({"channels": 0}, "data.channels: 0 does not fit; set auto, 1 for grey"),
        ({"channels": "rgb"}, "data.channels: 'rgb' does not fit"),
        ({"depth": 12}, "data.depth: 12 is unknown; choose 8, 16, auto"),
        ({"range": [4095, 0]}, r"data.range: \[4095, 0\] does not fit: give two numbers, the lower first"),
        ({"range": [1, 1]}, "the lower first"),
        ({"range": [0, float("nan")]}, "the lower first"),
        ({"range": [0, 1, 2]}, "the lower first"),
        ({"range": "all"}, "the lower first"),
        ({"alpha": "black"}, "data.alpha: 'black' is unknown; choose white, ignore"),
    ],
)
def test_what_does_not_fit_is_refused_with_what_does(options: dict[str, object], message: str) -> None:
    with pytest.raises(InputError, match=message):
        Form.of(options)


def of_whole_set(asked: Form, *pictures: Image.Image | np.ndarray) -> Form:
    """The form that all pictures get: that of the first, until a later one contradicts it."""
    form = None
    for picture in pictures:
        _, handled = read_picture(picture, form or asked, name="picture")
        form = settled(asked, handled) if form is None else contradicts(asked, form, handled) or form
    assert form is not None
    return form


@pytest.mark.parametrize(
    ("pictures", "channels", "depth", "deep"),
    [
        ((GREY, GREY), 1, 8, False),
        ((GREY, COLOUR), 3, 8, False),
        ((COLOUR, GREY), 3, 8, False),
        ((DEEP, DEEP), 1, 16, True),
        ((DEEP, GREY), 1, 8, True),
        ((GREY, DEEP), 1, 8, True),
        ((DEEP, COLOUR), 3, 8, True),
        ((DEEP_BANDS,), 12, 16, True),
        ((DEEP_BANDS[:3].astype(np.uint8),), 3, 8, False),
    ],
)
def test_all_pictures_of_a_set_decide_what_is_left_open(
    pictures: tuple[Image.Image | np.ndarray, ...], channels: int, depth: int, deep: bool
) -> None:
    form = of_whole_set(Form(), *pictures)
    assert (form.channels, form.depth, form.deep) == (channels, depth, deep)


def test_what_the_user_chose_stays() -> None:
    asked = Form(channels=1, depth=16)
    assert of_whole_set(asked, GREY, COLOUR, DEEP) == Form(channels=1, depth=16, deep=True)


def test_black_and_white_are_known_once_a_range_is() -> None:
    deep = of_whole_set(Form(), DEEP)
    assert deep.ends is None and deep.with_range(3, 9).ends == (3, 9)
    assert deep.with_range(7, 7).ends == (7, 8)  # pictures of one value all over
    assert Form(range="full").ends is None and Form(range="full", deep=True).ends == (0, 65535)


def test_a_range_that_nothing_needs_is_told() -> None:
    (sentence,) = idle_options(Form(range=(0, 9)), ())
    assert sentence.startswith("data.range has no effect")
    assert idle_options(Form(), ()) == idle_options(Form(range="full"), ()) == []


def test_a_model_reads_pictures_as_it_was_trained() -> None:
    options = {"path": "x", "size": 99, "channels": "auto", "fit": "pad", "range": [0, 9], "alpha": "ignore"}
    assert Form.of_model(options, (1, 28, 20), 8) == Form((28, 20), "pad", 1, 8, (0, 9), "ignore")
    assert Form.of_model({}, (3, 8, 8), 16).range == "full"
