"""`isthmus export RUN`: two graphs and the weights, compared with PyTorch."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import load_file
from tests.command import assert_refused, isthmus, train

import isthmus as ist
from isthmus.inference.export import run_to_onnx as export_module
from isthmus.inference.export.compare import answer
from isthmus.runs.load import load_model


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("export") / "run"
    assert train(folder, "train.epochs=1").code == 0
    return folder


def test_it_writes_both_graphs_and_the_weights_and_says_how_far_they_are_off(trained: Path, tmp_path: Path) -> None:
    told = isthmus("export", trained, "-o", tmp_path / "out")
    assert told.code == 0, told.err
    assert "encoder.onnx" in told.out and "image (N, 3, 32, 32)" in told.out and "e-0" in told.out
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == [
        "decoder.onnx",
        "encoder.onnx",
        "export.json",
        "model.safetensors",
    ]
    model, _ = load_model(trained, "cpu")
    pixels = np.random.default_rng(0).integers(0, 256, (3, 3, 32, 32), dtype=np.uint8)
    latents = answer(tmp_path / "out" / "encoder.onnx", pixels.astype(np.float32))
    np.testing.assert_allclose(latents, model.encode(pixels), atol=1e-4)
    output = np.rint(answer(tmp_path / "out" / "decoder.onnx", latents) * 255)
    assert np.abs(output - model.reconstruct(pixels).transpose(0, 3, 1, 2)).max() <= 1
    weights = load_file(tmp_path / "out" / "model.safetensors")
    assert weights.keys() == model.state_dict().keys()


def test_by_default_it_goes_into_the_runs_folder_and_json_tells_the_contract(trained: Path) -> None:
    told = isthmus("export", trained, "--json")
    assert told.code == 0, told.err
    about = json.loads(told.out)
    assert json.loads((trained / "export" / "export.json").read_text()) == about
    encoder, decoder = about["graphs"]
    assert encoder["input"] == {"name": "image", "shape": [None, 3, 32, 32], "dtype": "float32", "range": "RGB, 0..255"}
    assert decoder["output"]["range"] == "RGB, [0, 1]"
    assert 0 <= encoder["largest_difference_from_pytorch"] < 1e-4
    assert about["half_cost_db"] is None


@pytest.mark.parametrize(
    ("channels", "highest", "ends", "expected"),
    [
        (3, 255, None, ("RGB, 0..255", "RGB, [0, 1]")),
        (1, 255, None, ("grey, 0..255", "grey, [0, 1]")),
        (
            12,
            255,
            None,
            ("12 channels in the order of the data, 0..255", "12 channels in the order of the data, [0, 1]"),
        ),
        (
            *(1, 65535, (-1000.0, 400.5)),
            (
                "grey, 0..65535, where black is -1000 of the data and white 400.5",
                "grey, [0, 1], where black is -1000 of the data and white 400.5",
            ),
        ),
    ],
    ids=str,
)
def test_the_contract_tells_channels_order_and_range(
    channels: int, highest: int, ends: tuple[float, float] | None, expected: tuple[str, str]
) -> None:
    assert export_module.values_of_images(channels, highest, ends) == expected


def test_half_is_half_as_large_and_says_what_it_cost(trained: Path, tmp_path: Path) -> None:
    whole, half = tmp_path / "whole", tmp_path / "half"
    assert isthmus("export", trained, "-o", whole).code == 0
    told = isthmus("export", trained, "-o", half, "--half")
    assert told.code == 0, told.err
    assert "Weights in 16 bits: " in told.out and " dB on held-out images" in told.out
    about = json.loads((half / "export.json").read_text())
    assert about["weights"] == "float16"
    assert abs(about["half_cost_db"]) < 0.05
    assert (half / "decoder.onnx").stat().st_size < (whole / "decoder.onnx").stat().st_size


def test_from_python_it_returns_the_folder(trained: Path, tmp_path: Path) -> None:
    assert ist.export(trained, out=tmp_path / "out") == tmp_path / "out"
    assert (tmp_path / "out" / "encoder.onnx").is_file()


def test_a_graph_that_answers_otherwise_is_not_written(
    trained: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The check can fail: a decoder given to the encoder's place, or values that are a thousandth off."""
    right = export_module.answer
    monkeypatch.setattr(export_module, "answer", lambda *given, **how: right(*given, **how) + 1e-3)
    told = isthmus("export", trained, "-o", tmp_path / "out")
    assert told.code == 1
    assert "off PyTorch" in told.err
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("name", ["model.safetensors", "encoder.onnx", "export.json"])
def test_files_of_somebody_else_are_not_replaced(name: str, trained: Path, tmp_path: Path) -> None:
    """`model.safetensors` is what every Hugging Face folder calls its weights."""
    (tmp_path / name).write_text("{}")
    assert_refused(isthmus("export", trained, "-o", tmp_path), str(tmp_path), name, "another --out")
    assert [(path.name, path.read_text()) for path in tmp_path.iterdir()] == [(name, "{}")]


def test_an_earlier_export_is_replaced(trained: Path, tmp_path: Path) -> None:
    for _ in range(2):
        assert isthmus("export", trained, "-o", tmp_path / "out").code == 0


def test_a_runs_own_folders_are_no_place_for_an_export(trained: Path, tmp_path: Path) -> None:
    other = shutil.copytree(trained, tmp_path / "other")
    before = (other / "checkpoints/best/model.safetensors").read_bytes()
    for out in (other / "checkpoints/best", other, other / "export", trained / "mine"):
        assert_refused(isthmus("export", trained, "-o", out), str(out), "lies in the run")
    assert (other / "checkpoints/best/model.safetensors").read_bytes() == before
    assert isthmus("export", trained, "-o", trained / "export").code == 0


def test_what_is_no_run_or_no_folder_is_refused(trained: Path, tmp_path: Path) -> None:
    assert_refused(isthmus("export", tmp_path / "none"), "no such folder")
    assert_refused(isthmus("export", tmp_path), "recipe.toml")
    (tmp_path / "file").touch()
    assert_refused(isthmus("export", trained, "-o", tmp_path / "file"), "is a file")
