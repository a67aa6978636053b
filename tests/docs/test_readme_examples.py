"""Every example of the README is run: each command line, and the Python code.

What would train for long gets TINY and a few steps after its own options. Where it names no data of its own,
it reads a CIFAR-10 of a few images, which `isthmus data cifar10 --download` fetched from a server on this machine.
"""

from __future__ import annotations

import hashlib
import os
import shlex
import threading
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from PIL import Image
from tests.command import Answer, isthmus
from tests.data.datasets.cifar_copies import archive, binary_files
from tests.test_readme import BLOCKS, COMMANDS

import isthmus as ist
from isthmus.core import registry
from isthmus.data.datasets import cifar10
from isthmus.data.datasets._download import RemoteFile
from isthmus.models import corruptions
from isthmus.pages.explorer import is_built
from isthmus.recipes.study_plan import load_plan

TINY = ("train.batch=8", "train.kernels=torch", "train.device=cpu", "train.precision=fp32")
TWO_STEPS = "train.steps=2"
# of few images: `post` compares numbers of steps, so it keeps them
FEW_EPOCHS = ("train.epochs=1", "train.least_steps=1")
SCENES = ("data.train=60", "data.test=10")
NARROW = "architecture.width=8"
NARROWED = ("residual", "quality", "photo", "denoiser", "families/vq", "families/vae")
# the README uses these runs after it trained them
NEEDED = (
    *("train residual bottleneck.dim=128", "train post/latent-10 data.kind=folder", "train families/vq"),
    "train denoiser",
)
MADE = ("data prepare", "encode runs/residual", "calibrate runs/residual")
RANDOM = np.random.default_rng(0)


def tiny(words: list[str]) -> list[str]:
    """A command as the README has it; where it trains, with TINY."""
    if words[0] not in ("train", "study", "work"):
        return words
    if words[1].startswith("runs/") and not words[1].endswith(".toml"):  # it goes on with a run, and only longer
        return [*words, "train.steps=4"]
    more = [*TINY, *SCENES] if "data.kind=scenes" in words else [*TINY]
    more += [NARROW] if words[1] in NARROWED else []
    more += FEW_EPOCHS if words[0] in ("study", "work") and words[1].startswith("post") else [TWO_STEPS]
    if words[1] == "post-faithful":  # it keeps 2 % for validation, which of so few images is none
        more.append("split.validation=0.2")
    given = {word.partition("=")[0] for word in words}
    return [*words, *(change for change in more if change.partition("=")[0] not in given)]


def is_slow(words: list[str]) -> bool:
    """Whether it trains or exports several models, or does once more what another one does."""
    return words[0] in ("study", "work") or words in (["explore", "runs/post"], ["export", "runs/residual", "--half"])


def is_begin(words: list[str], begin: str) -> bool:
    return " ".join(words).startswith(begin)


