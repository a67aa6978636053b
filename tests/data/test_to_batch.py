"""What a trained model is handed becomes a batch of its channels, size and depth, or one clear sentence."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from isthmus.core.errors import InputError
from isthmus.data.batches import to_batch
from isthmus.data.form import Form

RNG = np.random.default_rng(0)
BATCH = RNG.integers(0, 256, (5, 3, 6, 8), dtype=np.uint8)
GREY, MANY = BATCH[:, :1], RNG.integers(0, 256, (4, 12, 6, 8), dtype=np.uint8)
DEEP = RNG.integers(0, 65536, (5, 1, 6, 8), dtype=np.uint16)


def batch(images: object, shape: tuple[int, ...] = (3, 6, 8), depth: int = 8, **options: object) -> np.ndarray:
    channels, height, width = shape
    form = Form.of_model(options, (channels, height, width), depth)  # type: ignore[arg-type]
    return to_batch(images, form, (channels, height, width))


@pytest.mark.parametrize(
    ("images", "expected"),
    [
        (BATCH, BATCH),
        (BATCH.transpose(0, 2, 3, 1), BATCH),
        (BATCH[0], BATCH[:1]),
        (BATCH[0].transpose(1, 2, 0), BATCH[:1]),
        (Image.fromarray(BATCH[0].transpose(1, 2, 0).copy()), BATCH[:1]),
        ([Image.fromarray(image.transpose(1, 2, 0).copy()) for image in BATCH], BATCH),
        (list(BATCH), BATCH),
        (BATCH / 255, BATCH),
        ((BATCH / 255).astype(np.float32), BATCH),
        ((BATCH / 255).astype(">f4"), BATCH),
        (BATCH[0, 0], np.stack([BATCH[0, :1].repeat(3, 0)])),
        (BATCH[:, 0], BATCH[:, :1].repeat(3, 1)),
        (BATCH[:, :1], BATCH[:, :1].repeat(3, 1)),
        (BATCH[:, 0, :, :, None], BATCH[:, :1].repeat(3, 1)),
        (GREY, GREY),
        (GREY[:, 0], GREY),
        (GREY[:3, 0], GREY[:3]),
        (GREY[0, 0], GREY[:1]),
        (GREY[0].transpose(1, 2, 0), GREY[:1]),
        (GREY.transpose(0, 2, 3, 1), GREY),
        (Image.fromarray(GREY[0, 0]), GREY[:1]),
        (MANY, MANY),
        (MANY.transpose(0, 2, 3, 1), MANY),
        (MANY[0], MANY[:1]),
        ([MANY[0], MANY[1].transpose(1, 2, 0)], MANY[:2]),
    ],
)
def test_every_usual_form_gives_the_same_batch(images: object, expected: np.ndarray) -> None:
    found = batch(images, expected.shape[1:])
    assert found.dtype == np.uint8 and found.flags.c_contiguous and found.flags.writeable
    assert np.array_equal(found, expected)


def test_grey_of_a_colour_model_and_colours_of_a_grey_model() -> None:
    """Arrays are grey or not; files and PIL images are turned to what the model takes."""
    assert np.array_equal(batch(GREY), GREY.repeat(3, 1))
    image = Image.fromarray(BATCH[0].transpose(1, 2, 0).copy())
    assert np.array_equal(batch(image, (1, 6, 8))[0, 0], np.asarray(image.convert("L")))
    with pytest.raises(InputError, match=r"holds none of 1 channel; pass \(N, 1, 6, 8\) or \(N, 6, 8, 1\)"):
        batch(BATCH, (1, 6, 8))


def test_files_and_pil_images_are_brought_to_the_models_size_and_arrays_must_have_it(tmp_path: Path) -> None:
    image = Image.fromarray(RNG.integers(0, 256, (12, 40, 3), dtype=np.uint8))
    image.save(tmp_path / "a.png")
    assert batch(tmp_path / "a.png").shape == batch(str(tmp_path / "a.png"), fit="pad").shape == (1, 3, 6, 8)
    assert batch([tmp_path / "a.png", BATCH[0]]).shape == (2, 3, 6, 8)
    for fit in ("crop", "pad", "stretch"):
        assert np.array_equal(batch(image, fit=fit), batch(tmp_path / "a.png", fit=fit))
    assert not np.array_equal(batch(image, fit="pad"), batch(image))
    with pytest.raises(InputError, match=r"^images are 12x40 pixels; this model was trained on 6x8: resize"):
        batch(np.asarray(image))


@pytest.mark.parametrize(
    ("images", "message"),
    [
        (BATCH.astype(np.float32), "looks like 0-255: pass uint8"),
        (BATCH / 127.5 - 1, r"looks like the \[-1, 1\] scale"),
        (np.full((3, 6, 8), np.nan), "but some are nan"),
        (np.full((3, 6, 8), -3.0), "scale it first"),
        (BATCH.astype(np.int64), "dtype int64"),
        (BATCH.tolist(), "dtype int64"),  # lists of lists are one array of numbers
        (BATCH.astype(np.uint16), "dtype uint16"),
        (BATCH > 3, "dtype bool"),
        (np.array(["a"]), "is not an array of numbers"),
        (BATCH[:0], "holds no pixels"),
        ([], "an empty list holds no image"),
        (np.full((3, 6, 8), 1.0000001), r"span 1\.0000001 to 1\.0000001; looks like rounding: clip"),
        (np.ma.masked_less(BATCH, 100), "a masked array hides some of its values"),
        ([np.ma.masked_less(BATCH[0], 100)], "a masked array hides some of its values"),
        ([BATCH[0], BATCH[0, :, :4]], "images are 4x8 pixels; this model was trained on 6x8"),
        (BATCH[:, :, :4], "images are 4x8 pixels"),
        (BATCH.transpose(0, 1, 3, 2), "images are 8x6 pixels"),
        (np.zeros((5, 6, 8, 4), np.uint8), r"holds none of 3 channels; pass \(N, 3, 6, 8\) or \(N, 6, 8, 3\)"),
        (np.zeros((6, 8, 4), np.uint8), "holds none of 3 channels"),
        (np.zeros((2, 6, 8), np.uint8), "holds none of 3 channels"),
        (np.zeros((6,), np.uint8), "holds none of 3 channels"),
        (np.zeros((1, 1, 3, 6, 8), np.uint8), "holds none of 3 channels"),
    ],
)
def test_what_could_be_misread_is_refused(images: object, message: str) -> None:
    with pytest.raises(InputError, match=message):
        batch(images)


def test_an_axis_that_could_be_either_is_refused() -> None:
    with pytest.raises(InputError, match="cannot tell which axis"):
        batch(np.zeros((2, 3, 3, 3), np.uint8), (3, 3, 3))
    assert batch(np.zeros((1, 1, 1), np.uint8), (1, 1, 1)).shape == (1, 1, 1, 1)


def test_models_of_16_bits_take_levels_and_shares_of_white() -> None:
    for images in (DEEP, DEEP[:, 0], DEEP.astype(">u2"), DEEP / 65535):
        assert np.array_equal(batch(images, (1, 6, 8), 16), DEEP)
    assert np.array_equal(batch(GREY, (1, 6, 8), 16), GREY.astype(np.uint16) * 257)
    halves = batch(np.full((6, 8), 0.5, np.float16), (1, 6, 8), 16)
    assert halves.dtype == np.uint16 and (halves == 32768).all()
    with pytest.raises(InputError, match=r"pass uint16 in 0-65535 or float in \[0, 1\]"):
        batch(DEEP.astype(np.int64), (1, 6, 8), 16)


def test_models_of_a_range_take_values_of_that_range() -> None:
    """As their training pictures held them: encoding the array that was trained on is no surprise."""
    values = DEEP % 4096
    expected = np.rint(values / 4095 * 65535)
    for images in (values, values.astype(np.int64), values.astype(np.float32)):
        assert np.array_equal(batch(images, (1, 6, 8), 16, range=[0, 4095]), expected)
    for wrong, message in (
        (values / 4095, "values span 0.* and this model takes 0 to 4095: scale them"),
        (DEEP, "more than half of the values lie above 4095, which is white"),
        (np.full((6, 8), np.nan), "some values are nan or inf"),
        (values > 9, "dtype bool is not accepted; pass numbers on the scale 0 to 4095"),
    ):
        with pytest.raises(InputError, match=message):
            batch(wrong, (1, 6, 8), 16, range=[0, 4095])
