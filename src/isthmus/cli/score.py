"""Verbs that find anomalies: calibrate and score."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from isthmus.cli.app import PATH, AsJson, Quiet, SkipBroken, need_folder, say, tell
from isthmus.core.errors import InputError
from isthmus.core.outputs import check_free, is_stream

Run = Annotated[Path, typer.Argument(help="A run folder.", **PATH)]
Device = Annotated[str, typer.Option("--device", help="cpu, cuda, mps or auto.")]


def calibrate(
    run: Run,
    sources: Annotated[
        list[Path] | None,
        typer.Argument(
            metavar="SOURCE",
            help="Normal pictures that the run was not trained on: files, folders, patterns, data files. "
            "By default the run's own test images.",
            **PATH,
        ),
    ] = None,
    measure: Annotated[
        str,
        typer.Option(
            "--measure",
            help="Of the error: mse, ssim, local, relative, latent, elbo; auto chooses by made-up anomalies.",
        ),
    ] = "auto",
    normal: Annotated[
        str | None,
        typer.Option("--normal", metavar="NAME", help="Take only pictures with this label, a folder's name."),
    ] = None,
    skip_broken: SkipBroken = False,
    device: Device = "auto",
    as_json: AsJson = False,
    quiet: Quiet = False,
) -> None:
    """Measure normal pictures' errors, with which `score` compares.

    With them, `score` promises a false-alarm rate. Pictures that were trained on, or that chose the weights, are found
    by their content and refused.
    """
    need_folder(run)
    from isthmus.inference.anomaly.calibrate import calibrate_run
    from isthmus.run_files.calibration import NAME
    from isthmus.run_files.write import as_json as dumped

    made = calibrate_run(
        run,
        list(map(str, sources)) if sources else None,
        measure=measure,
        normal=normal,
        device=device,
        skip_broken=skip_broken,
        quiet=quiet,
    )
    for sentence in made.notices:
        say(sentence)
    record = made.calibration.record
    if as_json:
        print(json.dumps({**dumped(record), "allows": made.allows}, indent=1))
        return
    from isthmus.cli.score_tables import print_calibration

    print_calibration(made, run / NAME)


def score(
    run: Run,
    sources: Annotated[
        list[Path],
        typer.Argument(metavar="SOURCE", help="The pictures: files, folders, patterns, data files.", **PATH),
    ],
    out: Annotated[Path, typer.Option("--out", "-o", help="The table to write, .parquet or .csv.", **PATH)] = Path(
        "scores.parquet"
    ),
    sheet: Annotated[
        Path | None, typer.Option("--sheet", help="A PNG of the highest errors, with error maps.", **PATH)
    ] = None,
    false_alarms: Annotated[
        float, typer.Option("--false-alarms", metavar="RATE", help="The rate at which normal pictures may be flagged.")
    ] = 0.01,
    normal: Annotated[
        str | None,
        typer.Option(
            "--normal",
            metavar="NAME",
            help="The label of the normal pictures, a folder's name: says how well errors find all others.",
        ),
    ] = None,
    skip_broken: SkipBroken = False,
    device: Device = "auto",
    as_json: AsJson = False,
    quiet: Quiet = False,
) -> None:
    """Find anomalies: error, p-value and flag of each picture.

    Needs a calibration (`isthmus calibrate`). The p-value is the share of normal pictures with an error as large.
    """
    need_folder(run)
    if sheet is not None and sheet.suffix.lower() != ".png" and not is_stream(sheet):
        raise InputError(f"{sheet}: sheets are saved as PNG; give --sheet a name that ends in .png")
    from isthmus.api import verbs
    from isthmus.inference.anomaly.score_table import check_table, write_table

    check_table(out)
    if sheet is not None:
        check_free(sheet)
    found = verbs.score(
        run,
        list(map(str, sources)),
        false_alarms=false_alarms,
        normal=normal,
        device=device,
        skip_broken=skip_broken,
        show_progress=not quiet,
    )
    for sentence in found.notices:
        say(sentence)
    write_table(found.scored, out)
    if sheet is not None:
        _save_sheet(found, run, sheet)
    if is_stream(out):  # stdout may be that stream, and gets nothing else
        say(found.scored.summary)
        return
    from isthmus.cli import score_tables

    if as_json:
        print(json.dumps(score_tables.as_json(found, out), indent=1))
        return
    score_tables.print_scores(found)
    for written in (out, sheet):
        if written is not None and not is_stream(written):
            tell(written)


def _save_sheet(found: object, run: Path, sheet: Path) -> None:
    from isthmus.api.verbs import ScoredRun
    from isthmus.pages.anomaly_sheet import anomaly_sheet
    from isthmus.pages.contact_sheet import save_picture
    from isthmus.pages.shown_pixels import remarks, view_of
    from isthmus.runs.run_folder import read_environment, read_recipe

    assert isinstance(found, ScoredRun)
    images = read_environment(run).data
    assert images.image_shape is not None
    view = view_of(images.image_shape[0], read_recipe(run).data.options.get("shown_channels"))
    for sentence in remarks(view, images.depth, None):
        say(sentence)
    save_picture(anomaly_sheet(found.scored, view), sheet)
