"""What `evaluate --noise` found is kept with the weights that it is about, and told on the run's page."""

from __future__ import annotations

import math
from pathlib import Path

import pytest
from tests.pages.report.builder import build_run
from tests.pages.report.pages import read_page

from isthmus.core.errors import RunError
from isthmus.pages.report import write_run_report
from isthmus.run_files.denoising import DenoisingRecord
from isthmus.run_files.evaluation import Checkpoint
from isthmus.run_files.scores import IntervalRecord, MeasureRecord, Score
from isthmus.runs.claim import locked
from isthmus.runs.denoising_results import NAME, keep_denoising, read_denoising

WEIGHTS = Checkpoint(which="best", step=11 * 227, epoch=11)  # those of the builder's evaluation


def found(std: float, difference: float = 1.5, sentence: str = "denoise beats wavelets by 1.50 dB") -> DenoisingRecord:
    psnr = {"noisy_input": 20.0, "model": 27.0 + difference, "wavelet": 27.0}
    return DenoisingRecord(
        noise_std=std,
        images=400,
        of=500,
        measures={"psnr": MeasureRecord(name="PSNR", unit="dB", decimals=2)},
        scores={
            who: Score.model_validate({"psnr": {"mean": mean, "low": mean - 0.1, "high": mean + 0.1}})
            for who, mean in psnr.items()
        },
        settings={"wavelet": 1.0},
        tuned_on=42,
        best_untrained="wavelet",
        against_best=IntervalRecord(mean=difference, low=difference - 0.2, high=difference + 0.2),
        sentence=sentence,
    )


def test_strengths_are_kept_beside_each_other_and_replaced(tmp_path: Path) -> None:
    keep_denoising(tmp_path, [found(0.2)], WEIGHTS)
    keep_denoising(tmp_path, [found(0.1), found(0.2, -1.0)], WEIGHTS)
    assert [(one.noise_std, one.against_best.mean) for one in read_denoising(tmp_path, WEIGHTS)] == [
        (0.1, 1.5),
        (0.2, -1.0),
    ]


def test_other_weights_are_another_run(tmp_path: Path) -> None:
    keep_denoising(tmp_path, [found(0.2)], WEIGHTS)
    later = WEIGHTS.model_copy(update={"step": 9999})
    assert read_denoising(tmp_path, later) == ()
    keep_denoising(tmp_path, [found(0.1)], later)
    assert [one.noise_std for one in read_denoising(tmp_path, later)] == [0.1]


def test_a_damaged_file_is_replaced(tmp_path: Path) -> None:
    (tmp_path / NAME).write_text('{"strengths": 3')
    assert read_denoising(tmp_path, WEIGHTS) == ()
    keep_denoising(tmp_path, [found(0.2)], WEIGHTS)
    assert len(read_denoising(tmp_path, WEIGHTS)) == 1


def test_a_run_in_use_is_left_alone(tmp_path: Path) -> None:
    with locked(tmp_path), pytest.raises(RunError, match="another process"):
        keep_denoising(tmp_path, [found(0.2)], WEIGHTS)
    assert not (tmp_path / NAME).exists()


def test_the_page_has_a_sentence_and_a_table_for_each_strength(tmp_path: Path) -> None:
    run = build_run(tmp_path / "run", "denoise")
    assert "beside methods without training" not in read_page(write_run_report(run)).text
    keep_denoising(run, [found(0.1), found(0.2, -1.0, "<b>bold</b>")], WEIGHTS)
    page = read_page(write_run_report(run))
    assert "Noise 0.1, 12.8 of 255 levels: denoise beats wavelets by 1.50 dB" in page.text
    assert "Noise 0.2, 25.5 of 255 levels: <b>bold</b>" in page.text, "a file's words are no HTML"
    for words in ("Wavelets", "Noisy input itself", "Scored on 400 of 500 held-out images", "42 validation images"):
        assert words in page.text


def test_the_page_of_other_weights_shows_none_of_it(tmp_path: Path) -> None:
    run = build_run(tmp_path / "run", "denoise")
    keep_denoising(run, [found(0.1)], WEIGHTS.model_copy(update={"epoch": 3}))
    assert "beside methods without training" not in read_page(write_run_report(run)).text


def test_a_comparison_without_numbers_has_a_sentence_and_no_drawing(tmp_path: Path) -> None:
    run = build_run(tmp_path / "run", "denoise")
    keep_denoising(run, [found(0.1, math.nan, "nothing is known")], WEIGHTS)
    assert "nothing is known" in read_page(write_run_report(run)).text
