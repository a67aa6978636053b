"""What the command line prints on stdout: tables for people, JSON for programs."""

from __future__ import annotations

import inspect
import json
import math
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from isthmus.core import registry
from isthmus.core.errors import InputError
from isthmus.core.outputs import check_free
from isthmus.core.sorts import SORTS
from isthmus.core.wording import all_printable, components, printable
from isthmus.evaluation.baselines.pca_comparison import stayed_at_pca, with_standing
from isthmus.evaluation.describe_measures import measures_in
from isthmus.evaluation.doctor.diagnosis import counts
from isthmus.pages.contact_sheet import contact_sheet, save_picture
from isthmus.recipes import study_plan
from isthmus.recipes.recipe import Split
from isthmus.run_files.evaluation import EvaluationRecord
from isthmus.run_files.findings import Finding, Findings
from isthmus.run_files.scores import HEADLINE, IntervalRecord, MeasureRecord, Score
from isthmus.run_files.write import as_json

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from isthmus.inference.export import Exported
    from isthmus.run_files.diagnosis import Diagnosis

NAMES = {
    "model": "this model",
    "pca": "PCA",
    "mean_image": "mean image",
    "noisy_input": "noisy input itself",
    "denoised": "output for it",
}


def print_findings(findings: Findings) -> None:
    """The findings as sentences, then one row per variation."""
    findings = Findings.model_validate(all_printable(as_json(findings)))
    console = _console()
    console.print()
    for one in findings.findings:
        console.print(f"• {one.sentence}", markup=False)
    finished = [row.scores for row in findings.variations if row.scores is not None]
    measures = measures_in((name for scores in finished for name in scores.by_measure), findings.measures)
    headings = [_heading(measure) for measure in measures.values()]
    table = Table(box=None, pad_edge=False, header_style="bold", padding=(0, 2, 0, 0))
    table.add_column("variation")
    for heading in (*headings[:1], "over PCA dB", *headings[1:], *_COST_COLUMNS):
        table.add_column(heading, justify="right")
    for row in findings.variations:
        if row.scores is None:
            table.add_row(escape(row.name), "no finished run")
            continue
        cost, scores = row.cost, row.scores.by_measure
        headline, *others = (
            _score(scores.get(name, IntervalRecord()), measure, interval=name == HEADLINE)
            for name, measure in measures.items()
        )
        table.add_row(
            escape(row.name),
            headline,
            "is PCA" if row.stayed_at_pca else f"{row.against_pca.psnr.mean:+.2f}",
            *others,
            f"{row.latent_size or 0:,}",
            f"{cost.parameters:,}",
            f"{cost.multiply_adds / 1e6:,.0f}",
            f"{cost.epochs:,.0f}",
            f"{cost.train_seconds:,.0f}",
        )
    console.print()
    console.print(table)
    if finished:
        console.print(_HALF_WIDTH, markup=False)
    _print_undefined(console, measures, finished)
    for line in _corrections(findings.findings):
        console.print(line, markup=False)
    examined = [one.severity for row in findings.variations for one in row.doctor or ()]
    if examined:
        console.print(
            f"\nDoctor: {', '.join(counts(examined))}; `isthmus doctor` and the report say which.", markup=False
        )
    data = findings.data
    if data is not None:
        console.print(
            f"\n{data.source}: {data.train_images or 0:,} training, {data.validation_images or 0:,} validation, "
            f"{data.test_images or 0:,} test images; intervals {findings.intervals}.",
            markup=False,
        )


_HALF_WIDTH = "± is half of the 95 % interval."
_COST_COLUMNS = ("latent", "parameters", "M multiply-adds", "epochs", "seconds")


