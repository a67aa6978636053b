"""What users of scikit-learn do with an estimator, done with ImageAutoencoder."""

from __future__ import annotations

import pickle
import pickletools
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from scipy import sparse
from sklearn.base import clone
from sklearn.datasets import load_digits
from sklearn.decomposition import PCA
from sklearn.exceptions import NotFittedError
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

import isthmus as ist
from isthmus.run_files.evaluation import EvaluationRecord
from isthmus.run_files.read import read_record
from isthmus.runs.load import load_run_data
from isthmus.sklearn import ImageAutoencoder

pytestmark = pytest.mark.usefixtures("cache_of_module")

DIGITS = load_digits()
X, Y = DIGITS.data[:600], DIGITS.target[:600]
IMAGES = (X.reshape(-1, 8, 8, 1) * 15.9).astype(np.uint8)


@pytest.fixture(scope="module")
def fitted() -> ImageAutoencoder:
    return ImageAutoencoder(6, epochs=3, random_state=0).fit(X[:500])


def test_it_begins_as_pca_of_standardised_columns() -> None:
    """After one step that changes nothing, it explains what PCA explains; its training rows are four fifths of X."""
    still = {"train.learning_rate": 1e-12, "train.steps": 1}
    ours = ImageAutoencoder(6, options=still, random_state=0).fit(X).score(X)
    pca = make_pipeline(StandardScaler(), PCA(6)).fit(X)
    assert ours == pytest.approx(pca[-1].explained_variance_ratio_.sum(), abs=0.01)


def test_training_explains_more_than_pca() -> None:
    ours = ImageAutoencoder(6, image_shape=(8, 8), random_state=0).fit(X[:500])
    pca = PCA(6).fit(X[:500])
    left = X[500:] - pca.inverse_transform(pca.transform(X[500:]))
    theirs = 1 - np.square(left).sum() / np.square(X[500:] - X[:500].mean(0)).sum()
    assert ours.score(X[500:]) > theirs + 0.05


def test_the_same_seed_gives_the_same_bits_and_another_seed_others(fitted: ImageAutoencoder) -> None:
    again = clone(fitted).fit(X[:500])
    other = clone(fitted).set_params(random_state=1).fit(X[:500])
    assert (again.transform(X) == fitted.transform(X)).all()
    assert (other.transform(X) != fitted.transform(X)).any()


def test_fits_in_threads_give_the_same_bits_as_one_by_one(fitted: ImageAutoencoder) -> None:
    with ThreadPoolExecutor(3) as threads:
        found = list(threads.map(lambda model: model.fit(X[:500]).transform(X), [clone(fitted) for _ in range(3)]))
    assert all((one == fitted.transform(X)).all() for one in found)


def test_a_row_gets_the_same_answer_in_any_batch(fitted: ImageAutoencoder) -> None:
    np.testing.assert_allclose(fitted.transform(X)[::7], fitted.transform(X[::7]), rtol=1e-12, atol=1e-12)


def test_types_are_kept_and_results_are_in_the_unit_of_x(fitted: ImageAutoencoder) -> None:
    narrow = fitted.transform(X.astype(np.float32))
    assert narrow.dtype == np.float32
    assert fitted.inverse_transform(narrow).dtype == np.float32
    assert fitted.transform(X.tolist()).dtype == np.float64
    back = fitted.inverse_transform(fitted.transform(X))
    assert back.shape == X.shape
    share = 1 - np.square((back - X) / X.std(0).clip(0.1)).sum() / np.square((X - X.mean(0)) / X.std(0).clip(0.1)).sum()
    assert share == pytest.approx(fitted.score(X), abs=0.1)


def test_real_numbers_are_neither_clamped_nor_rounded() -> None:
    """Rows that differ by a billionth get different latents, and a value far outside comes back from far outside."""
    numbers = np.random.default_rng(0).normal(size=(100, 6)) * [1e-6, 1, 1, 1, 1, 1e6]
    model = ImageAutoencoder(6, epochs=3, random_state=0).fit(numbers)
    near = numbers[:1] + np.array([0, 1e-9, 0, 0, 0, 0])
    assert 0 < np.abs(model.transform(near) - model.transform(numbers[:1])).max() < 1e-7
    far = np.array([[0, 50.0, 0, 0, 0, 0]])
    assert model.inverse_transform(model.transform(far))[0, 1] > 20
    assert model.score(numbers) > 0.99


def test_constant_columns_are_taken_and_said() -> None:
    table = np.hstack([np.full((60, 2), 7.0), np.random.default_rng(0).normal(size=(60, 4))])
    model = ImageAutoencoder(2, epochs=2, random_state=0).fit(table)
    assert "2 of 6 columns are constant in the training rows; they are only shifted to 0." in model.notices_
    assert np.isfinite(model.transform(table)).all()
    strange = table[:1] + np.array([5, 0, 0, 0, 0, 0])
    assert model.score_samples(strange) < model.score_samples(table[:1])


