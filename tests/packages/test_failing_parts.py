"""Parts of other packages that are imported and then fail: each is told with its package, and no run is lost."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from tests.command import assert_refused, isthmus, train
from tests.packages.installing import EXAMPLE, install, install_example, uninstall_all

from isthmus.core import registry
from isthmus.core.errors import InputError
from isthmus.core.sorts import SORTS
from isthmus.evaluation.scoring import Scoring
from isthmus.run_files.arrays import read_scores, scores_bytes
from isthmus.run_files.diagnosis import Diagnosis
from isthmus.run_files.needed_packages import other_versions

MEASURE = """import torch
from isthmus.evaluation.interfaces import Measure
class Part(Measure):
    name, unit, decimals, about, higher_is_better, least, most = "Part", "", 2, "One.", True, 0.0, 1.0
    {attributes}
    def __call__(self, output, original):
        {body}
"""
CHECK = """from isthmus.evaluation.interfaces import Check
from isthmus.evaluation.doctor.diagnosis import ALWAYS, Fault
class Part(Check):
    {attributes}
    def look(self, measured):
        {body}
"""
CORRUPTION = """import pathlib
from isthmus.models.interfaces import Corruption
class Part(Corruption):
    def __init__(self, image_shape{options}):
        super().__init__()
        {body}
    def forward(self, x, generator=None):
        return x
"""
DATA = """import dataclasses
from isthmus.data.datasets.scenes import Scenes
from isthmus.data.interfaces import DataSource
class Part(DataSource):
    def load(self):
        found = Scenes(train=60, test=20, size=8).load()
        {body}
"""
OWNER = "'part' of the package odd-parts 1.2"
REMEDY = "install a version of odd-parts that works, or `pip uninstall odd-parts`"
PICTURES = {"model": np.full((3, 3, 8, 8), 7, np.uint8), "pca": np.full((3, 3, 8, 8), 9, np.uint8)}
ORIGINALS = np.zeros((3, 3, 8, 8), np.uint8)


def brings(site: Path, sort: str, code: str, kind: str = "part", **parts: str) -> None:
    """Install a package whose class `Part` is a part of this sort. parts: what stands in the code's braces."""
    written = code.format(**{"attributes": "pass", "body": "pass", "options": "", **parts})
    name = f"odd_{sort}_{kind}"
    shutil.rmtree(site / "odd_parts-1.2.dist-info", ignore_errors=True)
    install(site, "odd-parts", "1.2", {f"isthmus.{sort}": {kind: f"{name}:Part"}}, {f"{name}.py": written})


def scored() -> tuple[dict[str, dict[str, np.ndarray]], tuple[str, ...]]:
    scoring = Scoring()
    return scoring.add(PICTURES, ORIGINALS), tuple(scoring.left_out)


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ("raise RuntimeError('no luck')", "fails (RuntimeError: no luck)"),
        ("raise SystemExit(3)", "fails (SystemExit: 3)"),
        ("return [0.0] * len(output)", "gave a list for 3 images"),
        ("return torch.zeros(2)", "gave a tensor of shape (2,) and type float32 for 3 images"),
        ("return torch.zeros(())", "gave a tensor of shape () and type float32 for 3 images"),
        ("return torch.full((len(output),), torch.inf)", "gave an infinite score"),
        ("return torch.full((len(output),), 5.0)", "gave the score 5, and says that its scores lie between 0 and 1"),
        # scores are compared between outputs, so one that only one output has is of no use
        ("assert output[0, 0, 0, 0] < 9; return torch.ones(len(output))", "fails (AssertionError)"),
    ],
)
def test_a_measure_that_fails_is_left_out_with_a_sentence(site: Path, body: str, said: str) -> None:
    brings(site, "measures", MEASURE, body=body)
    scores, left_out = scored()
    assert [sorted(each) for each in scores.values()] == [sorted({*registry.usable("measures")} - {"part"})] * 2
    (sentence,) = left_out
    assert sentence.startswith(f"measure: {OWNER} {said}")
    assert sentence.endswith(REMEDY)


