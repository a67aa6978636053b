"""Both pages: well formed, self-contained, readable without eyes, in the promised order."""

from __future__ import annotations

import base64
import hashlib
import itertools
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from tests.pages.report.builder import SHOWN, VARIATIONS, change_json
from tests.pages.report.pages import Page, read_page

from isthmus.pages.report import write_run_report, write_study_report

HOSTILE = "<img src=x onerror=alert(1)>\"'&</script><script>alert(2)</script>"


@pytest.fixture(params=["study_page", "run_page"])
def page(request: pytest.FixtureRequest) -> Page:
    return request.getfixturevalue(request.param)


def test_nothing_is_loaded_from_elsewhere(page: Page) -> None:
    addresses = [
        attributes[name]
        for _, attributes in page.tags
        for name in ("src", "href", "srcset", "action", "data", "xlink:href")
        if attributes.get(name)
    ]
    assert addresses
    loaded = [address for address in addresses if not re.fullmatch(r"\./[\w-]+/seed-\d/report\.html", address)]
    assert all(address.startswith(("data:", "#")) for address in loaded)
    assert not re.search(r"url\(|@import|https?:", page.raw)


def test_the_policy_admits_the_pages_own_script_and_nothing_from_a_network(page: Page) -> None:
    policy = next(m["content"] for m in page.all("meta") if m.get("http-equiv") == "Content-Security-Policy")
    scripts = re.findall(r"<script>(.*?)</script>", page.raw, re.DOTALL)
    assert len(scripts) == 1
    digest = base64.b64encode(hashlib.sha256(scripts[0].encode()).digest()).decode()
    assert f"script-src 'sha256-{digest}'" in policy
    assert "default-src 'none'" in policy
    assert "http" not in policy
    assert not [name for _, attributes in page.tags for name in attributes if name.startswith("on")]


def test_every_picture_and_chart_is_described_in_words(page: Page) -> None:
    assert page.all("img")
    assert all(picture["alt"].strip() for picture in page.all("img"))
    charts = re.findall(r"<svg[^>]*>(.*?)</svg>", page.raw, re.DOTALL)
    assert charts
    assert all(re.match(r"<title>[^<]+</title><desc>[^<]+</desc>", chart) for chart in charts)


def test_tables_that_scroll_can_be_reached_and_are_named(page: Page) -> None:
    scrolling = page.with_class("div", "scroll")
    assert scrolling
    assert all(box["tabindex"] == "0" and box["role"] == "region" and box["aria-label"] for box in scrolling)


def test_buttons_that_need_the_script_are_hidden_until_it_runs(page: Page) -> None:
    buttons = [button for button in page.all("button") if "popovertarget" not in button]
    assert len(buttons) == 1 + len(page.with_class("div", "command"))
    assert all("hidden" in button for button in buttons)


def test_internal_links_and_ids_agree(page: Page) -> None:
    ids = [attributes["id"] for _, attributes in page.tags if "id" in attributes]
    assert len(ids) == len(set(ids))
    assert {link["href"][1:] for link in page.all("a") if link["href"].startswith("#")} <= set(ids)
    assert {button["popovertarget"] for button in page.all("button") if "popovertarget" in button} <= set(ids)


def test_headings_never_skip_a_level(page: Page) -> None:
    levels = [int(tag[1]) for tag, _ in page.tags if re.fullmatch(r"h[1-6]", tag)]
    assert levels[0] == 1
    assert all(below <= above + 1 for above, below in itertools.pairwise(levels))


def test_the_study_page_has_its_sections_in_order(study_page: Page) -> None:
    assert [section["id"] for section in study_page.all("section")] == [
        "findings",
        "limits",
        "next",
        "scores",
        "doctor",
        "pictures",
        "extremes",
        "noise",
        "holds",
        "training",
        "size",
        "glossary",
        "reproduce",
    ]


def test_the_run_page_has_its_sections_in_order(run_page: Page) -> None:
    assert [section["id"] for section in run_page.all("section")] == [
        "findings",
        "limits",
        "next",
        "doctor",
        "scores",
        "pictures",
        "extremes",
        "noise",
        "holds",
        "training",
        "latent",
        "glossary",
        "reproduce",
    ]


def test_the_same_images_go_through_every_model_and_pca(study_page: Page) -> None:
    originals = [p for p in study_page.all("img") if re.search(r"#\d+, original$", p["alt"])]
    assert len(originals[:SHOWN]) == SHOWN
    for name in VARIATIONS:
        outputs = [p for p in study_page.all("img") if f"output of {name}, PSNR" in p["alt"]]
        shown = [p for p in outputs if "data-view" in p]
        assert [p["data-view"] for p in shown] == ["first", "second"] * SHOWN
        assert all(p["class"] == "pixels" and p["width"] == p["height"] == "64" for p in shown)
    for size in (10, 512):
        made = f"output of PCA with {size} components, PSNR"
        assert sum(made in picture["alt"] for picture in study_page.all("img")) == 2 * SHOWN


def test_findings_share_one_axis(study_page: Page) -> None:
    strips = re.findall(r'<svg class="chart strip [^>]*>(.*?)</svg>', study_page.raw, re.DOTALL)
    assert len(strips) == 5
    zeros = {re.search(r'<line x1="([\d.]+)"[^>]*class="zero"', strip).group(1) for strip in strips}
    assert len(zeros) == 1


