"""What the finished runs of a study say: scores with intervals, comparisons, and sentences."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from isthmus.evaluation.describe_measures import in_order
from isthmus.evaluation.statistics.sentences import ABOUT_MODELS
from isthmus.recipes.study_plan import Plan
from isthmus.run_files.findings import Finding, Findings, note
from isthmus.runs.comparisons import against_pca, as_findings, compare
from isthmus.runs.seed_luck import luck_not_covered
from isthmus.runs.study_row import StudyRow, seed_folders


def findings(
    plan: Plan,
    folder: Path,
    *,
    command: str,
    remarks: Sequence[str] = (),
    test_hashes: Mapping[str, str] | None = None,
    ended: bool = False,
) -> Findings:
    """What the finished runs of a study say: scores with intervals, comparisons, and sentences.

    remarks: sentences about the whole study that belong beside them.
    test_hashes: data hash -> hash of the test images in it, for runs of older versions, which did not write the latter.
    ended: whether every run was tried, so that one without a result has failed; until then it is only missing.
    """
    rows = [
        StudyRow(row, seed_folders(folder, row.name, plan.seeds), folder, test_hashes or {}, ended=ended)
        for row in plan.variations
    ]
    done = [row for row in rows if row.done]
    notes = [*(note(None, sentence) for sentence in remarks), *luck_not_covered(plan, folder, done)]
    return summed_up(rows, name=plan.name, about=plan.about, seeds=plan.seeds, notes=notes, command=command)


def summed_up(
    rows: Sequence[StudyRow],
    *,
    name: str,
    about: str | None,
    seeds: tuple[int, ...],
    notes: Sequence[Finding],
    command: str,
) -> Findings:
    """What rows say of themselves, beside each other and beside PCA.

    notes: about the whole, after what was compared.
    """
    done = [row for row in rows if row.done]
    contenders = {row.variation.name: row.contender() for row in done}
    compared = [
        compare(contenders[row.variation.name], contenders[against])
        for row in done
        for against in row.variation.compare
        if against in contenders
    ]
    sentences = [finding for row in rows for finding in row.failures()]
    sentences += as_findings([*compared, *map(against_pca, contenders.values())])
    sentences += [
        note(row.variation.name, f"{row.variation.name}: {row.variation.note}") for row in rows if row.variation.note
    ]
    sentences += notes
    sentences += [note(row.variation.name, sentence) for row in done for sentence in row.without_weights()]
    return Findings(
        study=name,
        about=about,
        seeds=seeds,
        data=done[0].evaluations[0].data if done else None,
        intervals=f"95 % over {_covered(done)}" if done else "",
        measures=in_order({name: measure for row in done for name, measure in row.measures().items()}),
        variations=tuple(row.record() for row in rows),
        findings=tuple(sentences),
        command=command,
    )


def _covered(done: list[StudyRow]) -> str:
    """What the intervals are over: seeds only where more than one finished."""
    alone = [row.variation.name for row in done if len(row.evaluations) == 1]
    if len(alone) == len(done):
        return f"test images; {ABOUT_MODELS}"
    return "test images and seeds" + (f"; of {', '.join(alone)} over test images alone" if alone else "")
