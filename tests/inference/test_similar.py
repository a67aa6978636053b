"""`isthmus similar RUN QUERY --in SOURCE` and `isthmus.similar`: exact neighbours, and how good they are."""

from __future__ import annotations

import doctest
import json
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from PIL import Image
from sklearn.neighbors import NearestNeighbors
from tests.command import assert_refused, isthmus

import isthmus as ist
from isthmus.core.errors import InputError
from isthmus.data import decode_in_order as decode_in_order_module
from isthmus.inference import find_again as find_again_module
from isthmus.inference import gallery as gallery_module
from isthmus.inference import nearest as nearest_module
from isthmus.inference import similar as similar_module
from isthmus.inference.latents_table import LatentsTable
from isthmus.inference.named_images import NamedImages
from isthmus.inference.nearest import Distance, Nearest, fit_whitening
from isthmus.inference.queries import read_queries
from isthmus.inference.search_key import search_key
from isthmus.runs.load import load_model

COUNT = 150


@pytest.fixture(scope="module")
def run(small_run: Path, cache_of_module: None) -> Path:
    return small_run


@pytest.fixture(scope="module")
def pixels() -> np.ndarray:
    return np.random.default_rng(4).integers(0, 256, (COUNT, 32, 32, 3), dtype=np.uint8)


