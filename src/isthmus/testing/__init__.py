"""The contract of parts as tests, for authors of other packages and for isthmus itself. It needs pytest.

A test file in your package needs two lines, which test every part of the installed package:

    from isthmus.testing import contract

    test_contract = contract("isthmus-example-part")

Give values for options without a default by name: `contract("isthmus-example-part", dim=3, filters=[4, 5])`.
"""

from __future__ import annotations

import pytest

# register before importing them, so that failed assertions show the compared values
pytest.register_assert_rewrite("isthmus.testing.part_clauses", "isthmus.testing.model_clauses")

from isthmus.testing.contract import contract  # noqa: E402

__all__ = ["contract"]
