"""Reports of images that are not 8-bit RGB: grey, many channels, oblong, 16 bits."""

from __future__ import annotations

import base64
import io
import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from tests.pages.report.builder import DATA, SHOWN, build_run, build_study, change_json, draw_images, of_form
from tests.pages.report.pages import Page, read_page

from isthmus.pages.contact_sheet import contact_sheet
from isthmus.pages.report import write_run_report, write_study_report
from isthmus.pages.report.gallery import comparison
from isthmus.pages.report.pictures import error_colours, error_map_uri, psnr, shown_size
from isthmus.pages.report.read_folder import Compared, read_run
from isthmus.pages.shown_pixels import View, in_8_bits, kind_of_images, remarks, view_of

FORMS = [(1, (28, 28), 8), (2, (16, 24), 8), (4, (24, 16), 8), (12, (33, 47), 8), (1, (28, 28), 16), (3, (33, 47), 16)]


def page_of(folder: Path, channels: int, size: tuple[int, int], depth: int) -> tuple[Page, np.ndarray]:
    images = of_form(draw_images(SHOWN + 16), channels, size, depth)
    data = {**DATA, "image_shape": [channels, *size], "depth": depth, "range": [0, 4095] if depth == 16 else None}
    return read_page(write_run_report(build_run(folder, "denoise", images=images, data=data))), images


def first_picture(page: Page) -> np.ndarray:
    """(H, W, 3) of the first original."""
    source = next(tag["src"] for tag in page.with_class("img", "pixels") if "original" in tag["alt"])
    return np.asarray(Image.open(io.BytesIO(base64.b64decode(source.split(",")[1]))).convert("RGB"))


@pytest.mark.parametrize(("channels", "size", "depth"), FORMS)
def test_a_report_shows_the_pixels_of_its_channels(
    tmp_path: Path, channels: int, size: tuple[int, int], depth: int
) -> None:
    page, images = page_of(tmp_path / "run", channels, size, depth)
    original = np.rint(images[0] / 257).astype(np.uint8) if depth == 16 else images[0]
    expected = np.broadcast_to(original[:1] if channels < 3 else original[:3], (3, *size)).transpose(1, 2, 0)
    np.testing.assert_array_equal(first_picture(page), expected)
    picture = page.with_class("img", "pixels")[0]
    width, height = int(picture["width"]), int(picture["height"])
    assert height == round(width * size[0] / size[1]), "pictures keep their proportions"


def test_a_report_of_many_channels_says_which_are_shown_and_which_count(tmp_path: Path) -> None:
    page, _ = page_of(tmp_path / "run", 12, (32, 48), 8)
    assert "Pictures show channels 0, 1 and 2 of 12, counted from 0, as red, green and blue." in page.text
    assert "absolute error, averaged over all 12 channels" in page.text
    assert "Scores and error maps are of all channels" in page.text


def test_a_report_of_grey_images_does_not_speak_of_colours(tmp_path: Path) -> None:
    data = {**DATA, "image_shape": [1, 28, 28], "notices": ["Two files were left out."]}
    images = of_form(draw_images(SHOWN + 16), 1, (28, 28), 8)
    page = read_page(write_run_report(build_run(tmp_path / "run", "latent-10", images=images, data=data)))
    assert "The model sees 8-bit grey images of one size" in page.text
    assert "The error map is the absolute error." in page.text
    assert "Pictures show" not in page.text
    assert "RGB" not in page.text


def test_a_report_of_deep_images_says_that_pictures_have_8_bits_and_what_black_and_white_stand_for(
    tmp_path: Path,
) -> None:
    page, _ = page_of(tmp_path / "run", 1, (28, 28), 16)
    assert "The images have 16 bits; pictures show them rounded to 8." in page.text
    assert "Black stands for 0 in the sources, white for 4,095." in page.text
    assert "error in 255ths of the range from black to white" in page.text


def test_a_study_of_many_channels_says_it_once(tmp_path: Path) -> None:
    images = of_form(draw_images(SHOWN + 16), 5, (16, 24), 8)
    page = read_page(write_study_report(build_study(tmp_path / "study", images=images)))
    assert page.text.count("Pictures show channels 0, 1 and 2 of 5") == 1


def test_a_run_without_pictures_is_of_the_shape_that_it_names(tmp_path: Path) -> None:
    data = {**DATA, "image_shape": [12, 32, 32], "notices": ["Two files were left out."]}
    folder = build_run(tmp_path / "run", "latent-10", data=data)
    (folder / "pictures.safetensors").unlink()
    assert "8-bit images of 12 channels of one size" in read_page(write_run_report(folder)).text


