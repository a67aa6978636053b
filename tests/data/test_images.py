"""Pictures of 8 bits become pixels as a viewer would show them, or one clear sentence."""

import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageOps

from isthmus.core.errors import InputError
from isthmus.core.handled_pictures import Handled
from isthmus.data.form import Form
from isthmus.data.images import read_picture

RNG = np.random.default_rng(0)
COLOUR = RNG.integers(0, 256, (6, 4, 3), dtype=np.uint8)
GREY = RNG.integers(0, 256, (6, 4), dtype=np.uint8)


def encoded(image: Image.Image, kind: str = "PNG", **options: object) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def read(
    source: Path | bytes | Image.Image, size: int | tuple[int, int] | None = None, **options: object
) -> np.ndarray:
    """(H, W, C), the order in which the pixels above were written; RGB as earlier versions read it unless told."""
    sides = (size, size) if isinstance(size, int) else size
    options = {"channels": 3, "depth": 8, "range": "full", **options}
    pixels, _ = read_picture(source, Form(sides, **options), name="picture")  # type: ignore[arg-type]
    assert pixels.dtype == np.uint8 and pixels.flags.c_contiguous
    return pixels.transpose(1, 2, 0)


def found(source: Path | bytes | Image.Image, form: Form = Form()) -> tuple[np.ndarray, Handled]:  # noqa: B008
    return read_picture(source, form, name="picture")


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


def test_every_pixel_is_what_pillow_alone_gives() -> None:
    """So that nothing that was trained on colours changes: the same conversion, crop and filter, to the bit."""
    wide = Image.fromarray(RNG.integers(0, 256, (37, 91, 3), dtype=np.uint8))
    for image in (wide, wide.convert("L"), wide.convert("P"), wide.convert("CMYK")):
        expected = ImageOps.fit(image.convert("RGB"), (20, 12), method=Image.Resampling.LANCZOS)
        assert np.array_equal(read(encoded(image, "TIFF"), (12, 20)), np.asarray(expected))


def test_a_picture_keeps_its_own_channels_unless_others_are_asked_for() -> None:
    colour, grey = Image.fromarray(COLOUR), Image.fromarray(GREY)
    luma = colour.convert("L")
    for image, channels, expected in (
        (grey, "auto", GREY[:, :, None]),
        (grey.convert("LA"), "auto", GREY[:, :, None]),
        (Image.fromarray(GREY > 99), "auto", np.where(GREY > 99, 255, 0)[:, :, None]),
        (colour, "auto", COLOUR),
        (colour.convert("P", palette=Image.Palette.ADAPTIVE), "auto", None),
        (colour, 1, np.asarray(luma)[:, :, None]),
        (grey, 1, GREY[:, :, None]),
        (colour, 4, np.dstack([COLOUR, np.full_like(GREY, 255)])),
        (grey, 4, np.dstack([GREY] * 3 + [np.full_like(GREY, 255)])),
        (grey.convert("LA"), 2, np.dstack([GREY, np.full_like(GREY, 255)])),
    ):
        pixels = read(encoded(image), channels=channels)
        assert pixels.shape[2] == 3 if expected is None else np.array_equal(pixels, expected)


def test_four_channels_are_scaled_each_for_itself() -> None:
    """Near infrared in the fourth channel neither whitens the colours nor weighs them."""
    bands = RNG.integers(0, 256, (32, 32, 4), dtype=np.uint8)
    pixels = read(encoded(Image.fromarray(bands)), 16, channels=4)
    alone = [
        np.asarray(Image.fromarray(bands[:, :, band]).resize((16, 16), Image.Resampling.LANCZOS)) for band in range(4)
    ]
    assert np.array_equal(pixels, np.dstack(alone))


def test_channels_that_a_picture_lacks_are_refused() -> None:
    with pytest.raises(InputError, match=r"^picture: has 3 channels where 12 are read; set data.channels=3 if all"):
        read(encoded(Image.fromarray(COLOUR)), channels=12)


def test_8_bits_can_be_kept_in_16() -> None:
    pixels, handled = found(encoded(Image.fromarray(GREY)), Form(depth=16))
    assert pixels.dtype == np.uint16 and np.array_equal(pixels[0], GREY * np.uint16(257))
    assert (handled.bits, handled.channels) == (8, 1)


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


@pytest.mark.parametrize("mode", ["L", "RGB", "RGBA"])
def test_padding_keeps_the_whole_picture_between_borders_of_the_colour_of_its_edges(mode: str) -> None:
    wide = Image.new(mode, (40, 20), "white")
    wide.paste(Image.new(mode, (40, 10), "black"), (0, 0))
    channels = {"L": 1, "RGB": 3, "RGBA": 4}[mode]
    pixels = read(encoded(wide), 16, fit="pad", channels=channels)
    assert pixels.shape == (16, 16, channels)
    assert (pixels[:4, :, 0] == 0).all() and (pixels[12:] == 255).all()
    tall = read(encoded(wide.transpose(Image.Transpose.TRANSPOSE)), 16, fit="pad", channels=channels)
    assert np.array_equal(tall, pixels.transpose(1, 0, 2))
    odd = read(encoded(Image.new(mode, (7, 3), "black")), (10, 10), fit="pad", channels=channels)
    assert (odd[..., 0] == 0).all()


def test_stretching_keeps_every_part_and_changes_proportions() -> None:
    halves = np.zeros((20, 60), dtype=np.uint8)
    halves[:, 30:] = 255
    pixels = read(encoded(Image.fromarray(halves)), 20, fit="stretch")[..., 0]
    assert (pixels[:, :7] < 9).all() and (pixels[:, 13:] > 246).all()


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
                read_picture(source, Form(), name=f"{name}.png")
    with pytest.raises(InputError, match=r"^gone.png: does not exist"):
        read_picture(tmp_path / "gone.png", Form(), name="gone.png")
    with pytest.raises(InputError, match=r"^folder: is not a file"):
        read_picture(tmp_path, Form(), name="folder")


@pytest.mark.parametrize("times", [1.5, 3.0])
def test_decompression_bombs_are_refused(times: float, monkeypatch: pytest.MonkeyPatch) -> None:
    """Between Pillow's limit and twice that Pillow itself would only warn."""
    data = encoded(Image.new("RGB", (30, 10)))
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", int(300 / times))
    with pytest.raises(InputError, match=r"^bomb.png: has more than the"):
        read_picture(data, Form(), name="bomb.png")


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
