"""Python's functions with whatever people hand them: a result, or one sentence."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_dtypes, array_shapes, arrays, scalar_dtypes
from PIL import Image
from tests.command import isthmus
from tests.conftest import ROOT, TINY

import isthmus as ist
from isthmus.core.errors import InputError, RunError
from isthmus.data.images import read_picture
from isthmus.runs.claim import locked
from isthmus.runs.run_folder import is_evaluated, read_recipe

OLD = ROOT / "tests" / "fixtures" / "run-1e26724"
OPTIONS = {name: value for name, value in TINY.items() if not name.startswith("data.")}


pytestmark = pytest.mark.usefixtures("cache_of_module")


@pytest.fixture(scope="module")
def model() -> ist.Autoencoder:
    return ist.load(OLD, device="cpu")


@pytest.fixture
def photo(tmp_path: Path) -> Path:
    random = np.random.default_rng(0)
    Image.fromarray(random.integers(0, 256, (30, 40, 3), dtype=np.uint8)).save(tmp_path / "photo.png")
    return tmp_path / "photo.png"


@pytest.mark.filterwarnings("error")
def test_arrays_that_must_not_be_written_to_are_taken_without_a_word(model: ist.Autoencoder) -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (2, 3, 8, 8), dtype=np.uint8)
    latents = model.encode(pixels)
    pixels.flags.writeable = latents.flags.writeable = False
    assert np.array_equal(model.encode(pixels), latents)
    assert model.decode(latents).shape == (2, 8, 8, 3)


@pytest.mark.filterwarnings("ignore:The PyTorch API of nested tensors")
def test_what_holds_no_plain_numbers_is_told_what_to_pass(model: ist.Autoencoder) -> None:
    with pytest.raises(InputError, match=r"^z: .x. is not an array of numbers; pass an array or a tensor$"):
        model.decode("x")
    parts = [torch.zeros(3, 8, 8, dtype=torch.uint8), torch.zeros(3, 8, 9, dtype=torch.uint8)]
    for nested in (torch.nested.nested_tensor(parts), torch.nested.nested_tensor(parts, layout=torch.jagged)):
        for call in (model.encode, model.decode):
            with pytest.raises(InputError, match="a nested tensor is not taken"):
                call(nested)


@pytest.mark.filterwarnings("ignore:Cropped")  # said once a call, as the command line says it
def test_paths_are_read_as_the_command_line_reads_them(model: ist.Autoencoder, photo: Path) -> None:
    pixels, _ = read_picture(photo, model.form, name="photo")
    expected = model.encode(pixels)
    for given_path in (photo, str(photo), [photo], (str(photo),)):
        assert np.array_equal(model.encode(given_path), expected)
    assert model.encode([photo, str(photo)]).shape == (2, 3)
    assert model.reconstruct(photo).shape == (1, 8, 8, 3)
    isthmus("reconstruct", OLD, photo, "-o", photo.with_name("out.png"))
    with Image.open(photo.with_name("out.png")) as image:
        assert np.array_equal(np.asarray(image), model.reconstruct(photo)[0])
    for wrong in (photo.with_name("none.png"), "none.png", photo.parent, "~nosuchuser/x.png", "a\0b"):
        with pytest.raises(InputError):
            model.encode(wrong)


def test_a_remedy_is_one_that_python_takes(model: ist.Autoencoder) -> None:
    with pytest.raises(InputError, match="; else scale the picture to 8 bits first"):
        model.encode(Image.new("F", (8, 8)))
    with pytest.raises(InputError, match=r"^models: 'small' does not fit: it needs a list, also of one$"):
        ist.explore(OLD, models="small")
    with pytest.raises(InputError, match=r"^0 images cannot be drawn; ask for 1 to 100,000$"):
        ist.sample(OLD, 0)
    with pytest.raises(InputError, match=r"^seed: -1 does not fit"):
        ist.sample(OLD, seed=-1)


IMAGES = np.random.default_rng(0).random((2, 8, 8, 3)).astype(np.float32)


@pytest.mark.parametrize(
    ("form", "same"),
    [
        (lambda x: x.astype(np.float64), True),
        (lambda x: x.astype(">f4"), True),
        (lambda x: x[:, ::-1][:, ::-1], True),
        (lambda x: np.repeat(x, 2, axis=0)[::2], True),
        (lambda x: np.asfortranarray(x), True),
        (lambda x: x.transpose(0, 3, 1, 2), True),
        (lambda x: torch.from_numpy(x).requires_grad_(), True),
        (lambda x: torch.from_numpy(x.copy()).permute(0, 3, 1, 2), True),
        (lambda x: [torch.from_numpy(one) for one in x], True),
        (lambda x: x.tolist(), True),
        (lambda x: (x * 255).round().astype(np.uint8), True),
        (lambda x: x.astype(np.float16), False),
        (lambda x: torch.from_numpy(x).bfloat16(), False),
        (lambda x: torch.nn.Parameter(torch.from_numpy(x)).half(), False),
    ],
)
def test_images_in_any_form_are_encoded(model: ist.Autoencoder, form: Callable[..., Any], same: bool) -> None:
    np.testing.assert_allclose(model.encode(form(IMAGES)), model.encode(IMAGES), atol=1e-6 if same else 1e-2)


LATENTS = np.random.default_rng(1).standard_normal((2, 3)).astype(np.float32)


@pytest.mark.parametrize(
    "form",
    [
        lambda z: z.astype(np.float64),
        lambda z: z.astype(">f8"),
        lambda z: np.repeat(z, 2, axis=0)[::2],
        lambda z: z[::-1][::-1],
        lambda z: z.T.copy().T,
        lambda z: torch.from_numpy(z).requires_grad_(),
        lambda z: z.tolist(),
    ],
)
def test_latents_in_any_form_are_decoded(model: ist.Autoencoder, form: Callable[..., Any]) -> None:
    assert np.array_equal(model.decode(form(LATENTS)), model.decode(LATENTS))
    assert model.decode(torch.from_numpy(LATENTS).bfloat16()).shape == (2, 8, 8, 3)


WRONG: list[Any] = [
    *(None, 3, 2.5, {}, set(), object(), b"\x00", "", "none.png", [], [[]], [1, [2]], [None], (i for i in ())),
    *(np.array(None), np.array("x"), np.array(["a"]), np.zeros(0), np.zeros((0, 8, 8, 3)), np.zeros((2, 9, 9, 3))),
    *(IMAGES * np.nan, IMAGES + np.inf, IMAGES - 5, IMAGES + 1j, IMAGES > 0.5, IMAGES.astype(object)),
    *(np.datetime64("2020-01-01"), np.zeros((1, 1, 1, 1, 1)), np.zeros((2, 8, 8, 3), "U3"), IMAGES.astype(int)),
    *(
        torch.zeros(2, 3, 8, 8, device="meta"),
        torch.zeros(2, 3, 8, 8).to_sparse(),
        torch.zeros(2, 3, dtype=torch.cfloat),
    ),
]


@pytest.mark.parametrize("given_value", WRONG, ids=lambda value: type(value).__name__)
@pytest.mark.parametrize("verb", ["encode", "reconstruct", "decode"])
def test_what_is_no_image_and_no_latent_is_one_sentence(model: ist.Autoencoder, verb: str, given_value: Any) -> None:
    if verb == "decode" and isinstance(given_value, np.ndarray) and given_value.shape == (2, 8, 8, 3):
        given_value = given_value[:, 0, 0]
        if given_value.dtype.kind in "fi" and np.isfinite(given_value).all():
            pytest.skip("numbers, which a latent may be")
    with pytest.raises(InputError) as error:
        getattr(model, verb)(given_value)
    assert "\n" not in str(error.value)
    assert len(str(error.value)) < 500


kinds = scalar_dtypes() | array_dtypes(max_size=2)


@settings(max_examples=80, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    array=arrays(
        kinds, array_shapes(min_dims=0, max_dims=4, min_side=0, max_side=8) | st.just((2, 3)) | st.just((3, 8, 8))
    )
)
def test_any_array_is_a_result_or_one_sentence(model: ist.Autoencoder, array: np.ndarray) -> None:
    for verb in (model.encode, model.decode):
        try:
            assert len(verb(array))
        except InputError as error:
            assert "\n" not in str(error)


CALLS: dict[str, Callable[[], Any]] = {
    "load a number": lambda: ist.load(3),  # pyright: ignore
    "load nothing": lambda: ist.load(None),  # pyright: ignore
    "load bytes": lambda: ist.load(b"x"),  # pyright: ignore
    "load a zero byte": lambda: ist.load("a\0b"),
    "device of a number": lambda: ist.load(OLD, device=3),  # pyright: ignore
    "count in words": lambda: ist.sample(OLD, "many"),  # pyright: ignore
    "half a count": lambda: ist.sample(OLD, 1.5),  # pyright: ignore
    "endless count": lambda: ist.sample(OLD, 10**400),
    "nan as a seed": lambda: ist.sample(OLD, 1, seed=float("nan")),  # pyright: ignore
    "negative seed": lambda: ist.sample(OLD, 1, seed=-1),
    "sampler of a list": lambda: ist.sample(OLD, 1, sampler=["prior"]),  # pyright: ignore
    "doctor for a list": lambda: ist.doctor([OLD]),  # pyright: ignore
    "explore for a number": lambda: ist.explore(OLD, models=3),  # pyright: ignore
    "explore for a string": lambda: ist.explore(OLD, models="plain"),
    "half of what": lambda: ist.export(OLD, half="perhaps"),  # pyright: ignore
    "train a number": lambda: ist.train(3),  # pyright: ignore
    "train with options in a list": lambda: ist.train("vae", options=[1]),  # pyright: ignore
    "train with numbered options": lambda: ist.train("vae", options={3: 4}),  # pyright: ignore
    "train on a number": lambda: ist.train("vae", data=3),  # pyright: ignore
    "train on a line": lambda: ist.train("vae", data=np.zeros(5), out="never"),
    "train on words": lambda: ist.train("vae", data=np.array(["x"]), out="never"),
    "train on nobody's pictures": lambda: ist.train("vae", data="~nosuchuser"),
    "half a job": lambda: ist.study("demo", jobs=1.5),  # pyright: ignore
    "jobs in words": lambda: ist.study("demo", jobs="many"),  # pyright: ignore
}


@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS)
def test_arguments_of_wrong_types_are_one_sentence(
    call: Callable[[], Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises((InputError, RunError)) as error:
        call()
    assert "\n" not in str(error.value)
    assert len(str(error.value)) < 500
    assert not list(tmp_path.iterdir())


def test_studies_are_trained_on_arrays(tmp_path: Path) -> None:
    """Run again, it is the same study; a folder of somebody else's is left as it is."""
    images = np.random.default_rng(0).integers(0, 256, (60, 8, 8, 3), dtype=np.uint8)
    plan = tmp_path / "mine.toml"
    plan.write_text('[[variation]]\nname = "only"\n[base]\narchitecture.kind = "conv"\nbottleneck.kind = "vector"\n')
    options = {**OPTIONS, "train.epochs": 1}

    def study(array: np.ndarray, out: Path) -> dict[str, Any]:
        return ist.study(str(plan), data=array, out=out, options=options, show_progress=False)

    found = study(images, tmp_path / "study")
    assert [run["status"] for run in found["variations"][0]["runs"]] == ["done"]
    assert study(images, tmp_path / "study")["variations"] == found["variations"]
    with pytest.raises(InputError, match="other images than this data"):
        study(images[:50], tmp_path / "study")
    (tmp_path / "foreign").mkdir()
    (tmp_path / "foreign" / "notes.txt").write_text("mine")
    with pytest.raises(InputError, match="no study's folder"):
        study(images, tmp_path / "foreign")
    assert [path.name for path in (tmp_path / "foreign").iterdir()] == ["notes.txt"]


