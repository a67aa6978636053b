"""Whatever is done to a user's pictures is counted while they are read, and said."""

import io
import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from PIL import Image, ImageCms

from isthmus.core.change_tally import Tally
from isthmus.core.errors import InputError
from isthmus.core.handled_pictures import Depth, Handled
from isthmus.core.image_changes import Change
from isthmus.core.values import Dataset
from isthmus.data.datasets.folder import Folder
from isthmus.data.datasets.parquet import Parquet

RNG = np.random.default_rng(0)


def noise(*shape: int, top: int = 256) -> np.ndarray:
    return RNG.integers(0, top, shape, dtype=np.uint8 if top <= 256 else np.uint16)


def encoded(image: Image.Image, kind: str = "PNG", **options: Any) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def turned() -> bytes:
    exif = Image.Exif()
    exif[0x0112] = 6
    return encoded(Image.fromarray(noise(8, 8, 3)), exif=exif)


def animated() -> bytes:
    frames = [Image.fromarray(noise(8, 8, 3)) for _ in range(3)]
    return encoded(frames[0], "GIF", save_all=True, append_images=frames[1:])


def with_gamma() -> bytes:
    """A PNG with a gAMA chunk of 1.0 behind its header."""
    from zlib import crc32

    plain, body = encoded(Image.fromarray(noise(8, 8, 3))), b"gAMA" + (100000).to_bytes(4, "big")
    return plain[:33] + (4).to_bytes(4, "big") + body + crc32(body).to_bytes(4, "big") + plain[33:]


def with_profile(kind: str, *, other: bool = True) -> bytes:
    """Its red and blue exchanged is the other profile: what counts is not the name, which stays the same."""
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    if other:
        profile = profile.replace(b"rXYZ", b"swap").replace(b"bXYZ", b"rXYZ").replace(b"swap", b"bXYZ")
    return encoded(Image.fromarray(noise(8, 8, 3)), kind, icc_profile=profile)


def deep_colour() -> bytes:
    """A 16-bit RGB TIFF, which Pillow cannot write: the header is patched by hand."""
    import struct

    pixels = noise(8, 8, 3, top=4096).astype("<u2").tobytes()
    tags = [(256, 3, 1, 8), (257, 3, 1, 8), (258, 3, 3, 122), (259, 3, 1, 1), (262, 3, 1, 2), (273, 4, 1, 128)]
    tags += [(277, 3, 1, 3), (278, 3, 1, 8), (279, 4, 1, len(pixels))]
    entries = b"".join(struct.pack("<HHII", *tag) for tag in tags)
    head = b"II*\0" + struct.pack("<IH", 8, len(tags)) + entries + struct.pack("<I", 0)
    return head.ljust(122, b"\0") + struct.pack("<HHH", 16, 16, 16) + pixels


CASES = [
    (encoded(Image.fromarray(noise(8, 12, 3))), "cropped", "1 of 2 images to their middle, losing 33 % of their area"),
    (encoded(Image.fromarray(noise(16, 16, 3))), "reduced", "1 of 2 images from 16x16 to 8x8"),
    (encoded(Image.fromarray(noise(4, 4, 3))), "enlarged", "1 of 2 images from 4x4 to 8x8, which adds no detail"),
    (encoded(Image.fromarray(noise(8, 8, 4))), "laid_over_white", "which have an alpha channel; data.alpha=ignore"),
    (encoded(Image.fromarray(noise(8, 8))), "to_rgb", "(1 from grey)"),
    (encoded(Image.fromarray(noise(8, 8, 3)).convert("CMYK"), "TIFF"), "to_rgb", "(1 from CMYK)"),
    (encoded(Image.fromarray(noise(8, 8, 3)).convert("P")), "to_rgb", "(1 from a palette)"),
    (encoded(Image.fromarray(noise(8, 8)).convert("1")), "to_rgb", "(1 from black and white)"),
    (turned(), "turned", "Rotated or mirrored: 1 of 2 images, as their EXIF orientation says."),
    (animated(), "frames_dropped", "First of several frames used: 1 of 2 images."),
    (with_gamma(), "gamma_ignored", "Gamma not applied: 1 of 2 images, although their files say 1."),
    *[
        (
            with_profile(kind),
            "profile_ignored",
            "1 of 2 images, read as sRGB although their files say sRGB built-in; convert",
        )
        for kind in ("PNG", "JPEG", "TIFF", "WEBP")
    ],
    (deep_colour(), "to_8_bits", "white, the range of the training pictures; data.range=[LOW, HIGH] sets another."),
    (encoded(Image.fromarray(noise(8, 8, 4))), "laid_over_white", "data.channels=4 keeps all four"),
]
AS_BEFORE: dict[str, Any] = {"channels": 3, "depth": 8, "range": "full"}


