"""PyOD's interface: `from isthmus.pyod import AutoencoderDetector`; needs `pip install "isthmus[pyod]"`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Self

import numpy as np

from isthmus.sklearn import ImageAutoencoder

try:
    from pyod.models.base import BaseDetector  # pyright: ignore[reportMissingImports]  (an extra)
except ImportError:
    raise ImportError('isthmus.pyod needs PyOD; `pip install "isthmus[pyod]"` brings it') from None

__all__ = ["AutoencoderDetector"]


class AutoencoderDetector(BaseDetector):  # pyright: ignore[reportUntypedBaseClass]
    """An autoencoder as a detector of PyOD: the score is the reconstruction's error, and **higher is more abnormal**.

    That is PyOD's sign, the opposite of scikit-learn's. `threshold_` and `labels_` are PyOD's too: the share
    `contamination` of the training samples with the highest errors are outliers, whatever they are. For a promised rate
    of false alarms, use `estimator_.p_values`, whose samples neither trained nor chose the model.

    Parameters
    ----------
    contamination : float, default=0.1
        The share of outliers among the training samples, at most 0.5.
    latent_dim, image_shape, recipe, options, epochs, validation_fraction, calibration_fraction, device, random_state
        As in `isthmus.sklearn.ImageAutoencoder`.

    Attributes
    ----------
    estimator_ : ImageAutoencoder
        The fitted autoencoder.
    decision_scores_, labels_, threshold_
        Of the training samples, as in every detector of PyOD.

    Examples
    --------
    >>> from pyod.utils.data import generate_data
    >>> from isthmus.pyod import AutoencoderDetector
    >>> X, X_new, y, y_new = generate_data(n_train=200, n_test=100, n_features=10, random_state=0)
    >>> detector = AutoencoderDetector(latent_dim=2, random_state=0).fit(X)
    >>> int(detector.labels_.sum())
    20
    >>> detector.predict_proba(X_new).shape
    (100, 2)
    """

    def __init__(
        self,
        contamination: float = 0.1,
        latent_dim: int | None = None,
        *,
        image_shape: Sequence[int] | None = None,
        recipe: str = "dense",
        options: Mapping[str, Any] | None = None,
        epochs: int | None = None,
        validation_fraction: float = 0.1,
        calibration_fraction: float = 0.1,
        device: str = "auto",
        random_state: Any = None,
    ) -> None:
        super().__init__(contamination=contamination)
        self.latent_dim = latent_dim
        self.image_shape = image_shape
        self.recipe = recipe
        self.options = options
        self.epochs = epochs
        self.validation_fraction = validation_fraction
        self.calibration_fraction = calibration_fraction
        self.device = device
        self.random_state = random_state

    def fit(self, X: Any, y: Any = None) -> Self:  # pyright: ignore[reportIncompatibleMethodOverride]
        """Train on X (N, D) or (N, H, W, C); y is not used. Raises as `ImageAutoencoder.fit`."""
        self._set_n_classes(y)
        own = {name: value for name, value in self.get_params(deep=False).items() if name != "contamination"}
        self.estimator_ = ImageAutoencoder(**own).fit(X)
        self.n_features_in_ = self.estimator_.n_features_in_
        self.decision_scores_ = self.decision_function(X)
        self._process_decision_scores()
        return self

    def decision_function(self, X: Any) -> np.ndarray:  # pyright: ignore[reportIncompatibleMethodOverride]
        """X -> (N,): the mean squared error of each reconstruction, higher for outliers."""
        if "estimator_" not in vars(self):
            from sklearn.exceptions import NotFittedError

            raise NotFittedError("This AutoencoderDetector is not fitted yet. Call 'fit' first.")
        return -self.estimator_.score_samples(X)