def test_a_measure_that_fails_later_is_left_out_of_all_blocks(site: Path) -> None:
    brings(site, "measures", MEASURE, body="assert len(output) < 3; return torch.ones(len(output))")
    scoring = Scoring()
    first = {name: output[:2] for name, output in PICTURES.items()}
    assert "part" in scoring.add(first, ORIGINALS[:2])["model"]
    assert "part" not in scoring.add(PICTURES, ORIGINALS)["model"]
    assert len(scoring.left_out) == 1
    assert {kind: len(values) for kind, values in scoring.scores()["model"].items()} == {
        kind: 5 for kind in registry.usable("measures") if kind != "part"
    }


@pytest.mark.parametrize("type_", ["int64", "float32", "bool", "float64"])
def test_scores_of_any_type_of_number_are_kept(site: Path, tmp_path: Path, type_: str) -> None:
    """And per_image.parquet, in which they are written, can be read again."""
    brings(site, "measures", MEASURE, body=f"return torch.ones(len(output), dtype=torch.{type_})")
    scores, left_out = scored()
    assert left_out == ()
    assert scores["model"]["part"].dtype == np.float64
    (tmp_path / "scores.parquet").write_bytes(scores_bytes({"index": np.arange(3), "model_part": np.arange(3)}))
    assert read_scores(tmp_path / "scores.parquet", ())["model_part"].tolist() == [0.0, 1.0, 2.0]


def test_a_measure_cannot_change_what_the_others_get(site: Path) -> None:
    brings(site, "measures", MEASURE, "a", body="output.zero_(); original.fill_(255); return torch.ones(len(output))")
    before = {name: output.copy() for name, output in PICTURES.items()}
    scores, _ = scored()
    assert "a" in scores["model"]
    assert all((PICTURES[name] == before[name]).all() for name in before)
    assert ORIGINALS.max() == 0


def test_a_measure_of_isthmus_that_fails_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise InputError("broken")

    monkeypatch.setattr(registry.find("measures", "mse"), "__call__", fail)
    with pytest.raises(InputError, match="broken"):
        scored()


@pytest.mark.parametrize(
    ("sort", "code", "attributes", "said"),
    [
        ("measures", MEASURE, "decimals = 99", "has 99 as its decimals, which does not fit: Input should be less than"),
        ("measures", MEASURE, "higher_is_better = 'yes'", "has 'yes' as its higher_is_better, which does not fit"),
        ("measures", MEASURE, "least = None", "has None as its least, and a number is needed"),
        ("measures", MEASURE, "least = 2.0", "has 2.0 as its least and 1.0 as its most, and least must be lower"),
        ("measures", MEASURE.replace("    name, ", "    _, "), "pass", "has no name, which isthmus.evaluation"),
        ("measures", MEASURE, "def __init__(self, *, dim: int): ...", "has the option dim without a default"),
        ("checks", CHECK, "pass", "has no states, which isthmus.evaluation.interfaces.Check asks for"),
        ("checks", CHECK, "states = 'trained'", "has 'trained' as its states, and a tuple of some of untrained, "),
        ("checks", CHECK, "states = ('never',)", "has ('never',) as its states, and a tuple of some of untrained, "),
    ],
)
def test_attributes_that_do_not_fit_are_found_before_the_part_is_used(
    site: Path, sort: str, code: str, attributes: str, said: str
) -> None:
    brings(site, sort, code, attributes=attributes)
    assert "part" not in registry.usable(sort)
    (problem,) = registry.problems(sort)
    assert f"{SORTS[sort].table}: {OWNER} is odd_{sort}_part:Part, which {said}" in problem
    assert problem.endswith(REMEDY)


@pytest.mark.parametrize("kind", ["components", "psnr_of_mean_mse"])
def test_a_measure_with_the_name_of_another_number_of_a_score_is_left_out(site: Path, kind: str) -> None:
    brings(site, "measures", MEASURE, kind)
    assert "has the name of a number that evaluation.json holds" in registry.problems("measures")[0]