def test_arrays_are_trained_on(tmp_path: Path) -> None:
    """Their file in the run folder makes the run one like any other: shown again, judged again, moved, resumed."""
    images = np.random.default_rng(0).integers(0, 256, (60, 8, 8, 3), dtype=np.uint8)

    def train(array: np.ndarray) -> Path:
        options = {**OPTIONS, "train.epochs": 1}
        return ist.train("post/latent-10", data=array, out=tmp_path / "run", options=options, show_progress=False)

    run = train(images)
    assert is_evaluated(run)
    data = read_recipe(run).data
    assert (data.kind, data.options["path"]) == ("arrays", str(run / "images.safetensors"))
    before = (run / "evaluation.json").read_bytes()
    assert train(images.transpose(0, 3, 1, 2) / 255) == run
    assert (run / "evaluation.json").read_bytes() == before
    (run / "evaluation.json").unlink()
    assert isthmus("evaluate", run).code == 0
    with pytest.raises(InputError, match="other images than this data"):
        train(images[:50])
    assert (run / "images.safetensors").stat().st_size > 60 * 192
    (run / "images.safetensors").unlink()
    answer = isthmus("evaluate", run)
    assert answer.code == 2
    assert "its images are no longer at" in answer.err and "add data.path=PATH" in answer.err


