"""Every verb of the command line with its arguments and options, as `--help` has them."""

from __future__ import annotations

import importlib
from collections.abc import Iterator
from typing import Any

import typer.main

from isthmus.cli.app import app
from isthmus_site.reference.markdown import anchor, code, table


def page() -> str:
    importlib.import_module("isthmus.cli")  # registers the verbs
    group: Any = typer.main.get_command(app)
    return "\n".join(
        [
            "# Verbs of the command line\n",
            "`isthmus VERB THING [option.path=value ...] [--flags]`. Results go to stdout, progress and messages to "
            "stderr. Exit codes: 0 done, 1 a run or a check failed, 2 wrong use, 130 interrupted. Values are written "
            "as in TOML: `train.epochs=5`, `'data.size=[48, 64]'`.\n",
            *_sections("isthmus", group),
        ]
    )


def _sections(path: str, group: Any) -> Iterator[str]:
    for name, command in group.commands.items():
        if command.hidden:
            continue
        yield _section(f"{path} {name}", command)
        if hasattr(command, "commands"):
            yield from _sections(f"{path} {name}", command)


def _section(path: str, command: Any) -> str:
    given = [one for one in command.params if one.name != "help" and not getattr(one, "hidden", False)]
    words = [_placeholder(one) for one in given if one.param_type_name == "argument"]
    usage = " ".join([path, *words, *(["[OPTIONS]"] if len(words) < len(given) else [])])
    rows = table(("argument or option", "meaning"), ((_names(one), _meaning(one)) for one in given))
    level = "##" if path.count(" ") == 1 else "###"
    target = anchor("verb-" + "-".join(path.split()[1:]))
    return f"{target}\n{level} {path}\n\n{command.help}\n\n```text\n{usage}\n```\n\n{rows}"


def _placeholder(argument: Any) -> str:
    name = argument.metavar or argument.name.upper()
    if argument.metavar is None and (argument.nargs == -1 or argument.multiple):
        name += "..."
    return name if argument.required or name.startswith("[") else f"[{name}]"


def _names(one: Any) -> str:
    if one.param_type_name == "argument":
        return code(_placeholder(one))
    names = ", ".join(map(code, (*one.opts, *one.secondary_opts)))
    return names if one.is_flag else f"{names} {code(one.metavar or one.name.upper())}"


def _meaning(one: Any) -> str:
    default = one.default
    if one.param_type_name == "argument" or default in (None, False, [], ()) or callable(default):
        return one.help or ""
    return f"{one.help or ''} Default: `{default}`."
