"""`isthmus encode RUN SOURCE` and `isthmus.encode`: a table of latents that says where each row comes from."""

from __future__ import annotations

import errno
import hashlib
import json
import os
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pyarrow.csv as pa_csv
import pyarrow.parquet as pq
import pytest
import torch
from PIL import Image
from tests.command import assert_refused, isthmus
from torch import Tensor
from torch.utils.data import Dataset

import isthmus as ist
from isthmus.core.ahead import ahead, behind
from isthmus.core.errors import InputError
from isthmus.inference import encode as encode_module
from isthmus.inference.encode import AboutLatents, EncodedBlock, about_latents, encoded, weights_file_hash
from isthmus.inference.latents import gathered
from isthmus.inference.latents_file import writing
from isthmus.inference.latents_table import LatentsTable
from isthmus.inference.named_images import NamedImages
from isthmus.models.autoencoder import Autoencoder
from isthmus.models.pixels import to_unit
from isthmus.recipes.study_plan import load_recipe
from isthmus.runs.load import load_model


@pytest.fixture(scope="module")
def run(small_run: Path, cache_of_module: None) -> Path:
    return small_run


@pytest.fixture
def pixels() -> np.ndarray:
    return np.random.default_rng(3).integers(0, 256, (150, 32, 32, 3), dtype=np.uint8)


