"""Parts of other installed packages: found, used, recorded, and named where they are missing or broken."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
import tomllib
import venv
from pathlib import Path

import pytest
from tests.command import Answer, assert_refused, environment, isthmus, train
from tests.packages.installing import EXAMPLE, forget, install, install_example, uninstall_all

import isthmus as ist
from isthmus.core import registry
from isthmus.core.errors import InputError
from isthmus.core.sorts import SORTS
from isthmus.testing import contract

OURS = "isthmus-example-part 0.1.0"
MISSING = ("'bounded'", "the package isthmus-example-part 0.1.0", "`pip install isthmus-example-part==0.1.0`")


def bounded(folder: Path, *changes: str) -> Answer:
    return train(folder, "bottleneck.kind=bounded", "-q", *changes)


def test_a_part_of_a_package_is_listed_with_it(site: Path) -> None:
    assert "bounded" not in isthmus("list", "bottlenecks").out
    install_example(site)
    text = isthmus("list", "bottlenecks").out
    assert (
        f"  bounded  A vector of numbers between -1 and 1: one dense layer each way, and a tanh. (package {OURS})"
        in text
    )
    rows = {row["name"]: row for row in json.loads(isthmus("list", "bottlenecks", "--json").out)}
    assert rows["bounded"]["package"] == {"name": "isthmus-example-part", "version": "0.1.0"}
    dim = rows["bounded"]["options"]["dim"]
    assert (dim["type"], dim["default"], dim["needed"]) == ("int >= 1", 8, False)
    assert rows["vector"]["package"] is None


def test_a_part_that_could_be_used_is_listed_again_without_importing_it(site: Path) -> None:
    """Until its file changes."""
    install_example(site)
    module = "isthmus_example_part"
    registry.described("bottlenecks", "bounded")
    assert module in sys.modules, "whether it can be used, only importing it tells"
    forget(site)
    assert registry.described("bottlenecks", "bounded").options["dim"].default == 8
    assert module not in sys.modules
    file = site / f"{module}.py"
    file.write_text(file.read_text().replace("= 8", "= 88"))
    forget(site)
    assert registry.described("bottlenecks", "bounded").options["dim"].default == 88
    assert module in sys.modules


def test_no_package_is_imported_before_its_part_is_asked_for(site: Path) -> None:
    install_example(site)
    assert [sort for sort in SORTS if "bounded" in registry.kinds(sort)] == ["bottlenecks"]
    registry.find("bottlenecks", "vector")
    assert "isthmus_example_part" not in sys.modules
    registry.find("bottlenecks", "bounded")
    assert "isthmus_example_part" in sys.modules


def test_its_options_are_checked_as_those_of_any_part(site: Path, tmp_path: Path) -> None:
    install_example(site)
    assert_refused(bounded(tmp_path / "run", "bottleneck.dim=0"), "bottleneck.dim", "0")
    assert_refused(bounded(tmp_path / "run", "bottleneck.dims=3"), "bottleneck.dims", "did you mean 'dim'")


def test_a_run_records_the_package_and_names_it_where_it_is_missing(site: Path, tmp_path: Path) -> None:
    install_example(site)
    run, begun, picture = tmp_path / "run", tmp_path / "begun", tmp_path / "new.png"
    answer = bounded(run)
    assert answer.code == 0, answer.err
    recorded = json.loads((run / "environment.json").read_text())
    assert recorded["parts"] == {
        "bottleneck": {"kind": "bounded", "package": "isthmus-example-part", "version": "0.1.0"}
    }
    assert abs(ist.load(run).encode(ist.sample(run, 3))).max() < 1
    assert isthmus("evaluate", run).code == 0
    shutil.copytree(run, begun)
    for file in ("training.json", "evaluation.json"):
        (begun / file).unlink()

    uninstall_all(site)
    for words in (
        *(("evaluate", run), ("sample", run, "-o", picture), ("export", run), ("explore", run), ("train", run)),
        ("train", begun, "--resume"),
    ):
        assert_refused(isthmus(*words), str(words[1]), "which is not installed", *MISSING)
    with pytest.raises(InputError, match="which is not installed"):
        ist.load(run)
    for words in (("report", run), ("doctor", run)):  # they read what was measured
        assert isthmus(*words).code != 2

    install(site, "isthmus-example-part", "0.2.0", {}, {})
    assert_refused(isthmus("evaluate", run), "and 0.2.0, which is installed, has no such part", *MISSING)
    install(site, "other-parts", "1", {"isthmus.bottlenecks": {"bounded": "nowhere:Nothing"}}, {})
    assert_refused(isthmus("evaluate", run), "and 0.2.0, which is installed, has no such part", *MISSING)

    uninstall_all(site)
    install_example(site)
    assert isthmus("train", begun, "--resume", "-q").code == 0
    before, after = (folder / "checkpoints/best/model.safetensors" for folder in (run, begun))
    assert before.read_bytes() == after.read_bytes()


def test_a_run_without_other_packages_records_none(tmp_path: Path) -> None:
    assert train(tmp_path / "run", "-q").code == 0
    assert json.loads((tmp_path / "run/environment.json").read_text())["parts"] == {}


def test_a_study_names_the_package_that_it_misses(site: Path, tmp_path: Path) -> None:
    install_example(site)
    file, folder = tmp_path / "mine.toml", tmp_path / "study"
    net = 'architecture = { kind = "conv", filters = [4], strides = [2] }\ntrain = { epochs = 1 }'
    file.write_text(
        f'[base]\ndata = {{ kind = "scenes", train = 40, test = 6, size = 16 }}\n{net}\nbottleneck.kind = "bounded"\n'
        '[[variation]]\nname = "small"\nchanges = { "bottleneck.dim" = 2 }\n'
        '[[variation]]\nname = "large"\nchanges = { "bottleneck.dim" = 4 }\n'
    )
    assert isthmus("study", file, "-o", folder, "-q").code == 0
    uninstall_all(site)
    assert_refused(isthmus("study", folder, "-q"), "small/seed-0", "which is not installed", *MISSING)


def test_a_name_that_no_shell_should_meet_is_no_package(tmp_path: Path) -> None:
    """A run folder may come from a stranger, and the sentence ends in a command to paste."""
    run = tmp_path / "run"
    assert train(run, "-q").code == 0
    recorded = json.loads((run / "environment.json").read_text())
    recorded["parts"] = {"bottleneck": {"kind": "gone", "package": "a; rm -rf ~", "version": "1"}}
    (run / "environment.json").write_text(json.dumps(recorded))
    assert_refused(isthmus("sample", run, "-o", tmp_path / "new.png"), "parts.bottleneck.package", code=1)


BROKEN = {
    "import": ("import nothing_of_that_name\n", "cannot be imported (ModuleNotFoundError: No module named"),
    "exit": ("raise SystemExit(3)\n", "cannot be imported (SystemExit: 3)"),
    "class": ("Other = 3\n", "cannot be imported (AttributeError: "),
    "value": ("Part = 3\n", "does not extend isthmus.models.interfaces.Bottleneck"),
    "interface": ("class Part:\n    pass\n", "does not extend isthmus.models.interfaces.Bottleneck"),
    "abstract": (
        "from isthmus.models.interfaces import Bottleneck\n"
        "class Part(Bottleneck):\n    def forward(self, h, *, offset=None, generator=None):\n        return h\n",
        "has no expand, which isthmus.models.interfaces.Bottleneck asks for",
    ),
    "options": (
        "from isthmus.models.interfaces import Bottleneck\n"
        "class Part(Bottleneck):\n    def __init__(self, shape, *, dim: 'Nobody'): ...\n"
        "    def forward(self, h, *, offset=None, generator=None): ...\n    def expand(self, z): ...\n",
        "has options that cannot be read (NameError: ",
    ),
}


@pytest.mark.parametrize("fault", BROKEN)
def test_a_broken_part_is_one_sentence_where_it_is_asked_for_and_nowhere_else(
    fault: str, site: Path, tmp_path: Path
) -> None:
    code, said = BROKEN[fault]
    entries = {"isthmus.bottlenecks": {"broken": "broken_parts:Part"}}
    install(site, "broken-parts", "1.2", entries, {"broken_parts.py": code})
    told = ("bottleneck.kind: 'broken' of the package broken-parts 1.2", said, "`pip uninstall broken-parts`")
    assert_refused(train(tmp_path / "run", "bottleneck.kind=broken"), *told)
    assert train(tmp_path / "other", "-q").code == 0
    listed = isthmus("list", "bottlenecks")
    assert listed.code == 0
    assert "  vector  " in listed.out
    line = next(line for line in listed.out.splitlines() if line.startswith("  broken  "))
    assert all(part in line for part in told)
    rows = {row["name"]: row for row in json.loads(isthmus("list", "bottlenecks", "--json").out)}
    assert said in rows["broken"]["problem"]
    assert rows["vector"]["problem"] is None


def test_the_same_kind_in_two_packages_is_one_sentence(site: Path, tmp_path: Path) -> None:
    install_example(site)
    entries = {
        "isthmus.bottlenecks": {"bounded": "isthmus_example_part:Bounded", "other": "isthmus_example_part:Bounded"}
    }
    install(site, "second-parts", "3.0", entries, {})
    answer = bounded(tmp_path / "run")
    assert_refused(answer, "'bounded'", OURS, "second-parts 3.0", "`pip uninstall isthmus-example-part`")
    assert registry.find("bottlenecks", "other").__name__ == "Bounded"
    assert train(tmp_path / "run", "-q").code == 0


def test_the_same_kind_in_a_package_and_in_isthmus_is_one_sentence(site: Path, tmp_path: Path) -> None:
    install(site, "second-parts", "3.0", {"isthmus.bottlenecks": {"vector": "nowhere:Nothing"}}, {})
    said = (
        "bottleneck.kind: 'vector'",
        f"isthmus {ist.__version__}",
        "second-parts 3.0",
        "`pip uninstall second-parts`",
    )
    assert_refused(train(tmp_path / "run"), *said)
    assert not (tmp_path / "run").exists()


def test_a_broken_measure_is_left_out_and_told(site: Path, tmp_path: Path) -> None:
    install(site, "broken-parts", "1.2", {"isthmus.measures": {"sharpness": "nowhere:Sharpness"}}, {})
    answer = train(tmp_path / "run")
    assert answer.code == 0, answer.err
    assert "Left out: measure: 'sharpness' of the package broken-parts 1.2 cannot be imported" in answer.err


@pytest.mark.parametrize(("sort", "kind"), [("measures", "psnr"), ("checks", "untrained"), ("samplers", "mixture")])
def test_what_every_evaluation_needs_is_refused_before_the_training(
    sort: str, kind: str, site: Path, tmp_path: Path
) -> None:
    install(site, "second-parts", "3.0", {f"isthmus.{sort}": {kind: "nowhere:Nothing"}}, {})
    assert_refused(train(tmp_path / "run", "-q"), f"{SORTS[sort].table}: {kind!r}", "second-parts 3.0")
    assert not (tmp_path / "run/checkpoints").exists()


def test_its_author_runs_the_contract_in_two_lines(site: Path, tmp_path: Path) -> None:
    install_example(site)
    shutil.copytree(EXAMPLE / "tests", tmp_path / "tests")
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-v", "-p", "no:cacheprovider", "--rootdir", tmp_path, tmp_path / "tests"],
        env=environment(),
        cwd=tmp_path,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout
    assert "test_contract[bottleneck.bounded-a_model_with_it_learns] PASSED" in done.stdout
    assert "vector" not in done.stdout, "the parts of isthmus are not the author's to test"


def test_the_contract_finds_what_breaks_it(site: Path) -> None:
    install_example(site)
    code = site / "isthmus_example_part.py"
    assert ".tanh())" in code.read_text()
    code.write_text(code.read_text().replace(".tanh())", ".tanh() + torch.rand(()))"))
    broken: list[str] = []
    for case in contract("isthmus-example-part").pytestmark[0].args[1]:
        clause, part = case.values
        try:
            clause(part)
        except AssertionError:
            broken.append(clause.__name__)
    assert "bottleneck_is_deterministic_in_evaluation" in broken
    assert "bottleneck_draws_from_the_generator_it_is_handed" in broken
    assert "bottleneck_returns_a_latent_and_expands_it" not in broken


def test_the_contract_of_a_package_without_parts_is_no_empty_success(site: Path) -> None:
    with pytest.raises(LookupError, match="no-such-package"):
        contract("no-such-package")


def test_the_readmes_part_works_in_a_package(site: Path) -> None:
    readme = (EXAMPLE.parents[2] / "README.md").read_text(encoding="utf-8")
    blocks = re.findall(r"```(\w+)\n(.*?)```", readme, flags=re.DOTALL)
    code = next(text for language, text in blocks if language == "python" and "class Patches" in text)
    entries = next(text for language, text in blocks if language == "toml" and "entry-points" in text)
    project = tomllib.loads(entries)["project"]
    install(site, "my-package", "0.1", project["entry-points"], {"my_package/patches.py": code})
    for case in contract("my-package").pytestmark[0].args[1]:
        clause, part = case.values
        clause(part)


@pytest.mark.slow
def test_pip_installs_it_into_an_environment(tmp_path: Path) -> None:
    """As its users do, but offline: isthmus, torch and setuptools are those of this environment."""
    pytest.importorskip("setuptools")
    home, package = tmp_path / "venv", tmp_path / "example"
    shutil.copytree(EXAMPLE, package)
    venv.create(home, with_pip=False, symlinks=True)
    python = home / "bin" / "python"
    paths = [path for path in sys.path if path and not path.endswith(".zip") and Path(path).is_dir()]
    packages = next(home.glob("lib/python*/site-packages"))
    (packages / "these.pth").write_text("\n".join(paths))
    words = ("--no-deps", "--no-build-isolation", "--no-index", "--disable-pip-version-check")
    pip = [sys.executable, "-m", "pip", "--python", python]
    subprocess.run([*pip, "install", "-q", *words, package], check=True, timeout=300)
    run = tmp_path / "run"
    small = ("bottleneck.kind=bounded", "model.linear=none", "data.kind=scenes", "data.train=80", "train.epochs=1")

    def inside(*words: object) -> subprocess.CompletedProcess[str]:
        command = [python, "-m", "isthmus", *map(str, words)]
        return subprocess.run(command, capture_output=True, text=True, timeout=300)

    assert f"(package {OURS})" in inside("list", "bottlenecks").stdout
    done = inside("train", "post/latent-10", *small, "-o", run, "-q")
    assert done.returncode == 0, done.stderr
    assert json.loads((run / "environment.json").read_text())["parts"]["bottleneck"]["version"] == "0.1.0"
    subprocess.run([*pip, "uninstall", "-y", "-q", "isthmus-example-part"], check=True, timeout=300)
    done = inside("evaluate", run)
    assert done.returncode == 2
    assert done.stderr.count("\n") == 1
    assert all(part in done.stderr for part in MISSING)
