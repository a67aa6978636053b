"""Random draws: a function of purpose, seed and counter, and no two the same."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import torch

import isthmus
from isthmus.core.streams import PURPOSES, SEALED, sealed, stream
from isthmus.models.seeding import drawing

PACKAGE = Path(isthmus.__file__).parent
LOW = 0xFFFFFFFF


def test_torchs_generator_for_the_cpu_looks_at_the_lower_32_bits_alone() -> None:
    """Why 63 bits that differ are not enough. Where this fails, `stream` can be simpler."""
    near, far = (torch.rand(4, generator=torch.Generator().manual_seed(seed)) for seed in (7, 7 + (1 << 32)))
    assert torch.equal(near, far)


def test_no_two_purposes_seeds_or_counters_share_a_stream() -> None:
    """Of all purposes, seeds 0 to 9 and 2,000 steps, and what every version draws beside them."""
    found = [stream(purpose, seed, step) for purpose in PURPOSES for seed in range(10) for step in range(2000)]
    low = np.array(found) & LOW
    assert len(np.unique(low)) == len(found)
    assert not np.isin(low, list(SEALED.values())).any()
    assert min(found) >= 0 and max(found) < 1 << 63


@pytest.mark.parametrize("seed", [0, 255, 2**31 - 2])
@pytest.mark.parametrize("counter", [0, 2**20 - 1, 10**7])
def test_neighbours_at_the_edges_share_none(seed: int, counter: int) -> None:
    found = [
        stream(purpose, seed + more, counter + later) for purpose in PURPOSES for more in (0, 1) for later in range(500)
    ]
    assert len(set(found)) == len(found)
    assert len({value & LOW for value in found}) >= len(found) - 1  # across an edge, as good as drawn


def test_the_draws_themselves_differ() -> None:
    """The first number and a later one, of torch's generator and of numpy's."""
    firsts: set[float] = set()
    for purpose in PURPOSES:
        for seed in range(3):
            for step in range(20):
                begun = stream(purpose, seed, step)
                drawn = torch.rand(9, dtype=torch.float64, generator=torch.Generator().manual_seed(begun))
                firsts |= {drawn[0].item(), drawn[8].item(), np.random.default_rng(begun).random()}
    assert len(firsts) == 3 * len(PURPOSES) * 3 * 20


def test_a_stream_stays_what_it_is() -> None:
    """Runs that were interrupted go on with the draws they began with: `VERSION` changes where these do."""
    assert stream("weights", 0) == 3679321338158737365
    assert stream("noise", 7, 12345) == 3679321336778987008
    assert sealed("noisy test images") == 20261122


def test_drawing_leaves_torchs_own_generator_as_it_was() -> None:
    torch.manual_seed(3)
    expected = torch.rand(2)
    torch.manual_seed(3)
    with drawing("weights", 0):
        inside = torch.rand(2)
    assert torch.equal(torch.rand(2), expected) and not torch.equal(inside, expected)


def test_every_generator_begins_at_a_stream() -> None:
    """Wherever the package seeds one, the seed is `stream`'s or `sealed`'s, or that of a generator made so.

    `testing` aside: its clauses draw inputs for tests, and no result.
    """
    found = list(_seeds())
    assert len(found) > 15
    wrong = [place for place, by in found if by not in ("stream", "sealed", "initial_seed")]
    assert wrong == [
        # its pictures are those that their hash names, whatever the version
        "data/datasets/_scene_factors.py: Philox",
        # it passes on what the user gave; `seed_of` makes it the recipe's seed, from which streams begin
    ]


def _seeds() -> Iterator[tuple[str, str]]:
    """(where, the function whose value is the seed, or "") of everything that is given a seed."""
    for path in sorted(PACKAGE.rglob("*.py")):
        if path.is_relative_to(PACKAGE / "testing"):
            continue
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if not isinstance(node, ast.Call):
                continue
            name = _name(node.func)
            if name in ("manual_seed", "manual_seed_all", "default_rng", "RandomState", "Philox", "PCG64", "Random"):
                given = node.args[0] if node.args else node.keywords[0].value if node.keywords else None
                yield f"{path.relative_to(PACKAGE)}: {name}", _called(given)
            for keyword in node.keywords:
                if keyword.arg == "random_state":
                    yield f"{path.relative_to(PACKAGE)}: {name}", _called(keyword.value)


def _called(node: ast.expr | None) -> str:
    return _name(node.func) if isinstance(node, ast.Call) else ""


def _name(node: ast.expr) -> str:
    return node.attr if isinstance(node, ast.Attribute) else node.id if isinstance(node, ast.Name) else ""