@pytest.fixture
def home(tmp_path: Path, pixels: np.ndarray, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The current folder, with scans.npy and pets/cat/0.png, ..., pets/dog/5.png."""
    monkeypatch.chdir(tmp_path)
    np.save("scans.npy", pixels)
    for place in range(6):
        folder = Path("pets", "cat" if place < 4 else "dog")
        folder.mkdir(parents=True, exist_ok=True)
        Image.fromarray(pixels[place]).save(folder / f"{place}.png")
    return tmp_path


def test_the_table_has_paths_labels_hashes_latents_and_errors(run: Path, home: Path, pixels: np.ndarray) -> None:
    told = isthmus("encode", run, "pets", "-o", "out/pets.parquet", "-q")
    assert (told.code, told.out) == (0, "out/pets.parquet\n"), told.err
    assert "6 pictures, 3 numbers each; mean squared error" in told.err
    model, _ = load_model(run, "cpu")
    table = pq.read_table("out/pets.parquet")
    assert table.column_names == ["path", "label", "sha256", "error", "z"]
    assert table["path"].to_pylist() == [f"pets/{'cat' if place < 4 else 'dog'}/{place}.png" for place in range(6)]
    assert table["label"].to_pylist() == ["cat"] * 4 + ["dog"] * 2
    flat = np.ascontiguousarray(pixels[5].transpose(2, 0, 1))
    assert table["sha256"].to_pylist()[5] == hashlib.sha256(flat).hexdigest()
    assert str(table.schema.field("z").type) == "fixed_size_list<element: float>[3]"
    assert (np.array(table["z"].to_pylist(), np.float32) == model.encode(pixels[:6])).all()
    difference = model.reconstruct(pixels[:6]).astype(np.float64) - pixels[:6]
    np.testing.assert_allclose(table["error"].to_numpy(), (difference**2).mean(axis=(1, 2, 3)) / 255**2, rtol=1e-12)


def test_the_table_names_its_run_and_the_hash_of_the_weights_file(run: Path, home: Path) -> None:
    isthmus("encode", run, "scans.npy", "-o", "z.parquet", "-q")
    about = json.loads(pq.read_schema("z.parquet").metadata[b"isthmus"])
    weights = hashlib.sha256((run / "checkpoints" / "best" / "model.safetensors").read_bytes()).hexdigest()
    assert (about["run"], about["weights"], about["latent_shape"]) == (str(run), f"sha256:{weights}", [3])
    assert LatentsTable(Path("z.parquet")).about.weights == weights_file_hash(load_model(run, "cpu")[0])


def test_csv_and_npy_hold_the_same_numbers(run: Path, home: Path, pixels: np.ndarray) -> None:
    for ending in ("parquet", "csv", "npy"):
        assert isthmus("encode", run, "scans.npy", "-o", f"z.{ending}", "-q").code == 0
    expected = load_model(run, "cpu")[0].encode(pixels)
    rows = pa_csv.read_csv("z.csv").to_pydict()
    assert list(rows) == ["path", "sha256", "error", "z_0", "z_1", "z_2"] and rows["path"][149] == "scans.npy:149"
    assert (np.stack([np.array(rows[f"z_{place}"], np.float32) for place in range(3)], axis=1) == expected).all()
    assert (np.load("z.npy") == expected).all()
    assert (np.concatenate(list(LatentsTable(Path("z.parquet")).latents())) == expected).all()


def test_the_bits_do_not_depend_on_the_blocks(
    run: Path, home: Path, pixels: np.ndarray, monkeypatch: pytest.MonkeyPatch
) -> None:
    model, _ = load_model(run, "cpu")
    whole = ist.encode(run, "scans.npy", show_progress=False)
    monkeypatch.setattr(encode_module, "BLOCK_BYTES", 1)
    with encoded(model, NamedImages("scans.npy", model.form, quiet=True)) as blocks:
        parts = list(blocks)
    assert len(parts) == 3
    assert (np.concatenate([part.z for part in parts]) == whole.z).all()
    assert (whole.z == model.encode(pixels)).all()


def test_a_table_is_replaced_only_if_isthmus_made_it(run: Path, home: Path) -> None:
    for ending in ("parquet", "csv", "npy"):
        out = f"z.{ending}"
        for _ in range(2):
            assert isthmus("encode", run, "pets", "-o", out, "-q").code == 0
        Path(out).write_bytes(b"somebody's notes")
        assert_refused(isthmus("encode", run, "pets", "-o", out, "-q"), out, "was not made by isthmus")
        assert Path(out).read_bytes() == b"somebody's notes"
    np.save("mine.npy", np.zeros(3))
    assert_refused(isthmus("encode", run, "pets", "-o", "mine.npy", "-q"), "mine.npy: already exists")
    assert isthmus("encode", run, "pets", "-o", "own.npy", "-q").code == 0
    np.save("own.npy", np.load("own.npy"))  # saved again by NumPy, it is somebody's own file
    assert_refused(isthmus("encode", run, "pets", "-o", "own.npy", "-q"), "own.npy: already exists")
    assert np.load("mine.npy").shape == (3,)


def test_another_ending_is_refused_before_anything_is_read(run: Path, home: Path) -> None:
    assert_refused(isthmus("encode", run, "nowhere", "-o", "z.xlsx"), "z.xlsx", ".parquet, .npy, .csv")


def test_a_broken_picture_leaves_no_half_table(run: Path, home: Path) -> None:
    Path("pets/cat/2.png").write_bytes(b"x")
    refused = isthmus("encode", run, "pets", "-o", "out/z.parquet", "-q")
    assert_refused(refused, "cat/2.png", "--skip-broken")
    assert not list(Path("out").iterdir())
    told = isthmus("encode", run, "pets", "-o", "out/z.parquet", "-q", "--skip-broken", "--json")
    said = json.loads(told.out)
    assert (said["images"], said["left_out"]) == (5, 1) and "cat/2.png" in told.err
    assert pq.read_table("out/z.parquet")["path"].to_pylist()[2] == "pets/cat/3.png"


def test_a_full_disk_is_one_error_and_leaves_nothing(tmp_path: Path) -> None:
    """The disk is full in the middle of the table: an OSError that names it, and neither a file nor a temporary one."""
    about = AboutLatents("run", "sha256:0", (3,))
    block = EncodedBlock(("a",), (None,), ("0",), np.zeros((1, 3), np.float32), None, np.zeros(1))
    for ending in ("parquet", "csv", "npy"):
        path = tmp_path / f"z.{ending}"
        with pytest.raises(OSError) as raised, writing(path, about, labels=False, names=False) as writer:
            writer.write(block)
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        assert raised.value.filename == str(path) and not list(tmp_path.iterdir())


def test_the_codes_of_a_discrete_latent_are_kept(home: Path, pixels: np.ndarray) -> None:
    recipe = load_recipe("families/fsq", {"architecture.width": 8, "architecture.depth": 1})
    model = Autoencoder(recipe, (3, 32, 32)).eval()
    found = gathered(model, NamedImages("scans.npy", model.form, quiet=True), about_latents(Path("a run"), model))
    table = pq.read_table(found.save("z.parquet"))
    latent = model.latent(to_unit(torch.from_numpy(pixels.transpose(0, 3, 1, 2))[:1]))[1]
    assert found.codes is not None and latent.codes is not None
    assert (found.codes[0] == latent.codes.flatten().numpy()).all() and len(np.unique(found.codes)) > 1
    assert str(table.schema.field("codes").type) == f"fixed_size_list<element: int64>[{found.codes.shape[1]}]"
    assert (np.array(table["codes"].to_pylist()) == found.codes).all()
    assert (np.array(table["z"].to_pylist(), np.float32) == found.z.reshape(len(pixels), -1)).all()
    first = found.save("z.csv").read_text().splitlines()[0]
    assert first.count('"code_') == found.codes.shape[1]


class Scans(Dataset[tuple[Tensor, str]]):
    """As data sets of PyTorch give them: channels first, fractions, and a label."""

    def __init__(self, pixels: np.ndarray) -> None:
        self.pixels = pixels

    def __len__(self) -> int:
        return len(self.pixels)

    def __getitem__(self, index: int) -> tuple[Tensor, str]:
        return torch.from_numpy(self.pixels[index].transpose(2, 0, 1) / 255), ("even", "odd")[index % 2]


def test_from_python_arrays_data_sets_and_paths_give_the_same(run: Path, home: Path, pixels: np.ndarray) -> None:
    expected = ist.encode(run, "scans.npy", show_progress=False)
    given = ist.encode(run, pixels, show_progress=False)
    labelled = ist.encode(run, (pixels[:4], [7, 8, 7, 8]), show_progress=False)
    pictures = ist.encode(run, [Image.fromarray(one) for one in pixels[:4]], show_progress=False)
    fractions = ist.encode(run, pixels.transpose(0, 3, 1, 2) / 255, show_progress=False)
    assert (given.z == expected.z).all() and given.sha256 == expected.sha256 == fractions.sha256
    assert labelled.labels == (7, 8, 7, 8) and labelled.names[3] == "images:3"
    assert pictures.sha256 == expected.sha256[:4]
    assert any("fractions of which 0 becomes black" in sentence for sentence in fractions.notices)
    assert given.save("kept.csv").read_text().startswith('"path","sha256"')
    numbered = ist.encode(run, Scans(pixels[:5]), show_progress=False)
    assert numbered.sha256 == expected.sha256[:5] and numbered.labels == ("even", "odd", "even", "odd", "even")
    with pytest.raises(InputError, match="source: 3 is no pictures"):
        ist.encode(run, 3)


def test_a_pipe_gets_csv(run: Path, home: Path) -> None:
    os.mkfifo("pipe")
    with ThreadPoolExecutor(1) as pool:
        read = pool.submit(Path("pipe").read_text)
        while not read.running():
            time.sleep(0.01)
        time.sleep(0.1)  # until it is opened
        told = isthmus("encode", run, "scans.npy", "-o", "pipe")
        lines = read.result(timeout=20).splitlines()
    assert told.code == 0 and told.out == "" and "images/s" in told.err
    assert lines[0].startswith('"path","sha256","error","z_0"') and len(lines) == 151


def test_reading_ahead_keeps_order_raises_what_is_raised_and_ends_its_thread() -> None:
    before = threading.active_count()

    def numbers() -> Iterator[int]:
        yield from range(50)
        raise ValueError("at the end")

    with pytest.raises(ValueError, match="at the end"), ahead(numbers()) as items:
        seen = [next(items) for _ in range(50)]
        assert seen == list(range(50))
        next(items)
    with ahead(iter(range(1000))) as items:
        assert next(items) == 0
    assert threading.active_count() == before


def test_writing_behind_keeps_order_and_raises_what_is_raised() -> None:
    before, done = threading.active_count(), list[int]()

    def work(number: int) -> None:
        if number == 30:
            raise OSError(errno.ENOSPC, "full")
        done.append(number)

    with behind(work) as give:
        for number in range(30):
            give(number)
    assert done == list(range(30))
    with pytest.raises(OSError, match="full"), behind(work) as give:
        for number in range(25, 10_000):
            give(number)
    with pytest.raises(OSError, match="full"), behind(work) as give:
        give(30)  # the last one: raised at the end of the block
    with pytest.raises(KeyError), behind(work) as give:
        give(1)
        raise KeyError
    assert threading.active_count() == before


def test_a_csv_file_holds_no_name_that_a_spreadsheet_would_compute(run: Path, home: Path, pixels: np.ndarray) -> None:
    for name in ("=1+1.png", "@a.png", "-b.png", "c=.png"):
        Image.fromarray(pixels[0]).save(name)
    assert isthmus("encode", run, "./=1+1.png", "[!x]*.png", "-o", "z.csv", "-q").code == 0
    paths = pa_csv.read_csv("z.csv")["path"].to_pylist()
    assert sorted(paths) == sorted(["./=1+1.png", "./=1+1.png", "./@a.png", "./-b.png", "c=.png"])
    assert all(Path(path).is_file() for path in paths)


def test_saving_from_python_fails_in_one_sentence(run: Path, home: Path) -> None:
    table = ist.encode(run, "pets", show_progress=False)
    with pytest.raises(InputError, match="path: 5 does not fit"):
        table.save(5)  # type: ignore[arg-type]
    with pytest.raises(ist.RunError, match="the disk is full"):
        table.save("/dev/full")
    with pytest.raises(InputError, match=r"z\.txt: latents are saved as \.parquet, .*; choose a name"):
        table.save("z.txt")


def test_python_says_how_broken_pictures_are_left_out(run: Path, home: Path) -> None:
    Path("pets/cat/2.png").write_bytes(b"x")
    with pytest.raises(InputError, match=r"leave it out with `skip_broken=True`$"):
        ist.encode(run, "pets", show_progress=False)
    assert len(ist.encode(run, "pets", skip_broken=True, show_progress=False)) == 5
