"""What PyOD's base class promises of every detector, asked of ours."""

from __future__ import annotations

import pickle

import numpy as np
import pytest
from scipy.stats import rankdata
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.metrics import roc_auc_score

pytest.importorskip("pyod")

from isthmus.pyod import AutoencoderDetector

pytestmark = [
    pytest.mark.usefixtures("cache_of_module"),
    pytest.mark.filterwarnings("ignore:.*should not be presented in unsupervised:UserWarning"),  # PyOD's, for any y
    pytest.mark.filterwarnings("ignore:Function fit_predict.* is deprecated:FutureWarning"),
]


@pytest.fixture(scope="module")
def data() -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    from pyod.utils.data import generate_data

    return generate_data(n_train=200, n_test=100, n_features=10, contamination=0.1, random_state=42)


@pytest.fixture(scope="module")
def detector(data: tuple[np.ndarray, ...]) -> AutoencoderDetector:
    return AutoencoderDetector(latent_dim=2, epochs=20, random_state=0).fit(data[0])


def test_it_is_a_detector(detector: AutoencoderDetector) -> None:
    from pyod.models.base import BaseDetector
    from pyod.utils.utility import check_detector

    check_detector(detector)
    assert isinstance(detector, BaseDetector)


def test_training_scores_give_threshold_and_labels(detector: AutoencoderDetector, data: tuple[np.ndarray, ...]) -> None:
    X = data[0]
    assert detector.decision_scores_.shape == (200,)
    assert (detector.decision_scores_ == detector.decision_function(X)).all()
    assert detector.labels_.sum() == 20
    assert ((detector.decision_scores_ > detector.threshold_) == detector.labels_).all()


def test_higher_scores_are_more_abnormal(detector: AutoencoderDetector, data: tuple[np.ndarray, ...]) -> None:
    _, X_new, _, y_new = data
    scores = detector.decision_function(X_new)
    assert roc_auc_score(y_new, scores) >= 0.9
    assert (scores == -detector.estimator_.score_samples(X_new)).all()


@pytest.mark.parametrize("method", ["linear", "unify"])
def test_probabilities(detector: AutoencoderDetector, data: tuple[np.ndarray, ...], method: str) -> None:
    probabilities = detector.predict_proba(data[1], method=method)
    assert probabilities.shape == (100, 2)
    assert probabilities.min() >= 0 and probabilities.max() <= 1
    np.testing.assert_allclose(probabilities.sum(axis=1), 1)
    order = rankdata(detector.decision_function(data[1]), method="dense")
    assert (np.diff(probabilities[np.argsort(order, kind="stable"), 1]) >= 0).all()


def test_an_unknown_method_is_refused(detector: AutoencoderDetector, data: tuple[np.ndarray, ...]) -> None:
    with pytest.raises(ValueError, match="not a valid"):
        detector.predict_proba(data[1], method="something")


def test_labels_with_confidence_and_rejection(detector: AutoencoderDetector, data: tuple[np.ndarray, ...]) -> None:
    labels, confidence = detector.predict(data[1], return_confidence=True)
    assert set(np.unique(labels)) == {0, 1}
    assert confidence.shape == (100,)
    assert confidence.min() >= 0 and confidence.max() <= 1
    _, (expected, upper, cost) = detector.predict_with_rejection(data[1], return_stats=True, c_r=0.1)
    assert 0 <= expected <= 1 and 0 <= upper <= 1 and cost >= 0


def test_ranks_keep_the_order_of_scores(detector: AutoencoderDetector, data: tuple[np.ndarray, ...]) -> None:
    scores, ranks = detector.decision_function(data[1]), detector._predict_rank(data[1], normalized=True)
    assert ranks.min() >= 0 and ranks.max() <= 1.01
    assert (np.diff(ranks[np.argsort(scores)]) >= 0).all()


def test_it_is_cloned_without_its_fit_and_pickled_with_it(
    detector: AutoencoderDetector, data: tuple[np.ndarray, ...]
) -> None:
    twin = clone(detector)
    assert twin.get_params() == detector.get_params()
    with pytest.raises(NotFittedError):
        twin.decision_function(data[1])
    copy = pickle.loads(pickle.dumps(detector))
    assert (copy.decision_function(data[1]) == detector.decision_function(data[1])).all()


def test_fit_predict_and_its_score(data: tuple[np.ndarray, ...]) -> None:
    X, _, y, _ = data
    quick = AutoencoderDetector(latent_dim=2, epochs=2, random_state=0)
    assert (quick.fit_predict(X) == quick.labels_).all()
    assert quick.fit_predict_score(X, y) > 0.5
    with pytest.raises(NotImplementedError):
        quick.fit_predict_score(X, y, scoring="something")


@pytest.mark.parametrize("contamination", [0.51, 0.0, -0.5])
def test_contamination_lies_between_0_and_a_half(contamination: float) -> None:
    with pytest.raises(ValueError, match="contamination"):
        AutoencoderDetector(contamination=contamination)
