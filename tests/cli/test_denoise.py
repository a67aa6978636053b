"""denoise, evaluate --noise and reconstruct --sheet, as they are meant to be used and as people get them wrong."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from tests.command import assert_refused, isthmus, train

import isthmus as ist
from isthmus.pages.captioned_tiles import GAP, LINE

RANGE = "The model was trained for noise of 0.0 to 25.5 of 255 levels.\n"


@pytest.fixture(autouse=True)
def own_cache(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ISTHMUS_DATA", str(tmp_path_factory.getbasetemp() / "cache"))


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Of 16x16 pixels, trained on noise of up to 0.2."""
    folder = tmp_path_factory.mktemp("denoise") / "run"
    noise = ("corruption.kind=gaussian", "corruption.std=0.2", "corruption.least_std=0.0")
    assert train(folder, "data.size=16", "train.epochs=1", "train.kernels=torch", *noise).code == 0
    return folder


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("denoise") / "plain"
    assert train(folder, "data.size=16", "train.epochs=1", "train.kernels=torch").code == 0
    return folder


def picture(path: Path, size: tuple[int, int] = (70, 41), std: float = 12.0, mode: str = "RGB") -> Path:
    """A grey gradient with noise of `std` levels, (width, height)."""
    width, height = size
    grey = np.linspace(60, 190, width)[None, :, None] + np.zeros((height, 1, 3))
    drawn = np.random.default_rng(0).normal(0, std, grey.shape) if std else 0
    image = Image.fromarray(np.rint(grey + drawn).clip(0, 255).astype(np.uint8))
    image.convert(mode).save(path)
    return path


def opened(path: Path) -> np.ndarray:
    with Image.open(path) as image:
        return np.asarray(image)


def test_a_picture_of_any_size_keeps_its_size_and_its_noise_is_said(run: Path, tmp_path: Path) -> None:
    target = tmp_path / "a b" / "clean.png"
    answer = isthmus("denoise", run, picture(tmp_path / "photo.png"), "-o", target)
    assert (answer.code, answer.out) == (0, f"{target}\n"), answer
    said, trained = answer.err.splitlines(keepends=True)
    assert said.startswith(f"{tmp_path / 'photo.png'}: noise of about 1")
    assert said.endswith(" of 255 levels (estimated).\n")
    assert trained == RANGE
    assert opened(target).shape == (41, 70, 3)


def test_it_is_what_python_gives_and_each_tile_what_the_model_gives(run: Path, tmp_path: Path) -> None:
    path = picture(tmp_path / "photo.png")
    assert isthmus("denoise", run, path, "-o", tmp_path / "out.png").code == 0
    image = Image.open(path)
    for given in (path, str(path), image, np.asarray(image), [image], np.asarray(image)[None]):
        (made,) = ist.denoise(run, given)
        assert np.array_equal(made, opened(tmp_path / "out.png"))
    small = np.asarray(image)[:16, :16]
    model = ist.load(run)
    (made,) = ist.denoise(run, small)
    assert np.abs(made.astype(int) - model.reconstruct(small[None])[0]).max() <= 1, "one tile, rounded at a tie"


def test_python_takes_pictures_of_several_sizes(run: Path, tmp_path: Path) -> None:
    paths = [picture(tmp_path / f"{side}.png", (side, 20)) for side in (9, 30, 50)]
    made = ist.denoise(run, paths)
    assert [one.shape for one in made] == [(20, side, 3) for side in (9, 30, 50)]
    grey = np.full((23, 31), 100, np.uint8)
    assert ist.denoise(run, grey)[0].shape == (23, 31, 3)
    with pytest.raises(ist.InputError, match="holds no pictures of 3 channels"):
        ist.denoise(run, np.zeros((2, 20, 20, 5), np.uint8))
    with pytest.raises(ist.InputError, match="holds no pictures of 3 channels"):
        ist.denoise(run, np.zeros((20, 20, 4), np.uint8))
    with pytest.raises(ist.InputError, match="None is not an array of numbers"):
        ist.denoise(run, None)
    with pytest.raises(ist.InputError, match="is not an array"):
        ist.denoise(run, [[1, 2], [3]])
    with pytest.raises(ist.InputError, match="empty list"):
        ist.denoise(run, [])


