"""The verbs of several steps, shared by the command line and Python, which parse and print on their own."""

from __future__ import annotations

import os
from collections.abc import Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path

from isthmus.api.asked import AskedRun, AskedStudy
from isthmus.core.atomic_files import own_folder
from isthmus.core.errors import InputError, RunError
from isthmus.core.folder_names import OTHER_IMAGES
from isthmus.core.paths import cache_folder
from isthmus.core.torchrun import place
from isthmus.data.reading_progress import quiet
from isthmus.evaluation.denoising import compare_denoisers as compare
from isthmus.evaluation.untrained_denoisers import untrained_methods
from isthmus.inference.anomaly.score import Scored, score_run
from isthmus.inference.images_elsewhere import Elsewhere, find_images
from isthmus.inference.picture_sources import Source
from isthmus.inference.trained_noise import TrainedNoise
from isthmus.models.processes import here
from isthmus.pages.explorer import assets
from isthmus.pages.explorer.write import Explorer, write_explorer
from isthmus.pages.progress import Display
from isthmus.pages.report import write_run_report, write_study_pages, write_study_report
from isthmus.pages.report.growing import GrowingReport
from isthmus.pages.report.read_folder import left_out
from isthmus.pages.work_progress import work_progress
from isthmus.run_files.denoising import DenoisingRecord
from isthmus.run_files.diagnosis import Diagnosis
from isthmus.run_files.read import read_record
from isthmus.run_files.training import TrainingRecord
from isthmus.runs.anomaly_findings import anomaly_diagnosis, keep_anomalies
from isthmus.runs.claim import check, locked
from isthmus.runs.denoising_results import keep_denoising
from isthmus.runs.evaluate_run import evaluate_run
from isthmus.runs.executors.auto_jobs import Count
from isthmus.runs.executors.interfaces import Executor
from isthmus.runs.executors.job import RunEvent
from isthmus.runs.folder_log import logged
from isthmus.runs.load import load_run_data, load_trained
from isthmus.runs.optimizer_state import settle_later
from isthmus.runs.run import load_and_run, run_beside
from isthmus.runs.run_folder import is_begun, is_evaluated, is_finished, read_environment, read_recipe
from isthmus.runs.sinks import opened
from isthmus.runs.start_from import check_start
from isthmus.runs.study import study as run_study
from isthmus.runs.work import LeftToOthers
from isthmus.runs.work import work as take_part
from isthmus.training.environment import command_line
from isthmus.training.events import Started
from isthmus.training.joining import together

_NOT_LOGGED = "--log has no effect on {folder}: only a training passes on its numbers."


class UnfinishedRun(InputError):
    """The folder holds an unfinished run, and `resume` was not given."""

    def __init__(self, folder: Path) -> None:
        super().__init__(f"{folder}: holds an unfinished run; give resume=True to go on, or choose another `out`")
        self.folder = folder


def train(asked: AskedRun, *, resume: bool, show_progress: bool, keep_optimizer: bool, log: Sequence[str] = ()) -> None:
    """Train, evaluate and write the run's page; of a finished run, only write the page, and say so.

    keep_optimizer: keep what only serves to go on with the training once it has ended. log: where its numbers go
    besides the run folder: `tensorboard`, `wandb`.

    Raises UnfinishedRun if the folder holds one and `resume` is false, InputError for any wrong input.
    """
    with together(asked.recipe.train.device) as processes:
        if processes.first:
            _train(asked, resume=resume, show_progress=show_progress, keep_optimizer=keep_optimizer, log=log)
        elif processes.told(False):
            with quiet():
                run_beside(asked.recipe, asked.folder, cache_folder(), images=asked.images)
        processes.wait()  # so that every process may use the run
    if processes.first:
        write_run_report(asked.folder)


