"""The command line: `isthmus VERB THING [option.path=value ...]`. Only the verbs are here; api/ does the work.

Data goes to stdout, progress and messages to stderr. Exit codes: 0 done, 1 a run or a check failed, 2 wrong use,
130 interrupted.
"""

from __future__ import annotations

import os
import sys
from functools import partial
from typing import Annotated

import typer
import typer.main

from isthmus.cli import data, exit_codes
from isthmus.cli.app import app
from isthmus.cli.compare import compare, table
from isthmus.cli.denoise import denoise
from isthmus.cli.encode import encode
from isthmus.cli.evaluate import doctor, evaluate, report
from isthmus.cli.list import list_things
from isthmus.cli.new import new
from isthmus.cli.reconstruct import reconstruct
from isthmus.cli.remove import remove
from isthmus.cli.runs import runs
from isthmus.cli.score import calibrate, score
from isthmus.cli.similar import similar
from isthmus.cli.slim import slim
from isthmus.cli.supervise import supervised
from isthmus.cli.train import study, train
from isthmus.cli.use import explore, export, sample
from isthmus.cli.watch import watch
from isthmus.cli.work import work
from isthmus.core.memory_limit import check_start
from isthmus.core.paths import check_working_folder

__all__ = ["main"]

# the order in --help
_VERBS = (study, work, train, watch, evaluate, doctor, report, explore, export)
_USES = (encode, similar, calibrate, score, denoise, reconstruct, sample)
_DAILY = (runs, compare, table, slim, remove)
for verb in (*_VERBS, *_USES, *_DAILY):
    app.command()(verb)
app.command("list")(list_things)
app.command()(new)
app.add_typer(data.app, name="data")


def main() -> None:
    """Run the command line and exit; every expected failure is one sentence on stderr."""
    sys.exit(supervised(partial(exit_codes.code_of, _run), exit_codes.crashed))


def _run() -> None:
    if "_ISTHMUS_COMPLETE" in os.environ:  # a shell asks for completions
        app(prog_name="isthmus")
    # not `app()`: it handles Ctrl-C itself and prints no message
    with typer.main.get_command(app).make_context("isthmus", sys.argv[1:]) as context:
        context.command.invoke(context)


@app.callback(invoke_without_command=True)
def root(
    context: typer.Context,
    version: Annotated[bool, typer.Option("--version", help="Print the versions, the device and the kernels.")] = False,
) -> None:
    if version:
        from isthmus.cli.version import print_version

        print_version()
        raise typer.Exit
    if context.invoked_subcommand is None:
        print(context.get_help())
        raise typer.Exit(2)
    check_start()
    check_working_folder()
