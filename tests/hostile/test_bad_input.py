"""What a user can get wrong, and what a disk can do: one sentence, the right exit code, nothing lost."""

from __future__ import annotations

import errno
import fcntl
import json
import os
import shutil
import subprocess
import sys
import tempfile
import tomllib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from unittest.mock import ANY

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import tomli_w
from PIL import Image
from tests.command import TINY, Answer, assert_refused, environment, finish, isthmus, start, tiny, train

from isthmus.data.datasets.scenes import Scenes
from isthmus.runs.run_folder import is_evaluated
from isthmus.training import checkpoint

NOBODY = 65534


@pytest.fixture(autouse=True)
def own_cache(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ISTHMUS_DATA", str(tmp_path_factory.getbasetemp() / "cache"))


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("bad") / "run"
    assert train(folder, "--keep-optimizer").code == 0
    return folder


@pytest.fixture
def run(finished: Path, tmp_path: Path) -> Path:
    """A finished run of one's own, to be damaged."""
    return shutil.copytree(finished, tmp_path / "run")


@pytest.fixture
def photo(tmp_path: Path) -> Path:
    Image.new("RGB", (32, 32), "teal").save(tmp_path / "photo.png")
    return tmp_path / "photo.png"


# ---------------------------------------------------------------- words

POST = ("train", "post/latent-10")


@pytest.mark.parametrize(
    ("words", "parts"),
    [
        (["trian"], ["'trian'", "Did you mean 'train'? `isthmus --help`"]),
        (["--frob"], ["--frob"]),
        (["train", "--frob"], ["--frob"]),
        (["train"], ["needs a recipe", "isthmus train vae"]),
        (["train", ""], ["''"]),
        (["train", "pots/latent-10"], ["pots", "did you mean 'post'"]),
        (["train", "post/latent-1"], ["'latent-1'", "did you mean 'latent-10'", "many-layers"]),
        (["train", "post/"], ["no variation ''", "latent-10"]),
        (["train", "vae/x"], ["vae is a single recipe", "use vae"]),
        (["train", "demo"], ["a study of latent-10", "demo/latent-10"]),
        (["study", "vae"], ["a single recipe", "`isthmus train vae`"]),
        (["study", "nothing"], ["nothing", "`isthmus list recipes`"]),
        (["train", "missing.toml"], ["missing.toml", "no such file"]),
        ([*POST, "bottleneck.kind=vektor"], ["bottleneck.kind", "'vektor'", "did you mean 'vector'"]),
        ([*POST, "bottleneck.dimm=3"], ["bottleneck.dimm", "did you mean 'dim'"]),
        ([*POST, "botleneck.dim=3"], ["botleneck", "did you mean 'bottleneck'"]),
        ([*POST, "bottleneck.dim=abc"], ["bottleneck.dim", "'abc'", "integer"]),
        ([*POST, "bottleneck.dim=-3"], ["bottleneck.dim", "-3", "greater"]),
        ([*POST, "bottleneck.dim=3", "bottleneck.dim=4"], ["bottleneck.dim", "twice"]),
        ([*POST, "bottleneck.dim.x=3"], ["bottleneck.dim.x"]),
        ([*POST, "bottleneck=3"], ["bottleneck", "table"]),
        ([*POST, "bottleneck"], ["'bottleneck'", "option.path=value"]),
        ([*POST, ""], ["''", "option.path=value"]),
        ([*POST, "=3"], ["'=3'", "option.path=value"]),
        ([*POST, "data.path="], ["data.path", "write a value"]),
        ([*POST, "architecture.filters=[4"], ["architecture.filters", "write lists as"]),
        ([*POST, "architecture.strides=[4,7]"], ["architecture", "kernel 3 is smaller than stride"]),
        ([*POST, "architecture.filters=[]"], ["architecture", "filters has 0 entries"]),
        ([*POST, "train.epochs=0"], ["train.epochs", "0"]),
        ([*POST, "train.epochs=1.5"], ["train.epochs", "1.5"]),
        ([*POST, "train.batch=0"], ["train.batch", "0"]),
        ([*POST, "train.learning_rate=nan"], ["train.learning_rate", "nan"]),
        ([*POST, "train.learning_rate=inf"], ["train.learning_rate", "inf"]),
        ([*POST, "train.weight_decay=1e400"], ["train.weight_decay", "inf"]),
        ([*POST, "corruption.kind=gaussian", "corruption.std=inf"], ["corruption.std", "inf"]),
        ([*POST, "train.device=abacus"], ["train.device", "'abacus'"]),
        ([*POST, "train.device='cuda:99'"], ["train.device", "'cuda:99'"]),
        ([*POST, "train.precision=fp8"], ["train.precision", "'fp8'"]),
        ([*POST, "bottleneck.kind=gaussian"], ["objective.weights.kl=1.0"]),
        ([*POST, "name=../elsewhere"], ["name", "'../elsewhere'"]),
        ([*POST, "seed=-1"], ["seed", "-1"]),
        ([*POST, "format=7"], ["format 7", "newer isthmus", "upgrade isthmus"]),
        (["study", "demo", "format=7"], ["format 7", "newer isthmus", "upgrade isthmus"]),
        ([*POST, "seeds=2"], ["seeds", "did you mean 'seed'"]),
        ([*POST, "data.train=4"], ["validation", "split.validation"]),
        ([*POST, "data.test=1"], ["1 test image"]),
        ([*POST, "data.train=-1"], ["data.train", "-1"]),
        ([*POST, "split.limit=0"], ["split.limit", "0"]),
        (["study", "demo", "seeds=0"], ["seeds", "0"]),
        (["study", "demo", "seeds=[0,0]"], ["seeds", "[0, 0]"]),
        (["study", "demo", "seeds=-1"], ["seeds", "-1"]),
        (["study", "demo", "seeds=true"], ["seeds", "True"]),
        (["study", "demo", "seeds=99999999999"], ["seeds", "99999999999"]),
        (["study", "demo", "seed=3"], ["seed", "seeds="]),
        (["study", "demo", "name=mine"], ["name", "--out"]),
        (["study", "demo", "bottleneck.dim=4"], ["same recipe under bottleneck.dim"]),
        (["study", "demo", "train.epochs=x"], ["train.epochs", "'x'"]),
        (["list", "recipe"], ["recipe", "did you mean 'recipes'"]),
        (["data", "scene"], ["'scene'", "did you mean 'scenes'"]),
        (["data", "folder"], ["data.path", "needs a value"]),
        (["data", "folder", "path=3"], ["data.path", "3"]),
        (["data", "folder", "path=no where"], ["data.path", "no where", "does not exist"]),
        (["data", "parquet", "path=nowhere"], ["data.path", "nowhere", "does not exist"]),
        (["data", "scenes", "--skip-broken"], ["skip_broken"]),
        (["data", "cifar10"], ["CIFAR-10", "`isthmus data cifar10 --download`", "data.path", "data.kind=scenes"]),
        (["data", "cifar10", "--download", "--offline"], ["--download", "--offline"]),
        (["evaluate", "nowhere"], ["nowhere", "no such folder"]),
        (["report", "nowhere"], ["nowhere", "no such folder"]),
        (["reconstruct", "nowhere", "photo.png"], ["nowhere", "no such folder"]),
        (["evaluate", "."], [".", "not a run folder"]),
        (["report", "."], [".", "neither a finished run nor a study"]),
        (["train", "."], [".", "not a run folder"]),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else None,
)
def test_wrong_words(words: list[str], parts: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """And nothing is left behind by them."""
    monkeypatch.chdir(tmp_path)
    if words[:2] == list(POST):
        words = [*POST, *tiny(*words[2:])]
    assert_refused(isthmus(*words), *parts)
    assert not list(tmp_path.rglob(".isthmus-*"))
    assert not list(tmp_path.rglob("checkpoints"))


def test_words_that_were_mended_find_the_folder_free(tmp_path: Path) -> None:
    """Where nothing was trained yet, nothing is in the way of the same command with the right options."""
    assert_refused(train(tmp_path / "run", "train.device=abacus"), "train.device")
    assert_refused(train(tmp_path / "run", "architecture.strides=[64,64]"), "architecture")
    assert train(tmp_path / "run", "train.epochs=1").code == 0


def test_what_was_changed_is_what_the_folder_is_said_to_differ_in(finished: Path) -> None:
    assert_refused(train(finished, "data.train=-5"), "data.train", "-5")
    words = ("data.kind=folder", f"data.path={finished.parent}")
    assert_refused(train(finished, *words), "(data.kind is 'scenes' there, 'folder' here)")
    assert_refused(train(finished, "split.limit=70"), "(split.limit is not set there, 70 here)")


def test_a_loss_that_explodes_names_the_way_out_and_frees_the_folder(tmp_path: Path) -> None:
    answer = train(tmp_path / "run", "train.learning_rate=1e30", "-q")
    assert_refused(answer, "learning rate", "train.clip_norm", code=1)
    assert train(tmp_path / "run", "train.epochs=1").code == 0


@pytest.mark.parametrize("change", ["bottleneck.dim=999999999999", "data.size=100000000"])
def test_more_than_the_memory_holds(change: str, tmp_path: Path) -> None:
    assert_refused(train(tmp_path / "run", change), "memory", code=1)


@pytest.mark.parametrize(
    "change", ["train.batch=100000", "split.limit=1", "train.warmup_steps=1000000", "data.size=8", "name=Bär"]
)
def test_extremes_that_are_no_mistakes(change: str, tmp_path: Path) -> None:
    assert train(tmp_path / "run", change, "train.epochs=1").code == 0


def test_the_remedy_that_is_named_works(tmp_path: Path) -> None:
    answer = train(tmp_path / "run", "bottleneck.kind=gaussian", "train.epochs=1")
    assert_refused(answer, "set objective.weights.kl=1.0")
    words = ("bottleneck.kind=gaussian", "objective.weights.kl=1.0", "train.epochs=1")
    assert train(tmp_path / "run", *words).code == 0


# ---------------------------------------------------------------- recipes and data


@pytest.mark.parametrize(
    ("content", "parts"),
    [
        (b"format = 99\n", ["format 99", "newer", "upgrade"]),
        (b"[[", ["not a TOML file"]),
        (b"\xff\xfe", ["not a TOML file"]),
        (b"", ["data", "kind"]),
        (b"data = 3", ["data", "3"]),
        (b"[data]\nkind = 'scenes'\n[training]\nepochs = 3", ["training", "did you mean 'train'"]),
        (None, ["recipe.toml"]),
    ],
)
def test_a_recipe_file_that_is_none(content: bytes | None, parts: list[str], tmp_path: Path) -> None:
    path = tmp_path / "mein rezept.toml"
    if content is None:
        path.mkdir()
    else:
        path.write_bytes(content)
    assert_refused(isthmus("train", path), *parts)
    assert_refused(isthmus("study", path))


def picture(path: Path, value: int) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", (16, 16), (value, 2 * value, 100)).save(path)


def test_a_folder_without_images(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("nothing to see")
    assert_refused(isthmus("data", "folder", f"path={tmp_path}"), str(tmp_path), "no images", "notes.txt")


def test_a_truncated_png_is_named_and_can_be_left_out(tmp_path: Path) -> None:
    for value in range(30):
        picture(tmp_path / f"{value:02}.png", value)
    broken = tmp_path / "07.png"
    broken.write_bytes(broken.read_bytes()[:50])
    words = ("data", "folder", f"path={tmp_path}", "size=16")
    assert_refused(isthmus(*words), "1 of 30", "07.png", "--skip-broken")
    answer = isthmus(*words, "--skip-broken")
    assert answer.code == 0
    assert "07.png" in answer.err


def test_a_parquet_file_without_images(tmp_path: Path) -> None:
    pq.write_table(pa.table({"text": ["a"], "label": [0]}), tmp_path / "train.parquet")
    assert_refused(isthmus("data", "parquet", f"path={tmp_path}"), "'img' or 'image'", "text, label", "image_column")
    (tmp_path / "train.parquet").write_bytes(b"PAR1 not really")
    assert_refused(isthmus("data", "parquet", f"path={tmp_path}"), "train.parquet", "not a readable parquet file")


def test_a_test_image_that_is_also_trained_on(tmp_path: Path) -> None:
    for value in range(30):
        picture(tmp_path / "train" / f"{value}.png", value)
    picture(tmp_path / "test" / "copy.png", 11)
    answer = train(tmp_path / "run", "data.kind=folder", f"data.path={tmp_path}", "data.size=16")
    assert_refused(answer, "1 of 1 test images are also training images", "remove")
    assert not (tmp_path / "run").exists()


def odd_images() -> dict[str, Image.Image]:
    colour = Image.fromarray(Scenes(train=1, test=1, size=40).load().train.images[0].transpose(1, 2, 0))
    deep = np.arange(40 * 40, dtype=np.uint16).reshape(40, 40) * 40
    return {
        "grey.png": colour.convert("L"),
        "deep.png": Image.fromarray(deep),
        "deep.tif": Image.fromarray(deep),
        "palette.png": colour.convert("P"),
        "palette.gif": colour.convert("P"),
        "bits.png": colour.convert("1"),
        "cmyk.jpg": colour.convert("CMYK"),
        "cmyk.tif": colour.convert("CMYK"),
        "alpha.png": colour.convert("RGBA"),
        "grey-alpha.png": colour.convert("LA"),
        "dot.png": colour.resize((1, 1)),
        "line.png": colour.resize((400, 1)),
        "large.jpg": colour.resize((2000, 1500)),
        "colour.webp": colour,
        "ein Bild – 画像.bmp": colour,
    }


@pytest.mark.parametrize("name", odd_images())
def test_odd_images_are_reconstructed(name: str, finished: Path, tmp_path: Path) -> None:
    odd_images()[name].save(tmp_path / name)
    target = tmp_path / "out" / "result.png"
    answer = isthmus("reconstruct", finished, tmp_path / name, "-o", target)
    assert (answer.code, answer.out) == (0, f"{target}\n")
    with Image.open(target) as result:
        assert (result.mode, result.size) == ("RGB", (32, 32))


def test_odd_images_are_trained_on(tmp_path: Path) -> None:
    for value in range(20):
        picture(tmp_path / "images" / f"{value}.png", value)
    for name, image in odd_images().items():
        image.save(tmp_path / "images" / name)
    words = ("data.kind=folder", f"data.path={tmp_path / 'images'}", "data.size=16", "train.epochs=1")
    answer = train(tmp_path / "run", *words)
    assert answer.code == 0, answer
    environment = json.loads((tmp_path / "run" / "environment.json").read_text())
    counts = [environment["data"][f"{part}_images"] for part in ("train", "validation", "test")]
    assert sum(counts) == 20 + len(odd_images())


@pytest.mark.parametrize(
    ("name", "content", "parts"),
    [
        ("broken.png", b"\x89PNG\r\n\x1a\n not quite", ["not a readable image"]),
        ("text.png", b"once upon a time", ["not a readable image"]),
        ("empty.png", b"", ["is empty"]),
        ("missing.png", None, ["no such file"]),
        ("", None, ["holds no images"]),
    ],
)
def test_what_is_no_image(name: str, content: bytes | None, parts: list[str], finished: Path, tmp_path: Path) -> None:
    if content is not None:
        (tmp_path / name).write_bytes(content)
    answer = isthmus("reconstruct", finished, tmp_path / name, "-o", tmp_path / "out.png")
    assert_refused(answer, str(tmp_path / name), *parts)
    assert not (tmp_path / "out.png").exists()


def test_reconstructing_says_what_is_done_to_pictures_and_leaves_out_broken_ones(
    finished: Path, tmp_path: Path
) -> None:
    pictures = tmp_path / "pictures"
    pictures.mkdir()
    Image.new("CMYK", (40, 20)).save(pictures / "wide.jpg")
    (pictures / "broken.png").write_bytes(b"\x89PNG\r\n\x1a\n")
    words = ("reconstruct", finished, pictures, "-o", tmp_path / "out")
    assert_refused(isthmus(*words), "broken.png", "leave it out with --skip-broken")
    answer = isthmus(*words, "--skip-broken")
    assert answer.code == 0
    assert answer.out == f"{tmp_path / 'out' / 'wide.png'}\n"
    for sentence in ("Converted to RGB: 1 of 1 image (1 from CMYK)", "Cropped: 1 of 1", "1 of 2 images cannot be read"):
        assert sentence in answer.err
    (pictures / "wide.jpg").unlink()
    assert_refused(isthmus(*words, "--skip-broken"), "1 of 1 image cannot be read", "name others")


def test_a_folder_that_was_deleted_under_ones_feet_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "gone").mkdir()
    program = (
        "import os, sys; os.chdir(sys.argv[1]); os.rmdir(sys.argv[1]); sys.argv[1:] = ['train', 'demo/latent-10']\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program + "from isthmus.cli import main; main()", str(tmp_path / "gone")],
        env=environment(),
        capture_output=True,
        encoding="utf-8",
        timeout=60,
        check=False,
    )
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == "isthmus: the folder that you are in no longer exists; change to another\n"


def test_an_image_larger_than_memory_allows(finished: Path, photo: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 1000)
    assert_refused(isthmus("reconstruct", finished, photo, "-o", photo.with_name("out.png")), "1,000 pixels")


# ---------------------------------------------------------------- where results go


def test_photos_are_never_written_over(finished: Path, photo: Path) -> None:
    before = photo.read_bytes()
    other = photo.with_name("other.png")
    shutil.copy(photo, other)
    for words in (["-o", photo], ["-o", photo.parent], [other, "-o", photo.parent]):
        assert_refused(isthmus("reconstruct", finished, photo, *words), "overwrite", "--out")
    assert photo.read_bytes() == before


def test_files_that_isthmus_did_not_make_are_never_written_over(finished: Path, photo: Path) -> None:
    """Whatever the verb, and before anything else is written; what isthmus made is replaced, an empty file filled."""
    folder, data = photo.parent, ["data", "scenes", "train=20", "test=2", "--sheet"]
    for name in ("a.jpg", "b.jpg", "b.png"):
        shutil.copy(photo, folder / name)
    foreign = folder / "b.png"
    for words in (
        ["reconstruct", finished, folder / "a.jpg", folder / "b.jpg", "-o", folder],
        ["reconstruct", finished, photo, "-o", foreign],
        ["sample", finished, "-n", "4", "-o", foreign],
        ["explore", finished, "-o", foreign],
        [*data, foreign],
    ):
        assert_refused(isthmus(*words), f"{foreign}: ", "not made by isthmus", "another path")
    assert foreign.read_bytes() == photo.read_bytes()
    assert not (folder / "a.png").exists()
    (folder / "a.png").touch()
    for words in (["sample", finished, "-n", "4", "-o"], ["reconstruct", finished, folder / "a.jpg", "-o"], data):
        for _ in range(2):
            assert isthmus(*words, folder / "a.png").code == 0


def test_a_home_folder_is_written_as_a_shell_has_it(
    finished: Path, photo: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where `~` reaches isthmus, as in --out=~/out.png, it is the home folder in every path, and an empty path none."""
    home = photo.parent / "home"
    shutil.copytree(finished, home / "run")
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.chdir(photo.parent)
    assert isthmus("sample", "~/run", "-n", "4", "--out=~/s.png") == Answer(0, f"{home}/s.png\n", ANY)
    assert isthmus("reconstruct", "~/run", "~/s.png", "--out=~/r.png").code == 0
    assert isthmus("data", "scenes", "train=20", "test=2", "--sheet=~/d.png").code == 0
    assert isthmus("train", "~/run", "-q").code == 0
    assert isthmus("sample", "~/run", "-n", "4", "--out=./~s.png").code == 0
    assert {"s.png", "r.png", "d.png"} <= {path.name for path in home.iterdir()}
    assert not Path("~").exists() and Path("~s.png").exists()
    assert_refused(
        isthmus("sample", "~/run", "--out=~nosuchuser/s.png"), "--out", "'~nosuchuser/s.png'", "write it out"
    )
    for words in (["reconstruct", "~/run", ""], ["doctor", ""], ["export", "~/run", "-o", ""]):
        assert_refused(isthmus(*words), "'' is not a path")


def test_results_that_do_not_fit_where_they_are_to_go(finished: Path, photo: Path) -> None:
    folder = photo.parent
    same_name = folder / "sub" / photo.name
    same_name.parent.mkdir()
    shutil.copy(photo, same_name)
    assert_refused(isthmus("reconstruct", finished, photo, "-o", folder / "out.jpg"), "out.jpg", "PNG")
    assert_refused(isthmus("reconstruct", finished, photo, same_name, "-o", folder / "out.png"), "need a folder")
    assert_refused(isthmus("reconstruct", finished, photo, same_name, "-o", folder / "out"), "same name")
    assert_refused(isthmus("reconstruct", finished, photo, "-o", photo / "out.png"), "is a file")
    assert_refused(isthmus("data", "scenes", "train=20", "test=2", "--sheet", folder), "is a folder")
    assert_refused(isthmus("data", "scenes", "train=20", "test=2", "--sheet", "."), "is a folder")


def test_a_run_that_has_no_place_to_go(finished: Path, photo: Path) -> None:
    full = photo.parent / "full"
    full.mkdir()
    (full / "letter.txt").write_text("dear diary")
    for out, part in (
        (photo, "is a file"),
        (photo / "run", "below a file"),
        (full, "not empty and no run folder"),
    ):
        assert_refused(train(out), str(out), part)
    assert_refused(train(photo.parent / ("x" * 300)), "--out", "too long")
    assert_refused(train(finished, "bottleneck.dim=4"), "bottleneck.dim is 3 there, 4 here", "--out")
    assert_refused(isthmus("train", finished, "bottleneck.dim=4"), "bottleneck.dim", "--from")
    assert_refused(isthmus("study", "demo", "-o", finished), "holds a single run", "--out")
    assert [entry.name for entry in full.iterdir()] == ["letter.txt"]


@pytest.fixture
def unwritable(finished: Path) -> Iterator[Path]:
    """A folder that this process may read and not write; root gives its rights up meanwhile."""
    folder = Path(tempfile.mkdtemp())  # not in tmp_path, which others than its owner may not enter
    shutil.copytree(finished, folder / "run")
    Image.new("RGB", (32, 32)).save(folder / "photo.png")
    for path in [folder, *folder.rglob("*")]:
        path.chmod(0o555 if path.is_dir() else 0o444)
    root = os.geteuid() == 0
    if root:
        os.seteuid(NOBODY)
    try:
        yield folder
    finally:
        if root:
            os.seteuid(0)
        for path in [folder, *folder.rglob("*")]:
            path.chmod(0o755)
        shutil.rmtree(folder)


def test_a_folder_that_may_not_be_written_to(unwritable: Path) -> None:
    with pytest.raises(PermissionError):
        (unwritable / "new").touch()
    run, photo = unwritable / "run", unwritable / "photo.png"
    remedy = "may not be used; change its permissions or choose another path"
    assert_refused(train(unwritable / "new"), str(unwritable / "new"), remedy)
    assert_refused(isthmus("evaluate", run), str(run), remedy)
    assert_refused(isthmus("report", run), str(run), remedy)
    assert_refused(isthmus("reconstruct", run, photo, "-o", unwritable / "out.png"), "out.png", remedy)


# ---------------------------------------------------------------- full disks


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of one megabyte."""
    disk = tmp_path / "disk"
    disk.mkdir()
    mounted = shutil.which("mount") and subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", disk], capture_output=True, check=False
    )
    if not mounted or mounted.returncode:
        pytest.skip("a disk that can be filled needs the right to mount one")
    try:
        yield disk
    finally:
        subprocess.run(["umount", "-l", disk], check=True)


def test_a_disk_that_fills_up_loses_nothing(finished: Path, small_disk: Path) -> None:
    """However little room there is: once there is more, the run ends with the bits it would have had."""
    weights = (finished / "checkpoints" / "best" / "model.safetensors").read_bytes()
    refused = 0
    for room in (4, 24, 64, 104, 144, 184, 240):
        folder, ballast = small_disk / "run", small_disk / "ballast"
        ballast.write_bytes(bytes(1024 * (1024 - room)))
        answer = train(folder, "-q")
        if answer.code:
            refused += 1
            assert_refused(answer, str(small_disk), "the disk is full; make room", code=1)
            assert not is_evaluated(folder) or "report.html" in answer.err
        ballast.unlink()
        assert train(folder, "-q", "--resume").code == 0
        assert (folder / "checkpoints" / "best" / "model.safetensors").read_bytes() == weights
        assert is_evaluated(folder)
        shutil.rmtree(folder)
    assert refused >= 3, "the disk must fill at several places"


@pytest.mark.parametrize(("owner", "name", "nth"), [(checkpoint, "_save_tensors", 7), (pq, "write_table", 1)])
def test_a_write_that_finds_no_room_can_be_repeated(
    owner: Any, name: str, nth: int, finished: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In training, after a first checkpoint, and in evaluation; where no disk can be mounted, too."""
    real, calls = getattr(owner, name), iter(range(nth - 1))

    def full(*args: Any, **kwargs: Any) -> Any:
        if next(calls, None) is None:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return real(*args, **kwargs)

    with monkeypatch.context() as patch:
        patch.setattr(owner, name, full)
        assert_refused(train(tmp_path / "run", "-q"), "the disk is full; make room", code=1)
    assert (tmp_path / "run" / "checkpoints" / "last" / "state.json").is_file()
    assert train(tmp_path / "run", "-q", "--resume").code == 0
    best = Path("checkpoints", "best", "model.safetensors")
    assert (tmp_path / "run" / best).read_bytes() == (finished / best).read_bytes()


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full here")
def test_output_that_finds_no_room() -> None:
    command = [sys.executable, "-m", "isthmus", "--version"]
    with open("/dev/full", "w") as full:
        answer = subprocess.run(
            command, stdout=full, stderr=subprocess.PIPE, env=environment(), check=False, encoding="utf-8"
        )
    assert_refused(Answer(answer.returncode, "", answer.stderr), "the disk is full", code=1)


# ---------------------------------------------------------------- damaged run folders


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def garble(path: Path) -> None:
    path.write_bytes(b"\x00\xff\x80 garbage \xfe")


def flip(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[-3] ^= 1
    path.write_bytes(data)


def empty(path: Path) -> None:
    path.write_bytes(b"")


def remove(path: Path) -> None:
    shutil.rmtree(path) if path.is_dir() else path.unlink()


def hollow(path: Path) -> None:
    path.write_text("{}")


def listed(path: Path) -> None:
    path.write_text("[1, 2]")


Damage = Callable[[Path], None]
ANY_DAMAGE: tuple[Damage, ...] = (cut, garble, empty, remove, hollow, listed)


@pytest.mark.parametrize("damage", ANY_DAMAGE)
def test_a_damaged_evaluation_is_made_again(run: Path, damage: Damage) -> None:
    before = (run / "evaluation.json").read_bytes()
    for verb in ("train", "evaluate"):
        damage(run / "evaluation.json")
        assert_refused(isthmus("report", run), str(run), code=2 if damage in (empty, remove) else 1)
        words = ["--resume"] if verb == "train" else []
        assert isthmus(verb, run, *words).code == 0
        assert (run / "evaluation.json").read_bytes() == before


@pytest.mark.parametrize("damage", ANY_DAMAGE)
def test_a_damaged_record_of_training_is_written_again_from_the_checkpoint(run: Path, damage: Damage) -> None:
    before = json.loads((run / "training.json").read_text())
    damage(run / "training.json")
    assert_refused(isthmus("evaluate", run), str(run), "--resume", code=1)
    (run / "evaluation.json").unlink()
    assert isthmus("train", run, "--resume").code == 0
    assert json.loads((run / "training.json").read_text()) == before


@pytest.mark.parametrize("damage", ANY_DAMAGE)
def test_without_its_environment_a_run_is_not_judged(run: Path, photo: Path, damage: Damage) -> None:
    """Nobody could say whether today's test images were trained on."""
    damage(run / "environment.json")
    for words in (["evaluate", run], ["reconstruct", run, photo, "-o", photo.with_name("out.png")]):
        assert_refused(isthmus(*words), "environment.json", "restore it", code=1)
    (run / "training.json").unlink()
    (run / "evaluation.json").unlink()
    assert_refused(isthmus("train", run, "--resume", "-q"), "environment.json", "restore it", code=1)


@pytest.mark.parametrize("damage", [cut, garble, empty, remove, listed])
def test_without_its_recipe_a_run_is_not_used(run: Path, photo: Path, damage: Damage) -> None:
    damage(run / "recipe.toml")
    for words in (["evaluate", run], ["train", run], ["reconstruct", run, photo, "-o", photo.with_name("out.png")]):
        assert_refused(isthmus(*words), str(run), "recipe.toml")
    assert_refused(train(run), str(run), "remove the folder" if damage in (empty, remove) else "")


@pytest.mark.parametrize("name", ["per_image.parquet", "pictures.safetensors"])
@pytest.mark.parametrize("damage", [cut, garble, empty])
def test_damaged_tables_and_pictures_are_named_until_evaluated_again(run: Path, name: str, damage: Damage) -> None:
    damage(run / name)
    assert_refused(isthmus("report", run), str(run / name), f"`isthmus evaluate {run}` writes it again", code=1)
    assert isthmus("evaluate", run).code == 0
    assert isthmus("report", run).code == 0


@pytest.mark.parametrize("damage", ANY_DAMAGE)
def test_a_damaged_log_costs_curves_only(run: Path, damage: Damage) -> None:
    damage(run / "metrics.jsonl")
    assert isthmus("report", run).code == 0
    (run / "training.json").unlink()
    (run / "evaluation.json").unlink()
    assert isthmus("train", run, "--resume").code == 0


@pytest.mark.parametrize(
    ("name", "damage"),
    [
        ("model.safetensors", flip),
        ("model.safetensors", cut),
        ("model.safetensors", remove),
        ("state.json", cut),
        ("state.json", hollow),
        ("state.json", garble),
    ],
)
def test_damaged_best_weights_give_way_to_the_last(run: Path, photo: Path, name: str, damage: Damage) -> None:
    """And every verb that uses them says so."""
    damage(run / "checkpoints" / "best" / name)
    for words in (["evaluate", run], ["reconstruct", run, photo, "-o", photo.with_name("out.png")]):
        answer = isthmus(*words)
        assert answer.code == 0, answer
        assert "best is damaged" in answer.err
        assert "using the last weights instead of the best" in answer.err
    assert json.loads((run / "evaluation.json").read_text())["checkpoint"]["which"] == "last"


def test_missing_best_weights_give_way_to_the_last(run: Path) -> None:
    """The scores change, so it is said."""
    shutil.rmtree(run / "checkpoints" / "best")
    answer = isthmus("evaluate", run)
    assert answer.code == 0, answer
    assert f"{run / 'checkpoints' / 'best'}: is missing." in answer.err
    assert "using the last weights instead of the best" in answer.err


def test_weights_that_are_all_damaged(run: Path) -> None:
    for path in run.glob("checkpoints/*/model.safetensors"):
        flip(path)
    assert_refused(isthmus("evaluate", run), str(run), "no weights that can be read", "train again", code=1)


def test_a_damaged_checkpoint_gives_way_to_the_older_one(
    finished: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Said on stderr, and the run ends with the same bits."""
    folder, last = tmp_path / "run", Path("checkpoints", "last", "model.safetensors")
    real = checkpoint.save

    def interrupted(folder: Path, model: Any, progress: Any, *rest: Any, **notes: Any) -> None:
        if progress.epoch == 3:
            raise KeyboardInterrupt
        real(folder, model, progress, *rest, **notes)

    with monkeypatch.context() as patch:
        patch.setattr(checkpoint, "save", interrupted)
        assert train(folder, "-q").code == 130
    flip(folder / last)
    answer = train(folder, "--resume", "--keep-optimizer")
    assert answer.code == 0, answer
    assert "last is damaged" in answer.err
    assert "using last.old of step 5" in answer.err
    assert (folder / last).read_bytes() == (finished / last).read_bytes()


@pytest.mark.parametrize(
    ("old", "new", "parts"),
    [
        ('kind = "vector"', 'kind = "gone"', ["bottleneck.kind", "'gone'", "`isthmus list bottlenecks`"]),
        ("dim = 3", "dim = 4", ["another model", "restore recipe.toml"]),
        ("format = 1", "format = 9", ["format 9", "newer", "upgrade"]),
        ('kind = "conv"', 'kind = "conv"\nwings = 2', ["architecture.wings"]),
    ],
)
def test_a_recipe_that_this_version_cannot_follow(old: str, new: str, parts: list[str], run: Path, photo: Path) -> None:
    text = (run / "recipe.toml").read_text()
    assert text.count(old) == 1
    (run / "recipe.toml").write_text(text.replace(old, new))
    for words in (["evaluate", run], ["reconstruct", run, photo, "-o", photo.with_name("out.png")]):
        code = 1 if "another model" in parts else 2
        assert_refused(isthmus(*words), str(run), *parts, code=code)


@pytest.mark.parametrize("name", ["evaluation.json", "training.json", "per_image.parquet"])
@pytest.mark.parametrize("damage", [cut, garble, remove])
def test_a_study_mends_its_runs(name: str, damage: Damage, run: Path) -> None:
    """Without training again; what it says is as before."""
    words = ["study", run.parent / "mine.toml", "-o", run.parent / "out", "--json", "-q"]
    base = tomllib.loads((run / "recipe.toml").read_text())
    known = {key: base.pop(key) for key in ("format", "name", "seed")}
    study = {"base": base, "variation": [{"name": known["name"]}]}
    (run.parent / "mine.toml").write_text(tomli_w.dumps(study))
    home = shutil.copytree(run, run.parent / "out" / known["name"] / "seed-0")
    before = isthmus(*words)
    assert before.code == 0, before
    damage(home / name)
    assert isthmus(*words) == before
    assert (home / "checkpoints" / "last" / "state.json").stat().st_mtime_ns == (
        run / "checkpoints" / "last" / "state.json"
    ).stat().st_mtime_ns


def test_a_study_is_no_run_but_names_those_in_it(run: Path, photo: Path) -> None:
    home = run.parent / "study" / "latent-10" / "seed-0"
    shutil.copytree(run, home)
    study = home.parent.parent
    (study / "study.toml").write_text("")
    for words in (["evaluate", study], ["train", study], ["reconstruct", study, photo, "-o", photo.with_name("o.png")]):
        assert_refused(isthmus(*words), "a study, not a run", str(home))


# ---------------------------------------------------------------- other hands


def test_names_that_cannot_be_written_down(tmp_path: Path) -> None:
    """A file system takes any bytes, a recipe holds text."""
    strange = tmp_path / os.fsdecode(b"caf\xe9")
    for value in range(30):
        picture(strange / f"{value}.png", value)
    answer = train(tmp_path / "run", "data.kind=folder", f"data.path={strange}", "data.size=16")
    assert_refused(answer, "not UTF-8", "rename it")


def test_images_that_changed_since_training(tmp_path: Path) -> None:
    for value in range(30):
        picture(tmp_path / "images" / f"{value}.png", value)
    words = ("data.kind=folder", f"data.path={tmp_path / 'images'}", "data.size=16", "train.epochs=1")
    run = tmp_path / "run"
    assert train(run, *words).code == 0
    before = (run / "evaluation.json").read_bytes()
    picture(tmp_path / "images" / "30.png", 30)
    assert_refused(isthmus("evaluate", run), str(run), "not those it was trained on", "restore them")
    (run / "training.json").unlink()
    assert (run / "evaluation.json").read_bytes() == before
    (run / "evaluation.json").unlink()
    assert_refused(train(run, *words, "--resume"), str(run), "not those it was trained on", "restore them")
    shutil.rmtree(tmp_path / "images")
    assert_refused(isthmus("evaluate", run), "no longer at", "add data.path=PATH")


def test_two_processes_do_not_train_in_one_folder(run: Path) -> None:
    (run / "evaluation.json").unlink()
    with open(run / "lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        assert_refused(train(run, "--resume"), str(run), "another process", "--out", code=1)
    assert train(run, "--resume").code == 0


def test_words_for_a_process_of_its_own() -> None:
    """Once without any test's machinery: the code, the sentence, nothing else."""
    answer = finish(start("train", "post/latent-10", *TINY, "bottleneck.dimm=3"))
    assert_refused(answer, "bottleneck.dimm", "did you mean 'dim'")