def test_a_fault_that_cannot_be_recorded_is_told_by_its_key(site: Path) -> None:
    brings(site, "checks", CHECK, attributes="states = ALWAYS")
    part = registry.foreign("checks", "part")
    assert part is not None
    with pytest.raises(InputError, match=r"fails \(ValidationError: severity: Input should be 'error', "), part.used():
        Diagnosis.model_validate({"rule": "part", "severity": "fatal", "sentence": "It is."})


def test_a_run_with_measures_and_checks_that_fail_is_whole(site: Path, tmp_path: Path) -> None:
    run = tmp_path / "run"
    assert train(run, "-q").code == 0
    before = json.loads((run / "evaluation.json").read_text())
    checks = {
        "broken": "raise RuntimeError('no luck')",
        "text": "return 'a fault'",
        "severe": "return Fault('fatal', 'It is.', [])",
        "worded": "return Fault('note', 'It is.', [], {'size': 'large'})",
        "well": "return Fault('note', 'All is well.', [])",
    }
    files = {f"{name}.py": CHECK.format(attributes="states = ALWAYS", body=body) for name, body in checks.items()}
    files["raising.py"] = MEASURE.format(attributes="pass", body="raise RuntimeError('no luck')")
    files["whole.py"] = MEASURE.format(attributes="pass", body="return torch.ones(len(output), dtype=torch.int64)")
    entries = {
        "isthmus.checks": {name: f"{name}:Part" for name in checks},
        "isthmus.measures": {"raising": "raising:Part", "whole": "whole:Part"},
    }
    install(site, "odd-parts", "1.2", entries, files)
    for _ in range(2):  # the second reads what the first wrote
        answer = isthmus("evaluate", run)
        assert answer.code == 0, answer.err
        for part in ("measure: 'raising'", *(f"check: {name!r}" for name in checks if name != "well")):
            assert answer.err.count(f"Left out: {part} of the package odd-parts 1.2 ") == 1, answer.err
    after = json.loads((run / "evaluation.json").read_text())
    assert sorted(after["measures"]) == sorted([*before["measures"], "whole"])
    assert after["scores"]["model"]["psnr"] == before["scores"]["model"]["psnr"]
    assert [one["rule"] for one in after["doctor"] if one["rule"] in checks] == ["well"]
    assert isthmus("report", run).code == 0


def test_a_part_that_cannot_be_built_is_one_sentence(site: Path, tmp_path: Path) -> None:
    cases = {
        "raise RuntimeError('no luck')": f"corruption.kind: {OWNER} cannot be built (RuntimeError: no luck)",
        "raise KeyError('side')": f"corruption.kind: {OWNER} cannot be built (KeyError: 'side')",
        "raise ValueError('side must be even')": (
            "corruption: side must be even; choose other options for 'part' of the package odd-parts 1.2"
        ),
    }
    for body, said in cases.items():
        brings(site, "corruptions", CORRUPTION, body=body)
        assert_refused(train(tmp_path / "run", "corruption.kind=part"), said)
    brings(site, "corruptions", CORRUPTION.replace("(self, image_shape{options})", "(self)"))
    assert_refused(train(tmp_path / "run", "corruption.kind=part"), OWNER, "TypeError", "check its options", REMEDY)


