"""What the verbs share: the application, options by name, and small helpers."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from isthmus.cli.complete import recipe_names, recipe_options
from isthmus.core.errors import InputError
from isthmus.core.paths import expanded
from isthmus.core.wording import printable

if TYPE_CHECKING:
    from isthmus.inference.images_elsewhere import Elsewhere

# Each verb imports what needs torch inside its function, so that `--help` is fast.
app = typer.Typer(
    help="Trains, compares and looks inside image autoencoders, and says which choice mattered.",
    pretty_exceptions_enable=False,
    rich_markup_mode=None,  # importing rich takes half of the time of --help
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _as_typed(path: Any) -> Any:
    return path


def _expanded(param: typer.CallbackParam, value: Any) -> Any:
    if isinstance(value, list | tuple):
        return [expanded(one, param.opts[0]) for one in value]
    return None if value is None else expanded(value, param.opts[0])


# for every path argument and option; typer's own Path would turn "" into the current folder
PATH: Any = {"parser": _as_typed, "callback": _expanded}
Recipe = Annotated[
    str | None,
    typer.Argument(help="A recipe such as post/latent-10, a TOML file, or a run folder.", autocompletion=recipe_names),
]
Study = Annotated[
    str,
    typer.Argument(
        help="A study such as post, a TOML file, or a study folder; see `isthmus list recipes`.",
        autocompletion=recipe_names,
    ),
]
Changes = Annotated[
    list[str] | None,
    typer.Argument(
        metavar="[OPTION.PATH=VALUE]...",
        help="Changes to the recipe, such as bottleneck.dim=16.",
        autocompletion=recipe_options,
    ),
]
Out = Annotated[Path | None, typer.Option("--out", "-o", help="The folder to write. By default runs/NAME.", **PATH)]
AsJson = Annotated[bool, typer.Option("--json", help="Print the result as JSON on stdout.")]
Offline = Annotated[bool, typer.Option("--offline", help="Never use the network.")]
Jobs = Annotated[
    str,
    typer.Option(
        "--jobs",
        "-j",
        metavar="N|auto",
        help="How many runs at a time. On the CPU they share its threads, on a GPU they take turns; auto chooses.",
    ),
]
On = Annotated[
    str,
    typer.Option(
        "--on",
        metavar="here|slurm|ray",
        help="Who trains: this computer, or a cluster that shares the study's folder, each run as a job of its own.",
    ),
]
KeepOptimizer = Annotated[
    bool,
    typer.Option(
        "--keep-optimizer",
        help="Keep the optimizer's state once training has ended: more epochs then go on exactly where it ended.",
    ),
]
LogTo = Annotated[
    list[str] | None,
    typer.Option(
        "--log",
        metavar="tensorboard|wandb",
        help="Pass numbers and pictures on to TensorBoard, or to Weights & Biases (offline), too.",
    ),
]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="No progress on stderr.")]
SkipBroken = Annotated[
    bool, typer.Option("--skip-broken", help="Leave out image files that cannot be read, and name them.")
]


Data = Annotated[
    str | None,
    typer.Option(
        "--data",
        metavar="PATH",
        help="Images to use: the run's own at another place, recognised by content, or another test set, which is then "
        "said wherever it is shown.",
    ),
]
Moved = Annotated[
    list[str] | None,
    typer.Argument(metavar="[data.path=PATH]...", help="Where the run's own images are now, if they were moved."),
]
Device = Annotated[str, typer.Option("--device", help="cpu, cuda, mps or auto: the best there is.")]
TrainDevice = Annotated[
    str | None, typer.Option("--device", help="cpu, cuda, mps or auto; the same as train.device=...")
]


def elsewhere(data: str | None, moved: list[str] | None, *, skip_broken: bool = False) -> Elsewhere:
    """Where the images of a run are, as `--data` and `data.path=` say."""
    from isthmus.inference.images_elsewhere import Elsewhere
    from isthmus.recipes.recipe import parse_overrides

    return Elsewhere(parse_overrides(moved or []), None if data is None else str(expanded(data, "--data")), skip_broken)


def with_flags(
    overrides: dict[str, Any],
    offline: bool,
    skip_broken: bool,
    *,
    download: bool = False,
    device: str | None = None,
) -> dict[str, Any]:
    if device is not None:
        if "train.device" in overrides:
            raise InputError("train.device: is given twice, as an option and as --device; leave one out")
        overrides = {**overrides, "train.device": device}
    if offline:
        if download:
            raise InputError("--download needs the network that --offline forbids; leave one of them out")
        os.environ["ISTHMUS_OFFLINE"] = "1"
    flags = {"data.skip_broken": skip_broken, "data.download": download}
    return overrides | {key: True for key, given in flags.items() if given}


def need_folder(path: Path) -> None:
    if not path.is_dir():
        raise InputError(f"{path}: no such folder; `isthmus train` makes run folders under runs/")


def print_evaluation(run: Path, as_json: bool) -> None:
    """Print the evaluation.json of a run, or of its folder of another test set, after checking that it is complete."""
    from isthmus.cli import tables
    from isthmus.run_files.evaluation import EvaluationRecord
    from isthmus.run_files.read import read_json, read_record

    evaluation = read_record(run / "evaluation.json", EvaluationRecord)
    if as_json:
        print(json.dumps(read_json(run / "evaluation.json"), indent=1))
    else:
        tables.print_evaluation(evaluation)


def tell(result: object) -> None:
    """Print one line of results: without control characters on a terminal, unchanged for programs."""
    print(printable(str(result)) if sys.stdout.isatty() else result)


def say(sentence: str) -> None:
    print(printable(sentence), file=sys.stderr)