def write(folder: Path, *files: bytes) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    for index, file in enumerate(files):
        (folder / f"{index}.png").write_bytes(file)
    return folder


def parquet(path: Path, *files: bytes) -> Path:
    pq.write_table(pa.table({"image": [{"bytes": file, "path": None} for file in files]}), path)
    return path


def found(data: Dataset, what: str) -> Change:
    return next(change for change in data.handling if change.what == what)


@pytest.mark.parametrize(("file", "what", "words"), CASES, ids=[f"{what}-{words[:16]}" for _, what, words in CASES])
def test_what_is_done_is_said_of_folders_and_of_parquet_alike(
    file: bytes, what: str, words: str, tmp_path: Path
) -> None:
    files = (encoded(Image.fromarray(noise(8, 8, 3))), file)
    for data in (
        Folder(path=str(write(tmp_path / "set", *files)), size=8).load(),
        Parquet(path=str(parquet(tmp_path / "set.parquet", *files)), size=8).load(),
    ):
        change = found(data, what)
        assert (change.images, change.of) == (1, 2)
        assert words in change.sentence and change.sentence.endswith(".")
        assert Change.model_validate_json(change.model_dump_json()) == change


def test_nothing_is_said_of_pictures_that_are_taken_as_they_are(tmp_path: Path) -> None:
    opaque = Image.fromarray(noise(8, 8, 3)).convert("RGBA")
    plain = encoded(Image.fromarray(noise(8, 8, 3)), gamma=1 / 2.2)
    damaged = encoded(opaque, icc_profile=b"no profile")
    files = (plain, encoded(opaque), with_profile("PNG", other=False), damaged)
    assert Folder(path=str(write(tmp_path, *files)), size=8).load().handling == ()


def scans(folder: Path) -> np.ndarray:
    """Four pictures of 12 bits in 16, as a CT writes them, with values 0 to 2,218."""
    values = noise(4, 8, 8, top=2219)
    values[2, 0, 0], values[3, 0, 0] = 0, 2218
    write(folder, *(encoded(Image.fromarray(scan)) for scan in values))
    return values


def test_16_bits_are_kept_on_the_range_of_the_training_pictures_and_both_are_said(tmp_path: Path) -> None:
    values = scans(tmp_path)
    data = Folder(path=str(tmp_path), size=8).load()
    assert data.train.images.dtype == np.uint16 and data.range == (0, 2218)
    assert np.array_equal(data.train.images[:], np.rint(values[:, None] / 2218 * 65535))
    assert [change.what for change in data.handling] == ["to_16_bits", "kept_grey"]
    assert found(data, "to_16_bits").sentence == (
        "Scaled to 16 bits: 4 of 4 images, 16-bit grey with values 0 to 2,218 of 65,535; 0 becomes black and 2,218 "
        "white, the range of the training pictures; data.range=[LOW, HIGH] sets another."
    )
    assert "data.channels=3 makes them RGB" in found(data, "kept_grey").sentence
    chosen = found(Folder(path=str(tmp_path), size=8, range=[0, 4095]).load(), "to_16_bits").sentence
    assert chosen.endswith("0 becomes black and 4,095 white.")
    full = found(Folder(path=str(tmp_path), size=8, range="full").load(), "to_16_bits").sentence
    assert full.endswith("about 2,219 of 65,536 grey levels; data.range=[0, 2218] spreads them over all 65,536.")


def test_16_bits_are_said_with_the_values_of_the_whole_set_and_their_remedy_works(tmp_path: Path) -> None:
    """In 8 bits of its full scale, a 12-bit CT keeps 9 grey levels, unless the range is given that is named."""
    values = scans(tmp_path)
    data = Folder(path=str(tmp_path), size=8, **AS_BEFORE).load()
    change = found(data, "to_8_bits")
    assert "4 of 4 images, 16-bit grey with values 0 to 2,218 of 65,535; 0 becomes black and" in change.sentence
    assert "about 9 of 256 grey levels; data.range=[0, 2218]" in change.sentence
    assert change.numbers == {"low": 0, "high": 2218, "black": 0, "white": 65535}
    assert data.train.images.max() == 9
    wide = Folder(path=str(tmp_path), size=8, **{**AS_BEFORE, "range": [0, 2218]}).load()
    expected = np.rint(values / 2218 * 255)
    assert np.array_equal(wide.train.images[:, 0], expected) and "data.range" not in found(wide, "to_8_bits").sentence
    clipped = Folder(path=str(tmp_path), size=8, range=[100, 1000]).load()
    assert "values outside are clipped" in found(clipped, "to_16_bits").sentence