def test_an_array_is_kept_from_a_folder_in_which_somebody_trains(tmp_path: Path) -> None:
    """Before the first checkpoint too: the one who came later replaced the images of who was at work."""
    images = np.zeros((60, 8, 8, 3), np.uint8)
    plan = tmp_path / "mine.toml"
    plan.write_text('[[variation]]\nname = "only"\n[base]\narchitecture.kind = "conv"\nbottleneck.kind = "vector"\n')
    for call, name in ((ist.train, "post/latent-10"), (ist.study, str(plan))):
        folder = tmp_path / call.__name__
        with locked(folder), pytest.raises(RunError, match="another process is at work here"):
            call(name, data=images, out=folder, options=OPTIONS, show_progress=False)
        assert [path.name for path in folder.iterdir()] == ["lock"]


def test_a_run_at_work_is_not_judged_beside(tmp_path: Path) -> None:
    run = shutil.copytree(OLD, tmp_path / "run")
    before = (run / "evaluation.json").read_bytes()
    with locked(run):
        answer = isthmus("evaluate", run)
    assert answer.code == 1 and "another process is at work here" in answer.err
    assert (run / "evaluation.json").read_bytes() == before


def test_an_array_needs_a_free_folder(tmp_path: Path) -> None:
    (tmp_path / "letter.txt").write_text("dear diary")
    with pytest.raises(InputError, match="not empty and no run folder"):
        ist.train("post/latent-10", data=np.zeros((40, 8, 8, 3), np.uint8), out=tmp_path, options=OPTIONS)
    assert [path.name for path in tmp_path.iterdir()] == ["letter.txt"]


