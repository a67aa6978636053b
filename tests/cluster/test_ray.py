"""A study on a real Ray of one node."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.cluster import tiny_study
from tests.cluster.conftest import Cluster, Here
from tests.cluster.scenario import SECONDS, assert_each_run_was_done_once, stop_leave_and_go_on
from tests.command import finish, start
from tests.study_toml import ONE, study_toml

pytestmark = [pytest.mark.slow, pytest.mark.cluster]


def test_runs_whose_worker_is_killed_end_as_on_one_computer(ray: Cluster, here: Here, tmp_path: Path) -> None:
    """The command is left and called again in the middle."""

    def kill_worker(run: Path, process: int) -> None:
        tiny_study.kill(tiny_study.parent_of(process))

    study = tmp_path / "study"
    stopped, left, answer = stop_leave_and_go_on(ray, here, study, [kill_worker])
    assert left.code == 130
    assert " of ray go on; the same command shows how they stand" in left.err
    assert "ray_jobs" in left.err
    assert answer.code == 0, answer.err
    assert "(raylet)" not in left.out + left.err + answer.out + answer.err
    assert tiny_study.result(study) == here.result
    assert_each_run_was_done_once(study, stopped)


def test_without_an_address_ray_runs_on_this_computer(ray: Cluster, tmp_path: Path) -> None:
    """And a run that fails is named with its log."""
    rows = f'{ONE}[[variation]]\nname = "burst"\nchanges = {{ train.learning_rate = 1e30 }}\n'
    (tmp_path / "two.toml").write_text(study_toml(rows, data=["train = 80", "test = 12"], train=["epochs = 2"]))
    study = tmp_path / "study"
    answer = finish(
        start("study", tmp_path / "two.toml", "-o", study, "--on", "ray", **{**ray.environment, "RAY_ADDRESS": ""}),
        seconds=SECONDS,
    )
    assert answer.code == 1
    log = study / "burst" / "seed-0" / "job.log"
    assert "stopped being finite" in answer.err and str(log) in answer.err
    assert (study / "one" / "seed-0" / "evaluation.json").is_file()
