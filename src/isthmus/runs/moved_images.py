"""The images file of a run or study folder that was renamed, copied or taken to another machine."""

from __future__ import annotations

import os
from pathlib import Path

from isthmus.data.given_images import FILES
from isthmus.recipes.recipe import Raw


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
