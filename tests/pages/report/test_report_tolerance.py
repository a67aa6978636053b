"""Folders with parts missing or damaged: the page says less, or one sentence says why there is none."""

from __future__ import annotations

import html
import json
import math
import re
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import load_file, save_file
from tests.pages.report.builder import build_run, build_study, change_json, interval, score
from tests.pages.report.pages import Page, read_page

from isthmus.core.errors import InputError, RunError
from isthmus.pages.report import write_run_report, write_study_report
from isthmus.pages.report.svg import WIDE


def first_sentence(page: Page) -> str:
    """What a run's page opens with."""
    opened = re.search(r'<ol class="headlines">\s*<li[^>]*><p>(.*?)</p>', page.raw)
    assert opened
    return html.unescape(re.sub("<[^>]*>", "", opened[1])).replace("\N{NO-BREAK SPACE}", " ")


def sections(page: Page) -> list[str]:
    return [section["id"] for section in page.all("section")]


def test_a_run_without_noise_has_no_noise_section(run_folder: Path) -> None:
    assert "noise" not in sections(read_page(write_run_report(run_folder)))


def test_before_the_first_epoch_there_are_no_curves(run_folder: Path) -> None:
    (run_folder / "metrics.jsonl").write_text('{"kind": "train", "step": 1, "epoch": 1, "seconds": 0.1, "loss": 1}\n')
    assert "training" not in sections(read_page(write_run_report(run_folder)))


def test_a_run_of_one_epoch_has_curves(tmp_path: Path) -> None:
    folder = build_run(tmp_path / "run", "latent-10", epochs=1)
    assert "training" in sections(read_page(write_run_report(folder)))


@pytest.mark.parametrize(
    "name", ["metrics.jsonl", "environment.json", "recipe.toml", "pictures.safetensors", "per_image.parquet"]
)
def test_a_missing_file_costs_only_its_part(run_folder: Path, name: str) -> None:
    whole = sections(read_page(write_run_report(run_folder)))
    (run_folder / name).unlink()
    lost = {
        "metrics.jsonl": {"training"},
        "pictures.safetensors": {"pictures", "extremes"},
        "recipe.toml": {"next"},
    }.get(name, set())
    assert sections(read_page(write_run_report(run_folder))) == [part for part in whole if part not in lost]


@pytest.mark.parametrize("undefined", [math.nan, None])
def test_a_score_that_is_not_defined_is_a_dash(run_folder: Path, undefined: float | None) -> None:
    model = score(16.85) | {"ssim": {"mean": undefined, "low": undefined, "high": undefined}}
    change_json(run_folder / "evaluation.json", scores={"model": model})
    page = read_page(write_run_report(run_folder))
    assert "nan" not in page.text.lower().split()
    assert 'data-sort="">–</td>' in page.raw


def test_the_barest_evaluation_makes_a_page(tmp_path: Path) -> None:
    bare = {"name": "tiny", "seed": 3, "latent_size": 1, "scores": {}}
    (tmp_path / "evaluation.json").write_text(json.dumps(bare))
    page = read_page(write_run_report(tmp_path))
    assert sections(page) == ["findings", "limits", "scores", "reproduce"]
    assert "There is no score yet." in page.text


def test_a_torn_line_is_left_out_and_named(run_folder: Path) -> None:
    with (run_folder / "metrics.jsonl").open("a") as file:
        file.write('{"kind": "epoch", "st')
    assert "metrics.jsonl holds 1 unreadable line;" in read_page(write_run_report(run_folder)).text


def test_an_epoch_logged_twice_counts_once(run_folder: Path) -> None:
    metrics = run_folder / "metrics.jsonl"
    before = read_page(write_run_report(run_folder)).raw
    repeated = metrics.read_text().splitlines()[-1]
    metrics.write_text(metrics.read_text().rstrip() + f"\n{repeated}\n")
    assert read_page(write_run_report(run_folder)).raw == before


def test_losing_to_pca_is_the_first_sentence(run_folder: Path) -> None:
    page = read_page(write_run_report(run_folder))
    assert first_sentence(page) == (
        "This model, one seed: latent-10 is 0.48 dB worse than PCA with 10 components (95 % interval 0.43 to 0.53), "
        "MSE 1.12 times PCA's; never below PCA's on validation images in 12 epochs: at best 1.12 times PCA's."
    )