def test_a_folder_goes_to_a_folder_with_its_subfolders(run: Path, tmp_path: Path) -> None:
    (tmp_path / "in" / "sub").mkdir(parents=True)
    picture(tmp_path / "in" / "one.png", std=4)
    picture(tmp_path / "in" / "sub" / "two.jpg", (33, 90), std=20)
    answer = isthmus("denoise", run, tmp_path / "in", "-o", tmp_path / "out")
    targets = [tmp_path / "out" / "one.png", tmp_path / "out" / "sub" / "two.png"]
    assert (answer.code, answer.out) == (0, "".join(f"{target}\n" for target in targets)), answer
    assert "Noise of 2 pictures: " in answer.err
    assert opened(targets[1]).shape == (90, 33, 3)


def test_grey_becomes_what_the_model_has_and_it_is_said(run: Path, tmp_path: Path) -> None:
    path = picture(tmp_path / "grey.png", mode="L")
    answer = isthmus("denoise", run, path, "-o", tmp_path / "out.png")
    assert "Converted to RGB: 1 of 1 image (1 from grey).\n" in answer.err
    assert opened(tmp_path / "out.png").shape == (41, 70, 3)


def test_json_names_every_picture(run: Path, tmp_path: Path) -> None:
    path = picture(tmp_path / "photo.png")
    answer = isthmus("denoise", run, path, "-o", tmp_path / "out.png", "--json")
    (row,) = json.loads(answer.out)
    assert row.pop("noise_std") == pytest.approx(12 / 127.5, rel=0.15)
    assert row == {"path": str(path), "out": str(tmp_path / "out.png"), "trained_std": [0.0, 0.2]}


def test_more_noise_than_it_was_trained_for_is_said(run: Path, tmp_path: Path) -> None:
    path = picture(tmp_path / "loud.png", std=45)
    answer = isthmus("denoise", run, path, "-o", tmp_path / "out.png")
    assert f"{path} has more noise than the model was trained for: some of it will stay.\n" in answer.err
    with pytest.warns(UserWarning, match=r"loud\.png has more noise"):
        ist.denoise(run, path)


def test_a_model_trained_without_noise_says_so(plain: Path, tmp_path: Path) -> None:
    answer = isthmus("denoise", plain, picture(tmp_path / "photo.png"), "-o", tmp_path / "out.png")
    assert answer.code == 0
    assert "trained without noise, so it has not learned to remove any; `isthmus train denoiser" in answer.err
    with pytest.warns(UserWarning, match="trained without noise"):
        ist.denoise(plain, tmp_path / "photo.png")


def test_wrong_words_are_one_sentence_and_nothing_is_lost(run: Path, tmp_path: Path) -> None:
    path = picture(tmp_path / "photo.png")
    before = path.read_bytes()
    (tmp_path / "broken.png").write_bytes(before[:200])
    (tmp_path / "empty").mkdir()
    (tmp_path / "mine.png").write_bytes(before)
    for words, parts in (
        ([tmp_path / "nowhere", path], ["no such folder"]),
        ([run, tmp_path / "nowhere.png", "-o", tmp_path / "o.png"], ["nowhere.png"]),
        ([run, path, "-o", path], ["would overwrite the image itself"]),
        ([run, path, "-o", tmp_path / "mine.png"], ["not made by isthmus"]),
        ([run, path, "-o", tmp_path / "o.jpg"], ["saved as PNG"]),
        ([run, path, tmp_path / "mine.png", "-o", tmp_path / "o.png"], ["2 images need a folder"]),
        ([run, tmp_path / "empty", "-o", tmp_path / "o"], ["holds no images"]),
        ([run, tmp_path / "broken.png", "-o", tmp_path / "o.png"], ["broken.png", "--skip-broken"]),
        ([run, path, "-o", "/dev/stdout", "--json"], ["--json", "leave out --json"]),
    ):
        assert_refused(isthmus("denoise", *words), *parts)
    assert path.read_bytes() == (tmp_path / "mine.png").read_bytes() == before
    assert not (tmp_path / "o.png").exists()


