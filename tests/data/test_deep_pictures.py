"""Pictures of more than 8 bits, of many bands, and arrays: their values become levels of the range that is declared."""

import io
import struct
import sys
import zlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from isthmus.core.change_tally import Tally
from isthmus.core.errors import InputError
from isthmus.data.form import Form
from isthmus.data.images import read_picture, value_range

RNG = np.random.default_rng(0)
AS_BEFORE = Form(channels=3, depth=8, range="full")


def noise(*shape: int, top: int = 65536) -> np.ndarray:
    return RNG.integers(0, top, shape, dtype=np.uint16)


def encoded(image: Image.Image, kind: str = "PNG", **options: object) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def deep_png(values: np.ndarray) -> bytes:
    """A PNG of 16 bits, (H, W, C), which Pillow does not write in colour."""

    def chunk(kind: bytes, body: bytes) -> bytes:
        return len(body).to_bytes(4, "big") + kind + body + zlib.crc32(kind + body).to_bytes(4, "big")

    height, width, channels = values.shape
    head = struct.pack(">IIBBBBB", width, height, 16, {2: 4, 3: 2, 4: 6}[channels], 0, 0, 0)
    rows = b"".join(b"\0" + row.astype(">u2").tobytes() for row in values)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")


def tiff(values: np.ndarray, **options: object) -> bytes:
    tifffile = pytest.importorskip("tifffile", reason="isthmus[tiff] is not installed")
    buffer = io.BytesIO()
    tifffile.imwrite(buffer, values, **options)
    return buffer.getvalue()


def read(source: object, form: Form = Form()) -> np.ndarray:  # noqa: B008
    return read_picture(source, form, name="picture")[0]  # type: ignore[arg-type]


def test_16_bits_stay_as_they_are_on_their_full_scale() -> None:
    values = noise(6, 4)
    for data in (encoded(Image.fromarray(values)), encoded(Image.fromarray(values), "TIFF"), values[None]):
        pixels = read(data, Form(range="full"))
        assert pixels.dtype == np.uint16 and np.array_equal(pixels[0], values)


def test_a_declared_range_spreads_its_values_over_all_levels() -> None:
    values = np.array([[0, 100, 1095, 2090, 4095]], dtype=np.uint16)
    data = encoded(Image.fromarray(values))
    assert read(data, Form(range=(100, 2090)))[0].tolist() == [[0, 0, 32768, 65535, 65535]]
    assert read(data, Form(range=(100, 2090), depth=8))[0].tolist() == [[0, 0, 128, 255, 255]]
    assert value_range(data, Form(), name="x") == (0, 4095)
    assert value_range(encoded(Image.new("L", (2, 2))), Form(), name="x") is None