def print_evaluation(evaluation: EvaluationRecord) -> None:
    """The flags and diagnoses of a run as sentences, then its scores and those of its baselines."""
    evaluation = EvaluationRecord.model_validate(all_printable(as_json(evaluation)))
    console = _console()
    for flag in evaluation.flags:
        console.print(f"• {flag}", markup=False)
    for one in evaluation.doctor or ():
        console.print(f"• {one.sentence} {one.remedy}".rstrip(), markup=False)
    measures = measures_in(
        (name for scores in evaluation.scores.values() for name in scores.by_measure), evaluation.measures
    )
    table = Table(box=None, pad_edge=False, header_style="bold", padding=(0, 2, 0, 0))
    table.add_column("", justify="left")
    for measure in measures.values():
        table.add_column(_heading(measure), justify="right")
    for who, score in evaluation.scores.items():
        extra = f", {components(score.components)}" if score.components else ""
        scores = score.by_measure
        cells = [
            _score(scores.get(name, IntervalRecord()), measure, interval=True) for name, measure in measures.items()
        ]
        table.add_row(escape(NAMES.get(who, who)) + extra, *cells)
    console.print(table)
    console.print(_HALF_WIDTH, markup=False)
    _print_undefined(console, measures, list(evaluation.scores.values()))
    against_pca = evaluation.against_pca
    if evaluation.stayed_at_pca:
        sentence = stayed_at_pca(evaluation.name, evaluation.pca_components)
    else:
        over = against_pca.psnr
        bounds = f"95 % interval {over.low:+.2f} to {over.high:+.2f}"
        compared = f"This model over PCA: {over.mean:+.2f} dB ({bounds})."
        sentence = with_standing(compared, against_pca.mse_ratio, [against_pca.validation])
    console.print(sentence, markup=False)
    data = evaluation.data
    console.print(f"Scored on {data.test_images or 0:,} held-out images of {data.source}.", markup=False)


def _print_undefined(console: Console, measures: Mapping[str, MeasureRecord], scores: Sequence[Score]) -> None:
    """Why a table shows "undefined", once for each measure."""
    reasons = {
        measures[name].name: value.undefined
        for one in scores
        for name, value in one.by_measure.items()
        if value.undefined
    }
    for name, reason in reasons.items():
        console.print(f"{name} is undefined: {reason}.", markup=False)


def _corrections(findings: Sequence[Finding]) -> list[str]:
    """Which verdicts were corrected for multiple comparisons, one line per base."""
    families = {one.against: one.corrected.comparisons for one in findings if one.corrected is not None}
    return [
        f"Verdicts against {'PCA' if against == 'pca' else against} are corrected for {count} comparisons (Holm)."
        for against, count in families.items()
    ]


def print_doctor(found: Mapping[str, Sequence[Diagnosis]]) -> None:
    """found: run folder -> its diagnoses. Prints each sentence with its remedy on the line below."""
    console = _console()
    for place, (folder, lines) in enumerate(found.items()):
        if len(found) > 1:
            console.print(f"{chr(10) if place else ''}[bold]{escape(printable(folder))}[/bold]")
        for one in lines:
            console.print(f"[bold]{one.severity}[/bold]  {escape(printable(one.sentence))}")
            if one.remedy:
                console.print(f"{' ' * len(one.severity)}  {escape(printable(one.remedy))}")
        if not lines:
            console.print("No check found a fault.")


def print_export(exported: Exported) -> None:
    """One row per file, and the PSNR that 16-bit weights lose."""
    console = _console()
    table = Table(box=None, pad_edge=False, header_style="bold", padding=(0, 2, 0, 0))
    for name in ("file", "input", "output", "MB", "largest difference from PyTorch"):
        table.add_column(name, justify="right" if name == "MB" else "left")
    for graph, given, answer in zip(exported.graphs, ("image", "latent"), ("latent", "image"), strict=True):
        shapes = (f"{name} {_shape(shape)}" for name, shape in ((given, graph.input), (answer, graph.output)))
        table.add_row(
            escape(printable(str(graph.path))),
            *shapes,
            _megabytes(graph.path),
            f"{graph.difference:.1e}, batches of 1 and 3",
        )
    table.add_row(escape(printable(str(exported.weights))), "", "", _megabytes(exported.weights), "the same weights")
    console.print(table)
    if exported.half_cost_db is not None:
        cost = f"Weights in 16 bits: {-exported.half_cost_db:+.4f} dB on held-out images."
        console.print(cost, markup=False)


def print_list(sort: str | None, *, as_json: bool) -> None:
    """Recipes, or the parts of a sort with their options; without `sort`, an overview of all."""
    sorts = ("recipes", *SORTS)
    if sort is not None and sort not in sorts:
        raise InputError(f"{sort}: nothing of this sort{registry.suggest(sort, sorts)}; there are {', '.join(sorts)}")
    listing = {name: _recipes() if name == "recipes" else _parts(name) for name in ([sort] if sort else sorts)}
    if as_json:
        print(json.dumps(listing if sort is None else listing[sort], indent=1))
        return
    console = _console()
    for name, rows in listing.items():
        if sort is None:
            console.print(f"[bold]{name}[/bold]")
        for row in rows:
            console.print(f"  [bold]{escape(printable(row['name']))}[/bold]  ", end="")
            console.print(printable(row["about"] + _origin(row)), markup=False, soft_wrap=not sys.stdout.isatty())
            for option, text in (row["options"] if sort else {}).items():
                console.print(printable(f"      {option} {text}"), markup=False)


