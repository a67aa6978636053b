"""Pictures become RGB pixels as a viewer would show them, or one clear sentence."""

import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from isthmus.core.errors import InputError
from isthmus.data.images import read_image, to_uint8_batch

RNG = np.random.default_rng(0)
COLOUR = RNG.integers(0, 256, (6, 4, 3), dtype=np.uint8)
GREY = RNG.integers(0, 256, (6, 4), dtype=np.uint8)


def encoded(image: Image.Image, kind: str = "PNG", **options: object) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def read(source: Path | bytes | Image.Image, size: int | tuple[int, int] | None = None) -> np.ndarray:
    """(H, W, 3), the order in which the pixels above were written."""
    pixels = read_image(source, size=size, name="picture")
    assert pixels.dtype == np.uint8 and pixels.flags.c_contiguous
    return pixels.transpose(1, 2, 0)


def test_colour_pixels_come_back_exactly(tmp_path: Path) -> None:
    image = Image.fromarray(COLOUR)
    image.save(tmp_path / "a.png")
    for source in (tmp_path / "a.png", encoded(image), image):
        assert np.array_equal(read(source), COLOUR)


def test_grey_becomes_three_equal_channels() -> None:
    assert np.array_equal(read(encoded(Image.fromarray(GREY))), np.dstack([GREY] * 3))


@pytest.mark.parametrize(("kind", "mode"), [("PNG", "I;16"), ("TIFF", "I;16"), ("TIFF", "I"), ("PPM", "I;16")])
def test_16_bit_grey_is_scaled_not_clipped(kind: str, mode: str) -> None:
    values = np.array([[0, 128, 129, 257, 32896, 65535]])
    image = Image.fromarray(values.astype(np.uint16 if mode == "I;16" else np.int32))
    assert read(encoded(image, kind))[0, :, 0].tolist() == [0, 0, 1, 1, 128, 255]


def test_pixels_of_unknown_scale_are_refused() -> None:
    with pytest.raises(InputError, match="picture: holds 32-bit pixels"):
        read(encoded(Image.fromarray(np.array([[70000]], dtype=np.int32)), "TIFF"))
    with pytest.raises(InputError, match="picture: holds floating-point pixels"):
        read(encoded(Image.fromarray(np.array([[0.5]], dtype=np.float32)), "TIFF"))


def test_palette_and_one_bit_become_their_colours() -> None:
    palette = Image.fromarray(np.array([[0, 1]], dtype=np.uint8)).convert("P")
    palette.putpalette([10, 20, 30, 200, 100, 50])
    assert read(encoded(palette)).tolist() == [[[10, 20, 30], [200, 100, 50]]]
    assert read(encoded(Image.fromarray(np.array([[False, True]])))).tolist() == [[[0] * 3, [255] * 3]]


def test_cmyk_becomes_rgb() -> None:
    image = Image.new("CMYK", (8, 8), (255, 0, 0, 0))
    assert np.abs(read(encoded(image, "TIFF")).astype(int) - [0, 255, 255]).max() == 0
    assert np.abs(read(encoded(image, "JPEG")).astype(int) - [0, 255, 255]).max() < 8


@pytest.mark.parametrize("mode", ["RGBA", "LA", "PA", "P"])
def test_what_is_transparent_shows_white(mode: str) -> None:
    image = Image.new("RGBA", (2, 1), (0, 0, 0, 255))
    image.putpixel((1, 0), (0, 0, 0, 0))
    assert read(image.convert(mode)).tolist() == [[[0] * 3, [255] * 3]]
    if mode != "PA":  # PNG cannot hold it
        assert read(encoded(image.convert(mode))).tolist() == [[[0] * 3, [255] * 3]]


def test_half_transparent_is_mixed_with_white() -> None:
    assert read(encoded(Image.new("RGBA", (1, 1), (0, 0, 0, 128)))).tolist() == [[[127] * 3]]


def test_exif_orientation_is_applied() -> None:
    exif = Image.Exif()
    exif[0x0112] = 6  # the camera was turned: rotate clockwise to view
    assert np.array_equal(read(encoded(Image.fromarray(COLOUR), exif=exif)), np.rot90(COLOUR, -1))


