"""The verb that shows a training under way: watch."""

from __future__ import annotations

import contextlib
import math
import shlex
import webbrowser
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from isthmus.cli.app import PATH, say, tell
from isthmus.core.errors import InputError, RunError
from isthmus.core.outputs import check_free, is_stream
from isthmus.core.paths import resolved

if TYPE_CHECKING:
    from isthmus.pages.watch.study import Watched

_LEAST, _MOST = 0.5, 3600.0


def watch(
    folder: Annotated[
        Path, typer.Argument(help="A run folder or a study folder, which may come into being later.", **PATH)
    ],
    every: Annotated[float, typer.Option("--every", metavar="SECONDS", help="How often to write the page.")] = 5.0,
    out: Annotated[
        Path | None, typer.Option("--out", "-o", help="The HTML file to write. By default FOLDER/watch.html.", **PATH)
    ] = None,
    browse: Annotated[bool, typer.Option("--open", help="Open the page in a browser.")] = False,
) -> None:
    """Write a page about a training under way, again and again.

    Run it beside the training. The page opens from disk and loads itself again until the training ends; then this
    ends too. Ctrl-C ends it earlier. It only reads the training's files.
    """
    if not (math.isfinite(every) and _LEAST <= every <= _MOST):
        raise InputError(f"--every: {every:g} does not fit: give seconds from {_LEAST:g} to {_MOST:g}")
    if out is not None and is_stream(out):
        raise InputError(f"--out: {out} is no file that can be written again and again; give a path to an HTML file")
    from isthmus.pages.watch.follow import follow
    from isthmus.pages.watch.page import NAME

    page = folder / NAME if out is None else out
    check_free(page)
    told, waits, watched = False, False, None
    steps = follow(folder, page, every=every)
    with contextlib.suppress(KeyboardInterrupt), contextlib.closing(steps):  # Ctrl-C is how one leaves
        for watched in steps:
            if watched is None and not waits:
                say(f"{folder}: nothing is there yet; waiting for a training to begin. Ctrl-C ends this.")
                waits = True
            elif watched is not None and not told:
                tell(resolved(page))
                told = True
                if browse and not webbrowser.open(resolved(page).as_uri()):
                    say("No browser could be opened; open the page by its path.")
    if watched is None or not watched.ended:
        return
    if watched.ended == "stopped":
        raise RunError(f"{folder}: {_why_stopped(watched)}")
    failed = len(watched.runs) - watched.finished
    but = f", but {failed} of {len(watched.runs)} runs failed" if failed else ""
    say(f"{folder}: finished{but}. Its report: {resolved(folder / 'report.html')}")


def _why_stopped(watched: Watched) -> str:
    """What happened, and the command that goes on."""
    if watched.is_study:
        done = f"{watched.finished} of {len(watched.runs)} runs done"
        return f"stopped, {done}; `isthmus study {shlex.quote(str(watched.folder))}` goes on where it stopped"
    error = watched.runs[0].error
    again = f"`isthmus train {shlex.quote(str(watched.folder))} --resume` goes on where it stopped"
    return f"failed ({error.rstrip('.')}); {again}" if error else f"stopped; {again}"
