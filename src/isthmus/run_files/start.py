"""start.json: the run whose weights another run began with."""

from __future__ import annotations

from isthmus.run_files.record import Count, FileRecord, Flag

START_FILE = "start.json"


class StartRecord(FileRecord):
    """start.json: the run whose weights this one began with. It is there only if there was one."""

    run: str
    """That run's folder."""
    name: str
    """The name of its recipe."""
    goes_on: Flag
    """true: its training goes on here, on the same images. false: only its weights were taken, for a new training."""
    weights: str
    """Hash of its weights. A run is begun again only from the same weights."""
    which: str = ""
    """`last`: its weights at the end of training; `best`: those it kept."""
    epoch: Count = 0
    """The epoch that they are of."""
    same_images: Flag = False
    """Whether it was trained on the same images, split in the same way."""
    differences: tuple[str, ...] = ()
    """Options in which the recipes differ."""
    taken: Count | None = None
    """Number of tensors that were taken. This key and the next two are there once the model was built."""
    anew: tuple[str, ...] = ()
    """Names of the tensors that started anew, because they do not fit or are not there."""
    optimizer: Flag = False
    """Whether the optimizer's state was taken too; without it, the optimizer started anew."""
