"""The tables of docs/families.md and the recipe's scores: `python -m bench.families runs/families`, a finished study.

The cost of a family is counted from its recipe: the parts that it names and the base recipe does not, with the
private modules that they import.
"""

from __future__ import annotations

import argparse
import ast
import inspect
import json
import textwrap
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench.contest import ROOT
from isthmus.core import registry
from isthmus.core.sorts import PART_TABLES
from isthmus.recipes.recipe import Recipe
from isthmus.recipes.study_plan import Plan, Variation, load_plan

SOURCES = ROOT / "src" / "isthmus"
# modules that parts use and that belong to no family
SEAMS = {
    *("core.values", "core.errors", "core.registry", "core.share"),
    *(
        "models.interfaces",
        "models.layers",
        "models.linear_path",
        "models.autoencoder",
        "models.structural_similarity",
        "models.padding",
        "models.pixels",
        "models.seeding",
        "models.whole_batch",
        "models.widest",
    ),
    "models.objectives._weights",
}


@dataclass(frozen=True)
class Cost:
    """The family's own files with their number of lines; shared: files that another family also uses."""

    files: dict[str, int]
    shared: tuple[str, ...]

    @property
    def lines(self) -> int:
        return sum(self.files.values())


def costs(plan: Plan) -> dict[str, Cost]:
    """variation -> the files of its family. The first variation is the plain autoencoder, the base."""
    base = plan.variations[0].recipe(0)
    files = {row.name: _files(row, base) for row in plan.variations[1:]}
    named = [file for found in files.values() for file in found]
    return {
        name: Cost(
            {str(file.relative_to(ROOT)): len(file.read_text(encoding="utf-8").splitlines()) for file in found},
            tuple(str(file.relative_to(ROOT)) for file in found if named.count(file) > 1),
        )
        for name, found in files.items()
    }


def _files(row: Variation, base: Recipe) -> list[Path]:
    recipe = row.recipe(0)
    found: list[Path] = []
    for table, sort in PART_TABLES.items():
        kind = getattr(recipe, table).kind
        if kind != getattr(base, table).kind:
            found += _with_helpers(Path(inspect.getfile(registry.find(sort, kind))))
    return list(dict.fromkeys(found))


def _with_helpers(path: Path) -> list[Path]:
    """A part's file and the modules of isthmus that it imports, without SEAMS."""
    found = [path]
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if not isinstance(node, ast.ImportFrom) or not (node.module or "").startswith("isthmus."):
            continue
        name = (node.module or "").removeprefix("isthmus.")
        is_folder = (SOURCES / name.replace(".", "/")).is_dir()
        for module in [f"{name}.{alias.name}" for alias in node.names] if is_folder else [name]:
            if module not in SEAMS:
                found += _with_helpers(SOURCES / (module.replace(".", "/") + ".py"))
    return found


def cost_table(plan: Plan) -> str:
    lines = ["| family | files that exist for it | lines | also of |", "|---|---|---|---|"]
    found = costs(plan)
    users = {
        file: [name for name, cost in found.items() if file in cost.files]
        for cost in found.values()
        for file in cost.files
    }
    for name, cost in found.items():
        own = ", ".join(f"`{Path(file).parent.name}/{Path(file).name}` {count}" for file, count in cost.files.items())
        others = dict.fromkeys(other for file in cost.shared for other in users[file] if other != name)
        lines.append(f"| {name} | {own or 'options alone'} | {cost.lines} | {_few(list(others))} |")
    return "\n".join(lines)


def _few(names: list[str], most: int = 3) -> str:
    return ", ".join(names) if len(names) <= most else f"{', '.join(names[:most])} and {len(names) - most} more"


_HEADING = (
    "| family | PSNR dB | SSIM | over PCA dB | rate, bits | bits a value | in use | linear probe | 10 neighbours | "
    "images/s | the doctor |"
)