def test_first_frame_of_an_animation_is_read() -> None:
    frames = [Image.new("RGB", (2, 2), colour) for colour in ("red", "blue")]
    data = encoded(frames[0], "GIF", save_all=True, append_images=frames[1:])
    assert read(data)[0, 0].tolist() == [255, 0, 0]


@pytest.mark.parametrize("shape", [(1, 1), (1, 50), (50, 1), (16, 16), (300, 200), (20, 33)])
@pytest.mark.parametrize("size", [16, (12, 20)])
def test_any_shape_comes_out_at_the_size_asked(shape: tuple[int, int], size: int | tuple[int, int]) -> None:
    pixels = read(encoded(Image.fromarray(np.full((*shape, 3), 77, dtype=np.uint8)), "BMP"), size)
    assert pixels.shape == ((16, 16, 3) if size == 16 else (12, 20, 3))
    assert (pixels == 77).all()


def test_crop_is_central_and_keeps_the_shape_of_things() -> None:
    wide = np.zeros((20, 60, 3), dtype=np.uint8)
    wide[:, 20:40] = 255  # exactly the middle square
    assert read(Image.fromarray(wide), 10).min() > 230
    assert read(Image.fromarray(wide.transpose(1, 0, 2).copy()), 40)[4:-4].min() > 240


def test_shrinking_is_antialiased() -> None:
    checks = np.indices((64, 64)).sum(0) % 2 * np.uint8(255)
    assert np.abs(read(Image.fromarray(checks.astype(np.uint8)), 8).astype(int) - 127).max() < 10


def test_large_jpeg_is_decoded_small_to_the_same_picture() -> None:
    smooth = Image.fromarray(RNG.integers(0, 256, (8, 6, 3), dtype=np.uint8)).resize((1200, 1600))
    data = encoded(smooth, "JPEG", quality=95)
    whole = read(Image.open(io.BytesIO(data)), 32)
    assert np.abs(read(data, 32).astype(int) - whole).max() <= 2


def test_size_already_right_changes_nothing() -> None:
    assert np.array_equal(read(Image.fromarray(COLOUR), (6, 4)), COLOUR)


