"""A denoiser beside methods that need no training: the same noise for all, and each method at its best."""

from __future__ import annotations

import sys
from collections.abc import Callable

import numpy as np
import pytest
from skimage.restoration import denoise_nl_means, denoise_wavelet
from sklearn.datasets import load_sample_images

from isthmus.core.errors import InputError
from isthmus.evaluation import denoising
from isthmus.evaluation.denoising import compare_denoisers
from isthmus.evaluation.untrained_denoisers import untrained_methods
from isthmus.models.autoencoder import Autoencoder
from isthmus.recipes.recipe import Recipe
from isthmus.runs.load import load_data

CROP = load_sample_images().images[1][:48, :64].transpose(2, 0, 1)[None]
STD = 25.0


def noisy(images: np.ndarray) -> np.ndarray:
    drawn = np.random.default_rng(0).normal(0, STD, images.shape)
    return np.rint(images + drawn).clip(0, 255).astype(np.uint8)


def error(a: np.ndarray, b: np.ndarray) -> float:
    return float(((a.astype(float) - b) ** 2).mean())


@pytest.mark.parametrize("kind", ["median", "tv", "nl_means", "wavelet"])
@pytest.mark.parametrize("channels", [1, 3, 5])
def test_each_method_removes_most_of_the_noise_of_any_channels(kind: str, channels: int) -> None:
    clean = np.concatenate([CROP, CROP], axis=1)[:, :channels]
    method, given = untrained_methods()[kind], noisy(clean)
    made = min((method(given, STD / 255, value) for value in method.values), key=lambda each: error(each, clean))
    assert made.shape == clean.shape and made.dtype == np.uint8
    assert error(made, clean) < 0.4 * error(given, clean)


def test_they_are_scikit_images_own() -> None:
    given = noisy(CROP)
    unit = given[0].transpose(1, 2, 0) / 255
    theirs = {
        "nl_means": denoise_nl_means(unit, 5, 6, 0.6 * STD / 255, fast_mode=True, sigma=STD / 255, channel_axis=-1),
        "wavelet": denoise_wavelet(unit, sigma=STD / 255, convert2ycbcr=True, channel_axis=-1),
    }
    for kind, value in (("nl_means", 0.6), ("wavelet", 1.0)):
        ours = untrained_methods()[kind](given, STD / 255, value)[0].transpose(1, 2, 0)
        assert np.abs(ours - 255 * theirs[kind].clip(0, 1)).max() <= 0.5 + 1e-6


def test_without_scikit_image_one_sentence_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pywt", None)
    with pytest.raises(InputError, match=r'PyWavelets .*`pip install "isthmus\[denoise\]"`'):
        untrained_methods()


def test_all_see_the_same_noise_and_the_model_is_scored_on_what_it_makes(
    tiny: Callable[..., Recipe], monkeypatch: pytest.MonkeyPatch
) -> None:
    recipe = tiny({"data.size": 16})
    splits = load_data(recipe)
    model = Autoencoder(recipe, (3, 16, 16)).eval()
    methods = {kind: one for kind, one in untrained_methods().items() if kind in ("median", "tv")}
    found = compare_denoisers(model, "tiny", splits, 0.2, methods)
    again = compare_denoisers(model, "tiny", splits, 0.2, methods)
    assert found == again
    clean = splits.test.images[:]
    assert (found.images, found.of) == (len(clean), len(clean))
    psnr = {who: score.psnr.mean for who, score in found.scores.items()}
    assert set(psnr) == {"noisy_input", "model", "median", "tv"}
    assert 19.5 < psnr["noisy_input"] < 22.5, "20 dB at a tenth of white, less what was clipped"
    assert found.best_untrained == max(("median", "tv"), key=psnr.__getitem__)
    assert found.against_best.mean == pytest.approx(psnr["model"] - psnr[found.best_untrained])
    assert found.sentence.startswith("This model, one seed: tiny is ") and "worse than" in found.sentence
    assert all(found.settings[kind] in one.values for kind, one in methods.items())

    # on fewer images, each still has its own noise
    monkeypatch.setattr(denoising, "_FEWEST", 3)
    monkeypatch.setattr(denoising, "_SCORED", 1)
    few = compare_denoisers(model, "tiny", splits, 0.2, methods)
    assert (few.images, few.of) == (3, len(clean))
