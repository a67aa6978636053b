"""Runs without a result: one reason of many is told once, with their names."""

from __future__ import annotations

import pytest

from isthmus.cli.tables import print_findings
from isthmus.pages.lost_runs import failures_together, lost_runs
from isthmus.run_files.findings import Finding, Findings, StudyRun, VariationRecord, note


def findings(errors: dict[str, list[str | None]]) -> Findings:
    """errors: of each variation, why the run of each seed failed; None where it has not been run."""
    rows = [
        VariationRecord(
            name=name,
            runs=tuple(
                StudyRun(seed=seed, folder=f"{name}/seed-{seed}", status="failed" if error else "missing", error=error)
                for seed, error in enumerate(of_seeds)
            ),
        )
        for name, of_seeds in errors.items()
    ]
    failed = [
        Finding(kind="failure", variation=row.name, sentence=f"{row.name}, seed {run.seed}, failed: {run.error}")
        for row in rows
        for run in row.runs
        if run.error
    ]
    return Findings(study="s", variations=tuple(rows), findings=(*failed, note(None, "One seed: little.")))


FULL = "the disk is full; make room"


@pytest.mark.parametrize(
    ("errors", "said"),
    [
        ({"a": [FULL]}, [f"a, seed 0, failed: {FULL}"]),
        ({"a": [FULL, FULL], "b": [FULL]}, [f"a, seeds 0, 1; b, seed 0, failed: {FULL}"]),
        (
            {"a": [FULL, "it diverged"], "b": [FULL, None]},
            [f"a, seed 0; b, seed 0, failed: {FULL}", "a, seed 1, failed: it diverged"],
        ),
    ],
)
def test_a_reason_is_told_once(
    errors: dict[str, list[str | None]], said: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    found = findings(errors)
    assert [one.sentence for one in failures_together(found)] == [*said, "One seed: little."]
    print_findings(found)
    printed = " ".join(capsys.readouterr().out.split())
    assert all(printed.count(f"• {sentence}") == 1 for sentence in said)
    assert printed.count(FULL) == 1


def test_runs_that_were_not_tried_are_together_too() -> None:
    (lost,) = lost_runs(findings({"a": [None, None], "b": [None]}))
    assert (lost.names, lost.count, lost.status, lost.error) == ("a, seeds 0, 1; b, seed 0", 3, "missing", "")


def test_a_failure_that_no_run_records_stays() -> None:
    """findings.json comes from a folder, and may be edited."""
    found = findings({"a": [FULL]}).model_copy(update={"variations": ()})
    assert failures_together(found) == list(found.findings)
