"""The parts of this package keep isthmus's contract."""

from isthmus.testing import contract

test_contract = contract("isthmus-example-part")
