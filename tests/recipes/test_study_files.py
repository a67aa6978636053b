"""Study files: grids, their names and limits, comparisons of all rows, and all faults at once."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from tests.study_toml import ONE, study_toml

from isthmus.core.errors import InputError
from isthmus.recipes.grid import grid_rows
from isthmus.recipes.study_plan import Plan, load_plan, load_recipe


def plan(folder: Path, tables: str, *, head: tuple[str, ...] = (), options: dict[str, Any] | None = None) -> Plan:
    path = folder / "mine.toml"
    path.write_text(study_toml(tables, head=head))
    return load_plan(str(path), options)


GRID = '[grid]\n"model.linear" = ["none", "pca"]\n"bottleneck.dim" = [16, 64]\n'


def test_a_grid_makes_a_row_for_each_combination(tmp_path: Path) -> None:
    found = plan(tmp_path, ONE + GRID, head=('compare = "one"', "seeds = [3, 5]"))
    names = ["one", "linear-none-dim-16", "linear-none-dim-64", "linear-pca-dim-16", "linear-pca-dim-64"]
    assert [row.name for row in found.variations] == names
    assert [row.compare for row in found.variations] == [(), *[("one",)] * 4]
    assert found.seeds == (3, 5)
    last = found.variations[-1]
    assert last.about == 'model.linear = "pca", bottleneck.dim = 64'
    recipe = last.recipe(3)
    assert (recipe.model.linear, recipe.bottleneck.options["dim"]) == ("pca", 64)
    assert load_recipe(f"{tmp_path}/mine.toml/linear-pca-dim-64").bottleneck == recipe.bottleneck


def test_a_row_says_what_it_is_compared_with_itself(tmp_path: Path) -> None:
    own = '[[variation]]\nname = "two"\ncompare = "dim-16"\nchanges = { "bottleneck.dim" = 5 }\n'
    found = plan(tmp_path, own + '[grid]\n"bottleneck.dim" = [16, 64]\n', head=('compare = ["dim-64"]',))
    assert {row.name: row.compare for row in found.variations} == {
        "two": ("dim-16",),
        "dim-16": ("dim-64",),
        "dim-64": (),
    }


@pytest.mark.parametrize(
    ("grid", "names"),
    [
        ({"bottleneck.kind": ["vector", "top_k"], "bottleneck.dim": [8]}, ["vector-dim-8", "top_k-dim-8"]),
        ({"bottleneck": {"dim": [8, 9]}}, ["dim-8", "dim-9"]),
        ({"architecture.depth": [1], "prior.depth": [2]}, ["architecture.depth-1-prior.depth-2"]),
        (
            {"architecture.filters": [[8, 16], [4]], "train.mirror": [True]},
            ["filters-8x16-mirror-true", "filters-4-mirror-true"],
        ),
        ({"train.learning_rate": [1e-3, 1e-5]}, ["learning_rate-0.001", "learning_rate-1e-05"]),
        ({"data.path": ["/a/cats/", "b c/dogs"]}, ["path-cats", "path-dogs"]),
        ({"bottleneck": [{"kind": "vq", "codes": 64}, {"kind": "map"}]}, ["vq-codes-64", "map"]),
        ({"mine": [{"name": "a vae", "objective.weights.kl": 1.0}, {"train.batch": 4}]}, ["a-vae", "batch-4"]),
        ({"data.path": ["/a/x", "/b/x"]}, ["1-path-x", "2-path-x"]),
        ({"data.kind": ["é", "ü"]}, ["1", "2"]),
        ({"data.path": ["x" * 300]}, ["1-path-" + "x" * 75]),
    ],
)
def test_names_say_the_values_and_can_be_folders(grid: dict[str, Any], names: list[str]) -> None:
    assert [row.name for row in grid_rows(grid, None)] == names


@pytest.mark.parametrize(
    ("grid", "sentence"),
    [
        ({"bottleneck.dim": 3}, r"grid\.bottleneck\.dim: 3 is one value, and a grid needs lists: \[3\]"),
        ({"bottleneck.dim": []}, r"grid\.bottleneck\.dim: has no values"),
        ({"bottleneck.dim": [3, 3]}, "holds a value twice"),
        ({"botleneck.dim": [3, 4]}, r"unknown \(did you mean 'bottleneck'\?\); an option of a grid begins with"),
        ({"seeds": [1, 2]}, r"write seeds = \[1, 2\] above \[base\]"),
        ({"mine": [{"trian.batch": 3}]}, r"grid\.mine\.1\.trian\.batch: unknown"),
        ({"mine": [{"name": "/", "train.batch": 3}]}, r"grid\.mine\.1\.name: '/' does not fit"),
        ({"bottleneck": {"dim": [3]}, "bottleneck.dim": [4]}, "given twice"),
        (
            {"a": [{"train.batch": 3}], "train.batch": [4, 5]},
            r"2 of its lists set train\.batch, and only one",
        ),
        ({f"train.x{number}": list(range(10)) for number in range(5000)}, "far too many combinations, and"),
    ],
)
def test_a_wrong_grid_is_refused(grid: dict[str, Any], sentence: str) -> None:
    with pytest.raises(InputError, match=sentence):
        grid_rows(grid, None)


TEN = list(range(1, 11))
LARGE = {"bottleneck.dim": TEN, "train.batch": TEN, "train.epochs": TEN, "architecture.kernel": TEN}


def test_a_large_grid_is_refused_with_its_number_and_the_remedy() -> None:
    with pytest.raises(InputError, match=r"10,000 combinations \(10 x 10 x 10 x 10\).*at most 1,000 rows.*limit=50"):
        grid_rows(LARGE, None)


def test_a_limit_draws_the_same_rows_every_time() -> None:
    rows = grid_rows(LARGE, 50)
    assert rows == grid_rows(LARGE, 50)
    assert len({row.name for row in rows}) == 50
    assert {len({row.changes[path] for row in rows}) > 5 for path in LARGE} == {True}, "not the first 50"
    huge = {f"train.x{number}": list(range(500)) for number in range(60)}
    assert len(grid_rows(huge, 3)) == 3
    few = {"bottleneck.dim": [1, 2]}
    assert grid_rows(few, 2) == grid_rows(few, 100) == grid_rows(few, None)


def test_the_command_line_changes_grid_and_limit(tmp_path: Path) -> None:
    assert len(plan(tmp_path, GRID, options={"limit": 3}).variations) == 3
    found = plan(tmp_path, GRID, options={"grid.bottleneck.dim": [5], "compare": "linear-none-dim-5"})
    assert [row.name for row in found.variations] == ["linear-none-dim-5", "linear-pca-dim-5"]
    assert found.variations[1].compare == ("linear-none-dim-5",)
    with pytest.raises(InputError, match=r"limit: has no effect without a \[grid\]"):
        plan(tmp_path, ONE, options={"limit": 3})


WRONG = """
[[variation]]
name = "x"
compare = "y"
changes = { "bottleneck.dimm" = 3 }
[[variation]]
name = "x"
chnges = { "bottleneck.dim" = 3 }
[[variation]]
name = "z"
changes = { "train.batch" = 0, "corruption.kind" = "gausian" }
[[variation]]
name = "a/b"
changes = { "data.kind" = "folder", "data.path" = "nowhere" }
[grid]
"bottleneck.dim" = 7
[budget]
seconds = -1
"""
FAULTS = (
    "seeds: [1, 1] does not fit",
    "compare: 'w' is no row of the study",
    "variation 'x' is compared with 'y'",
    "x: bottleneck.dimm: unknown for 'vector' (did you mean 'dim'?)",
    "two variations are named 'x'",
    "variation.2.chnges: unknown option (did you mean 'changes'?)",
    "z: train.batch: 0 does not fit",
    "z: corruption.kind: no corruption is called 'gausian' (did you mean 'gaussian'?)",
    "variation.4.name: 'a/b' does not fit",
    "a/b: data.path: 'nowhere' does not exist",
    "grid.bottleneck.dim: 7 is one value",
    "budget.seconds: -1 does not fit",
)


def test_all_faults_of_a_file_are_told_at_once(tmp_path: Path) -> None:
    with pytest.raises(InputError) as told:
        plan(tmp_path, WRONG, head=("seeds = [1, 1]", 'compare = "w"'))
    lines = str(told.value).splitlines()
    assert lines[0] == f"{tmp_path}/mine.toml: {len(FAULTS)} faults; correct them all:"
    for fault in FAULTS:
        assert sum(line.startswith(f"  - {fault}") for line in lines) == 1, (fault, lines)


def test_a_fault_of_the_base_is_told_once_and_without_a_row(tmp_path: Path) -> None:
    with pytest.raises(InputError) as told:
        plan(tmp_path, GRID, options={"train.epoch": 3})
    assert str(told.value).startswith("train.epoch: unknown option")


def test_options_of_images_are_checked_before_the_images_are_read(tmp_path: Path) -> None:
    with pytest.raises(InputError) as told:
        plan(tmp_path, GRID, options={"data.kind": "folder", "data.path": "nowhere", "data.size": -1})
    lines = str(told.value).splitlines()[1:]
    assert [line.partition(":")[0] for line in lines] == ["  - data.size", "  - data.path"], (
        "no row is named: all have it"
    )