def test_headings_carry_units(study_page: Page, run_page: Page) -> None:
    for heading in ("PSNR dB", "SSIM 1 = same", "MSE ×10⁻³, pixels 0–1", "Latent numbers", "Training time a run"):
        assert heading in " ".join(study_page.text.split())
    assert "PSNR of the mean MSE dB" in " ".join(run_page.text.split())


def test_what_the_latent_holds_stands_beside_pca(study_page: Page, run_page: Page) -> None:
    for page in (study_page, run_page):
        text = " ".join(page.text.split())
        for heading in (
            "Rate bits an image",
            "Linear probe % right",
            "10 neighbours % right",
            "MIG 1 = one number a cause",
        ):
            assert heading in text
        assert "35.6 PCA 34.8" in text and "28.1 PCA 29.2" in text
    assert re.search(r"Background angle\s*0\.31", run_page.text)


def test_new_images_are_shown_with_where_they_came_from(study_page: Page, run_page: Page) -> None:
    shown = [picture for picture in run_page.all("img") if picture["alt"].startswith("Sample ")]
    assert len(shown) == 30
    assert "mixture" in run_page.text and "#16 to #30" in run_page.text, "each row says what it shows"
    samples = [picture for picture in study_page.all("img") if picture["alt"].startswith("Sample ")]
    assert len(samples) == 15 * len(VARIATIONS)


def test_the_doctors_words_stand_with_their_remedies(study_page: Page, run_page: Page) -> None:
    text = " ".join(study_page.text.split())
    assert "1 error and 1 note about 1 variation" in text
    assert "Its decoder ignores the latent. Train longer." in text
    assert "No check found a fault." in run_page.text


def test_a_failed_run_is_named_once_with_its_error(study_page: Page) -> None:
    assert study_page.text.count("the loss became nan at step 1,234") == 1
    assert "many-layers, seed 1" in study_page.text


def test_a_note_is_shown_once_with_whom_it_is_about(study_page: Page) -> None:
    assert study_page.text.count("12 epochs rather than 40") == 1
    assert "Every variation: The best model was chosen on the training loss" in study_page.text


def test_reproducing_needs_only_the_page(study_page: Page, run_page: Page) -> None:
    for line in ("isthmus study demo seeds=2", "9ead46e", "sha256:5f2a9c", "2.13.0", "latent-512/seed-1"):
        assert line in study_page.text
    assert "isthmus train demo/denoise seed=0" in run_page.text
    assert 'kind = "vector"' in run_page.text
    assert "mirrors images" in run_page.text and "mirror.sentence" not in run_page.raw, "what is empty has no row"


def test_hostile_names_stay_text(study_folder: Path) -> None:
    findings = study_folder / "findings.json"
    text = findings.read_text(encoding="utf-8")
    hostile = HOSTILE.replace("\\", "\\\\").replace('"', '\\"')
    for word in ('"latent-10"', '"scenes: drawn shapes, 32x32"', '"demo"', '"isthmus study demo seeds=2"'):
        text = text.replace(word, f'"{hostile}"')
    text = text.replace("the loss became nan", hostile).replace("bottleneck.dim", hostile).replace("beats", hostile)
    findings.write_text(text, encoding="utf-8")
    for evaluation in study_folder.rglob("evaluation.json"):
        change_json(evaluation, name=HOSTILE, noise=HOSTILE, flags=[HOSTILE])
        change_json(evaluation.with_name("environment.json"), commit=HOSTILE, versions={HOSTILE: HOSTILE})
    _assert_harmless(read_page(write_study_report(study_folder)))


def test_hostile_class_names_and_recipes_stay_text(run_folder: Path) -> None:
    change_json(run_folder / "evaluation.json", name=HOSTILE, data={"source": HOSTILE, "class_names": [HOSTILE] * 3})
    (run_folder / "recipe.toml").write_text(f"name = '{HOSTILE}'", encoding="utf-8")
    page = read_page(write_run_report(run_folder))
    _assert_harmless(page)
    assert any(HOSTILE in picture["alt"] for picture in page.all("img"))


def test_a_page_is_written_whole_or_not_at_all(run_folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    page = write_run_report(run_folder)
    before = page.read_bytes()

    def fail(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "replace", fail)
    with pytest.raises(OSError, match="No space left on device"):  # exit code 1 on the command line
        write_run_report(run_folder)
    assert page.read_bytes() == before


def test_writing_again_gives_the_same_bytes(study_folder: Path) -> None:
    page = write_study_report(study_folder)
    before = page.read_bytes()
    assert write_study_report(study_folder).read_bytes() == before


def test_reports_do_not_wait_for_torch() -> None:
    code = "import sys, isthmus.pages.report; sys.exit('torch' in sys.modules)"
    source = Path(__file__).parents[3] / "src"
    subprocess.run([sys.executable, "-c", code], check=True, env={"PYTHONPATH": str(source), "PATH": ""})


def _assert_harmless(page: Page) -> None:
    assert HOSTILE in page.text
    assert all(re.match("data:image/(png|webp);base64,", picture["src"]) for picture in page.all("img"))
    assert len(page.all("script")) == 1
