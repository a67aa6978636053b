"""The command line: `isthmus VERB THING [option.path=value ...]`. Verbs only; the work is done elsewhere.

Data goes to stdout, progress and messages to stderr. Exit codes: 0 done, 1 a run or a check failed, 2 wrong use,
130 interrupted.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Annotated, Any, Literal

import typer
import typer.main

from isthmus import __version__, exits
from isthmus.errors import InputError, RunError

# Everything that needs torch is imported by the verb that needs it, so that `--help` answers at once.
app = typer.Typer(
    help="Trains, compares and looks inside image autoencoders, and says which choice mattered.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)

Changes = Annotated[
    list[str] | None,
    typer.Argument(metavar="[OPTION.PATH=VALUE]...", help="Changes to the recipe, such as bottleneck.dim=16."),
]
Out = Annotated[Path | None, typer.Option("--out", "-o", help="The folder to write. [default: runs/NAME]")]
AsJson = Annotated[bool, typer.Option("--json", help="Print the result as JSON on stdout.")]
Offline = Annotated[bool, typer.Option("--offline", help="Never use the network.")]
Jobs = Annotated[
    str,
    typer.Option(
        "--jobs",
        "-j",
        metavar="N|auto",
        help="Runs at a time: processes with a share of the CPU's threads, or turns on a GPU; auto picks how many.",
    ),
]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="No progress on stderr.")]
SkipBroken = Annotated[bool, typer.Option("--skip-broken", help="Leave unreadable image files out, by name.")]


def main() -> None:
    """Run the command line and exit; every foreseeable failure is one sentence on stderr."""
    sys.exit(exits.code_of(_run))


def _run() -> None:
    # not `app()`, which answers Ctrl-C itself, without a word
    with typer.main.get_command(app).make_context("isthmus", sys.argv[1:]) as context:
        context.command.invoke(context)


@app.callback(invoke_without_command=True)
def root(
    version: Annotated[bool, typer.Option("--version", help="Print the version.")] = False,
) -> None:
    if version:
        print(f"isthmus {__version__}")
        raise typer.Exit


@app.command()
def study(
    name: Annotated[str, typer.Argument(help="A study: post, post-faithful, demo, a TOML file, or a study folder.")],
    changes: Changes = None,
    out: Out = None,
    jobs: Jobs = "1",
    as_json: AsJson = False,
    offline: Offline = False,
    skip_broken: SkipBroken = False,
    quiet: Quiet = False,
) -> None:
    """Train every variation of a study, compare them, and write the report.

    Run it again to go on: only what is missing or unfinished is run.
    """
    from isthmus.plan import load_plan
    from isthmus.recipe import parse_overrides

    if name and (Path(name) / "study.toml").is_file():
        out, name = out or Path(name), f"{name}/study.toml"
    plan = load_plan(name, _with_flags(parse_overrides(changes or []), offline, skip_broken))
    count = _count(jobs)

    from isthmus import tables
    from isthmus.files import read_json
    from isthmus.paths import cache_folder
    from isthmus.progress import Display
    from isthmus.report import write_study_pages
    from isthmus.studies import study as run_study
    from isthmus.training.environment import command_line

    folder = out or Path("runs") / plan.name
    with Display(enabled=not quiet) as display:
        for event in run_study(plan, folder, cache_folder(), command=command_line(), jobs=count):
            display.show(event)
    page = write_study_pages(folder)
    found = read_json(folder / "findings.json")
    if as_json:
        print(json.dumps(found, indent=1))
    else:
        tables.print_findings(found)
        print(f"Report: {page.resolve()}")
    failed = [row for row in found["findings"] if row["kind"] == "failure"]
    if failed:
        raise RunError(f"{len(failed)} of the study's runs failed; run it again to try them once more")


@app.command()
def train(
    name: Annotated[str, typer.Argument(help="A recipe such as post/latent-10, a TOML file, or a run folder.")],
    changes: Changes = None,
    out: Out = None,
    resume: Annotated[bool, typer.Option("--resume", help="Go on with the unfinished run in the folder.")] = False,
    as_json: AsJson = False,
    offline: Offline = False,
    skip_broken: SkipBroken = False,
    quiet: Quiet = False,
) -> None:
    """Train one recipe, evaluate it on held-out images, and write its report."""
    from isthmus.plan import builtin, load_recipe
    from isthmus.recipe import parse_overrides

    overrides = _with_flags(parse_overrides(changes or []), offline, skip_broken)
    home = Path(name)
    if (home / "recipe.toml").is_file() or (name and home.is_dir() and name.partition("/")[0] not in builtin()):
        if overrides:
            raise InputError(f"{name}: a run goes on as it began; changes need a new --out and the recipe's name")
        from isthmus.runs import read_recipe

        recipe, folder = read_recipe(home), out or home
    else:
        recipe = load_recipe(name, overrides)
        folder = out or Path("runs") / recipe.name

    from isthmus import tables
    from isthmus.files import read_json
    from isthmus.paths import cache_folder
    from isthmus.progress import Display
    from isthmus.report import write_run_report
    from isthmus.runs import check, is_begun, is_evaluated, load_data, run

    check(folder, recipe)
    if not is_evaluated(folder):  # a finished run is shown again, even where its images are gone
        if is_begun(folder) and not resume:
            raise InputError(f"{folder}: holds an unfinished run; add --resume to go on, or choose another --out")
        with Display(enabled=not quiet) as display:
            for event in run(recipe, folder, load_data(recipe), cache_folder()):
                display.show(event)
    page = write_run_report(folder)
    _print_evaluation(read_json(folder / "evaluation.json"), as_json, tables)
    if not as_json:
        print(f"Report: {page.resolve()}")


@app.command()
def evaluate(
    run: Annotated[Path, typer.Argument(help="A run folder.")],
    as_json: AsJson = False,
) -> None:
    """Score a trained run on its held-out test images, again."""
    _need_folder(run)
    from isthmus import tables
    from isthmus.files import read_json
    from isthmus.paths import cache_folder
    from isthmus.report import write_run_report
    from isthmus.runs import evaluate_run, load_data, read_recipe

    for sentence in evaluate_run(run, load_data(read_recipe(run)), cache_folder()):
        _say(sentence)
    write_run_report(run)
    _print_evaluation(read_json(run / "evaluation.json"), as_json, tables)


@app.command()
def report(folder: Annotated[Path, typer.Argument(help="A run folder or a study folder.")]) -> None:
    """Write the page of a run or a study anew and print its path."""
    _need_folder(folder)
    from isthmus.report import write_run_report, write_study_pages

    if (folder / "findings.json").is_file():
        page = write_study_pages(folder)
    elif (folder / "evaluation.json").is_file():
        page = write_run_report(folder)
    else:
        raise InputError(f"{folder}: neither a finished run nor a study; `isthmus study NAME` makes one")
    print(page.resolve())


@app.command()
def reconstruct(
    run: Annotated[Path, typer.Argument(help="A run folder.")],
    images: Annotated[list[Path], typer.Argument(help="Image files; cropped and shrunk to the model's size.")],
    out: Annotated[Path, typer.Option("--out", "-o", help="A PNG for one image, a folder for several.")] = Path(
        "reconstruction.png"
    ),
) -> None:
    """Send images through a trained model and save what comes out."""
    _need_folder(run)
    from PIL import Image

    from isthmus.images import read_image

    targets = _targets(images, out)
    from isthmus.runs import load_model

    model, notices = load_model(run, "auto")
    height, width = model.image_shape[1:]
    pixels = [read_image(path, size=(height, width), name=str(path)) for path in images]
    for sentence in notices:
        _say(sentence)
    for target, result in zip(targets, model.reconstruct(pixels), strict=True):
        target.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(result).save(target, format="PNG")
        print(target)


@app.command("list")
def list_things(
    sort: Annotated[
        str | None,
        typer.Argument(help="recipes, datasets, architectures, bottlenecks, corruptions, objectives or measures."),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """List recipes and parts with their options."""
    from isthmus import tables

    tables.print_list(sort, as_json=as_json)


@app.command()
def data(
    kind: Annotated[str, typer.Argument(help="A data set: cifar10, parquet, folder or scenes.")],
    changes: Annotated[
        list[str] | None,
        typer.Argument(metavar="[OPTION=VALUE]...", help="Its options, such as path=FOLDER."),
    ] = None,
    download: Annotated[bool, typer.Option("--download", help="Fetch it where it is not here yet.")] = False,
    sheet: Annotated[Path | None, typer.Option("--sheet", help="Save a PNG of the first training images.")] = None,
    as_json: AsJson = False,
    offline: Offline = False,
    skip_broken: SkipBroken = False,
) -> None:
    """Read a data set and say what is in it; `isthmus data cifar10 --download` fetches CIFAR-10."""
    from isthmus import tables
    from isthmus.recipe import parse_overrides

    options = parse_overrides(changes or [])
    options = {key.removeprefix("data."): value for key, value in options.items()}
    flags = _with_flags({"data.kind": kind}, offline, skip_broken, download=download)
    options |= {key.removeprefix("data."): value for key, value in flags.items() if key != "data.kind"}
    tables.print_data(kind, options, sheet=sheet, as_json=as_json)


def _with_flags(
    overrides: dict[str, Any], offline: bool, skip_broken: bool, *, download: bool = False
) -> dict[str, Any]:
    if offline:
        if download:
            raise InputError("--download needs the network that --offline forbids; leave one of them out")
        os.environ["ISTHMUS_OFFLINE"] = "1"
    flags = {"data.skip_broken": skip_broken, "data.download": download}
    return overrides | {key: True for key, given in flags.items() if given}


def _count(jobs: str) -> int | Literal["auto"]:
    if jobs != "auto" and not (jobs.isdecimal() and int(jobs)):
        raise InputError(f"--jobs: {jobs!r} does not fit: it is a whole number from 1, or auto")
    return "auto" if jobs == "auto" else int(jobs)


def _targets(images: list[Path], out: Path) -> list[Path]:
    """Where the reconstruction of each image goes; never onto an image that was given."""
    if out.is_dir() or (len(images) > 1 and not out.suffix):
        targets = [out / f"{path.stem}.png" for path in images]
    elif len(images) > 1:
        raise InputError(f"{out}: {len(images)} images need a folder to go to; give --out FOLDER")
    elif out.suffix.lower() != ".png":
        raise InputError(f"{out}: reconstructions are saved as PNG; give --out a name that ends in .png")
    else:
        targets = [out]
    if len(set(targets)) < len(targets):
        raise InputError("two of the images have the same name and would overwrite each other; give them one by one")
    given = {path.resolve() for path in images}
    for target in targets:
        if target.resolve() in given:
            raise InputError(f"{target}: would overwrite the image itself; choose another --out")
    return targets


def _need_folder(path: Path) -> None:
    if not path.is_dir():
        raise InputError(f"{path}: no such folder; `isthmus train` makes run folders under runs/")


def _print_evaluation(summary: dict[str, Any], as_json: bool, tables: Any) -> None:
    if as_json:
        print(json.dumps(summary, indent=1))
    else:
        tables.print_evaluation(summary)


def _say(sentence: str) -> None:
    print(sentence, file=sys.stderr)
