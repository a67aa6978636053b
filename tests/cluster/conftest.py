"""A real SLURM and a real Ray where they are installed, and the study that they are to do as one computer does it."""

from __future__ import annotations

import importlib.util
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from tests.cluster import ray_node, slurm_node, tiny_study
from tests.command import finish, start

DIMS, SEEDS, EPOCHS = range(3, 6), 2, 20


@dataclass(frozen=True)
class Cluster:
    """words: of `isthmus study`, to do it there. environment: what those commands need."""

    words: tuple[str, ...]
    environment: dict[str, str] = field(default_factory=dict[str, str])


@dataclass(frozen=True)
class Here:
    """A study of six runs, and what it comes to on this computer."""

    file: Path
    result: dict[str, Any]


@pytest.fixture(scope="session")
def environment(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """A cache of its own."""
    return {"XDG_CACHE_HOME": str(tmp_path_factory.mktemp("cache")), "ISTHMUS_DATA": ""}


@pytest.fixture(scope="session")
def six(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("six") / "six.toml"
    tiny_study.write_study(path, DIMS, SEEDS, EPOCHS)
    return path


@pytest.fixture(scope="session")
def here(six: Path, environment: dict[str, str]) -> Here:
    study = six.parent / "study"
    answer = finish(start("study", six, "-o", study, "--quiet", **environment), seconds=900)
    assert answer.code == 0, answer.err
    return Here(six, tiny_study.result(study))


@pytest.fixture(scope="module")
def slurm(environment: dict[str, str]) -> Iterator[Cluster]:
    missing = slurm_node.missing_programs()
    if missing or importlib.util.find_spec("submitit") is None:
        pytest.skip(f"no SLURM here: {', '.join(missing) or 'submitit'} is not installed (.ci/run installs it)")
    with slurm_node.slurm_node() as own:
        yield Cluster(("--on", "slurm", "--slurm", "cpus=1"), {**environment, **own})


@pytest.fixture(scope="module")
def ray(environment: dict[str, str]) -> Iterator[Cluster]:
    if importlib.util.find_spec("ray") is None:
        pytest.skip("no Ray here: pip install 'isthmus[ray]' (.ci/run installs it)")
    with ray_node.ray_node() as address:
        yield Cluster(("--on", "ray", "--ray", address), {**environment, **ray_node.ENVIRONMENT})