def _train(asked: AskedRun, *, resume: bool, show_progress: bool, keep_optimizer: bool, log: Sequence[str]) -> None:
    """`train` without the page, by the first of several processes."""
    check(asked.folder, asked.recipe)
    check_start(asked.folder, asked.start)
    finished = is_finished(asked.folder)
    started = place()
    if is_begun(asked.folder) and not finished and not resume and not (started is not None and started.restarts):
        raise UnfinishedRun(asked.folder)
    here().told(not finished or asked.images is not None)
    # a finished run can be shown without its images; an array is given, so check that it is the same one
    with opened(log) as feed, Display(enabled=show_progress) as display, quiet(not show_progress):
        if not finished or asked.images is not None:
            for event in load_and_run(
                asked.recipe,
                asked.folder,
                cache_folder(),
                images=asked.images,
                start=asked.start,
                keep_optimizer=keep_optimizer,
            ):
                display.show(event)
                feed.see(event, asked.folder)
        if finished and asked.images is None and (said := settle_later(asked.folder, keep=keep_optimizer)) is not None:
            display.print(f"{asked.folder}: {said}.")
        if finished and log:
            display.print(_NOT_LOGGED.format(folder=asked.folder))
        if finished:
            how = read_record(asked.folder / "training.json", TrainingRecord).sentence
            display.print(f"{asked.folder}: is finished ({how}); nothing was trained again.")


def study(
    asked: AskedStudy,
    *,
    jobs: Count,
    show_progress: bool,
    keep_optimizer: bool,
    log: Sequence[str] = (),
    on: Executor | None = None,
) -> None:
    """Run a study's missing and unfinished runs, compare, and write the pages. Raises InputError as `run_study`.

    keep_optimizer, log: as in `train`. on: who carries the runs out, instead of this computer.
    """
    growing = GrowingReport(asked.folder, asked.plan.name)
    events = run_study(
        asked.plan,
        asked.folder,
        cache_folder(),
        command=command_line(),
        jobs=jobs,
        on=on,
        images=asked.images,
        keep_optimizer=keep_optimizer,
    )
    trained = False
    with opened(log) as feed, Display(enabled=show_progress) as display, quiet(not show_progress):
        for event in events:
            trained |= isinstance(event, RunEvent) and isinstance(event.event, Started)
            display.show(event)
            feed.see(event, asked.folder)
            if (first := growing.show(event)) is not None:
                display.print(f"First pictures: {display.place(first)}")
        if log and not trained:
            display.print(_NOT_LOGGED.format(folder=asked.folder))
    write_study_pages(asked.folder)


def work(
    asked: AskedStudy, *, wait: bool, show_progress: bool, keep_optimizer: bool, log: Sequence[str] = ()
) -> str | None:
    """Take part in a study; the process that ends last writes the findings and pages. Arguments as in `study`.

    Returns None once they are written, else a sentence about the runs that others still do. Raises as `take_part`.
    """
    left, trained = None, False
    events = take_part(
        asked.plan, asked.folder, cache_folder(), command=command_line(), wait=wait, keep_optimizer=keep_optimizer
    )
    with opened(log) as feed, Display(enabled=show_progress) as display, quiet(not show_progress):
        for event in events:
            if isinstance(event, LeftToOthers):
                left = event.sentence
                continue
            trained |= isinstance(event, RunEvent) and isinstance(event.event, Started)
            display.show(event)
            feed.see(event, asked.folder)
        if log and not trained:
            display.print(_NOT_LOGGED.format(folder=asked.folder))
    if left is None:
        write_study_pages(asked.folder)
    return left


_HERE = Elsewhere()


def evaluate(run: Path, *, device: str | None, where: Elsewhere = _HERE) -> tuple[Path, list[str]]:
    """Score a trained run on its held-out images again, or on another test set, and write the page.

    device: by default the recipe's device, or an available one if that is missing.
    Returns the folder of the evaluation, and notices for the user. It is the run's folder for the run's own images, and
    a folder in `other-images/` for others: the run's own evaluation stays.
    """
    with together(device or "auto") as processes:
        if processes.first:
            folder, notices = _evaluate(run, device, where)
        else:
            evaluate_run(run, find_images(run, where).splits, cache_folder(), device)
            folder, notices = run, []
        processes.wait()
    if processes.first:
        write_run_report(run, None if folder == run else folder)
    return folder, notices


def _evaluate(run: Path, device: str | None, where: Elsewhere) -> tuple[Path, list[str]]:
    """`evaluate` without the page, by the first of several processes."""
    found = find_images(run, where)
    if found.other is None:
        with locked(run), logged(run, "evaluate"):
            notices = evaluate_run(run, found.splits, cache_folder(), device)
        return run, [*found.notices, *notices]
    with locked(run), logged(run, "evaluate"):
        into = own_folder(own_folder(run / OTHER_IMAGES) / found.other.name)
        notices = evaluate_run(
            run,
            found.splits,
            cache_folder(),
            device,
            into=into,
            source=f"{found.other.source} (another test set)",
            flags=found.other.flags,
        )
    return into, [*found.notices, *notices]