@pytest.mark.parametrize(
    "path", ["", "a\0", "\udcff\ud800", "a" * 5000, "~nosuchuser/x"], ids=["empty", "zero", "half", "long", "home"]
)
def test_what_can_be_no_path_is_one_sentence(path: str) -> None:
    """Of every function, for what it reads and for what it writes."""
    for call in (
        lambda: ist.load(path),
        lambda: ist.sample(path),
        lambda: ist.doctor(path),
        lambda: ist.explore(path),
        lambda: ist.explore(OLD, out=path),
        lambda: ist.export(path),
        lambda: ist.export(OLD, out=path),
        lambda: ist.train("vae", data=path),
        lambda: ist.train("vae", data={"kind": "folder", "path": path}),
        lambda: ist.train("vae", out=path),
        lambda: ist.study("post", out=path),
    ):
        with pytest.raises(InputError, match=r"^[\w.]+: '.*; \w+"):
            call()


def test_results_go_to_the_home_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    shutil.copytree(OLD, tmp_path / "run")
    assert ist.export("~/run", out="~/exp") == tmp_path / "exp"
    assert ist.doctor("~/run") == ist.doctor(tmp_path / "run")
    with pytest.raises(InputError, match="is a folder where a file is needed"):
        ist.explore("~/run", out="~/exp")


def test_an_array_takes_no_foreign_files_place(tmp_path: Path) -> None:
    (tmp_path / "images.safetensors").write_text("dear diary")
    with pytest.raises(InputError, match="not written by isthmus"):
        ist.train("post/latent-10", data=np.zeros((40, 8, 8, 3), np.uint8), out=tmp_path, options=OPTIONS)
    assert (tmp_path / "images.safetensors").read_text() == "dear diary"


def test_a_run_is_evaluated_on_what_is_here(tmp_path: Path) -> None:
    run = shutil.copytree(OLD, tmp_path / "run")
    recipe = run / "recipe.toml"
    recipe.write_text(recipe.read_text().replace('device = "cpu"', 'device = "cuda:7"'))
    answer = isthmus("evaluate", run)
    assert answer.code == 0, answer
    assert "cuda:7, on which it was trained, is not here: evaluated on " in answer.err
    answer = isthmus("evaluate", run, "--device", "cpu")
    assert (answer.code, answer.err) == (0, "")
    assert isthmus("evaluate", run, "--device", "abacus").code == 2


def test_folders_are_reconstructed(photo: Path, tmp_path: Path) -> None:
    folder = tmp_path / "mine"
    (folder / "sub").mkdir(parents=True)
    for name in ("a.png", "b.png", "b.jpg", "sub/a.png"):
        with Image.open(photo) as image:
            image.save(folder / name)
    (folder / "notes.txt").write_text("not a picture")
    answer = isthmus("reconstruct", OLD, folder, photo, "-o", tmp_path / "out")
    assert answer.code == 0, answer
    made = sorted(str(path.relative_to(tmp_path / "out")) for path in (tmp_path / "out").rglob("*.png"))
    assert made == ["a.png", "b.jpg.png", "b.png.png", "photo.png", "sub/a.png"]
    assert "notes.txt" in answer.err
    refused = isthmus("reconstruct", OLD, folder, "-o", tmp_path / "out.png")
    assert (refused.code, "--out FOLDER" in refused.err) == (2, True)
    refused = isthmus("reconstruct", OLD, folder, "-o", folder)
    assert (refused.code, "overwrite" in refused.err) == (2, True)


def test_a_working_folder_that_is_gone_is_one_sentence(tmp_path: Path) -> None:
    """Where it is not asked for, PyTorch's libraries end the process in words of their own."""
    program = (
        "import os, sys, isthmus\n"
        f"os.mkdir({str(tmp_path / 'gone')!r}); os.chdir({str(tmp_path / 'gone')!r}); os.rmdir(os.getcwd())\n"
        "try:\n    isthmus.load('/nowhere')\nexcept isthmus.InputError as error:\n    print(error)\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout == "the folder that you are in no longer exists; change to another\n"