def print_data(kind: str, options: dict[str, Any], *, sheet: Path | None, as_json: bool) -> None:
    """What a data set holds after reading and splitting; with `sheet`, also save its first training images as a PNG."""
    if sheet is not None:
        check_free(sheet)
    dataset = registry.build("datasets", kind, options).load()
    from isthmus.data.splits import split

    usual = Split()
    splits = split(dataset, **usual.model_dump())
    own = {"validation": dataset.validation, "test": dataset.test}
    carved = [f"split.{part}={getattr(usual, part)}" for part, images in own.items() if images is None]
    parts = {"train": splits.train, "validation": splits.validation, "test": splits.test}
    facts = {
        "source": splits.source,
        **{name: len(images) for name, images in parts.items()},
        "image_shape": list(splits.train.images.shape[1:]),
        "class_names": list(splits.class_names),
        "hash": splits.hash,
    }
    if sheet is not None:
        save_picture(contact_sheet(splits.train.images[:64]), sheet)
    for sentence in (*(change.sentence for change in splits.handling), *splits.notices):
        print(printable(sentence), file=sys.stderr)
    if carved:
        shares = " ".join(carved)
        said = f"Split as by default ({shares}); a recipe may set another share, and trains on another number then."
        print(said, file=sys.stderr)
    if as_json:
        done = [change.model_dump() for change in splits.handling]
        print(json.dumps({**facts, "handling": done, "notices": list(splits.notices)}, indent=1))
        return
    for name, value in facts.items():
        text = ", ".join(map(str, value)) if isinstance(value, list) else value
        print(f"{name:12}  {text:,}" if isinstance(value, int) else f"{name:12}  {printable(str(text))}")


def _recipes() -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = []
    for name in study_plan.builtin():
        about, variations = study_plan.describe(name)
        rows.append({"name": name, "about": about, "options": {f"{name}/{v}": text for v, text in variations}})
    return rows


def _parts(sort: str) -> list[dict[str, Any]]:
    return [_part(sort, kind) for kind in registry.kinds(sort)]


def _part(sort: str, kind: str) -> dict[str, Any]:
    """One part's row; `problem` says why a part of another package cannot be used. Other parts are still listed."""
    packages = [{"name": package.name, "version": package.version} for package in registry.packages(sort, kind)]
    origin = packages[0] if len(packages) == 1 else None
    row: dict[str, Any] = {"name": kind, "about": "", "options": {}, "package": origin, "problem": None}
    try:
        part = registry.find(sort, kind)
    except InputError as error:
        return {**row, "about": "cannot be used", "problem": str(error)}
    options = {
        name: "(needed)" if p.default is inspect.Parameter.empty else f"= {p.default!r}"
        for name, p in registry.options(part).items()
    }
    return {**row, "about": registry.summary(part), "options": options}


def _origin(row: dict[str, Any]) -> str:
    """The text about a part's package in its line: name and version, or the problem; empty for parts of isthmus."""
    package, problem = row.get("package"), row.get("problem")
    if problem:
        return f": {problem}"
    return f" (package {package['name']} {package['version']})" if package else ""


def _shape(shape: tuple[int | None, ...]) -> str:
    return f"({', '.join('N' if size is None else str(size) for size in shape)})"


def _megabytes(path: Path) -> str:
    return f"{path.stat().st_size / 1e6:.2f}"


def _heading(measure: MeasureRecord) -> str:
    """`PSNR dB`, `SSIM (1 = same)`."""
    unit = measure.unit if measure.unit.isalpha() or not measure.unit else f"({measure.unit})"
    return escape(f"{measure.name} {unit}".rstrip())


def _score(score: IntervalRecord, measure: MeasureRecord, *, interval: bool) -> str:
    if math.isnan(score.mean):
        return "undefined" if score.undefined else "not measured"
    written = f"{score.mean:.{measure.decimals}f}"
    return f"{written} ± {(score.high - score.low) / 2:.{measure.decimals}f}" if interval else written


def _console() -> Console:
    # without a terminal, rich would wrap at 80 columns, and programs cannot read a wrapped table
    return Console(width=None if sys.stdout.isatty() else 200, highlight=False)