def compare_denoisers(
    run: Path, noise: Sequence[float], *, device: str | None
) -> tuple[list[DenoisingRecord], list[str]]:
    """How well a run removes noise of these standard deviations ([-1, 1] scale); and notices for the user.

    The run's folder keeps it, and its page shows it. device: by default one that is here. Raises InputError for noise
    that is none, and where the methods without training, which are scored too, are not installed.
    """
    for std in noise:
        if not 0 < std <= 2:  # also nan
            raise InputError(
                f"--noise: {std:g} does not fit: give a standard deviation above 0, at most 2, such as 0.1"
            )
    methods = untrained_methods()
    splits = load_run_data(run)
    model, checkpoint, notices = load_trained(run, device or "auto")
    recipe = read_recipe(run)
    notices.append(TrainedNoise.of(model, recipe.corruption.kind).sentence)
    found: list[DenoisingRecord] = []
    with work_progress("Comparing denoisers", len(noise), "strength") as progress:
        for std in noise:
            found.append(compare(model, recipe.name, splits, std, methods, done=progress.within))
            progress.advance()
    try:
        with logged(run, "evaluate"):
            keep_denoising(run, found, checkpoint)
        if is_evaluated(run):
            write_run_report(run)
    except (OSError, RunError) as error:  # as in `score`
        notices.append(f"The run's folder does not keep this for its page: {error}.")
    return found, notices


@dataclass(frozen=True)
class ScoredRun:
    """Scores of pictures, what the doctor says of labelled anomalies among them, and notices for the user."""

    scored: Scored
    doctor: Diagnosis | None
    notices: tuple[str, ...]


def score(
    run: Path,
    sources: Sequence[Source],
    *,
    false_alarms: float,
    normal: str | None,
    device: str,
    skip_broken: bool,
    show_progress: bool,
) -> ScoredRun:
    """Score pictures by the run's calibration; with labels, keep what that shows for the doctor and the run's page.

    Raises as `score_run`.
    """
    scored = score_run(
        run,
        sources,
        false_alarms=false_alarms,
        normal=normal,
        device=device,
        skip_broken=skip_broken,
        quiet=not show_progress,
    )
    found = None if scored.judged is None else scored.judged.record
    if found is None:
        return ScoredRun(scored, None, scored.notices)
    recipe, shape = read_recipe(run), read_environment(run).image_shape
    try:
        with logged(run, "score"):
            said = keep_anomalies(run, found, recipe, shape)
        if is_evaluated(run):
            write_run_report(run)
    except (OSError, RunError) as error:  # a run on a read-only disk can be scored as well
        said = anomaly_diagnosis(found, recipe, shape)
        return ScoredRun(scored, said, (*scored.notices, f"The run's folder does not keep this for its page: {error}."))
    return ScoredRun(scored, said, scored.notices)


def report(folder: Path) -> tuple[Path, list[str]]:
    """Write the page of a run or a study again; its path, and what of the folder is not on it.

    Raises InputError where the folder is neither.
    """
    if os.path.lexists(folder / "findings.json"):
        with logged(folder, "report"):
            page, runs = write_study_pages(folder), sorted(folder.glob("*/seed-*/evaluation.json"))
        return page, [f"{run.parent}: {sentence}" for run in runs for sentence in left_out(run.parent)]
    if os.path.lexists(folder / "evaluation.json"):
        with logged(folder, "report"):
            return write_run_report(folder), list(left_out(folder))
    raise InputError(f"{folder}: neither a finished run nor a study; `isthmus study NAME` makes one")


def check_explorer() -> None:
    """Raise InputError where `explore` could write no page, because its script was not built."""
    assets.check_built()


def explore(folder: Path, *, models: Sequence[str], out: Path | None, where: Elsewhere = _HERE) -> Explorer:
    """Write the page that runs models in the browser; without `out`, the report links to it.

    A page with another test set is written into `other-images/` of the folder, where no `out` is given.
    """
    with logged(folder, "explore") if out is None else nullcontext():
        made = write_explorer(folder, cache_folder(), only=models, out=out, where=where)
    if made.page == folder / "explorer.html":
        (write_study_report if (folder / "findings.json").is_file() else write_run_report)(folder)
    return made