@pytest.fixture(scope="module")
def story(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A home folder with the pictures, and in it the runs, that the README names."""
    home = tmp_path_factory.mktemp("story")
    _write_pictures(home)
    with pytest.MonkeyPatch.context() as patch, _served(home, patch):
        patch.setenv("HOME", str(home))
        patch.setenv("ISTHMUS_DATA", str(home / "cache"))
        patch.setattr(corruptions, "__path__", [*corruptions.__path__, str(home / "parts")])
        registry.refresh()
        patch.chdir(home)
        download = next(words for words in COMMANDS if "--download" in words)
        assert isthmus(*download).code == 0
        for begin in (*NEEDED, *MADE):
            words = next(words for words in COMMANDS if is_begin(words, begin))
            answer = isthmus(*tiny(words))
            assert answer.code == 0, answer
        yield home
    registry.refresh()


def _write_pictures(home: Path) -> None:
    for name, (height, width), suffix, count in (
        ("pictures/cats", (48, 64), "png", 16),
        ("pictures/dogs", (48, 64), "png", 16),
        ("photos", (260, 300), "jpg", 12),
        ("more-normal-pictures", (32, 32), "png", 99),  # the fewest that promise a rate of 0.01
        ("new-pictures", (32, 32), "png", 4),
        ("test/good", (32, 32), "png", 4),
        ("test/bent", (32, 32), "png", 4),
    ):
        (home / name).mkdir(parents=True)
        for number in range(count):
            pixels = RANDOM.integers(0, 256, (height // 4, width // 4, 3), dtype=np.uint8)
            picture = Image.fromarray(pixels).resize((width, height))
            picture.save(home / name / f"{number}.{suffix}")
    (home / "scans").mkdir()
    for number in range(30):
        deep = RANDOM.integers(0, 4096, (32, 32), dtype=np.uint16)
        Image.fromarray(deep).save(home / "scans" / f"{number}.png")
    np.save(home / "scans.npy", RANDOM.integers(0, 256, (40, 16, 16), dtype=np.uint8))
    smooth = RANDOM.integers(0, 256, (10, 12, 3), dtype=np.uint8)  # `denoise` warns of more noise than it learned
    Image.fromarray(smooth).resize((50, 40)).save(home / "photo.png")
    files = sorted((home / "pictures/cats").iterdir())
    (home / "some-dataset").mkdir()
    for split in ("train", "test"):
        rows = [{"image": {"bytes": _other(file, split), "path": None}, "label": 0} for file in files]
        pq.write_table(pa.Table.from_pylist(rows), home / "some-dataset" / f"{split}.parquet")
    (home / "parts").mkdir()
    code = next(block for language, block in BLOCKS if language == "python" and "class Patches" in block)
    (home / "parts" / "patches.py").write_text(code)


def _other(file: Path, split: str) -> bytes:
    """The picture, and for `test` another one: no test image may be among the training images."""
    if split == "train":
        return file.read_bytes()
    mirrored = file.with_name(f"mirrored-{file.name}")
    Image.open(file).transpose(Image.Transpose.ROTATE_180).save(mirrored)
    content = mirrored.read_bytes()
    mirrored.unlink()
    return content


class _Quiet(SimpleHTTPRequestHandler):
    def log_message(self, format: str, *args: object) -> None:
        pass


@contextmanager
def _served(home: Path, patch: pytest.MonkeyPatch) -> Generator[None]:
    """A server on this machine with a small CIFAR-10 archive in place of the official one."""
    content = archive(binary_files())
    (home / "served").mkdir()
    (home / "served" / "cifar-10-binary.tar.gz").write_bytes(content)
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(_Quiet, directory=str(home / "served"))) as server:
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
        url = f"http://127.0.0.1:{server.server_address[1]}/cifar-10-binary.tar.gz"
        patch.setattr(cifar10, "OFFICIAL", RemoteFile(url, len(content), hashlib.md5(content).hexdigest()))
        patch.setenv("no_proxy", "127.0.0.1")
        patch.delenv("ISTHMUS_OFFLINE", raising=False)
        yield
        server.shutdown()


@pytest.fixture
def place(story: Path, tmp_path: Path) -> Path:
    """A folder of its own for what a command makes, with everything that it may read."""
    for name in ("scans.npy", "some-dataset", "photo.png", "pictures-128", "more-normal-pictures", "new-pictures"):
        (tmp_path / name).symlink_to(story / name)
    return tmp_path


@pytest.mark.parametrize(
    "words",
    [pytest.param(words, id=" ".join(words), marks=[pytest.mark.slow] if is_slow(words) else []) for words in COMMANDS],
)
def test_the_command_does_what_it_says(
    words: list[str], story: Path, place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if words[0] == "explore" and not is_built():
        pytest.skip("the explorer's script is not built")
    goes_on = words[0] == "train" and words[1].startswith("runs/")
    makes = (words[0] in ("train", "study", "work") and not goes_on) or words[:2] == ["data", "prepare"]
    if words[:2] == ["data", "prepare"]:
        (place / "pictures-128").unlink()
    monkeypatch.chdir(place if makes else story)
    if words == ["explore", "runs/post"]:
        assert isthmus(*tiny(["study", "post"])).code == 0
    if words[0] in ("compare", "table") and not Path("runs/digits").exists():
        assert isthmus(*tiny(["study", "digits"]), "train.epochs=1").code == 0
    answer = isthmus(*tiny(words))
    if words[0] == "doctor":  # two steps are no training, and it says so
        assert (answer.code, "untrained" in answer.out) == (1, True), answer
    else:
        assert answer.code == 0, answer
    assert_made(words, answer)


def assert_made(words: list[str], answer: Answer) -> None:
    """What the README promises is there."""
    match words:
        case ["train", folder, *_] if folder.startswith("runs/"):
            assert list(Path("runs").glob(f"{Path(folder).name}-epochs-*/report.html"))
        case ["train" | "study" | "work", *_]:
            reports = list(Path("runs").glob("*/report.html"))
            assert len(reports) == 1
            assert f"Report: {reports[0].resolve()}" in answer.out
        case ["calibrate", folder, *_]:
            assert (Path(folder) / "calibration.safetensors").exists() and "99 calibration pictures" in answer.out
        case ["score", _, folder, *options]:
            given = len(list(Path(folder).expanduser().rglob("*.png")))
            assert pq.read_table("scores.parquet").num_rows == given
            assert "--sheet" not in options or Path(options[options.index("--sheet") + 1]).exists()
            assert "--normal" not in options or "AUROC" in answer.out
        case [_, *_, "-o", target] | [_, *_, "--sheet", target] | ["sample", _, _, _, "-o", target]:
            assert Path(target).exists()
        case ["similar", *_]:
            assert "distance" in answer.out
        case ["watch", folder]:
            assert "Finished." in (Path(folder) / "watch.html").read_text(encoding="utf-8")
        case ["explore", folder]:
            assert (Path(folder) / "explorer.html").stat().st_size > 1_000_000
        case ["export", folder, *_]:
            assert (Path(folder) / "export" / "decoder.onnx").exists()
        case ["new", target, folder]:
            assert load_plan(target).variations[0].recipe(0).data.options["path"] == str(Path(folder).expanduser())
        case ["list", *_]:
            assert "patches" in answer.out and "side" in answer.out
        case ["evaluate", _, "--noise", _]:
            assert "non-local means" in answer.out
        case ["evaluate", *_]:
            assert "held-out images" in answer.out
        case ["runs", *_]:
            assert "vq" in answer.out and "finished" in answer.out
        case ["compare", *_]:
            assert Path("comparison.html").exists() and "vae" in answer.out and "latent-10" in answer.out
        case ["slim", *_] | ["remove", *_]:
            assert "freed." in answer.out
        case ["doctor", *_] | ["data", "cifar10", *_]:
            assert answer.out
        case _:
            raise AssertionError(f"the README has a new command; say what it makes: {shlex.join(words)}")


def test_the_python_example_runs(story: Path, place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As it stands; `train` and `study` get TINY, and `study` one seed, beside the example's own options."""
    code = next(block for language, block in BLOCKS if language == "python" and "ist.train" in block)
    given = dict(change.split("=") for change in (*TINY, TWO_STEPS))
    small = {name: int(value) if value.isdecimal() else value for name, value in given.items()}
    for name in ("train", "study"):
        one_seed = {"seeds": 1} if name == "study" else {}
        monkeypatch.setattr(ist, name, _with(getattr(ist, name), {**small, **one_seed}))
    monkeypatch.setattr(ist, "explore", ist.explore if is_built() else lambda folder: None, raising=False)
    (place / "a").mkdir()
    (place / "a/folder").symlink_to(story / "pictures")
    (place / "runs").mkdir()
    (place / "runs/denoiser").symlink_to(story / "runs/denoiser")
    monkeypatch.chdir(place)
    names: dict[str, Any] = {"images": RANDOM.integers(0, 256, (3, 32, 32, 3), dtype=np.uint8)}
    exec(compile(code, "README.md", "exec"), names)
    assert names["z"].shape == (3, 32)
    assert names["pictures"].shape == names["same"].shape == (3, 32, 32, 3)
    assert len(names["table"]) == 32
    assert len(names["found"].queries[0].found) == 10
    assert names["new"].shape[0] == 64
    assert names["clean"][0].shape == (40, 50, 3)
    assert len(names["scored"].flag) == 4
    assert len(names["scores"]) == names["run"].evaluation.data.test_images
    assert next(iter(names["study"].runs)) == "latent-2/seed-0"


def _with(verb: Any, small: dict[str, Any]) -> Any:
    def call(name: str, **arguments: Any) -> Any:
        arguments["options"] = {**small, **arguments.get("options", {})}
        if arguments.get("data") == "scenes":
            arguments["options"] |= {"data.train": 60, "data.test": 10}  # SCENES
        return verb(name, show_progress=False, **arguments)

    return call


def test_every_block_is_run_by_some_test() -> None:
    """A block in another language, or of other code, needs a test here."""
    known = {
        "": "isthmus ",  # commands, above; `make demo` and `make test` are what CI does
        "python": ("ist.train", "class Patches", "from isthmus.testing import contract", "from isthmus.sklearn import"),
        "toml": "isthmus.corruptions",  # like the last Python block: tests/packages installs such a package
    }
    for language, block in BLOCKS:
        hints = known[language]
        assert any(hint in block for hint in ((hints,) if isinstance(hints, str) else hints)) or "make demo" in block
    tests = Path(__file__).parents[1]
    assert os.path.isfile(tests / "packages" / "example_part" / "pyproject.toml")
    assert "def test_the_readme(" in (tests / "sklearn_interface" / "test_examples.py").read_text(encoding="utf-8")
