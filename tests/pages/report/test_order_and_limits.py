"""What the reader meets first, what did not matter, what cannot be said; words and links where they stand."""

from __future__ import annotations

import json
import re
from pathlib import Path

from tests.pages.report.builder import build_study, change_json, interval, score
from tests.pages.report.pages import Page, read_page

from isthmus.pages.report import write_run_report, write_study_pages, write_study_report


def section(page: Page, name: str) -> str:
    """The section's text in one line."""
    found = re.search(rf'<section id="{name}".*?</section>', page.raw, re.S)
    assert found is not None
    inline = re.sub(r"</?(button|span|b|a|code)\b[^>]*>", "", found[0])
    return " ".join(re.sub(r"<[^>]*>", " ", inline).split())


def test_the_page_opens_with_the_same_pictures_of_each(study_page: Page) -> None:
    strip = study_page.raw[study_page.raw.index('class="cards"') : study_page.raw.index('<section id="findings"')]
    names = re.findall(r"<p>(.*?)</p>", strip, re.S)
    words = [" ".join(re.sub(r"<[^>]*>", " ", name).split()) for name in names]
    assert words == [
        "Original",
        "latent-10 10 numbers 16.9 dB",
        "denoise 10 numbers 16.8 dB",
        "PCA 10 numbers 17.3 dB",
        "latent-512 512 numbers 24.9 dB",
        "many-layers 512 numbers 25.1 dB",
        "PCA 512 numbers 30.3 dB",
    ]
    pictures = [tag["alt"].split(",")[0] for tag in study_page.all("img")][: 3 * len(words)]
    assert pictures == pictures[:3] * len(words)


def test_the_largest_effect_comes_first_and_what_did_not_matter_after(study_page: Page) -> None:
    text = section(study_page, "findings")
    order = ["beats latent-10 by 8.05 dB", "by 0.20 dB", "What made no measurable difference", "denoise: no difference"]
    order += ["Beside PCA", "5.44 dB worse", "0.48 dB worse"]
    places = [text.index(words) for words in order]
    assert places == sorted(places)


def test_a_study_without_any_difference_says_so(study_folder: Path) -> None:
    findings = json.loads((study_folder / "findings.json").read_text())["findings"]
    even = [one for one in findings if one.get("verdict") == "no measurable difference"]
    change_json(study_folder / "findings.json", findings=even)
    text = section(read_page(write_study_report(study_folder)), "findings")
    assert "No comparison of this study shows a difference that its test could measure." in text


def test_what_is_open_is_said_with_its_bounds(study_page: Page) -> None:
    text = section(study_page, "limits")
    assert "Whether denoise or latent-10 is better is open: the difference is anywhere from −0.08 to +0.04 dB." in text
    assert "1 run of the study has no result" in text
    assert "On other images" in text
    assert "It does not say which picture a person would prefer" in text


def test_many_open_comparisons_are_counted(study_folder: Path) -> None:
    findings = json.loads((study_folder / "findings.json").read_text())["findings"]
    even = next(one for one in findings if one.get("verdict") == "no measurable difference")
    change_json(study_folder / "findings.json", findings=[even] * 9)
    text = section(read_page(write_study_report(study_folder)), "limits")
    assert text.count("is open") == 4
    assert "So it is for 5 more of the comparisons above." in text


def test_a_variation_that_was_compared_with_none_is_named(study_folder: Path) -> None:
    findings = json.loads((study_folder / "findings.json").read_text())["findings"]
    kept = [one for one in findings if "many-layers" not in (one["variation"], one["against"])]
    change_json(study_folder / "findings.json", findings=kept)
    text = section(read_page(write_study_report(study_folder)), "limits")
    assert "many-layers was compared with PCA only" in text


def test_a_run_that_is_not_told_from_pca_says_so(run_folder: Path) -> None:
    change_json(run_folder / "evaluation.json", against_pca={"psnr": interval(0.1, 0.4)})
    text = section(read_page(write_run_report(run_folder)), "limits")
    assert "It cannot tell this model from PCA: the difference is anywhere from −0.30 to +0.50 dB." in text
    assert "One run shows neither the luck of training" in text


def test_captions_speak_of_the_columns_that_are_there(run_folder: Path) -> None:
    whole = read_page(write_run_report(run_folder))
    assert "Higher PSNR and SSIM are better, lower MSE is better." in section(whole, "scores")
    assert "the bits that a latent says beyond its prior" in section(whole, "holds")
    model = {name: value for name, value in score(16.85).items() if name != "ssim"}
    labels = {
        "classes": 3,
        "linear_probe": {"model": 0.5, "pca": 0.4},
        "nearest_neighbours": {"model": 0.5, "pca": 0.4},
    }
    change_json(run_folder / "evaluation.json", scores={"model": model}, latent={"labels": labels})
    page = read_page(write_run_report(run_folder))
    assert "Higher PSNR is better, lower MSE is better." in section(page, "scores")
    assert "SSIM" not in page.text
    assert "probes trained on training images" in section(page, "holds")
    assert "Rate" not in section(page, "holds") and "codes" not in section(page, "holds")


def test_curves_of_one_seed_are_not_said_to_be_means(tmp_path: Path) -> None:
    one = section(read_page(write_study_report(build_study(tmp_path / "one", seeds=(0,)))), "training")
    two = section(read_page(write_study_report(build_study(tmp_path / "two", seeds=(0, 1)))), "training")
    assert "thin lines" not in one and "thin lines" in two


def test_every_run_with_a_page_is_linked_and_links_back(study_folder: Path) -> None:
    page = read_page(write_study_pages(study_folder))
    links = {link["href"] for link in page.all("a") if not link["href"].startswith("#")}
    pages = {path.relative_to(study_folder).as_posix() for path in study_folder.glob("*/seed-*/report.html")}
    assert links == {f"./{name}" for name in pages}
    run = read_page(study_folder / "latent-10/seed-0/report.html")
    assert "../../report.html" in [link["href"] for link in run.all("a")]


def test_a_run_without_a_page_is_not_linked(study_folder: Path) -> None:
    page = read_page(write_study_report(study_folder))
    assert [link["href"] for link in page.all("a") if not link["href"].startswith("#")] == []


def test_of_many_models_the_strip_shows_those_that_differ_most(study_folder: Path) -> None:
    findings = json.loads((study_folder / "findings.json").read_text())
    row = findings["variations"][0]
    copies = [{**row, "name": f"copy-{number}", "runs": row["runs"][:1]} for number in range(6)]
    change_json(study_folder / "findings.json", variations=findings["variations"] + copies)
    page = read_page(write_study_report(study_folder))
    strip = page.raw[page.raw.index('class="cards"') : page.raw.index('<section id="findings"')]
    assert "many-layers" in strip and "copy-1" in strip and "copy-2" not in strip
    assert "4 more models had no room here and stand below." in page.text


def test_the_contents_name_every_section(study_page: Page, run_page: Page) -> None:
    for page in (study_page, run_page):
        contents = re.search(r'<nav class="contents".*?</nav>', page.raw, re.S)
        assert contents is not None
        assert re.findall(r'href="#([\w-]+)"', contents[0]) == [one["id"] for one in page.all("section")]


def test_every_word_that_opens_has_its_line(study_page: Page) -> None:
    opened = {button["popovertarget"] for button in study_page.all("button") if "popovertarget" in button}
    lines = {tag["id"] for tag in study_page.with_class("div", "word-line")}
    assert opened == lines
    assert {"word-psnr", "word-pca", "word-ssim", "word-latent", "word-seed", "word-rate"} <= lines
    assert "Compares brightness, contrast and pattern" in section(study_page, "glossary")
