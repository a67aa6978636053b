"""What the README shows works as it stands there."""

from __future__ import annotations

import re
import shlex
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

import isthmus as ist
import isthmus.models.corruptions
from isthmus.core import registry
from isthmus.core.sorts import SORTS
from isthmus.recipes.recipe import Recipe, parse_overrides
from isthmus.recipes.study_plan import builtin, load_plan, load_recipe

README = (Path(__file__).parents[1] / "README.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"```(\w*)\n(.*?)```", README, flags=re.DOTALL)
COMMANDS = [
    shlex.split(line, comments=True)[1:]
    for _, block in BLOCKS
    for line in block.splitlines()
    if line.startswith("isthmus ")
]


@pytest.fixture
def patches(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """The README's part, saved as a file in the corruptions' folder."""
    code = next(block for language, block in BLOCKS if language == "python" and "class Patches" in block)
    assert len(code.splitlines()) < 40
    (tmp_path / "patches.py").write_text(code)
    monkeypatch.setattr(isthmus.models.corruptions, "__path__", [*isthmus.models.corruptions.__path__, str(tmp_path)])
    registry.refresh()
    yield "patches"
    registry.refresh()


def test_the_part_in_one_file_is_found_and_trains(
    patches: str, tiny: Callable[..., Recipe], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("ISTHMUS_DATA", str(tmp_path))
    options = tiny().table()
    changes = {
        f"{table}.{name}": value
        for table in ("architecture", "bottleneck", "train")
        for name, value in options[table].items()
    }
    changes |= {"corruption.kind": patches, "corruption.side": 12, "train.epochs": 1}
    run = ist.train(
        "post/latent-10",
        data={"kind": "scenes", "train": 80, "test": 12},
        options=changes,
        show_progress=False,
    )
    model = ist.load(run)
    images = np.random.default_rng(0).integers(0, 256, (5, 32, 32, 3), dtype=np.uint8)
    z = model.encode(images)
    assert z.shape == (5, 3)
    assert z.dtype == np.float32
    assert (model.decode(z) == model.reconstruct(images)).all()
    assert model.decode(z).shape == (5, 32, 32, 3)


@pytest.mark.parametrize("words", COMMANDS, ids=" ".join)
def test_every_command_names_what_exists(words: list[str], patches: str) -> None:
    verb, thing, *rest = words
    overrides = parse_overrides(
        word
        for word, before in zip(rest, [thing, *rest], strict=False)
        if "=" in word and before not in ("-o", "--out")
    )
    if verb in ("study", "work"):
        assert thing in builtin()
        load_plan(thing, overrides)
    elif verb == "train":
        load_recipe("post/latent-10" if thing.startswith("runs/") else thing, overrides)
    elif verb == "list":
        assert thing in ("recipes", *SORTS)
    elif verb == "data":
        assert thing in (*registry.kinds("datasets"), "prepare")
    else:
        assert verb in (
            "new",
            "watch",
            "runs",
            "compare",
            "table",
            "slim",
            "remove",
            "explore",
            "export",
            "encode",
            "similar",
            "reconstruct",
            "sample",
            "doctor",
            "evaluate",
            "denoise",
            "calibrate",
            "score",
        )
