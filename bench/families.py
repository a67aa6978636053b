"""docs/families.md from a finished `isthmus study families`: `python -m bench.families runs/families`.

What a family costs is counted from its recipe: the parts it names and the base recipe does not, with the private
modules they are built on.
"""

from __future__ import annotations

import argparse
import ast
import inspect
from dataclasses import dataclass
from pathlib import Path

from bench.contest import ROOT
from isthmus import registry
from isthmus.plan import Plan, Variation, load_plan
from isthmus.recipe import PART_TABLES, Recipe

SOURCES = ROOT / "src" / "isthmus"
# what a part stands on without belonging to any family
SEAMS = {"types", "errors", "registry", "layers", "model", "objectives._weights", "similarity"}


@dataclass(frozen=True)
class Cost:
    """Files of its own, and lines in each; shared: those that another family names too."""

    files: dict[str, int]
    shared: tuple[str, ...]

    @property
    def lines(self) -> int:
        return sum(self.files.values())


def costs(plan: Plan) -> dict[str, Cost]:
    """By variation: the files that exist for its family. The first variation is the plain autoencoder, the base."""
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
    """A part's file and the modules of isthmus that it imports, seams aside."""
    found = [path]
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if not isinstance(node, ast.ImportFrom) or not (node.module or "").startswith("isthmus."):
            continue
        name = (node.module or "").removeprefix("isthmus.")
        if name not in SEAMS:
            found += _with_helpers(SOURCES / (name.replace(".", "/") + ".py"))
    return found


def cost_table(plan: Plan) -> str:
    lines = ["| family | files of its own | lines | Python of its own |", "|---|---|---|---|"]
    for name, cost in costs(plan).items():
        own = ", ".join(f"`{Path(file).parent.name}/{Path(file).name}` {count}" for file, count in cost.files.items())
        lines.append(f"| {name} | {own or 'none'} | {cost.lines} | {'options alone' if not cost.files else 'yes'} |")
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("study", type=Path, nargs="?", default=ROOT / "runs" / "families", help="the study's folder")
    given = parser.parse_args()
    print(cost_table(load_plan("families")))
    print(given.study)


if __name__ == "__main__":
    main()