def score_table(findings: dict[str, Any]) -> str:
    """One row per finished variation; means over seeds."""
    lines = [_HEADING, "|---" * _HEADING.count(" |") + "|"]
    for row in findings["variations"]:
        if "scores" not in row:
            continue
        latent, labels = row["latent"], row["latent"].get("labels", {})
        cells = [
            row["name"],
            _interval(row["scores"]["psnr"], 2),
            f"{row['scores']['ssim']['mean']:.3f}",
            f"{row['against_pca']['psnr']['mean']:+.2f}",
            _rate(latent),
            f"{latent['likelihood']['bits_per_dimension']:.2f}" if "likelihood" in latent else "",
            _use(latent),
            *(
                f"{100 * labels[name]['model']:.1f}" if labels else ""
                for name in ("linear_probe", "nearest_neighbours")
            ),
            f"{row['cost']['images_per_second']:,.0f}",
            ", ".join(one["rule"].replace("_", " ") for one in row.get("doctor", [])),
        ]
        lines.append(f"| {' | '.join(cells)} |")
    first = next(row for row in findings["variations"] if "scores" in row)
    pca = first["latent"].get("labels", {})
    if pca:
        shares = [f"{100 * pca[name]['pca']:.1f}" for name in ("linear_probe", "nearest_neighbours")]
        lines.append(f"| PCA, {first['latent_size']} numbers | {_pca(first)} | | 0 | | | | {' | '.join(shares)} | | |")
    return "\n".join(lines)


def _pca(row: dict[str, Any]) -> str:
    return f"{row['scores']['psnr']['mean'] - row['against_pca']['psnr']['mean']:.2f}"


def _interval(value: dict[str, float], digits: int) -> str:
    return f"{value['mean']:.{digits}f} ± {(value['high'] - value['low']) / 2:.{digits}f}"


def _rate(latent: dict[str, Any]) -> str:
    if "codes" in latent:
        return f"≤ {latent['codes']['bits']:.0f}"
    return f"{latent['rate']['bits']:.0f}" if "rate" in latent else ""


def _use(latent: dict[str, Any]) -> str:
    if "codes" in latent:
        return f"perplexity {latent['codes']['perplexity']:.0f} of {latent['codes']['count']:.0f}"
    return (
        f"{latent['active_units']['count']:.0f} of {latent['active_units']['of']:.0f}"
        if "active_units" in latent
        else ""
    )


def short_scores(findings: dict[str, Any]) -> str:
    """PSNR of each variation, as comments for the top of the recipe."""
    done = [row for row in findings["variations"] if "scores" in row]
    words = [f"{row['name']} {row['scores']['psnr']['mean']:.2f}" for row in done]
    return "\n".join(f"# {line}" for line in textwrap.wrap(f"{', '.join(words)}.", 110))


def written(page: str, blocks: dict[str, str], prefix: str = "") -> str:
    """`page` with the text between the lines `<!-- NAME -->` and `<!-- end of NAME -->` replaced."""
    for name, text in blocks.items():
        before, begin, rest = page.partition(f"{prefix}<!-- {name} -->\n")
        _, end, after = rest.partition(f"{prefix}<!-- end of {name} -->")
        if not begin or not end:
            raise SystemExit(f"the page has no place for {name}")
        page = f"{before}{begin}{text}\n{end}{after}"
    return page


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("study", type=Path, nargs="?", default=ROOT / "runs" / "families", help="the study's folder")
    given = parser.parse_args()
    findings = json.loads((given.study / "findings.json").read_text(encoding="utf-8"))
    page = ROOT / "docs" / "families.md"
    blocks = {"scores": score_table(findings), "lines": cost_table(load_plan("families"))}
    page.write_text(written(page.read_text(encoding="utf-8"), blocks), encoding="utf-8")
    recipe = ROOT / "src" / "isthmus" / "recipes" / "families.toml"
    tops = {"scores": short_scores(findings)}
    recipe.write_text(written(recipe.read_text(encoding="utf-8"), tops, "# "), encoding="utf-8")
    print(page, recipe, sep="\n")


if __name__ == "__main__":
    main()
