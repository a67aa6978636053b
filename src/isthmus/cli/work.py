"""The verb that takes part in a study: work."""

from __future__ import annotations

import json
from typing import Annotated

import typer

from isthmus.cli.app import (
    AsJson,
    Changes,
    KeepOptimizer,
    LogTo,
    Offline,
    Out,
    Quiet,
    SkipBroken,
    Study,
    tell,
    with_flags,
)
from isthmus.cli.train import end_study


def work(
    name: Study,
    changes: Changes = None,
    out: Out = None,
    wait: Annotated[bool, typer.Option("--wait", help="Stay until the runs of others are done too.")] = False,
    keep_optimizer: KeepOptimizer = False,
    log: LogTo = None,
    as_json: AsJson = False,
    offline: Offline = False,
    skip_broken: SkipBroken = False,
    quiet: Quiet = False,
) -> None:
    """Do the missing runs of a study, beside other processes.

    Any number of computers can, where they share the study's folder. Whoever ends last compares.
    """
    from isthmus.api.asked import asked_study
    from isthmus.recipes.recipe import parse_overrides

    asked = asked_study(name, out, with_flags(parse_overrides(changes or []), offline, skip_broken))

    from isthmus.api import verbs

    left = verbs.work(asked, wait=wait, show_progress=not quiet, keep_optimizer=keep_optimizer, log=log or ())
    if left is None:
        end_study(asked.folder, as_json)
    elif as_json:
        print(json.dumps({"left": left}, indent=1))
    else:
        tell(left)
