"""Options of a recipe that belong to no part, and the recipes that come ready-made."""

from __future__ import annotations

import inspect

from isthmus.core.option_words import of_table
from isthmus.core.sorts import PART_TABLES
from isthmus.recipes import study_plan
from isthmus.recipes.recipe import Model, Split, Train
from isthmus_site.reference.markdown import anchor, code, table
from isthmus_site.reference.parts import options_table


def options() -> str:
    """The page of options."""
    parts = ", ".join(f"[`{name}`]({sort}.md)" for name, sort in PART_TABLES.items())
    tables = [
        f"{anchor(name)}\n## {name}\n\n{inspect.getdoc(model)}\n\n{options_table(of_table(model))}"
        for name, model in (("train", Train), ("split", Split), ("model", Model))
    ]
    return "\n".join(
        [
            "# Options of a recipe\n",
            f"A recipe has a table for each part ({parts}) and the three tables below. On the command line an option "
            "is written `train.epochs=5`, in a TOML file `epochs = 5` below `[train]`. `name` and `seed` stand outside "
            "of the tables: `seed=3`.\n",
            *tables,
        ]
    )


def ready_made() -> str:
    """The page of ready-made recipes."""
    names = [name for name in study_plan.builtin()]
    return "\n".join(
        [
            "# Ready-made recipes\n",
            "`isthmus study NAME` trains all variations of a recipe and compares them; `isthmus train NAME/VARIATION` "
            "trains one. `isthmus train NAME` works where a recipe has a single one.\n",
            *map(_recipe, names),
        ]
    )


def _recipe(name: str) -> str:
    about, variations = study_plan.describe(name)
    rows = table(("variation", "what it is"), ((code(f"{name}/{one}"), text) for one, text in variations))
    return f"{anchor(f'recipe-{name}')}\n## {name}\n\n{about}\n\n{rows}"