@pytest.fixture
def home(run: Path, tmp_path: Path, pixels: np.ndarray, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The current folder, with scans.npy, its table scans.parquet, and query.png, which is row 7."""
    monkeypatch.chdir(tmp_path)
    np.save("scans.npy", pixels)
    Image.fromarray(pixels[7]).save("query.png")
    assert isthmus("encode", run, "scans.npy", "-o", "scans.parquet", "-q").code == 0
    return tmp_path


@pytest.mark.parametrize("distance", ["euclidean", "cosine"])
def test_the_search_is_exact(distance: Distance) -> None:
    """scikit-learn's brute force finds the same rows at the same distances; blocks make no difference."""
    vectors = np.random.default_rng(0).normal(size=(3000, 6)).astype(np.float32)
    queries = vectors[::500]
    found = Nearest(queries, 7, distance)
    for start in range(0, 3000, 1100):
        found.add(vectors[start : start + 1100])
    oracle = NearestNeighbors(n_neighbors=7, metric=distance, algorithm="brute").fit(vectors.astype(np.float64))
    distances, rows = oracle.kneighbors(queries.astype(np.float64))
    assert (found.rows == rows).all()
    np.testing.assert_allclose(found.distances, distances, atol=1e-7)


def test_equal_vectors_are_at_zero_and_the_first_comes_first() -> None:
    vectors = np.full((2050, 3), 1e6 + 0.25, np.float32)
    found = Nearest(vectors[:1], 3, "euclidean")
    found.add(vectors)
    assert found.rows.tolist() == [[0, 1, 2]] and found.distances.tolist() == [[0, 0, 0]]


def test_fewer_vectors_than_neighbours_are_all_found() -> None:
    found = Nearest(np.zeros((1, 2)), 5, "cosine")
    found.add(np.array([[1.0, 0.0], [0.0, 0.0]]))
    assert found.rows.tolist() == [[0, 1]] and found.distances.tolist() == [[1, 1]]  # zeros have no direction


def test_whitened_vectors_have_covariance_one_along_what_varies() -> None:
    random = np.random.default_rng(0)
    vectors = random.normal(size=(500, 3)) * [100, 1, 0.01] + 1e4
    vectors = np.concatenate([vectors, vectors[:, :1]], axis=1).astype(np.float32)  # the last says nothing new
    whitening = fit_whitening(np.array_split(vectors, 3))
    white = whitening(vectors)
    assert white.shape == (500, 3)
    np.testing.assert_allclose(np.cov(white.T), np.eye(3), atol=1e-6)
    with pytest.raises(InputError, match="one picture alone"):
        fit_whitening([vectors[:1]])
    with pytest.raises(InputError, match="the same latent"):
        fit_whitening([np.ones((5, 2))])


def test_neighbours_are_those_of_the_latents(run: Path, home: Path, pixels: np.ndarray) -> None:
    z = ist.load(run, device="cpu").encode(pixels).astype(np.float64)
    order = np.argsort(np.linalg.norm(z - z[7], axis=1), kind="stable")
    found = ist.similar(run, "scans.npy:7", "scans.npy", n=5, show_progress=False)
    neighbours = found.queries[0].found
    assert [one.row for one in neighbours] == order[1:6].tolist()  # the picture itself is no answer
    assert [one.name for one in neighbours] == [f"scans.npy:{row}" for row in order[1:6]]
    expected = np.linalg.norm(z - z[7], axis=1)[order[1:6]]
    np.testing.assert_allclose([one.distance for one in neighbours], expected, rtol=1e-4)


def test_a_table_gives_the_same_as_its_pictures(run: Path, home: Path) -> None:
    for words in ([], ["--distance", "cosine"], ["--whiten"]):
        answers = [
            json.loads(isthmus("similar", run, "query.png", "--in", among, "--json", "-q", *words).out)
            for among in ("scans.npy", "scans.parquet")
        ]
        assert answers[0]["queries"] == answers[1]["queries"]
        best = answers[0]["queries"][0]["neighbours"][0]
        assert (best["path"], best["same_pixels"]) == ("scans.npy:7", True)  # another file with the same pixels
        assert best["distance"] == 0


def test_latents_on_disk_give_the_same_as_those_in_memory(
    run: Path, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    in_memory = ist.similar(run, "query.png", "scans.npy", whiten=True, show_progress=False)
    monkeypatch.setattr(gallery_module, "_IN_MEMORY", 100)
    monkeypatch.setattr(gallery_module, "_AT_ONCE", 200)
    on_disk = ist.similar(run, "query.png", "scans.npy", whiten=True, show_progress=False)
    assert [one.row for one in on_disk.queries[0].found] == [one.row for one in in_memory.queries[0].found]
    distances = [[one.distance for one in found.queries[0].found] for found in (on_disk, in_memory)]
    np.testing.assert_allclose(*distances, rtol=1e-9)


def test_a_table_of_another_run_is_refused(run: Path, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shutil.copytree(run, "renamed")  # the same weights under another name are the same model
    assert isthmus("similar", "renamed", "query.png", "--in", "scans.parquet", "-q").code == 0
    about = LatentsTable(Path("scans.parquet")).about
    for other, said in (
        (replace(about, run="another", weights="sha256:0"), f"holds latents of {run}"),
        (replace(about, weights="sha256:0"), f"holds latents of other weights than {run} has now"),
    ):
        monkeypatch.setattr(similar_module, "about_latents", lambda *_, other=other: other)
        refused = isthmus("similar", run, "query.png", "--in", "scans.parquet")
        assert_refused(refused, said, "cannot be compared", f"isthmus encode {other.run} SOURCE")


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ("nowhere.png", "no such file"),
        ("scans.npy:150", "scans.npy:0 to scans.npy:149"),
        ("scans.npy:x", "scans.npy:0 to scans.npy:149"),
    ],
)
def test_a_query_that_is_not_there_is_refused(run: Path, home: Path, query: str, said: str) -> None:
    assert_refused(isthmus("similar", run, query, "--in", "scans.parquet"), query, said)


def test_wrong_options_are_refused(run: Path, home: Path) -> None:
    words = ("similar", run, "query.png", "--in", "scans.parquet")
    assert_refused(isthmus(*words, "--distance", "manhattan"), "--distance", "euclidean or cosine")
    assert_refused(isthmus(*words, "-n", "0"), "-n", "1 to 1,000")
    assert_refused(isthmus(*words, "-o", "sheet.jpg"), "sheet.jpg", ".png")
    assert_refused(isthmus(*words, "--in", "scans.npy"), "scans.parquet", "give one --in")


def test_the_sheet_shows_queries_and_neighbours_with_their_pixels(run: Path, home: Path, pixels: np.ndarray) -> None:
    told = isthmus("similar", run, "query.png", "--in", "scans.parquet", "-n", "3", "-o", "sheet.png", "-q")
    assert told.code == 0 and told.out.splitlines()[-1] == "sheet.png", told.err
    sheet = np.asarray(Image.open("sheet.png"))
    assert (sheet[8 : 8 + 96 : 3, 8 : 8 + 96 : 3] == pixels[7]).all()  # the query, three times as large
    first = 8 + 96 + 8 + 8  # the gap after the query is twice as wide
    assert (sheet[8 : 8 + 96 : 3, first : first + 96 : 3] == pixels[7]).all()  # its nearest is row 7
    assert isthmus("similar", run, "query.png", "--in", "scans.parquet", "-o", "sheet.png", "-q").code == 0


def test_pictures_that_are_gone_leave_empty_places_and_are_counted(run: Path, home: Path) -> None:
    Path("scans.npy").rename("elsewhere.npy")
    told = isthmus("similar", run, "query.png", "--in", "scans.parquet", "-n", "3", "-o", "sheet.png", "-q")
    assert told.code == 0 and "3 pictures are not where the table of latents says" in told.err
    assert "scans.npy:7" in told.out


def test_precision_is_the_share_of_neighbours_with_the_same_label() -> None:
    """One key that tells two classes apart, and one that holds nothing of them."""
    random = np.random.default_rng(0)
    labels = [str(number % 2) for number in range(400)]
    told = np.array([float(label) for label in labels])[:, None] + random.normal(size=(400, 1)) / 100
    found = search_key({"told": told, "noise": random.normal(size=(400, 5))}, labels, "euclidean")
    assert found is not None
    assert found.precision["told"].mean == 1.0
    assert found.chance == pytest.approx(199 / 399)
    assert found.precision["noise"].low <= found.chance <= found.precision["noise"].high
    assert "told beats noise by" in found.sentences[0]


def test_precision_leaves_the_query_out_even_among_many_equal_vectors() -> None:
    labels = [0] * 15 + [1] * 15
    found = search_key({"same": np.zeros((30, 2))}, labels, "euclidean")
    assert found is not None and found.precision["same"].mean < 0.6  # with itself as a neighbour it would be higher
    assert search_key({"same": np.zeros((30, 2))}, [None] * 20 + labels[:10], "euclidean") is None
    assert search_key({"same": np.zeros((30, 2))}, [1] * 30, "euclidean") is None


def test_where_labels_are_known_the_search_is_held_against_pca_and_pixels(run: Path, home: Path) -> None:
    """`scenes` are the run's own images: those that it was trained on are no queries."""
    told = isthmus("similar", run, "query.png", "--in", "digits", "-n", "2", "-q")
    lines = told.out.splitlines()
    assert any(line.strip().startswith("its latent:") for line in lines), told.err
    assert any("PCA with 3 components" in line for line in lines) and any("raw pixels" in line for line in lines)
    assert sum("This model, one seed: its latent" in line for line in lines) == 2
    without = isthmus("similar", run, "query.png", "--in", "digits", "-n", "2", "-q", "--no-compare")
    assert "PCA" not in without.out


def test_examples_in_docstrings_hold(cache_of_module: None) -> None:
    for module in (nearest_module, find_again_module):
        tried = doctest.testmod(module)
        assert tried.attempted and not tried.failed


def told(**changes: object) -> bytes:
    """The metadata of scans.parquet, changed."""
    metadata = pq.read_schema("scans.parquet").metadata
    return json.dumps({**json.loads(metadata[b"isthmus"]), **changes}).encode()


def write_changed(column: str | None = None, values: Any = None, **changes: object) -> None:
    """changed.parquet: scans.parquet with another column, without it where there are no values, or other metadata."""
    table = pq.read_table("scans.parquet")
    if column is not None:
        place = table.schema.get_field_index(column)
        table = table.remove_column(place) if values is None else table.set_column(place, column, values)
    pq.write_table(table.replace_schema_metadata({b"isthmus": told(**changes)}), "changed.parquet")


def latents_with(value: Any) -> Any:
    """The column z of scans.parquet with another fourth row."""
    rows = pq.read_table("scans.parquet")["z"].to_pylist()
    return pa.array([*rows[:3], value, *rows[4:]], pa.list_(pa.float32(), 3))


def test_a_table_that_was_changed_is_refused_in_one_sentence(run: Path, home: Path) -> None:
    paths = [None, *["a.png"] * (COUNT - 1)]
    for column, values, said in (
        ("z", None, "has no column 'z'"),
        ("path", None, "has no column 'path'"),
        ("sha256", None, "has no column 'sha256'"),
        ("z", pa.array(range(COUNT)), "'z' is of type int64"),
        ("z", pa.array([[1.0, 2.0]] * COUNT, pa.list_(pa.float32(), 2)), "'z' is of type fixed_size_list"),
        ("z", pa.array([[1.0] * (row % 4) for row in range(COUNT)], pa.list_(pa.float32())), "'z' is of type list"),
        ("z", latents_with(None), "rows whose z is missing or not finite"),
        ("z", latents_with([np.nan, 0, 0]), "rows whose z is missing or not finite"),
        ("path", pa.array(range(COUNT)), "'path' is of type int64"),
        ("path", pa.array(paths, pa.string()), "rows without path or sha256"),
    ):
        write_changed(column, values)
        for words in ([], ["--whiten"]):
            refused = isthmus("similar", run, "query.png", "--in", "changed.parquet", "-q", *words)
            assert_refused(refused, "changed.parquet", said, "make it again with `isthmus encode`")
            assert "is damaged" not in refused.err
    write_changed(format=2)
    assert_refused(isthmus("similar", run, "query.png", "--in", "changed.parquet"), "has format 2", "reads format 1")


def test_a_table_that_another_library_wrote_again_is_searched(run: Path, home: Path) -> None:
    write_changed("path", pq.read_table("scans.parquet")["path"].cast(pa.large_string()))
    assert isthmus("similar", run, "query.png", "--in", "changed.parquet", "-q").code == 0


def test_a_picture_that_is_named_several_times_costs_no_neighbour(run: Path, home: Path) -> None:
    """The query itself is left out as often as it is there, and as many neighbours as were asked for stay."""
    sources = ["scans.npy", "query.png", "query.png", str(home / "query.png")]
    found = ist.similar(run, ["query.png", "query.png"], sources, n=4, show_progress=False)
    assert [len(query.found) for query in found.queries] == [4, 4]
    assert "query.png" not in {Path(one.name).name for query in found.queries for one in query.found}
    alone = ist.similar(run, "query.png", "query.png", n=4, show_progress=False)
    assert not alone.queries[0].found
    assert "Of 1 picture that were searched, fewer than 4 are others than the query." in alone.notices


def test_of_many_queries_only_the_pixels_that_a_sheet_shows_are_kept(run: Path, home: Path) -> None:
    model = load_model(run, "cpu")[0]
    asked = read_queries(model, ["scans.npy:3", "scans.npy"], pictures=5)
    assert asked.z.shape == (COUNT + 1, 3) and len(asked.names) == COUNT + 1
    assert len(asked.pixels) == 5
    assert [picture.base is None for picture in asked.pixels[1:]] == [True] * 4, "a view would keep its block"


def test_pictures_of_a_table_are_decoded_in_runs_and_not_one_by_one(
    run: Path, home: Path, pixels: np.ndarray, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[tuple[int, int]] = []
    decode = decode_in_order_module.decode_chunk

    def counted(pictures: Any, task: Any) -> Any:
        asked.append((task.start, task.stop))
        return decode(pictures, task)

    monkeypatch.setattr(decode_in_order_module, "decode_chunk", counted)
    images = NamedImages("scans.npy", load_model(run, "cpu")[0].form, quiet=True)
    wanted = {images.address(row): row for row in (*range(80), 100, 149)}
    found = images.pixels_at(wanted)
    assert asked == [(0, 64), (64, 80), (100, 101), (149, 150)]
    assert found.keys() == wanted.keys()
    assert all((found[name] == pixels[row].transpose(2, 0, 1)).all() for name, row in wanted.items())


def test_python_says_n_whiten_and_among_and_not_the_command_lines_options(run: Path, home: Path) -> None:
    for arguments, said in (
        ({"n": 0}, "`n`: 0 does not fit"),
        ({"among": ["query.png"], "whiten": True}, "leave `whiten` out"),
        ({"among": ["scans.parquet", "scans.npy"]}, "give one `among`"),
    ):
        with pytest.raises(InputError) as caught:
            ist.similar(run, "query.png", **{"among": "scans.npy", "show_progress": False} | arguments)
        assert said in str(caught.value) and "--" not in str(caught.value)


def test_a_name_with_a_line_break_stays_on_one_line_of_the_table(run: Path, home: Path, pixels: np.ndarray) -> None:
    Image.fromarray(pixels[8]).save("a\n1  forged.png")
    told = isthmus("similar", run, "query.png", "--in", "a\n1  forged.png", "-q")
    assert told.code == 0 and len(told.out.splitlines()) == 2
    assert "a\\n1  forged.png" in told.out


def test_copies_that_raise_the_precision_are_said(run: Path, home: Path, pixels: np.ndarray) -> None:
    for place in range(24):
        folder = Path("pets", "cat" if place % 2 else "dog")
        folder.mkdir(parents=True, exist_ok=True)
        Image.fromarray(pixels[place]).save(folder / f"{place}.png")
    words = ("similar", run, "query.png", "-q", "-n", "2", "--in", "pets")
    assert "copies" not in isthmus(*words).err
    assert "24 of 48 searched pictures are copies, pixel for pixel" in isthmus(*words, "--in", "pets").err