def test_evaluate_with_noise_prints_a_table_and_keeps_it_for_the_page(run: Path) -> None:
    assert "beside methods without training" not in (run / "report.html").read_text(encoding="utf-8")
    weights = (run / "checkpoints/best/model.safetensors").read_bytes()
    scores = (run / "evaluation.json").read_bytes()
    answer = isthmus("evaluate", run, "--noise", 0.1, "--noise", 0.3)
    assert answer.code == 0, answer
    for line in ("Noise 0.1, 12.8 of 255 levels: ", "Noise 0.3, 38.2 of 255 levels: ", "non-local means", "wavelets"):
        assert line in answer.out
    assert answer.err == RANGE
    found = json.loads(isthmus("evaluate", run, "--noise", 0.1, "--json").out)
    assert [one["noise_std"] for one in found] == [0.1]
    assert set(found[0]["scores"]) == {"noisy_input", "model", "median", "tv", "nl_means", "wavelet"}
    page = (run / "report.html").read_text(encoding="utf-8")
    kept = json.loads((run / "denoising.json").read_text(encoding="utf-8"))["strengths"]
    assert [one["noise_std"] for one in kept] == [0.1, 0.3], "the weaker one was measured again, and replaced"
    assert "Noise 0.1, 12.8 of 255 levels" in page and "Noise 0.3, 38.2 of 255 levels" in page
    assert (run / "checkpoints/best/model.safetensors").read_bytes() == weights
    assert (run / "evaluation.json").read_bytes() == scores


@pytest.mark.parametrize("std", ["0", "-1", "nan", "3"])
def test_noise_that_is_none_is_refused(run: Path, std: str) -> None:
    assert_refused(isthmus("evaluate", run, f"--noise={std}"), "--noise", "such as 0.1")


