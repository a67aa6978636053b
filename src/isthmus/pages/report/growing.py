"""The page of an unfinished study: the first pictures within a minute, then each finished run."""

from __future__ import annotations

from pathlib import Path

import isthmus
from isthmus.core.errors import InputError, RunError
from isthmus.core.pixels import depth_of
from isthmus.pages.report import text
from isthmus.pages.report.gallery import Gallery, Row, plain_pictures, scored_pictures
from isthmus.pages.report.page import write_page
from isthmus.pages.report.run_page import write_run_report
from isthmus.pages.report.study_page import write_study_report
from isthmus.pages.shown_pixels import remarks, view_of
from isthmus.runs.executors.job import Job, RunEvent
from isthmus.runs.run import Done, Event
from isthmus.runs.study import FinishedRead, StudyEvent
from isthmus.training.events import Started
from isthmus.training.preview import Preview


class GrowingReport:
    """Rewrites report.html of a study in `folder` at its events; the caller writes the full page at the end."""

    def __init__(self, folder: Path, name: str) -> None:
        self.folder, self.name = folder, name
        self.begun = False
        self.seen: dict[int, tuple[Job, Preview]] = {}  # by run number
        self.trained: set[int] = set()
        self.done: set[int] = set()

    def show(self, event: StudyEvent) -> Path | None:
        """Write the page again if the event adds to it; return its path the first time."""
        try:
            match event:
                case RunEvent():
                    page = self._show(event.job, event.event)
                case FinishedRead():
                    page = self._results(event.total)
                case _:
                    return None
        except (InputError, RunError, OSError):  # must not stop a training; the full page will report it
            return None
        first, self.begun = page is not None and not self.begun, self.begun or page is not None
        return page if first else None

    def _show(self, job: Job, event: Event) -> Path | None:
        match event:
            case Started():
                self.trained.add(job.number)
            case Preview():
                self.seen[job.number] = job, event
                if not self.done:
                    return self._first_pictures()
            case Done():
                self.done.add(job.number)
                if job.number in self.trained and len(self.done) < job.total:
                    write_run_report(job.folder)  # the study's page links to it
                    return self._results(job.total)
            case _:
                pass
        return None

    def _results(self, total: int) -> Path:
        done = len(self.done)
        said = f"{done} of the study's {total} runs {'is' if done == 1 else 'are'} done; load the page again for more"
        return write_study_report(self.folder, unfinished=said)

    def _first_pictures(self) -> Path:
        """Reconstructions of held-out images by the unfinished runs."""
        rows: list[Row] = []
        columns: list[str] = []
        said: list[str] = []
        for colour, (job, preview) in enumerate(self.seen[number] for number in sorted(self.seen)):
            names = [f"#{place}" for place in range(1, len(preview.originals) + 1)]
            view = view_of(preview.originals.shape[1], job.recipe.data.options.get("shown_channels"))
            if not columns:
                columns = names
                rows.append(Row("Original", plain_pictures(view, preview.originals, names, "original")))
                said = remarks(view, depth_of(preview.originals.dtype), None)
            made = scored_pictures(view, preview.originals, preview.outputs, names, f"output of {job.variation}")
            rows.append(Row(job.variation, made, f"{preview.done:.0%} trained", colour))
        last, preview = self.seen[max(self.seen)]
        progress = f"{last.variation}, seed {last.seed}, run {last.number} of {last.total}"
        return write_page(
            self.folder / "report.html",
            "first.html.jinja",
            study=self.name,
            facts=[progress, f"{text.count(preview.step)} steps, {preview.done:.0%} of its training"],
            remarks=said,
            comparison=Gallery("Held-out images, and what the network makes of them so far", columns, rows),
            isthmus=isthmus.__version__,
        )
