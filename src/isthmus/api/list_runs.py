"""The runs of a folder as typed rows, from Python; loads no torch."""

from __future__ import annotations

from collections.abc import Sequence

from isthmus.core.arguments import checked
from isthmus.core.paths import AnyPath, expanded
from isthmus.runs.listed import ListedRun
from isthmus.runs.listing import list_folder
from isthmus.runs.selection import parsed, selected


@checked
def list_runs(folder: AnyPath = "runs", *, filters: Sequence[str] = (), sort: str = "name") -> list[ListedRun]:
    """The runs in a folder, those of studies too; however damaged they are. A folder that is no run is passed over.

    folder: of runs, or a study or a run itself.
    filters: such as "state=failed,unfinished", "recipe=vae*" or a pattern of names alone; all must hold.
    sort: "name", "recipe", "data", "state", "score" (best first), "pca", "age" (newest first) or "size" (largest
        first); the runs of a study stay together.
    Returns one `ListedRun` per run: `folder`, `name`, `study`, `state`, `recipe`, `data`, `psnr` and `over_pca` in dB
    with `low` and `high`, `age_seconds`, `size` in bytes. It reads a few small files of each and changes nothing.
    Raises InputError where there is no such folder, or a filter or `sort` does not fit.

    >>> import isthmus as ist
    >>> for run in ist.list_runs("runs", filters=["recipe=wide,narrow"], sort="score"):
    ...     print(run.study, run.recipe, run.state, run.psnr.mean > 0)
    pair wide finished True
    pair narrow finished True
    >>> [run.name for run in ist.list_runs("runs", filters=["digits*"])]
    ['digits-10']
    """
    return selected(list_folder(expanded(folder, "folder")).runs, parsed(filters), sort)
