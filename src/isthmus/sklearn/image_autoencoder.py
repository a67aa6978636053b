"""An autoencoder as an estimator of scikit-learn: a transformer and an outlier detector over isthmus's run folder."""

from __future__ import annotations

import sys
import warnings
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Self, cast

import numpy as np
from sklearn.base import BaseEstimator, ClassNamePrefixFeaturesOutMixin, OutlierMixin, TransformerMixin
from sklearn.utils.validation import check_array, check_is_fitted, validate_data

from isthmus.core.errors import InputError
from isthmus.core.paths import expanded
from isthmus.evaluation.statistics.explained_variance import explained_variance
from isthmus.inference.anomaly.conformal import least_pictures, p_values, threshold
from isthmus.sklearn.fitting import Fitted, fit_in_run_folder, fit_in_temporary_folder
from isthmus.sklearn.layout import Layout, layout_of
from isthmus.sklearn.recipe_changes import changes_of, check_share, seed_of
from isthmus.sklearn.trained import Trained

_FEWEST = 5  # samples: two to train on, one for validation, two for calibration
# An error that is computed again in another batch may differ in its last bits, and must not exceed itself.
_ABOVE = 1 + 1e-9


class ImageAutoencoder(ClassNamePrefixFeaturesOutMixin, TransformerMixin, OutlierMixin, BaseEstimator):
    """Compress samples to a few numbers, get them back, and find those that are unlike the rest.

    It trains one of isthmus's recipes as `isthmus train` does: the weights are chosen on validation samples, and the
    default recipe starts at PCA. Some samples of `fit` are kept for validation and some for calibration.

    X is (N, D), dense, of real numbers. With `image_shape=None` a row is a vector: each column is standardised inside
    by the training rows. With `image_shape`, or as (N, H, W, C), a sample is an image; uint8 and uint16 are levels,
    other numbers are on the scale of the training images' values.

    Parameters
    ----------
    latent_dim : int or None, default=None
        Numbers in the latent (`bottleneck.dim`). None: as many as the recipe says, at most half of the columns.
    image_shape : tuple (height, width) or (height, width, channels), default=None
        Shape of the images in the rows of X. Values are in the order of a flattened (H, W, C) array.
    recipe : str, default="dense"
        What to train: a recipe such as "residual" or "families/vae", or a path to a TOML file.
    options : dict or None, default=None
        Further changes to the recipe, such as ``{"architecture.widths": [64]}``.
    epochs : int or None, default=None
        Epochs of training. None: as the recipe says, more of them on few samples.
    validation_fraction, calibration_fraction : float, default=0.1
        Shares of the samples that are held out: to choose the weights, and for p-values and `predict`.
    false_alarms : float, default=0.1
        The share of normal samples that `predict` may call outliers.
    run_folder : str, Path or None, default=None
        Keep the run here, with its report: for uint8 and uint16 images. None: train in a temporary folder.
    device : str, default="auto"
        "cpu", "cuda" or "auto".
    random_state : int, RandomState or None, default=None
        A whole number is the recipe's seed. The same seed gives the same bits on the CPU.
    verbose : bool, default=False
        Print notices and epochs to stderr.

    Attributes
    ----------
    model_ : isthmus.Autoencoder
        The trained model.
    calibration_errors_ : ndarray of shape (n,)
        Errors of the calibration samples, ascending.
    offset_ : float
        The score below which a sample is an outlier; minus infinity if there are too few calibration samples.
    notices_ : tuple of str
        What isthmus did to the samples and to the training, in sentences.
    n_features_in_, feature_names_in_
        As everywhere in scikit-learn.

    Examples
    --------
    >>> from sklearn.datasets import load_digits
    >>> from isthmus.sklearn import ImageAutoencoder
    >>> X = load_digits().data
    >>> autoencoder = ImageAutoencoder(latent_dim=8, image_shape=(8, 8), epochs=5, random_state=0).fit(X[:1000])
    >>> autoencoder.transform(X[1000:]).shape
    (797, 8)
    >>> autoencoder.inverse_transform(autoencoder.transform(X[1000:])).shape
    (797, 64)
    >>> autoencoder.score(X[1000:]) > 0.5
    True
    """

    n_features_in_: int

    def __init__(
        self,
        latent_dim: int | None = None,
        *,
        image_shape: Sequence[int] | None = None,
        recipe: str = "dense",
        options: Mapping[str, Any] | None = None,
        epochs: int | None = None,
        validation_fraction: float = 0.1,
        calibration_fraction: float = 0.1,
        false_alarms: float = 0.1,
        run_folder: str | Path | None = None,
        device: str = "auto",
        random_state: Any = None,
        verbose: bool = False,
    ) -> None:
        self.latent_dim = latent_dim
        self.image_shape = image_shape
        self.recipe = recipe
        self.options = options
        self.epochs = epochs
        self.validation_fraction = validation_fraction
        self.calibration_fraction = calibration_fraction
        self.false_alarms = false_alarms
        self.run_folder = run_folder
        self.device = device
        self.random_state = random_state
        self.verbose = verbose

    def fit(self, X: Any, y: Any = None) -> Self:
        """Train on X (N, D) or (N, H, W, C); y is not used.

        Raises ValueError, of which `isthmus.InputError` is one, for X that does not fit, for a wrong parameter, and for
        fewer than 5 samples; TypeError for a sparse X.
        """
        rows, layout = self._fitted_rows(X)
        false_alarms = check_share("false_alarms", self.false_alarms)
        changes = changes_of(
            self.recipe,
            columns=rows.shape[1],
            are_images=layout.are_images,
            latent_dim=self.latent_dim,
            epochs=self.epochs,
            validation=check_share("validation_fraction", self.validation_fraction),
            calibration=check_share("calibration_fraction", self.calibration_fraction),
            device=self.device,
            seed=seed_of(self.random_state),
            options=self.options,
        )
        fitted = self._train(rows, layout, changes)
        self._trained = fitted.trained
        self.model_ = fitted.trained.model
        self.notices_ = fitted.said
        self.calibration_errors_ = np.sort(self._trained.errors(fitted.calibration))
        self.offset_ = -threshold(self.calibration_errors_ * _ABOVE, false_alarms)
        self._n_features_out = self._trained.latent_size
        return self

    def transform(self, X: Any) -> np.ndarray:
        """X -> latents (N, latent_dim), of the type of X if that is float32, else float64."""
        rows = self._rows(X)
        z = self._trained.encode(rows)
        return z.astype(np.float32 if rows.dtype == np.float32 else np.float64, copy=False)

    def inverse_transform(self, X: Any) -> np.ndarray:
        """Latents (N, latent_dim) -> samples in the form and the unit of the X of `fit`, not rounded."""
        check_is_fitted(self)
        z = check_array(X, dtype=cast(Any, [np.float64, np.float32]))
        if z.shape[1] != self._n_features_out:
            raise InputError(f"X has {z.shape[1]} columns, and a latent has {self._n_features_out}; pass latents")
        return self._trained.layout.as_given(self._trained.decode(z)).astype(z.dtype, copy=False)

    def score_samples(self, X: Any) -> np.ndarray:
        """X -> (N,): minus the mean squared error of each sample. As in scikit-learn, **higher is more normal**.

        Of vectors the error is in units of each column's variance, of images on a scale from black 0 to white 1.
        """
        rows = self._rows(X)
        return -self._trained.errors(rows)

    def decision_function(self, X: Any) -> np.ndarray:
        """X -> (N,): `score_samples` less `offset_`. Negative for outliers."""
        return self.score_samples(X) - self.offset_

    def p_values(self, X: Any) -> np.ndarray:
        """X -> (N,): the share of normal samples that have at least such an error; small for outliers.

        Conformal: (1 + calibration errors at least as large) / (n + 1). A normal sample, like those of `fit`, gets a
        value of at most p with a probability of at most p.
        """
        return p_values(self.calibration_errors_ * _ABOVE, -self.score_samples(X))

    def predict(self, X: Any) -> np.ndarray:
        """X -> (N,): -1 for outliers, 1 for others. Of normal samples, at most a share of `false_alarms` gets -1.

        The threshold comes from calibration samples, which neither trained nor chose the model. With fewer than
        1 / false_alarms - 1 of them nothing can be called an outlier at that rate; then this warns.
        """
        decision = self.decision_function(X)
        if np.isneginf(self.offset_):
            count, least = len(self.calibration_errors_), least_pictures(self.false_alarms)
            warnings.warn(
                f"false_alarms={self.false_alarms:g} needs {least:,} calibration samples, and there are {count:,}: "
                "nothing is called an outlier. Fit on more samples, or raise calibration_fraction or false_alarms.",
                stacklevel=2,
            )
        return np.where(decision < 0, -1, 1)

    def score(self, X: Any, y: Any = None) -> float:
        """The explained variance of X, as the evaluator calls it; y is not used.

        1 for exact reconstructions, 0 if they are as far from X as the mean of the training samples is. It averages
        over all values of all samples: standardised columns of vectors, or pixels.
        """
        rows = self._rows(X)
        mse, mean_mse = (float(errors(rows).mean()) for errors in (self._trained.errors, self._trained.errors_of_mean))
        return explained_variance(mse, mean_mse)

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.transformer_tags.preserves_dtype = ["float64", "float32"]
        return tags

    def __sklearn_is_fitted__(self) -> bool:
        return "_trained" in vars(self)

    def __getstate__(self) -> dict[str, Any]:
        """Weights become bytes of safetensors, so that a pickle depends on no class of PyTorch."""
        state: dict[str, Any] = dict(cast(Any, super().__getstate__()))
        trained = state.pop("_trained", None)
        if isinstance(trained, Trained):
            del state["model_"]
            state["_trained"] = trained.state()
        return state

    def __setstate__(self, state: dict[str, Any]) -> None:
        super().__setstate__(state)
        if "_trained" in state:
            self._trained = Trained.of(state["_trained"], self.device)
            self.model_ = self._trained.model

    def _train(self, rows: np.ndarray, layout: Layout, changes: Mapping[str, Any]) -> Fitted:
        if self.run_folder is not None:
            out = expanded(self.run_folder, "run_folder")
            return fit_in_run_folder(
                rows, layout, self.recipe, changes, out, device=self.device, show=bool(self.verbose)
            )
        return fit_in_temporary_folder(
            rows, layout, self.recipe, changes, device=self.device, tell=_print if self.verbose else _silent
        )

    def _fitted_rows(self, X: Any) -> tuple[np.ndarray, Layout]:
        """X as rows (N, D), and their layout; remembers the columns."""
        shape, flat = _flattened(X)
        rows = _real(cast(Any, validate_data(self, flat, dtype="numeric", ensure_min_samples=_FEWEST)))
        return rows, layout_of(shape or rows.shape, self.image_shape)

    def _rows(self, X: Any) -> np.ndarray:
        """X as rows (N, D) that fit the X of `fit`."""
        check_is_fitted(self)
        shape, flat = _flattened(X)
        expected = self._trained.layout.shape
        if shape is not None and shape[1:] != expected:
            raise InputError(f"X has images of shape {shape[1:]}, and this was fitted on {expected}; resize them first")
        return _real(cast(Any, validate_data(self, flat, dtype="numeric", reset=False)))


def _flattened(X: Any) -> tuple[tuple[int, ...] | None, Any]:
    """The shape of images (N, H, W, C) and their rows (N, D); None and X itself for anything else."""
    axes = getattr(X, "ndim", 2)
    if axes == 3:
        raise InputError(f"X has the shape {tuple(X.shape)}; pass grey images with a channel, X[..., None], or as rows")
    if axes != 4:
        return None, X
    images = np.asarray(X)
    return images.shape, images.reshape(len(images), -1)


def _real(rows: np.ndarray) -> np.ndarray:
    """Numbers of one of the types that the rest knows: uint8 and uint16, which may be levels, float32 and float64."""
    known = ("uint8", "uint16", "float32", "float64")
    return rows if rows.dtype.name in known else rows.astype(np.float64)


def _print(sentence: str) -> None:
    print(sentence, file=sys.stderr)


def _silent(sentence: str) -> None:
    """Says nothing."""