def test_beating_pca_has_a_second(run_folder: Path) -> None:
    validation = {"pca_mse": 0.02, "epochs": 12, "lowest_ratio": 0.95}
    validation["since"] = {"epoch": 2, "step": 454, "seconds": 86.4}
    against_pca = {"psnr": interval(0.18, 0.03), "mse_ratio": 0.96, "validation": validation}
    change_json(run_folder / "evaluation.json", against_pca=against_pca)
    page = read_page(write_run_report(run_folder))
    assert first_sentence(page) == (
        "This model, one seed: latent-10 beats PCA with 10 components by 0.18 dB (95 % interval 0.15 to 0.21), "
        "MSE 0.96 of PCA's; below PCA's on validation images since second 86 of training (epoch 2 of 12)."
    )
    assert "The second named is the end of the first epoch" in page.text
    assert "dashed, PCA 10: 16.99 dB" in page.text, "the level of 0.02 on the curves' own images"
    assert re.search(r"<td>PCA 10</td>(<td></td>){4}<td>16.99</td>", page.raw)
    assert "PCA with as many numbers, on the same images." in " ".join(page.text.split())


def test_a_run_that_never_left_its_start_says_so_first(run_folder: Path) -> None:
    change_json(run_folder / "evaluation.json", checkpoint={"which": "best", "step": 0, "epoch": 0})
    page = read_page(write_run_report(run_folder))
    assert first_sentence(page) == (
        "latent-10 is PCA: training did not improve on its start, PCA with 10 components; not tested against it."
    )


def test_what_was_not_tested_is_no_verdict_on_the_page(study_folder: Path) -> None:
    """It has neither a drawing nor a colour, and the table says that it is PCA itself."""
    findings = json.loads((study_folder / "findings.json").read_text())
    sentence = "many-layers against latent-512: not tested: neither network improved on PCA."
    untested = {"kind": "comparison", "variation": "many-layers", "against": "latent-512", "about": "choice"}
    findings["findings"] = [{**untested, "verdict": "not tested", "sentence": sentence}]
    for variation in findings["variations"]:
        if variation["name"] in ("many-layers", "latent-512"):
            variation["stayed_at_start"] = sum(run["status"] == "done" for run in variation["runs"])
    (study_folder / "findings.json").write_text(json.dumps(findings))
    page = read_page(write_study_report(study_folder))
    assert first_sentence(page) == sentence
    assert re.search(r'<ol class="headlines">\s*<li class="even"><p>', page.raw)
    assert "strip" not in page.raw[page.raw.index('<ol class="headlines">') : page.raw.index("</ol>")]
    assert page.raw.count("<small>training did not improve on PCA</small>") == 2


def test_corrected_verdicts_set_the_colours_and_are_explained(study_folder: Path) -> None:
    findings = json.loads((study_folder / "findings.json").read_text())
    lost = {"method": "Holm", "comparisons": 34, "p": 0.2, "verdict": "no measurable difference"}
    for finding in findings["findings"]:
        if finding["kind"] == "pca":
            finding |= {"against": "pca", "verdict": "worse", "corrected": lost}
    (study_folder / "findings.json").write_text(json.dumps(findings))
    page = read_page(write_study_report(study_folder))
    corrected = "each verdict is also corrected for all comparisons with the same base (34 with PCA) by Holm’s method"
    assert corrected in page.text
    assert 'class="worse"' not in page.raw[page.raw.index('id="scores"') : page.raw.index('class="variations"')]


def test_an_undefined_score_says_why(run_folder: Path) -> None:
    reason = "images are smaller than the window of 11 pixels"
    none = {"mean": None, "low": None, "high": None, "undefined": reason}
    change_json(run_folder / "evaluation.json", scores={"model": score(16.85) | {"ssim": none}})
    assert f"undefined: {reason}" in read_page(write_run_report(run_folder)).text


