"""Sentences for the pages about how pictures were changed before training."""

from __future__ import annotations

from collections.abc import Iterable

from isthmus.pages.report.read_folder import Compared
from isthmus.pages.report.reproduce import Caution, cautions
from isthmus.run_files.data import Data


def done_to_pictures(data: Data) -> list[Caution]:
    """For one run: changes while reading and while training, then the notices about the images."""
    return [Caution(sentence) for sentence in _sentences(data)]


def done_in_study(subjects: Iterable[Compared]) -> list[Caution]:
    """For all runs of a study: each sentence once, with the variations it applies to."""
    return cautions(
        [(one.name, [sentence for run in one.runs for sentence in _sentences(run.evaluation.data)]) for one in subjects]
    )


def _sentences(data: Data) -> list[str]:
    return [*(change.sentence for change in data.handling), *data.notices]
