"""The contract of parts as tests, for authors of other packages and for isthmus itself. It needs pytest.

A test file of your package is two lines. They test every part that the installed package brings:

    from isthmus.testing import contract

    test_contract = contract("isthmus-example-part")

Options without a default get their values by name: `contract("isthmus-example-part", dim=3, filters=[4, 5])`.
"""

from __future__ import annotations

import pytest

# before they are imported: their assertions then show the values that they compared
pytest.register_assert_rewrite("isthmus.testing.part_clauses", "isthmus.testing.model_clauses")

from isthmus.testing.contract import contract  # noqa: E402

__all__ = ["contract"]