def test_every_level_of_16_bits_becomes_the_nearest_of_8() -> None:
    values = np.arange(65536, dtype=np.uint16).reshape(256, 256)
    pixels = read(encoded(Image.fromarray(values)), AS_BEFORE)
    assert np.array_equal(pixels[1], (values.astype(int) + 128) // 257)


def test_values_outside_the_range_do_not_bleed_into_their_neighbours() -> None:
    """A marker such as -9999 counts as black, not as 9999 below black, when pixels are averaged."""
    values = np.full((1, 8, 8), 100.0)
    values[0, 0, 0] = -1e6
    pixels = read(values, Form((4, 4), range=(0, 100)))
    assert pixels[0, 0, 0] > 30000 and pixels[0, 2:, 2:].min() > 60000


@pytest.mark.parametrize("channels", [3, 4])
def test_colours_of_16_bits_are_read_in_full(channels: int) -> None:
    """Pillow alone gives their upper 8 bits, which earlier versions read and old recipes still do."""
    values = noise(6, 5, channels)
    form = Form(range="full", channels=channels)
    assert np.array_equal(read(deep_png(values), form), values.transpose(2, 0, 1))
    upper = read(deep_png(values), Form(range="full", channels=channels, depth=8))
    assert np.array_equal(upper, values.transpose(2, 0, 1) >> 8)
    for options in ({}, {"byteorder": ">"}, {"compression": "zlib"}, {"compression": "zlib", "byteorder": ">"}):
        extra = {"extrasamples": ["unassalpha"]} if channels == 4 else {}
        data = tiff(values, photometric="rgb", **options, **extra)
        assert np.array_equal(read(data, form), values.transpose(2, 0, 1))
    if channels == 3:
        apart = tiff(values.transpose(2, 0, 1), photometric="rgb", planarconfig="separate")
        assert np.array_equal(read(apart, form), values.transpose(2, 0, 1))


def test_transparent_pixels_of_16_bits_are_laid_over_white_unless_ignored() -> None:
    values = np.zeros((1, 2, 4), dtype=np.uint16)
    values[0, 0, 3] = 65535
    assert read(deep_png(values), Form(range=(0, 1000)))[:, 0].tolist() == [[0, 65535]] * 3
    assert read(deep_png(values), Form(range=(0, 1000), alpha="ignore")).max() == 0
    assert read(deep_png(values), Form(range="full", channels=4))[3, 0].tolist() == [65535, 0]
    grey = read(deep_png(values[:, :, 2:]), Form())
    assert grey.shape == (1, 1, 2)


def test_deep_colours_become_grey_as_shallow_ones_do() -> None:
    values = noise(9, 9, 3)
    grey = read(deep_png(values), Form(range="full", channels=1))[0]
    assert np.abs(grey - values @ [0.299, 0.587, 0.114]).max() <= 0.51


@pytest.mark.parametrize("orientation", range(1, 9))
def test_deep_pictures_are_turned_like_others(orientation: int) -> None:
    exif = Image.Exif()
    exif[0x0112] = orientation
    small = RNG.integers(0, 256, (4, 7), dtype=np.uint8)
    shallow = read(encoded(Image.fromarray(small), exif=exif), Form(depth=16))
    deep = read(encoded(Image.fromarray(small.astype(np.uint16) * 257), exif=exif), Form(range="full"))
    assert np.array_equal(shallow, deep)


def test_tiff_of_many_bands_is_read_with_all_of_them(tmp_path: Path) -> None:
    values = noise(13, 8, 6)
    path = tmp_path / "bands.tif"
    for layout in (
        {"data": tiff(values.transpose(1, 2, 0), photometric="minisblack", planarconfig="contig")},
        {"data": tiff(values, photometric="minisblack", planarconfig="separate", compression="zlib")},
    ):
        path.write_bytes(layout["data"])
        pixels, handled = read_picture(path, Form(range="full"), name="picture")
        assert np.array_equal(pixels, values) and (handled.channels, handled.bits) == (13, 16)
        with pytest.raises(InputError, match=r"^picture: has 13 channels where 3 are read; set data.channels=13 if"):
            read(path, Form(channels=3))
    sized = read(path, Form((4, 3), range="full"))
    assert sized.shape == (13, 4, 3)


def test_pages_are_channels_where_so_many_are_asked_for() -> None:
    values = noise(5, 8, 6)
    for data in (
        tiff(values, photometric="minisblack"),
        encoded(Image.fromarray(values[0]), "TIFF", save_all=True, append_images=[*map(Image.fromarray, values[1:])]),
        tiff(values.astype(np.float64), photometric="minisblack"),
    ):
        form = Form(range=(0, 65535), channels=5)
        assert np.array_equal(read(data, form), values)
        first, handled = read_picture(data, Form(range=(0, 65535)), name="picture")
        assert np.array_equal(first, values[:1]) and handled.frames and handled.pages == 5


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.float32])
def test_another_number_of_pages_or_bands_is_told_with_the_one_to_set(dtype: type) -> None:
    values = noise(13, 8, 6, top=256).astype(dtype)
    data = tiff(values, photometric="minisblack")
    with pytest.raises(InputError, match=r"has 13 pages where 12 channels are read; set data.channels=13 if all have"):
        read(data, Form(channels=12, range=(0, 255)))
    assert len(read(data, Form(channels=13, range=(0, 255)))) == 13
    with pytest.raises(InputError, match=r"has 1 channel where 13 are read; set data.channels=1 if"):
        read(tiff(values[0], photometric="minisblack"), Form(channels=13, range=(0, 255)))


def test_pages_that_differ_are_no_channels() -> None:
    buffer = io.BytesIO()
    pages = [Image.new("L", (8 + page % 2, 6)) for page in range(5)]
    pages[0].save(buffer, "TIFF", save_all=True, append_images=pages[1:])
    with pytest.raises(InputError, match=r"has 5 pages of several sizes or types where 5 channels are read; give all"):
        read(buffer.getvalue(), Form(channels=5))


@pytest.mark.parametrize(("mode", "channels"), [("P", 3), ("LA", 2), ("RGBA", 4), ("CMYK", 3)])
def test_channels_are_counted_as_they_are_read(mode: str, channels: int) -> None:
    image = Image.fromarray(noise(6, 5, 3, top=256).astype(np.uint8)).convert(mode)
    with pytest.raises(InputError, match=rf"has {channels} channels where 5 are read; set data.channels={channels} if"):
        read(image, Form(channels=5))
    assert len(read(image, Form(channels=channels))) == channels


