"""The images file of a run or study folder that was renamed, copied or taken to another machine."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from isthmus.data.given_images import FILES
from isthmus.recipes.recipe import Raw
from isthmus.recipes.study_plan import Plan


def moved_in(plan: Plan, home: Path) -> dict[str, Any]:
    """A change to a study whose images were saved in its folder, and whose folder is elsewhere now."""
    tables = [row.recipe(plan.seeds[0]).table()["data"] for row in plan.variations]
    moved = {moved_images(table, home) for table in tables}
    path = moved.pop()
    return {"data.path": str(path)} if path is not None and not moved else {}


def moved_images(data: Raw, folder: Path) -> Path | None:
    """Where the images of a recipe's `data` table are now: beside the run or study in `folder`.

    None if the images are no file that isthmus saved for a run, or if that file is not in the folder, nor, for a run
    of a study, in the study's folder.
    """
    path = data.get("path")
    if not isinstance(path, str) or FILES.get(name := Path(path).name) != data.get("kind"):
        return None
    home = Path(os.path.abspath(folder))
    places = (home, *home.parents[1:2]) if home.name.startswith("seed-") else (home,)
    return next((place / name for place in places if (place / name).is_file()), None)
