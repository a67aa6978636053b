"""Pictures and curves of a run in a notebook: exact pixels where they are small, a bounded size where they are not."""

from __future__ import annotations

import base64
import io
from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest
from PIL import Image

from isthmus.pages.notebook import pictures
from isthmus.pages.notebook.curve import training_curve
from isthmus.pages.notebook.frame import Frame
from isthmus.pages.report.read_folder import RunFolder
from isthmus.pages.shown_pixels import view_of
from isthmus.run_files.evaluation import EvaluationRecord
from isthmus.run_files.metrics import EpochRecord
from isthmus.run_files.scores import Score


def run_of(images: np.ndarray, **more: np.ndarray) -> RunFolder:
    """A run that shows `images` (n, C, H, W) as originals."""
    evaluation = EvaluationRecord(
        name="one", seed=0, latent_size=3, scores={"pca": Score(components=3)}, shown=tuple(range(len(images)))
    )
    shown = {"shown/original": images, **{f"shown/{name}": made for name, made in more.items()}}
    return RunFolder(Path("run"), evaluation, (), {}, "", shown, view_of(images.shape[1]), {0: "cat"}, ())


def decoded(uri: str) -> np.ndarray:
    return np.asarray(Image.open(io.BytesIO(base64.b64decode(uri.partition(",")[2]))))


def random(*shape: int, dtype: type = np.uint8) -> np.ndarray:
    return np.random.default_rng(0).integers(0, np.iinfo(dtype).max, shape, dtype=dtype, endpoint=True)


def test_small_pictures_are_enlarged_by_a_whole_factor() -> None:
    images = random(10, 3, 8, 12)
    table = pictures.of_run(run_of(images, output=images, pca=images[::-1].copy()))
    assert table is not None
    assert [row.name for row in table.rows] == ["original", "output", "PCA"]
    assert table.columns[:2] == ["cat #0", "#1"]
    assert (len(table.columns), table.reduced) == (8, "")
    first = table.rows[0].pictures[0]
    assert (first.width, first.height) == (48, 32)
    assert np.array_equal(decoded(first.source)[::4, ::4], images[0].transpose(1, 2, 0))
    assert float(table.rows[1].pictures[0].score) > 70, "a copy"
    assert "PSNR" in table.rows[2].pictures[0].alt


def test_large_pictures_are_fewer_and_reduced_and_said() -> None:
    images = random(4, 1, 500, 1000, dtype=np.uint16)
    table = pictures.of_run(run_of(images, output=images))
    assert table is not None
    assert table.reduced == "Pictures of 1000 x 500 pixels are shown at 320 x 160."
    assert len(table.columns) == len(table.rows[1].pictures) == 2
    assert decoded(table.rows[0].pictures[0].source).shape == (160, 320)


@pytest.mark.parametrize("shape", [(2, 4, 700), (3, 700, 1), (1, 57, 57)])
def test_any_shape_has_a_picture(shape: tuple[int, int, int]) -> None:
    images = random(3, *shape)
    table = pictures.of_run(run_of(images, output=images))
    assert table is not None
    assert all(max(one.width, one.height) <= 320 for row in table.rows for one in row.pictures)


def test_models_shown_on_other_images_are_left_out() -> None:
    images, others = random(3, 1, 8, 8), random(4, 1, 8, 8)
    same, other, none = run_of(images, output=images), run_of(others, output=others), run_of(images)
    bare = replace(none, pictures={})
    table = pictures.of_study([("bare", bare), ("a", same), ("b", other), ("c", same)])
    assert table is not None
    assert [row.name for row in table.rows] == ["original", "a", "c"]
    assert pictures.of_study([("bare", bare)]) is None


def epochs(*psnr: float) -> tuple[EpochRecord, ...]:
    return tuple(
        EpochRecord(kind="epoch", step=n, epoch=n, seconds=float(n), validation_psnr=value)
        for n, value in enumerate(psnr)
    )


def test_the_curve_is_a_picture_of_its_own_that_says_its_numbers_in_words() -> None:
    run = run_of(random(2, 1, 8, 8))
    assert training_curve(replace(run, epochs=epochs(12.0))) is None, "one point is no curve"
    curve = training_curve(replace(run, epochs=epochs(*np.linspace(12.0, 19.5, 1000))))
    assert curve is not None
    assert (
        curve.alt
        == "Validation PSNR of the mean error against epochs: from 12.00 dB at epoch 0 to 19.50 dB at epoch 999"
    )
    drawing = base64.b64decode(curve.source.partition(",")[2]).decode()
    assert "currentColor" not in drawing, "a picture does not know the colour of the text around it"
    root = ElementTree.fromstring(drawing)
    assert root.tag == "{http://www.w3.org/2000/svg}svg"
    line = root.find("{http://www.w3.org/2000/svg}polyline")
    assert line is not None
    places = [float(point.partition(",")[2]) for point in line.attrib["points"].split()]
    assert len(places) <= 201
    assert places == sorted(places, reverse=True), "it rises"


def test_a_frame_cannot_reach_the_notebook_around_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    page = tmp_path / 'a "b"' / "explorer.html"
    page.parent.mkdir()
    page.write_text('<p title="x">5 &lt; 6</p>')
    frame = Frame(page)
    assert (str(frame), Path(frame)) == (str(page), page)
    assert 'src="a%20%22b%22/explorer.html" sandbox="allow-scripts allow-downloads"' in frame._repr_html_()
    embedded = Frame(page, embed=True, height=300)._repr_html_()
    assert 'srcdoc="&lt;p title=&#34;x&#34;&gt;5 &amp;lt; 6&lt;/p&gt;" sandbox="allow-scripts' in embedded
    assert 'height="300"' in embedded
    page.unlink()
    assert "explorer.html" in Frame(page, embed=True)._repr_html_(), "a notebook would print a traceback"