def test_how_to_keep_an_alpha_channel_is_told_by_the_channels_that_there_are() -> None:
    told: dict[tuple[str, ...], str] = {}
    for modes in (("LA",), ("RGBA",), ("LA", "RGBA")):
        tally = Tally()
        for mode in modes:
            image = Image.new("RGBA", (4, 4), (9, 9, 9, 128)).convert(mode)
            tally.add(read_picture(image, Form(), name="picture")[1])
        (said,) = (change.sentence for change in tally.changes() if change.what == "laid_over_white")
        told[modes] = said
    assert "data.channels=2 keeps it beside the grey" in told["LA",]
    assert "data.channels=4 keeps all four" in told["RGBA",]
    assert "data.channels=4 keeps it, and makes grey pictures RGB" in told["LA", "RGBA"]


def test_a_fourth_band_is_kept_where_four_are_asked_for_and_else_told() -> None:
    values = noise(6, 5, 4, top=256).astype(np.uint8)
    data = tiff(values, photometric="rgb", extrasamples=["unspecified"])
    assert np.array_equal(read(data, Form(channels=4)), values.transpose(2, 0, 1))
    pixels, handled = read_picture(data, Form(), name="picture")
    assert np.array_equal(pixels, values[:, :, :3].transpose(2, 0, 1)) and handled.bands_left == 1


@pytest.mark.parametrize("missing", ["tifffile", "pydicom"])
def test_a_missing_package_is_named_with_how_to_install_it(missing: str, monkeypatch: pytest.MonkeyPatch) -> None:
    bands = tiff(noise(4, 4, 13), photometric="minisblack", planarconfig="contig") if missing == "tifffile" else b""
    data = bands or bytes(128) + b"DICM" + bytes(50)
    monkeypatch.setitem(sys.modules, missing, None)
    words = {
        "tifffile": r"is a TIFF of 13 bands of 16 bits, for which tifffile is needed; pip install .isthmus\[tiff\]",
        "pydicom": r"is a DICOM file, for which pydicom is needed; pip install .isthmus\[dicom\]",
    }
    with pytest.raises(InputError, match=f"^picture: {words[missing]}"):
        read(data)


@pytest.mark.parametrize("dtype", ["<u1", "<u2", ">u2", "<i2", ">i4", "<i8", "<f2", ">f4", "<f8", "?"])
def test_arrays_of_every_type_are_read(dtype: str) -> None:
    values = (np.arange(48).reshape(2, 4, 6) % 2).astype(dtype)
    for array in (values, np.asfortranarray(values), np.repeat(values, 2, axis=2)[:, :, ::2]):
        levels = 1 if dtype == "<u1" else 255 if dtype == "?" else 65535
        pixels = read(array, Form(range=(0, 1)))
        assert pixels.flags.c_contiguous and np.array_equal(pixels, values.astype(int) * levels)


@pytest.mark.parametrize("wrong", [np.nan, np.inf])
def test_the_place_of_what_is_no_number_is_told(wrong: float) -> None:
    values = np.zeros((2, 4, 6), np.float32)
    values[1, 3, 5] = values[1, 3, 4] = wrong
    expected = (
        rf"^picture: holds {wrong} at row 3, column 4, channel 1 \(counted from 0\), 2 such values in all; replace"
    )
    with pytest.raises(InputError, match=expected):
        read(values)


@pytest.mark.parametrize("values", [np.zeros((4, 6)), np.zeros((1, 0, 4)), np.zeros((1, 2, 2), complex)])
def test_arrays_that_are_no_picture_are_refused(values: np.ndarray) -> None:
    with pytest.raises(InputError, match=r"^picture: has values of shape .*; give real numbers \(channels, height, wi"):
        read(values)


def test_values_of_no_known_scale_are_refused_on_a_full_one_and_taken_on_their_own() -> None:
    for values, words in ((np.array([[[0.5]]]), "floating-point"), (np.array([[[70000]]]), "64-bit")):
        with pytest.raises(InputError, match=f"^picture: holds {words} pixels, whose scale is unknown"):
            read(values, Form(range="full"))
    ends = np.array([[[-5.0, 5.0]]])
    assert read(ends)[0].tolist() == [[0, 65535]] and read(np.full((1, 2, 2), 7.0)).max() == 0


def test_pictures_that_are_too_large_are_refused_whoever_reads_them(monkeypatch: pytest.MonkeyPatch) -> None:
    data = tiff(noise(20, 30, 13), photometric="minisblack", planarconfig="contig")
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 500)
    with pytest.raises(InputError, match=r"^picture: has more than the 500 pixels"):
        read(data)


def test_damaged_tiff_of_many_bands_is_one_sentence(capfd: pytest.CaptureFixture[str]) -> None:
    data = tiff(noise(20, 30, 13), photometric="minisblack", planarconfig="contig")
    for damaged in (data[: len(data) // 2], data[:300], data[:20]):
        with pytest.raises(InputError, match=r"^picture: [^\n]*; replace it or leave it out$"):
            read(damaged)
    assert capfd.readouterr() == ("", "")