@pytest.mark.parametrize("newer", [{}, {"mse_ratio": None, "validation": {}}, {"validation": None}])
def test_a_folder_from_before_validation_was_compared_makes_a_page(run_folder: Path, newer: dict[str, object]) -> None:
    """Its curves are drawn beside PCA on test images, and say so."""
    change_json(run_folder / "evaluation.json", against_pca={"psnr": interval(-0.48, 0.05), **newer})
    page = read_page(write_run_report(run_folder))
    assert "The second is" not in page.text
    compared = "latent-10 is 0.48 dB worse than PCA with 10 components (95 % interval 0.43 to 0.53)."
    compared = f"This model, one seed: {compared}"
    assert first_sentence(page) == compared
    assert "dashed, PCA 10: 16.73 dB" in page.text
    assert "PCA with as many numbers, on the test images." in " ".join(page.text.split())


@pytest.mark.parametrize(("mean", "half"), [(0.08, 0.15), (-0.08, 0.15), (0.0, 0.2), (0.3, 0.05), (-18.7, 0.5)])
def test_the_number_beside_a_runs_whisker_fits_in_its_drawing(run_folder: Path, mean: float, half: float) -> None:
    change_json(run_folder / "evaluation.json", against_pca={"psnr": interval(mean, half)})
    page = read_page(write_run_report(run_folder))
    (number,) = page.with_class("text", "value")
    start, end = (-70, 0) if "end" in number["class"].split() else (0, 70)
    assert float(number["x"]) + start >= 0
    assert float(number["x"]) + end <= float(page.with_class("svg", "strip")[0]["width"])


def test_one_old_run_in_a_study_takes_pca_back_to_test_images(study_folder: Path) -> None:
    """Lines of two kinds in one drawing could not be told apart."""
    assert "on the same images." in " ".join(read_page(write_study_report(study_folder)).text.split())
    change_json(study_folder / "denoise/seed-0/evaluation.json", against_pca={"psnr": interval(-0.5, 0.05)})
    assert "on the test images." in " ".join(read_page(write_study_report(study_folder)).text.split())


def test_a_curve_may_begin_before_the_first_step(run_folder: Path) -> None:
    start = {"kind": "epoch", "epoch": 0, "step": 0, "seconds": 0.0, "validation_psnr": 12.5, "validation_mse": 0.056}
    metrics = run_folder / "metrics.jsonl"
    metrics.write_text(f"{json.dumps(start)}\n{metrics.read_text()}")
    page = read_page(write_run_report(run_folder))
    curve = page.with_class("polyline", "line")[0]["points"].split()
    assert float(curve[0].split(",")[0]) == WIDE.left
    assert len(curve) == 13


def test_a_model_that_adds_its_own_noise_shows_what_it_made(tmp_path: Path) -> None:
    folder = build_run(tmp_path / "frozen", "denoise")
    clean = np.full((15, 3, 32, 32), 90, np.uint8)
    pictures = {"shown/original": clean, "shown/output": clean + 30, "shown/noisy": clean + 9}
    save_file(pictures, folder / "pictures.safetensors")
    change_json(folder / "evaluation.json", scores={"model": score(16.8), "noisy_input": score(26.1, 0.05)})
    page = read_page(write_run_report(folder))
    assert "noise added by the model" in page.text
    assert "the noisy input scores 26.10 dB (26.05 to 26.15) and the output of denoise 16.80 dB" in page.text


def test_one_seed_says_what_its_intervals_leave_out(tmp_path: Path) -> None:
    page = read_page(write_study_report(build_study(tmp_path / "demo", seeds=(0,))))
    assert "With one seed each, a verdict is about these trained models" in page.text
    assert "it says nothing about the choice between them" in page.text
    assert "thin" not in {kind for line in page.all("polyline") for kind in line["class"].split()}


def test_a_study_with_no_finished_run_names_what_failed(study_folder: Path) -> None:
    findings = json.loads((study_folder / "findings.json").read_text())
    findings["data"] = None
    findings["findings"] = []
    for variation in findings["variations"]:
        for key in ("scores", "against_pca", "cost", "flags", "latent", "doctor", "latent_size", "image_values"):
            del variation[key]
        for run in variation["runs"]:
            run.update(status="failed", error="the disk is full")
    change_json(study_folder / "findings.json", **findings)
    page = read_page(write_study_report(study_folder))
    assert sections(page) == ["findings", "limits", "next", "scores", "reproduce"]
    assert page.text.count("the disk is full") == 1, "one reason of all runs"
    assert "latent-512, seeds 0, 1; " in page.text
    assert "No two variations could be compared yet." in page.text
    assert "No run has a score yet, so this study says nothing about its variations." in page.text
    assert "PSNR" not in page.text, "no caption of a column that is not there"


