"""study.toml: a study's plan in its folder, so that the study can be run again."""

from __future__ import annotations

from pathlib import Path

import tomli_w

from isthmus.core.atomic_files import write_text
from isthmus.core.sorts import PART_TABLES
from isthmus.recipes.recipe import FORMAT, Raw
from isthmus.recipes.study_plan import Plan


def write_plan(plan: Plan, folder: Path) -> None:
    """Write study.toml: options shared by all variations become the base, all others become their changes."""
    tables = {row.name: row.recipe(plan.seeds[0]).table() for row in plan.variations}
    for table in tables.values():
        for key in ("format", "name", "seed"):
            del table[key]
    first = next(iter(tables.values()))
    base: Raw = {}
    for name, options in first.items():
        shared = {k: v for k, v in options.items() if all(t[name].get(k) == v for t in tables.values())}
        if name not in PART_TABLES or "kind" in shared:  # of another kind: all options are changes
            base[name] = shared
    rows: list[Raw] = []
    for row in plan.variations:
        changes = {
            f"{name}.{key}": value
            for name, options in tables[row.name].items()
            for key, value in options.items()
            if key not in base.get(name, {})
        }
        texts = {"about": row.about, "note": row.note, "compare": list(row.compare)}
        rows.append({"name": row.name, **{k: v for k, v in texts.items() if v}, "changes": changes})
    file = {
        "format": FORMAT,
        "name": plan.name,
        "about": plan.about,
        "seeds": list(plan.seeds),
        **({"budget": {"seconds": plan.budget_seconds}} if plan.budget_seconds is not None else {}),
        "base": base,
        "variation": rows,
    }
    write_text(folder / "study.toml", tomli_w.dumps(file))