def test_damaged_files_are_named(tmp_path: Path) -> None:
    whole = encoded(Image.fromarray(RNG.integers(0, 256, (64, 64, 3), dtype=np.uint8)))
    cases = {
        "truncated": (whole[: len(whole) // 2], "not a readable image"),
        "text": (b"hello", "not a readable image .none of BMP, GIF"),
        "empty": (b"", "is empty"),
        "program": (b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n", "not a readable image .none of"),
        "header": (whole[:20], "not a readable image"),
    }
    for name, (data, message) in cases.items():
        path = tmp_path / f"{name}.png"
        path.write_bytes(data)
        for source in (path, data):
            with pytest.raises(InputError, match=f"^{name}.png: {message}"):
                read_image(source, name=f"{name}.png")
    with pytest.raises(InputError, match=r"^gone.png: does not exist"):
        read_image(tmp_path / "gone.png", name="gone.png")
    with pytest.raises(InputError, match=r"^folder: is not a file"):
        read_image(tmp_path, name="folder")


@pytest.mark.parametrize("times", [1.5, 3.0])
def test_decompression_bombs_are_refused(times: float, monkeypatch: pytest.MonkeyPatch) -> None:
    """Between Pillow's limit and twice that Pillow itself would only warn."""
    data = encoded(Image.new("RGB", (30, 10)))
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", int(300 / times))
    with pytest.raises(InputError, match=r"^bomb.png: has more than the"):
        read_image(data, name="bomb.png")


BATCH = RNG.integers(0, 256, (5, 3, 6, 8), dtype=np.uint8)


@pytest.mark.parametrize(
    ("form", "expected"),
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
        (BATCH[0, 0], np.stack([BATCH[0, :1].repeat(3, 0)])),
        (BATCH[:, 0], BATCH[:, :1].repeat(3, 1)),
        (BATCH[:, :1], BATCH[:, :1].repeat(3, 1)),
        (BATCH[:, 0, :, :, None], BATCH[:, :1].repeat(3, 1)),
        (BATCH[:1, :, :1, :1], BATCH[:1, :, :1, :1]),
    ],
)
def test_every_usual_form_gives_the_same_batch(form: object, expected: np.ndarray) -> None:
    batch = to_uint8_batch(form)  # type: ignore[arg-type]
    assert batch.dtype == np.uint8 and batch.flags.c_contiguous
    assert np.array_equal(batch, expected)


@pytest.mark.parametrize(
    ("form", "message"),
    [
        (BATCH.astype(np.float32), "looks like 0-255: pass uint8"),
        (BATCH / 127.5 - 1, r"looks like the \[-1, 1\] scale"),
        (np.full((3, 4, 4), np.nan), "but some are nan"),
        (np.full((3, 4, 4), -3.0), "scale it first"),
        (BATCH.astype(np.int64), "dtype int64"),
        (BATCH > 3, "dtype bool"),
        (np.array(["a"]), "is not an array of numbers"),
        (BATCH[:0], "holds no pixels"),
        ([], "an empty list holds no image"),
        (np.full((3, 4, 4), 1.0000001), r"span 1\.0000001 to 1\.0000001; looks like rounding: clip"),
        (np.ma.masked_less(BATCH, 100), "a masked array hides some of its values"),
        ([np.ma.masked_less(BATCH[0], 100)], "a masked array hides some of its values"),
        ([BATCH[0], BATCH[0, :, :4]], "one size, got 4x8, 6x8"),
        (BATCH[:, :, :, :3], "cannot tell which axis"),
        (np.zeros((5, 6, 8, 4), np.uint8), "cannot tell which axis"),
        (np.zeros((6, 8, 4), np.uint8), "cannot tell which axis"),
        (np.zeros((2, 6, 8), np.uint8), "cannot tell which axis"),
        (np.zeros((6,), np.uint8), "cannot tell which axis"),
    ],
)
def test_what_could_be_misread_is_refused(form: object, message: str) -> None:
    with pytest.raises(InputError, match=message):
        to_uint8_batch(form)  # type: ignore[arg-type]


@pytest.mark.parametrize("compression", ["tiff_lzw", "tiff_adobe_deflate"])
def test_damaged_tiff_is_one_sentence_and_libtiff_prints_nothing(
    compression: str, capfd: pytest.CaptureFixture[str]
) -> None:
    image = Image.fromarray(RNG.integers(0, 256, (64, 64), dtype=np.uint8))
    whole = encoded(image, "TIFF", compression=compression)
    flipped = bytearray(whole)
    flipped[200:400] = bytes(255 - byte for byte in whole[200:400])
    for damaged in (whole[: len(whole) // 2], bytes(flipped), whole[:-60] + bytes(60)):
        with pytest.raises(InputError, match=r"^picture: not a readable"):
            read(damaged)
    assert capfd.readouterr() == ("", "")


def test_files_that_are_something_else_are_called_by_their_name() -> None:
    for data, words in (
        (b"\0\0\0\x20ftypheic" + bytes(50), "picture: a HEIC file, which is not read; save it as PNG or JPEG"),
        (b"%PDF-1.7" + bytes(50), "picture: a PDF file, which is not read"),
        (b"\x89PNG\r\n\x1a\n" + bytes(50), "picture: not a readable image (a damaged PNG); replace it or leave it out"),
        (b"hello", "picture: not a readable image (none of BMP, GIF"),
    ):
        with pytest.raises(InputError) as caught:
            read(data)
        assert str(caught.value).startswith(words)


def test_16_bit_grey_of_either_byte_order_is_the_same() -> None:
    values = RNG.integers(0, 65536, (6, 4), dtype=np.uint16)
    big = Image.frombytes("I;16B", (4, 6), values.astype(">u2").tobytes())
    assert np.array_equal(read(encoded(big, "TIFF")), read(encoded(Image.fromarray(values))))
