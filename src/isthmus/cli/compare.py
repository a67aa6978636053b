"""Verbs that put runs beside each other: compare and table."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from isthmus.cli.app import PATH, AsJson, say, tell
from isthmus.core.errors import InputError
from isthmus.core.outputs import check_free, delivering, is_stream
from isthmus.core.paths import resolved

if TYPE_CHECKING:
    from isthmus.pages.study_table import StudyTable

_ENDINGS = {".csv": "csv", ".tex": "latex", ".md": "markdown", ".json": "json"}
# how a file begins that this verb wrote, so that it may be replaced
_MARKS = {
    "csv": (b"variation,psnr",),
    "latex": (rb"% isthmus table",),
    "markdown": (b"| Variation | PSNR",),
    "json": (b'[\n {\n  "variation":',),
}


def compare(
    runs: Annotated[
        list[Path],
        typer.Argument(
            metavar="RUN RUN...",
            help="Run folders, the first as the base; or folders STUDY/VARIATION, whose seeds are averaged.",
            **PATH,
        ),
    ],
    out: Annotated[
        Path | None,
        typer.Option("--out", "-o", help="The HTML page. By default comparison.html; with --json, none.", **PATH),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Compare runs on the same test images, image by image."""
    if len(runs) < 2:
        raise InputError("compare: needs two or more runs; name another")
    if out is None and not as_json:
        out = Path("comparison.html")
    from isthmus.api import comparison
    from isthmus.cli import tables
    from isthmus.run_files.write import as_json as dumped

    found = comparison.compare_runs(runs, out)
    if as_json:
        print(json.dumps(dumped(found.record), indent=1))
        return
    tables.print_findings(found.record)
    tell(f"Page: {resolved(out) if out is not None else ''}")


def table(
    folders: Annotated[
        list[Path],
        typer.Argument(metavar="STUDY|RUN...", help="A study, or runs; or folders STUDY/VARIATION.", **PATH),
    ],
    csv: Annotated[bool, typer.Option("--csv", help="All numbers in full, intervals in columns of their own.")] = False,
    latex: Annotated[bool, typer.Option("--latex", help="A tabular with the rules of booktabs.")] = False,
    markdown: Annotated[bool, typer.Option("--markdown", help="The default.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="What --csv writes, as one object per row.")] = False,
    out: Annotated[
        Path | None,
        typer.Option("--out", "-o", help="The file to write: .csv, .tex, .md or .json. By default stdout.", **PATH),
    ] = None,
) -> None:
    """Print the table of a study or of runs, for papers."""
    chosen = [name for name, on in zip(_MARKS, (csv, latex, markdown, as_json), strict=True) if on]
    form = _form(chosen, out)
    if out is not None and not is_stream(out):
        check_free(out, *_MARKS[form])
    from isthmus.api.comparison import table_of
    from isthmus.pages.study_table import without_result

    made, findings = table_of(folders)
    text = _written(made, form)
    if missing := without_result(findings):
        say(f"Without a result: {'; '.join(missing)}.")
    if out is None:
        print(text, end="")
        return
    with delivering(out) as file:
        file.write(text.encode("utf-8"))
    if not is_stream(out):
        tell(out)


def _form(chosen: list[str], out: Path | None) -> str:
    """Raises InputError where several forms are asked for, or none that is known."""
    ending = "" if out is None or is_stream(out) else out.suffix.lower()
    if len(chosen) > 1:
        raise InputError(f"table: --{chosen[0]} and --{chosen[1]} exclude each other; leave one of them out")
    if ending and not chosen and ending not in _ENDINGS:
        raise InputError(f"{out}: a table is written as {', '.join(_ENDINGS)}; give --out such an ending")
    if ending in _ENDINGS and chosen and _ENDINGS[ending] != chosen[0]:
        raise InputError(f"{out}: does not end as --{chosen[0]} does; leave one of them out")
    return chosen[0] if chosen else _ENDINGS.get(ending, "markdown")


def _written(made: StudyTable, form: str) -> str:
    if form == "csv":
        return made.csv()
    if form == "latex":
        return f"% isthmus table\n{made.latex()}"
    if form == "markdown":
        return made.markdown()
    names = list(made.columns)
    rows = [
        {
            name: None if isinstance(value, float) and math.isnan(value) else value
            for name, value in zip(names, row, strict=True)
        }
        for row in zip(*made.columns.values(), strict=True)
    ]
    return json.dumps(rows, indent=1) + "\n"