def test_images_are_the_same_as_rows_and_with_axes() -> None:
    flat = ImageAutoencoder(4, image_shape=(8, 8), epochs=2, random_state=0).fit(IMAGES.reshape(600, -1))
    whole = ImageAutoencoder(4, epochs=2, random_state=0).fit(IMAGES)
    assert (flat.transform(IMAGES.reshape(600, -1)) == whole.transform(IMAGES)).all()
    assert flat.inverse_transform(flat.transform(IMAGES[:3].reshape(3, -1))).shape == (3, 64)
    assert whole.inverse_transform(whole.transform(IMAGES[:3])).shape == (3, 8, 8, 1)


def test_fractions_have_the_scale_of_their_levels() -> None:
    """Fractions are scored as levels are, except for rounding; other numbers lie between their ends, which it says."""
    levels = ImageAutoencoder(4, epochs=2, random_state=0).fit(IMAGES)
    parts = ImageAutoencoder(4, epochs=2, random_state=0).fit(IMAGES / 255)
    other = ImageAutoencoder(4, epochs=2, random_state=0).fit(IMAGES / 255 * 100 - 50)
    assert parts.score(IMAGES / 255) == pytest.approx(levels.score(IMAGES), abs=0.02)
    assert any(said.startswith("Black is -50 and white 49.") for said in other.notices_)


@pytest.mark.parametrize("recipe", ["residual", "families/vae", "families/fsq"])
def test_other_recipes_take_images_and_rows(recipe: str) -> None:
    # compiling kernels takes longer than one epoch
    quick = {"architecture.width": 8, "architecture.depth": 1, "train.kernels": "torch"}
    for given in (IMAGES[:60], X[:60]):
        model = ImageAutoencoder(recipe=recipe, options=quick, epochs=1, random_state=0).fit(given)
        z = model.transform(given)
        assert z.shape == (60, len(model.get_feature_names_out()))
        assert model.inverse_transform(z).shape == given.shape


def test_a_kept_run_is_an_ordinary_run_of_the_same_bits(tmp_path: Path) -> None:
    kept = ImageAutoencoder(4, epochs=2, random_state=3, run_folder=tmp_path / "run").fit(IMAGES)
    loose = ImageAutoencoder(4, epochs=2, random_state=3).fit(IMAGES)
    assert (kept.transform(IMAGES) == loose.transform(IMAGES)).all()
    assert (kept.calibration_errors_ == loose.calibration_errors_).all()
    assert (tmp_path / "run" / "report.html").is_file()
    assert (ist.load(tmp_path / "run").encode(IMAGES) == kept.transform(IMAGES).astype(np.float32)).all()

    held_out = np.asarray(load_run_data(tmp_path / "run").test.images).transpose(0, 2, 3, 1)
    evaluation = read_record(tmp_path / "run" / "evaluation.json", EvaluationRecord)
    assert kept.score(held_out) == pytest.approx(evaluation.explained_variance, rel=1e-12)
    with pytest.raises(ist.InputError, match="holds a run already"):
        kept.fit(IMAGES)


def test_a_pickle_holds_bytes_and_no_class_of_torch(fitted: ImageAutoencoder) -> None:
    data = pickle.dumps(fitted)
    names = {str(argument) for _, argument, _ in pickletools.genops(data) if argument is not None}
    assert not [name for name in names if name.startswith(("torch", "isthmus.models"))]
    copy = pickle.loads(data)
    assert (copy.transform(X) == fitted.transform(X)).all()
    assert (copy.decision_function(X) == fitted.decision_function(X)).all()
    assert copy.inverse_transform(copy.transform(X[:2])).shape == (2, 64)


def test_grid_search_over_the_latent_chooses_the_largest_that_explains_most() -> None:
    search = GridSearchCV(ImageAutoencoder(epochs=2, random_state=0), {"latent_dim": [1, 12]}, cv=2).fit(X)
    assert search.best_params_ == {"latent_dim": 12}
    assert search.best_score_ == pytest.approx(search.cv_results_["mean_test_score"].max())


def test_a_pipeline_classifies_its_latents() -> None:
    pipeline = make_pipeline(ImageAutoencoder(12, epochs=3, random_state=0), LogisticRegression(max_iter=1000))
    assert pipeline.fit(X[:500], Y[:500]).score(X[500:], Y[500:]) > 0.7
    names = pipeline[:-1].get_feature_names_out()
    assert [*names[:2], names[-1]] == ["imageautoencoder0", "imageautoencoder1", "imageautoencoder11"]


def test_outliers_are_found_and_normal_rows_are_rarely_flagged(fitted: ImageAutoencoder) -> None:
    rng = np.random.default_rng(0)
    noise = rng.permuted(X[500:], axis=1)
    assert (fitted.predict(noise) == -1).mean() > 0.9
    assert (fitted.predict(X[500:]) == -1).mean() < 0.3
    flagged = fitted.p_values(X) <= fitted.false_alarms
    assert ((fitted.predict(X) == -1) == flagged).all()
    assert fitted.p_values(noise).max() < fitted.p_values(X).max() <= 1