def test_what_is_measured_on_some_of_the_test_images_is_said(tmp_path: Path) -> None:
    folder = build_run(tmp_path / "run", "latent-10")
    held = json.loads((folder / "evaluation.json").read_text())
    change_json(folder / "evaluation.json", pca_curve_images=2000, latent={**held["latent"], "images": 1500})
    page = read_page(write_run_report(folder))
    assert "All but the rate is measured on 1,500 test images, evenly spread." in page.text
    assert "PCA’s curve is measured on 2,000 test images, evenly spread." in page.text


def test_the_recipe_chooses_the_channels(tmp_path: Path) -> None:
    images = of_form(draw_images(SHOWN + 16), 12, (32, 32), 8)
    run = read_run(build_run(tmp_path / "run", "latent-10", images=images))
    chosen = replace(run, view=view_of(12, [11, 0, 4]))
    shown = comparison([Compared("one", 0, (chosen,))])
    assert shown is not None
    source = shown.rows[0].pictures[0].source.split(",")[1]
    picture = np.asarray(Image.open(io.BytesIO(base64.b64decode(source))))
    np.testing.assert_array_equal(picture, images[0][[11, 0, 4]].transpose(1, 2, 0))


@pytest.mark.parametrize(
    ("channels", "wanted", "shown"),
    [
        (1, None, (0,)),
        (2, None, (0,)),
        (3, None, (0, 1, 2)),
        (12, None, (0, 1, 2)),
        (12, 7, (7,)),
        (12, [7], (7,)),
        (12, (9, 3, 0), (9, 3, 0)),
    ],
)
def test_one_channel_is_grey_and_three_are_colours(channels: int, wanted: object, shown: tuple[int, ...]) -> None:
    view = view_of(channels, wanted)
    assert (view.channels, view.problem) == (shown, "")
    pixels = np.random.default_rng(0).integers(0, 256, (5, channels, 4, 6), dtype=np.uint8)
    np.testing.assert_array_equal(view.pictures(pixels), pixels[:, list(shown)])
    np.testing.assert_array_equal(view.pictures(pixels[0]), pixels[0, list(shown)])


@pytest.mark.parametrize("wanted", [[0, 1], 12, [0, 1, 12], -1, "red", [0, 1, 2.5], True, {"red": 0}, []])
def test_a_choice_that_does_not_fit_is_said_and_the_usual_channels_are_shown(wanted: object) -> None:
    view = view_of(12, wanted)
    assert view.channels == (0, 1, 2)
    assert remarks(view, 8, None)[0].startswith("data.shown_channels: ")
    assert "channel numbers from 0 to 11" in view.problem


def test_ordinary_images_need_no_remark() -> None:
    assert remarks(view_of(3), 8, None) == remarks(view_of(1), 8, None) == []
    assert kind_of_images(3, 8) == "8-bit RGB images"


def test_colours_in_another_order_are_said() -> None:
    assert remarks(View(3, (2, 1, 0)), 8, None)


def test_16_bits_are_rounded_to_the_nearest_of_256_levels() -> None:
    every = np.arange(65536, dtype=np.uint16)
    np.testing.assert_array_equal(in_8_bits(every), np.rint(every / 257).astype(np.uint8))


def test_the_error_map_of_deep_images_has_the_scale_of_8_bits_and_psnr_their_own() -> None:
    black = np.zeros((1, 2, 2), np.uint16)
    output = black + np.uint16(20 * 257)
    uri = error_map_uri(black, output)
    picture = Image.open(io.BytesIO(base64.b64decode(uri.split(",")[1]))).convert("RGB")
    np.testing.assert_array_equal(np.asarray(picture)[0, 0], error_colours()[20])
    assert psnr(black, output) == pytest.approx(-20 * np.log10(20 / 255))
    assert psnr(black, black) == pytest.approx(10 * np.log10(65535**2 * 4))


@pytest.mark.parametrize(("size", "shown"), [((16, 24), (48, 32)), ((8, 100), (100, 8)), ((100, 8), (8, 100))])
def test_an_oblong_image_is_enlarged_by_its_longer_side(size: tuple[int, int], shown: tuple[int, int]) -> None:
    assert shown_size(np.zeros((1, *size), np.uint8)) == shown


def test_a_contact_sheet_of_grey_oblong_images_is_grey() -> None:
    images = np.arange(4, dtype=np.uint8).reshape(4, 1, 1, 1) + np.zeros((1, 5, 7), np.uint8)
    sheet = contact_sheet(images, width=1)
    assert sheet.mode == "L"
    assert sorted(set(np.asarray(sheet).ravel().tolist())) == [0, 1, 2, 3, 255]


def test_a_sheet_of_one_tall_image_is_that_image() -> None:
    image = np.random.default_rng(0).integers(0, 256, (1, 3, 40, 20), dtype=np.uint8)
    np.testing.assert_array_equal(np.asarray(contact_sheet(image, width=20)), image[0].transpose(1, 2, 0))