def test_the_upper_8_bits_of_colours_are_said(tmp_path: Path) -> None:
    """As earlier versions read them, and old recipes still do."""
    change = found(Folder(path=str(write(tmp_path, deep_colour())), size=8, **AS_BEFORE).load(), "to_8_bits")
    assert "16-bit colour; only the upper 8 bits are read, with values 0 to 15 of 255; data.range=" in change.sentence


def test_a_range_is_named_only_where_it_is_one(tmp_path: Path) -> None:
    """Images of one value all over cannot be spread over the grey levels: data.range=[700, 700] is refused."""
    files = [encoded(Image.fromarray(np.full((8, 8), 700, np.uint16))) for _ in range(2)]
    data = Folder(path=str(write(tmp_path, *files)), size=8, **AS_BEFORE).load()
    assert found(data, "to_8_bits").sentence.endswith("which leaves about 1 of 256 grey levels.")
    assert Folder(path=str(tmp_path), size=8).load().range == (700, 701)


def test_floating_point_and_signed_pixels_have_a_range_and_no_full_scale(tmp_path: Path) -> None:
    values = np.linspace(-1000, 3000, 64).reshape(8, 8)
    for kind in (np.float32, np.int32):
        path = write(tmp_path / kind.__name__, encoded(Image.fromarray(values.astype(kind)), "TIFF"))
        with pytest.raises(InputError, match=r"-1000 to 3000\)\); for a data set, set the values of black"):
            Folder(path=str(path), size=8, range="full").load()
        data = Folder(path=str(path), size=8).load()
        assert data.range == (-1000, 3000)
        assert np.array_equal(data.train.images[0, 0], np.rint((values.astype(kind) + 1000) / 4000 * 65535))
        pixels = Folder(path=str(path), size=8, depth=8, range=[-1000, 3000]).load().train.images[0, 0]
        assert np.array_equal(pixels, np.rint((values.astype(kind) + 1000) / 4000 * 255))


def test_range_that_nothing_needs_is_noticed_and_one_that_is_none_refused(tmp_path: Path) -> None:
    write(tmp_path, encoded(Image.fromarray(noise(8, 8, 3))))
    assert "data.range has no effect" in Folder(path=str(tmp_path), range=[0, 10]).load().notices[0]
    for wrong in ([5.0], [3.0, 3.0], [9.0, 1.0]):
        with pytest.raises(InputError, match="two numbers, the lower first"):
            Folder(path=str(tmp_path), range=wrong)


def test_alpha_can_be_ignored_so_that_near_infrared_does_not_whiten(tmp_path: Path) -> None:
    bands = noise(8, 8, 4)
    write(tmp_path, encoded(Image.fromarray(bands)))
    data = Folder(path=str(tmp_path), size=8, alpha="ignore").load()
    assert np.array_equal(data.train.images[0], bands[:, :, :3].transpose(2, 0, 1))
    assert found(data, "alpha_ignored").sentence == "Alpha channel ignored: 1 of 1 image."


def test_other_channels_and_proportions_are_said(tmp_path: Path) -> None:
    colour, wide = encoded(Image.fromarray(noise(8, 8, 3))), encoded(Image.fromarray(noise(8, 32, 4)))
    path = str(write(tmp_path, colour, wide))
    said = {
        change.what: change.sentence
        for options in ({"channels": 1}, {"channels": 4, "fit": "pad"}, {"fit": "stretch"}, {})
        for change in Folder(path=path, size=8, **options).load().handling
    }
    assert "2 of 2 images (2 from colours), as 0.299 red + 0.587 green + 0.114 blue; data.channels=3" in said["to_grey"]
    assert "1 of 2 images, which is full all over: they had none" in said["alpha_added"]
    assert said["alpha_kept"] == "Alpha channel kept: 1 of 2 images, as the last of four channels."
    assert "borders of the colour of their edges, which are 75 % of the pixels and of every score" in said["padded"]
    assert "up to 4 times more in one direction" in said["stretched"]
    assert "losing 75 % of their area; data.fit=pad keeps all of it between borders" in said["cropped"]


def test_a_little_cropping_needs_no_remedy(tmp_path: Path) -> None:
    data = Folder(path=str(write(tmp_path, encoded(Image.fromarray(noise(40, 41, 3))))), size=8).load()
    assert found(data, "cropped").sentence.endswith("losing 2 % of their area.")


