"""A model reads pictures in the form of the images that it was trained on."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from tests.conftest import TINY

from isthmus.data.form import Form
from isthmus.data.images import read_picture
from isthmus.models.autoencoder import Autoencoder
from isthmus.recipes.study_plan import load_recipe

DEEP = np.random.default_rng(0).integers(0, 4096, (12, 16), dtype=np.uint16)


def test_a_deep_grey_model_reads_files_arrays_and_colours_alike(tmp_path: Path) -> None:
    """Its own training picture, as a file and as an array of the file's values, is one latent."""
    path = tmp_path / "scan.png"
    Image.fromarray(DEEP).save(path)
    model = Autoencoder(load_recipe("post/latent-10", TINY), (1, 12, 16), 16).eval()
    model.form = replace(model.form, range=(0.0, 4095.0))  # as a model is loaded
    pixels, _ = read_picture(path, Form(range=(0.0, 4095.0)), name="scan")
    assert np.array_equal(model.encode(path), model.encode(DEEP))
    assert np.array_equal(model.encode(DEEP[..., None].astype(np.float64)), model.encode(path))
    assert not np.array_equal(model.encode(path), model.encode((DEEP // 2)[None]))
    assert pixels.max() > 60000
    Image.new("RGB", (40, 30), "teal").save(tmp_path / "photo.jpg")
    with pytest.warns(UserWarning, match="^Reduced: 1 of 2 images from 40x30 to 16x12"):
        assert model.reconstruct([tmp_path / "photo.jpg", path]).shape == (2, 12, 16, 1)


@pytest.mark.parametrize(("fit", "said"), [("crop", "Cropped"), ("pad", "Padded"), ("stretch", "Stretched")])
def test_pil_images_of_other_sizes_are_fitted_as_the_training_pictures_and_that_is_said_once(
    tmp_path: Path, fit: str, said: str
) -> None:
    model = Autoencoder(load_recipe("post/latent-10", TINY), (3, 12, 16)).eval()
    model.form = Form.of_model({"fit": fit}, (3, 12, 16), 8)  # as a model is loaded
    photo = Image.fromarray(np.random.default_rng(0).integers(0, 256, (40, 30, 3), dtype=np.uint8))
    photo.save(tmp_path / "photo.png")
    for verb in (model.encode, model.reconstruct):
        with pytest.warns(UserWarning, match=f"^{said}: 2 of 2 images.* Reduced: 2 of 2 images") as caught:
            made = verb([photo, photo])
        assert len(caught) == 1 and caught[0].filename == __file__
        with pytest.warns(UserWarning, match=f"^{said}: 1 of 1 image"):
            np.testing.assert_allclose(verb(tmp_path / "photo.png"), made[:1], rtol=1e-5)


@pytest.mark.parametrize("channels", [1, 4])
def test_pil_images_get_the_models_channels(channels: int) -> None:
    model = Autoencoder(load_recipe("post/latent-10", TINY), (channels, 12, 16)).eval()
    for mode in ("L", "RGB", "RGBA"):
        assert model.encode(Image.new(mode, (16, 12), "teal" if mode != "L" else 90)).shape[0] == 1