def test_without_scikit_image_evaluate_says_what_to_install(run: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pywt", None)
    assert_refused(isthmus("evaluate", run, "--noise", 0.1), 'pip install "isthmus[denoise]"')


def test_a_sheet_shows_originals_beside_reconstructions(run: Path, tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    for number in range(40):
        picture(tmp_path / "in" / f"{number:02}.png", (16, 16), std=number)
    answer = isthmus("reconstruct", run, tmp_path / "in", "--sheet", tmp_path / "sheet.png")
    assert (answer.code, answer.out) == (0, f"{tmp_path / 'sheet.png'}\n"), answer
    assert "The sheet shows the first 36 of 40 images, each original on the left" in answer.err
    assert not (tmp_path / "reconstruction.png").exists()
    sheet = opened(tmp_path / "sheet.png")
    rows, left, right = slice(GAP, GAP + 96, 6), slice(GAP, GAP + 96, 6), slice(GAP + 97, GAP + 193, 6)
    first = opened(tmp_path / "in" / "00.png")
    assert np.array_equal(sheet[rows, left], first)
    assert np.array_equal(sheet[rows, right], ist.load(run).reconstruct(first[None])[0])
    name, error = (sheet[GAP + 96 + line * LINE :][:LINE, GAP : GAP + 193] for line in (0, 1))
    assert (name < 128).any() and (error < 200).any(), "below each pair stand its name and its error"


def test_a_sheet_and_pictures_in_one_go_and_of_arrays(run: Path, tmp_path: Path) -> None:
    one = picture(tmp_path / "one.png", (16, 16))
    answer = isthmus("reconstruct", run, one, "-o", tmp_path / "out.png", "--sheet", tmp_path / "sheet.png")
    assert answer.out == f"{tmp_path / 'sheet.png'}\n{tmp_path / 'out.png'}\n"
    np.save(tmp_path / "scans.npy", np.zeros((3, 16, 16, 3), np.uint8))
    again = isthmus("reconstruct", run, tmp_path / "scans.npy", "--sheet", tmp_path / "arrays.png")
    assert again.code == 0, again
    assert "The sheet shows 3 images" in again.err
    assert_refused(isthmus("reconstruct", run, one, "--sheet", tmp_path / "sheet.jpg"), "--sheet", "ends in .png")
    assert_refused(isthmus("reconstruct", run, one, "--sheet", one), "not made by isthmus")


@pytest.mark.parametrize("verb", ["denoise", "reconstruct"])
def test_patterns_arrays_and_data_sets_are_sources_too(run: Path, tmp_path: Path, verb: str) -> None:
    for name in ("a/1.png", "b/1.png"):
        (tmp_path / name).parent.mkdir()
        picture(tmp_path / name, (16, 16))
    np.save(tmp_path / "scans.npy", np.zeros((3, 16, 16, 3), np.uint8))
    out = tmp_path / "out"
    answer = isthmus(verb, run, f"{tmp_path}/*/*.png", tmp_path / "scans.npy", "-o", out, "--json", "-q")
    assert answer.code == 0, answer
    said = json.loads(answer.out)
    rows = said if verb == "denoise" else said["images"]
    results = ["a/1.png", "b/1.png", "scans-0.png", "scans-1.png", "scans-2.png"]
    assert [one["out"] for one in rows] == [str(out / name) for name in results]
    assert [one["path"] for one in rows][2:] == [f"{tmp_path}/scans.npy:{row}" for row in range(3)]
    assert sorted(out.rglob("*.png")) == sorted(out / name for name in results)
    assert (opened(out / "scans-0.png") == opened(out / "scans-2.png")).all()
    refused = isthmus(verb, run, f"{tmp_path}/*/*.jpg", "-o", out)
    assert_refused(refused, "this pattern matches no pictures")


def test_reconstruct_says_the_error_of_each_and_writes_nothing_before_all_is_checked(run: Path, tmp_path: Path) -> None:
    one, two = (picture(tmp_path / f"{name}.png", (16, 16)) for name in "ab")
    answer = isthmus("reconstruct", run, one, "-o", tmp_path / "o.png", "--json", "--device", "cpu")
    (row,) = json.loads(answer.out)["images"]
    original, made = (opened(path) / 255 for path in (one, tmp_path / "o.png"))
    assert row["error"] == pytest.approx(((original - made) ** 2).mean())
    refused = isthmus("reconstruct", run, one, two, "-o", tmp_path / "p.png", "--sheet", tmp_path / "sheet.png")
    assert_refused(refused, "2 images need a folder")
    assert not (tmp_path / "sheet.png").exists()


def test_python_denoises_folders_and_patterns_and_names_broken_pictures(run: Path, tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    first = picture(tmp_path / "in" / "a.png")
    picture(tmp_path / "in" / "b.png", (20, 30))
    (tmp_path / "in" / "c.png").write_bytes(b"")
    (alone,) = ist.denoise(run, first)
    for source in (tmp_path / "in", f"{tmp_path}/in/*.png", [first, tmp_path / "in" / "*.png"]):
        with pytest.raises(ist.InputError, match=r"c\.png: is empty.*`skip_broken=True`"):
            ist.denoise(run, source)
        with pytest.warns(UserWarning, match=r"1 of \d images cannot be read and is left out: .*c.png"):
            made = ist.denoise(run, source, skip_broken=True)
        assert [one.shape for one in made][-2:] == [(41, 70, 3), (30, 20, 3)]
        assert np.array_equal(made[0], alone)


def test_grey_pictures_of_16_bits_keep_them(tmp_path: Path) -> None:
    draw = np.random.default_rng(0)
    ramp = np.linspace(1000, 5000, 50)
    scans = np.rint(ramp + draw.normal(0, 200, (40, 34, 50))).astype(np.uint16)
    np.save(tmp_path / "scans.npy", scans[:, 9:25, 17:33])
    Image.fromarray(scans[0]).save(tmp_path / "one.png")
    noise = ("corruption.kind=gaussian", "corruption.std=0.1", "corruption.least_std=0.0")
    data = ("data.kind=arrays", f"data.path={tmp_path / 'scans.npy'}", "data.range=[400, 5600]")
    assert train(tmp_path / "run", *data, "train.epochs=1", "train.kernels=torch", *noise).code == 0
    answer = isthmus("denoise", tmp_path / "run", tmp_path / "one.png", "-o", tmp_path / "out.png")
    assert answer.code == 0, answer
    assert "rounded to 8" not in answer.err
    assert "The model was trained for noise of 0.0 to 12.8 of 255 levels.\n" in answer.err
    made = opened(tmp_path / "out.png")
    assert made.dtype == np.uint16 and made.shape == (34, 50)
    assert len(np.unique(made)) > 256
    (same,) = ist.denoise(tmp_path / "run", tmp_path / "one.png")
    assert np.array_equal(same[:, :, 0], made)