def test_pages_and_bands_that_are_left_out_are_said() -> None:
    tally = Tally()
    tally.add(Handled((8, 8), (8, 8), channels=1, frames=True, pages=12))
    tally.add(Handled((8, 8), (8, 8), bands_left=1))
    said = {change.what: change.sentence for change in tally.changes()}
    assert said["frames_dropped"].endswith("used: 1 of 2 images; data.channels=12 reads them as channels.")
    assert said["bands_dropped"].endswith("1 of 2 images, which have 4 bands; data.channels=4 keeps all.")


def test_tallies_of_several_processes_are_one_in_memory_that_does_not_grow() -> None:
    tallies = [Tally(), Tally()]
    for number in range(200):
        depth = Depth("16-bit grey", (0.0, 99.0), 16, 65535, "training")
        handled = Handled((8, 8), (8, 8), 1, 16, 1, depth=depth, values=(float(number), 200.0 + number))
        tallies[number % 2].add(handled)
    tallies[0].merge(tallies[1])
    change = next(change for change in tallies[0].changes() if change.what == "to_16_bits")
    assert len(tallies[0].handled) == 1
    assert (change.images, change.numbers["low"], change.numbers["high"]) == (200, 0, 399)


def many_bands() -> bytes:
    import struct

    tags = [(256, 3, 1, 2), (257, 3, 1, 2), (258, 3, 1, 16), (259, 3, 1, 1), (262, 3, 1, 1), (273, 4, 1, 128)]
    tags += [(277, 3, 1, 13), (278, 3, 1, 2), (279, 4, 1, 104)]
    entries = b"".join(struct.pack("<HHII", *tag) for tag in tags)
    return (b"II*\0" + struct.pack("<IH", 8, len(tags)) + entries + struct.pack("<I", 0)).ljust(232, b"\0")


def test_tiff_of_many_bands_is_called_that_and_nothing_else_is_printed(
    tmp_path: Path,
    capfd: pytest.CaptureFixture[str],
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(sys.modules, "tifffile", None)
    write(tmp_path, many_bands())
    with pytest.raises(InputError, match=r"a TIFF of 13 bands of 16 bits, for which tifffile is needed"):
        Folder(path=str(tmp_path)).load()
    caplog.handler.flush()
    assert capfd.readouterr() == ("", "")


def test_lists_of_numbers_become_images_once_their_shape_is_given(tmp_path: Path) -> None:
    digits = noise(5, 64)
    path = tmp_path / "digits.parquet"
    pq.write_table(pa.table({"image": [row.tolist() for row in digits]}), path)
    with pytest.raises(InputError, match=r"row 0: is a list of 64 numbers; .* data.shape=\[8, 8\]"):
        Parquet(path=str(path)).load()
    with pytest.raises(InputError, match=r"data.shape: \[8, 9\] does not fit the 64 numbers"):
        Parquet(path=str(path), shape=[8, 9]).load()
    data = Parquet(path=str(path), shape=[8, 8]).load()
    assert np.array_equal(data.train.images[:], digits.reshape(5, 1, 8, 8))
    assert found(data, "kept_grey").images == 5


def test_nested_lists_and_other_scales_are_read_too(tmp_path: Path) -> None:
    path, colour = tmp_path / "floats.parquet", RNG.random((3, 3, 4, 6))
    pq.write_table(pa.table({"image": colour.tolist()}), path)
    assert np.array_equal(Parquet(path=str(path)).load().train.images[:], np.rint(colour * 255))
    assert np.array_equal(Parquet(path=str(path), range=[0, 1]).load().train.images[:], np.rint(colour * 65535))
    pq.write_table(pa.table({"image": colour[:, 0].tolist()}), path)
    grey = Parquet(path=str(path), range=[0, 1], depth=8).load()
    assert np.array_equal(grey.train.images[:], np.rint(colour[:, :1] * 255))


def test_command_line_says_it_before_anything_else_and_in_json(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    from command import isthmus

    write(tmp_path, *(encoded(Image.fromarray(noise(8, 12, 3))) for _ in range(20)))
    answer = isthmus("data", "folder", f"path={tmp_path}", "size=8", "--json")
    assert answer.code == 0 and "Cropped: 20 of 20 images" in answer.err
    held = json.loads(answer.out)
    assert [change["what"] for change in held["handling"]] == ["cropped"]
    assert held["handling"][0]["numbers"]["most"] == pytest.approx(1 / 3)
