"""scikit-learn's own checks of an estimator: all of them, none skipped and none expected to fail."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import unittest
from collections.abc import Callable
from typing import Any

import pytest
from sklearn.utils import estimator_checks
from sklearn.utils.estimator_checks import parametrize_with_checks

from isthmus.sklearn import ImageAutoencoder

pytestmark = [
    pytest.mark.usefixtures("cache_of_module"),
    # a check on twenty samples leaves two for calibration, and `predict` says that these are too few
    pytest.mark.filterwarnings("ignore:false_alarms=0.1 needs"),
]

FAST = ImageAutoencoder(epochs=2)

ARRAY_API = """
from sklearn.utils.estimator_checks import check_array_api_input
from isthmus.sklearn import ImageAutoencoder
check_array_api_input("ImageAutoencoder", ImageAutoencoder(epochs=2), "numpy", expect_only_array_outputs=False)
"""


@parametrize_with_checks([FAST])
def test_scikit_learns_check(estimator: ImageAutoencoder, check: Callable[[Any], None]) -> None:
    _run(estimator, check)


# scikit-learn asks these of its own transformers, and `parametrize_with_checks` does not ask them of others
FURTHER = (
    "check_dataframe_column_names_consistency",
    "check_transformer_get_feature_names_out",
    "check_transformer_get_feature_names_out_pandas",
    "check_set_output_transform",
    "check_set_output_transform_pandas",
    "check_global_output_transform_pandas",
    "check_set_output_transform_polars",
    "check_global_set_output_transform_polars",
    "check_inplace_ensure_writeable",
)


@pytest.mark.filterwarnings("ignore:X (has|does not have valid) feature names")  # the checks mix tables and arrays
@pytest.mark.parametrize("name", FURTHER)
def test_what_scikit_learn_asks_of_its_own_transformers(name: str) -> None:
    check = getattr(estimator_checks, name)
    _run(FAST, lambda estimator: check("ImageAutoencoder", estimator))


@pytest.mark.slow
@parametrize_with_checks([ImageAutoencoder()])
def test_scikit_learns_check_with_all_defaults(estimator: ImageAutoencoder, check: Callable[[Any], None]) -> None:
    _run(estimator, check)


def _run(estimator: ImageAutoencoder, check: Callable[[Any], None]) -> None:
    """The check; one that skips itself fails, unless a library of `isthmus[dev]` is missing: pandas or polars."""
    try:
        check(estimator)
    except (pytest.skip.Exception, unittest.SkipTest) as skipped:
        if re.match("(pandas|polars) is not installed", str(skipped)):
            pytest.skip(f"{skipped}; `pip install pandas polars`")
        if "SCIPY_ARRAY_API" not in str(skipped):
            pytest.fail(f"skipped: {skipped}")
        # SciPy reads this variable when it is loaded, so this check needs a process of its own
        environment = {**os.environ, "SCIPY_ARRAY_API": "1"}
        subprocess.run([sys.executable, "-c", ARRAY_API], env=environment, check=True, timeout=300)
