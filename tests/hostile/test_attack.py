"""Mutated run folders against every verb; `python -m bench.attack` is the same at length."""

from __future__ import annotations

from pathlib import Path

import pytest
from bench.attack import attack_from_a_fresh_process, verbs_of

QUICK = ("doctor", "report", "study report", "sample", "reconstruct", "load", "evaluate", "train", "list")


@pytest.fixture(autouse=True)
def own_cache(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ISTHMUS_DATA", str(tmp_path_factory.getbasetemp() / "cache"))


@pytest.mark.slow
def test_a_mutated_run_folder_is_one_sentence() -> None:
    found = attack_from_a_fresh_process(count=4, seed=7, verbs=QUICK)
    assert found.holds, "\n".join(found.faults)
    assert found.tried == 4 * len(QUICK)
    assert found.failed > 4, "most damages matter to some verb"


@pytest.mark.slow
def test_300_mutated_run_folders_against_every_verb(tmp_path: Path) -> None:
    found = attack_from_a_fresh_process(count=300, seed=0, verbs=list(verbs_of(tmp_path)))
    assert found.holds, "\n".join(found.faults)