def test_memory_that_a_recipe_asks_too_much_of_is_not_the_packages_fault(site: Path) -> None:
    brings(site, "corruptions", CORRUPTION, body="raise MemoryError")
    with pytest.raises(MemoryError):
        registry.build("corruptions", "part", {}, (3, 8, 8))


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ("raise RuntimeError('disk on fire')", "(RuntimeError: disk on fire); check its options"),
        ("return None", "(it returned a NoneType, and a Dataset is needed)"),
        ("return dataclasses.replace(found, source=None)", "whose source is a NoneType"),
        ("return dataclasses.replace(found, test=[])", "whose test is a list, and an ImageSet is needed"),
        ("found.train.__dict__['images'] = found.train.images / 255; return found", "(60, 3, 8, 8) of float64"),
        ("found.train.__dict__['labels'] = found.train.labels[1:]; return found", "(59,) of int64"),
        (
            "found.test.__dict__['images'] = found.test.images[..., 1:]; return found",
            "whose parts have images of different sizes",
        ),
    ],
)
def test_images_that_a_package_cannot_load_are_one_sentence(site: Path, body: str, said: str) -> None:
    brings(site, "datasets", DATA, body=body)
    assert_refused(isthmus("data", "part"), f"data.kind: {OWNER} cannot load its images ", said, REMEDY)


def test_images_of_a_package_that_loads_them_are_used(site: Path) -> None:
    brings(site, "datasets", DATA, body="return found")
    answer = isthmus("data", "part")
    assert answer.code == 0, answer.err
    assert "disc, ring, square" in answer.out


@pytest.mark.parametrize(
    ("option", "said"),
    [
        ("a=object()", "has <object object"),
        ("a: pathlib.Path = pathlib.Path('x')", "as the default of a, which cannot be read back from a recipe file"),
        ("a: dict[str, int | None] = {'b': None}", "has {'b': None} as the default of a"),
        ("a: tuple[int, int] = (2, 3)", "has (2, 3) as the default of a"),  # a file has lists, which are no tuples
        ("a: float = float('inf')", "has inf as the default of a"),
        ("a: int = 2**70", "has 1180591620717411303424 as the default of a"),
        ("kind: str = 'z'", "has an option named kind, which in a recipe is the name of the part itself"),
    ],
)
def test_options_that_a_recipe_cannot_hold_are_refused(site: Path, tmp_path: Path, option: str, said: str) -> None:
    brings(site, "corruptions", CORRUPTION, options=f", *, {option}")
    told = f"corruption.kind: {OWNER} is odd_corruptions_part:Part, which "
    assert_refused(train(tmp_path / "run", "corruption.kind=part"), told, said, REMEDY)


def test_a_default_of_none_is_no_fault(site: Path) -> None:
    brings(site, "corruptions", CORRUPTION, options=", *, tag: str | None = None, sizes: list[int] = [1, 2]")
    assert registry.check("corruptions", "part", {}) == {"tag": None, "sizes": [1, 2]}


def test_a_package_without_the_part_in_the_same_version_is_reinstalled(site: Path, tmp_path: Path) -> None:
    install_example(site)
    run = tmp_path / "run"
    assert train(run, "bottleneck.kind=bounded", "-q").code == 0
    assert other_versions(run) == []
    uninstall_all(site)
    install(site, "isthmus-example-part", "0.1.0", {}, {})
    assert_refused(
        isthmus("evaluate", run),
        "the package isthmus-example-part 0.1.0, which is installed and has no such part; reinstall it "
        "(`pip install --force-reinstall isthmus-example-part==0.1.0`), or ask its author",
    )
    code = {"other.py": "from isthmus.models.interfaces import Bottleneck"}
    uninstall_all(site)
    install(site, "Isthmus_Example.part", "0.2.0", {"isthmus.bottlenecks": {"bounded": "other:Other"}}, code)
    (sentence,) = other_versions(run)
    uninstall_all(site)
    module = EXAMPLE / "isthmus_example_part.py"
    entries = {"isthmus.bottlenecks": {"bounded": "isthmus_example_part:Bounded"}}
    install(site, "isthmus-example-part", "0.2.0", entries, {module.name: module.read_text()})
    for words in (("evaluate", run), ("sample", run, "-o", tmp_path / "new.png")):
        answer = isthmus(*words)
        assert answer.code == 0, answer.err
        assert answer.err.count(sentence) == 1
    assert sentence == (
        f"{run}: made with isthmus-example-part 0.1.0, and 0.2.0 is installed, which may compute otherwise; "
        "`pip install isthmus-example-part==0.1.0` brings the same back."
    )
