"""Shared by all tests: small recipes, and where the real images lie."""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from isthmus.recipes.recipe import Recipe
from isthmus.recipes.study_plan import load_recipe
from isthmus.testing.part_under_test import TINY

ROOT = Path(__file__).resolve().parents[1]

# a package of its own, whose tests run where it is installed
collect_ignore = ["packages/example_part"]


def pytest_configure() -> None:
    """A shell lets what it starts in the background ignore interruptions; tests send some, also to their children."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The longest file first, so that in several processes none is left alone with it at the end."""
    items.sort(key=lambda item: item.path.name != "test_real_images.py")


@pytest.fixture
def tiny() -> Callable[..., Recipe]:
    """A recipe that trains in a second; keyword-free changes: tiny({"bottleneck.dim": 4})."""
    return lambda changes=None: load_recipe("post/latent-10", {**TINY, **(changes or {})})


@pytest.fixture(scope="module")
def cache_of_module(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Fitted baselines of a file's tests go here and not to the user's cache."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("ISTHMUS_DATA", str(tmp_path_factory.mktemp("cache")))
        yield


@pytest.fixture
def shared_data() -> Path:
    """Real CIFAR-10 images beside the project, where this checkout has them."""
    folder = ROOT.parent / "shared" / "data"
    if not folder.is_dir():
        pytest.skip("no real images beside the project (../shared/data)")
    return folder