def test_folders_from_before_the_doctor_make_pages(study_folder: Path) -> None:
    for path in study_folder.glob("*/seed-*/evaluation.json"):
        evaluation = json.loads(path.read_text())
        for key in ("latent", "samples", "doctor"):
            del evaluation[key]
        path.write_text(json.dumps(evaluation))
        pictures = load_file(path.parent / "pictures.safetensors")
        del pictures["samples"]
        save_file(pictures, path.parent / "pictures.safetensors")
    findings = json.loads((study_folder / "findings.json").read_text())
    for variation in findings["variations"]:
        del variation["latent"], variation["doctor"]
    change_json(study_folder / "findings.json", **findings)
    run = read_page(write_run_report(study_folder / "latent-10" / "seed-0"))
    for page in (run, read_page(write_study_report(study_folder))):
        assert not {"doctor", "holds"} & set(sections(page))


def test_variations_on_other_images_are_not_laid_side_by_side(study_folder: Path) -> None:
    for seed in (0, 1):
        path = study_folder / "denoise" / f"seed-{seed}" / "pictures.safetensors"
        other = np.zeros((15, 3, 16, 16), np.uint8)
        save_file({"shown/original": other, "shown/output": other}, path)
    page = read_page(write_study_report(study_folder))
    assert "Evaluated on other images, so not shown here: denoise." in page.text


def test_many_findings_open_with_the_largest(study_folder: Path) -> None:
    findings = json.loads((study_folder / "findings.json").read_text())
    one = next(finding for finding in findings["findings"] if finding["kind"] == "comparison")
    many = [
        {**one, "difference": n / 10, "low": n / 10 - 1, "high": n / 10 + 1, "sentence": f"No {n}."} for n in range(20)
    ]
    change_json(study_folder / "findings.json", findings=many)
    page = read_page(write_study_report(study_folder))
    shown = re.findall(r"No (\d+)\.", page.text)
    assert list(dict.fromkeys(shown)) == [str(n) for n in range(19, -1, -1)]
    assert "The other 12 comparisons" in page.text


def test_many_variations_reuse_colours_with_another_mark(study_folder: Path) -> None:
    findings = json.loads((study_folder / "findings.json").read_text())
    copies = [{**findings["variations"][0], "name": f"copy-{number}", "runs": []} for number in range(4)]
    change_json(study_folder / "findings.json", variations=findings["variations"] + copies)
    page = read_page(write_study_report(study_folder))
    assert (
        len(page.with_class("span", "again")) == 2 * 4
    )  # the seventh and eighth, in both tables, the list and the doctor's


@pytest.mark.parametrize("name", ["evaluation.json", "environment.json", "pictures.safetensors", "per_image.parquet"])
def test_a_damaged_file_is_named_in_one_sentence(run_folder: Path, name: str) -> None:
    (run_folder / name).write_bytes(b'{"format": 1, "na')
    remedy = "restore it from a copy" if name == "environment.json" else "`isthmus evaluate "
    with pytest.raises(RunError, match=rf"^\S*{name}: cannot be read \(.+\); {remedy}") as error:
        write_run_report(run_folder)
    assert "\n" not in str(error.value)


def test_a_wrong_type_is_named_by_its_path(run_folder: Path) -> None:
    change_json(run_folder / "evaluation.json", cost={"epochs": "twelve"})
    with pytest.raises(RunError, match=r"evaluation\.json: cannot be read \(cost\.epochs: .* number"):
        write_run_report(run_folder)


@pytest.mark.parametrize(
    ("write", "file"), [(write_run_report, "evaluation.json"), (write_study_report, "findings.json")]
)
def test_an_empty_folder_says_what_to_do_first(tmp_path: Path, write: object, file: str) -> None:
    assert callable(write)
    with pytest.raises(InputError, match=rf"{file}: is missing or empty; .* first"):
        write(tmp_path)
