"""What the finished runs of a study say: scores with intervals, comparisons, and sentences."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from isthmus.evaluation.describe_measures import in_order
from isthmus.evaluation.statistics.sentences import ABOUT_MODELS
from isthmus.recipes.study_plan import Plan
from isthmus.run_files.findings import Findings, note
from isthmus.runs.comparisons import against_pca, as_findings, compare
from isthmus.runs.seed_luck import luck_not_covered
from isthmus.runs.study_row import StudyRow


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
    rows = {row.name: StudyRow(row, plan.seeds, folder, test_hashes or {}, ended=ended) for row in plan.variations}
    done = [row for row in rows.values() if row.done]
    contenders = {row.variation.name: row.contender() for row in done}
    compared = [
        compare(contenders[row.variation.name], contenders[against])
        for row in done
        for against in row.variation.compare
        if against in contenders
    ]
    sentences = [finding for row in rows.values() for finding in row.failures()]
    sentences += as_findings([*compared, *map(against_pca, contenders.values())])
    sentences += [
        note(row.variation.name, f"{row.variation.name}: {row.variation.note}")
        for row in rows.values()
        if row.variation.note
    ]
    sentences += [note(None, sentence) for sentence in remarks]
    sentences += luck_not_covered(plan, folder, done)
    sentences += [note(row.variation.name, sentence) for row in done for sentence in row.without_weights(folder)]
    return Findings(
        study=plan.name,
        about=plan.about,
        seeds=plan.seeds,
        data=done[0].evaluations[0].data if done else None,
        intervals=f"95 % over {_covered(done)}" if done else "",
        measures=in_order({name: measure for row in done for name, measure in row.measures().items()}),
        variations=tuple(row.record() for row in rows.values()),
        findings=tuple(sentences),
        command=command,
    )


def _covered(done: list[StudyRow]) -> str:
    """What the intervals are over: seeds only where more than one finished."""
    alone = [row.variation.name for row in done if len(row.evaluations) == 1]
    if len(alone) == len(done):
        return f"test images; {ABOUT_MODELS}"
    return "test images and seeds" + (f"; of {', '.join(alone)} over test images alone" if alone else "")