def test_an_error_that_is_computed_again_does_not_exceed_itself(
    fitted: ImageAutoencoder, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In another batch its last bits may differ."""
    errors = fitted.calibration_errors_
    expected = (1 + len(errors) - np.arange(len(errors))) / (1 + len(errors))
    for again in (errors, errors * (1 + 1e-15)):
        monkeypatch.setattr(fitted, "score_samples", lambda X, again=again: -again)
        assert (fitted.p_values(X) == expected).all()
        assert (fitted.predict(X) == np.where(expected <= fitted.false_alarms, -1, 1)).all()


def test_too_few_calibration_samples_are_said() -> None:
    few = ImageAutoencoder(2, epochs=1, random_state=0).fit(X[:30])
    with pytest.warns(UserWarning, match="false_alarms=0.1 needs 9 calibration samples, and there are 3: nothing"):
        assert (few.predict(X[:30]) == 1).all()


@pytest.mark.parametrize(
    ("parameters", "given", "sentence"),
    [
        ({"recipe": "dens"}, X, "dens: no such recipe or study (did you mean 'dense'?)"),
        ({"recipe": 5}, X, "recipe: 5 does not fit; give a recipe's name or a path"),
        ({"latent_dim": 0}, X, "bottleneck.dim: 0 does not fit"),
        ({"epochs": "3"}, X, "train.epochs: '3' does not fit"),
        ({"image_shape": (8, 9)}, X, "image_shape: (8, 9) has 72 values, and a row of X has 64"),
        ({"image_shape": 8}, X, "image_shape: 8 does not fit; give (height, width)"),
        ({"image_shape": (4, 4)}, IMAGES, "image_shape: (4, 4) does not fit X of shape (600, 8, 8, 1)"),
        ({"options": {"bottleneck.dims": 3}}, X, "bottleneck.dims: unknown for 'vector' (did you mean 'dim'?)"),
        ({"options": {"data.kind": "digits"}}, X, "options: data.kind is set by X and image_shape"),
        ({"options": {"seed": 1}}, X, "options: seed is set by random_state; leave it out"),
        ({"options": {"train.epochs": 1}, "epochs": 1}, X, "options: train.epochs is set by epochs too"),
        ({"options": ["train.epochs"]}, X, "options: ['train.epochs'] does not fit; give dotted options"),
        ({"options": {"distortion.kind": "logistic"}}, X, "'logistic' is a likelihood of grey levels"),
        ({"false_alarms": 0}, X, "false_alarms: 0 does not fit; give a number between 0 and 1"),
        ({"validation_fraction": 1.0}, X, "validation_fraction: 1.0 does not fit"),
        ({"device": "gpu"}, X, "'gpu' is no device; use auto, cpu"),
        ({"run_folder": "run"}, X, "run_folder: a run folder shows pictures"),
        ({}, IMAGES[..., 0], "pass grey images with a channel, X[..., None]"),
        ({}, np.zeros((10, 20_000)), "its rows have 20,000 columns, and at most 16,384 are taken"),
        ({}, np.ones((50, 4)), "identical; there is nothing to learn"),
        ({}, X[:4], "Found array with 4 sample(s)"),
        (
            {},
            X[:50] + 1e300 * np.outer(Y[:50], np.eye(64)[0]),
            "column 0 has values up to 9e+300, whose variance overflows",
        ),
    ],
)
def test_what_does_not_fit_is_one_sentence(
    parameters: dict[str, object], given: np.ndarray, sentence: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ValueError) as error:
        ImageAutoencoder(**parameters).fit(given)  # pyright: ignore[reportArgumentType]
    assert sentence in str(error.value)
    assert not list(tmp_path.iterdir())


def test_sparse_input_other_shapes_and_levels_are_refused(fitted: ImageAutoencoder) -> None:
    with pytest.raises(TypeError, match=r"[Ss]parse"):
        ImageAutoencoder().fit(sparse.csr_array(X))
    with pytest.raises(NotFittedError):
        ImageAutoencoder().transform(X)
    with pytest.raises(ValueError, match="latent has 6; pass latents"):
        fitted.inverse_transform(X)
    with pytest.raises(ist.InputError, match="so large that their latents overflow"):
        fitted.transform(np.full((1, 64), 1e308))
    levels = ImageAutoencoder(2, epochs=1, random_state=0).fit(IMAGES)
    with pytest.raises(ist.InputError, match="fitted on uint8 images, and these are float64"):
        levels.transform(IMAGES / 255)
    with pytest.raises(ist.InputError, match=r"images of shape \(4, 8, 1\), and this was fitted on \(8, 8, 1\)"):
        levels.transform(IMAGES[:, :4])
    assert (levels.transform(IMAGES.astype(float)) == levels.transform(IMAGES)).all()
    with pytest.raises(NotFittedError):  # also after a fit that failed
        failed = ImageAutoencoder(0)
        with pytest.raises(ValueError):
            failed.fit(X)
        failed.transform(X)
