"""The benchmark's arithmetic, which needs no peer installed: turns, ratios, goals, work and traffic."""

from __future__ import annotations

import os
import re
import signal
import time

import pytest
import torch
from bench.contest import ROOT, Entry, rotated, surroundings
from bench.contestants._common import Stopwatch, random_images, scaled
from bench.families import costs, written
from bench.goals import Measured, ratios, table
from bench.gpu import epoch_rows
from bench.peers import cpu_goals, shares
from bench.traffic import image_bytes
from torch import nn

from bench import neighbour, network
from isthmus.core.sorts import SORTS
from isthmus.evaluation.cost import cost
from isthmus.models.autoencoder import Autoencoder
from isthmus.recipes.study_plan import load_plan, load_recipe


def run(images_per_second: float, *, memory: float = 100.0, precision: str = "fp32") -> dict[str, object]:
    return {"images_per_second": images_per_second, "peak_rss_mb": memory, "precision": precision}


def test_everyone_begins_a_round_once() -> None:
    entries = [Entry(name, "module") for name in "abc"]
    orders = [rotated(entries, number) for number in range(3)]
    assert {order[0].label for order in orders} == {"a", "b", "c"}
    assert all(sorted(entry.label for entry in order) == ["a", "b", "c"] for order in orders)


def test_ratios_are_taken_within_a_round() -> None:
    results = {"ours": [run(300), run(100)], "theirs": [run(100), run(50)]}
    assert ratios(results, "ours", "theirs", "images_per_second") == (3.0, 2.0)


@pytest.mark.parametrize(
    ("values", "at_least", "holds"),
    [((3.9, 4.1, 9.0), True, True), ((3.9, 3.8, 9.0), True, False), ((0.4, 0.5, 0.6), False, True)],
)
def test_the_median_is_held_against_the_goal(values: tuple[float, ...], at_least: bool, holds: bool) -> None:
    goal = 4.0 if at_least else 0.5
    row = Measured("speed", values, goal, at_least=at_least)
    assert row.holds is holds
    assert ("**no**" in table([row])) is not holds


def test_the_table_shows_spread_unit_and_goal() -> None:
    row = Measured("an epoch", (0.41, 0.395, 0.52), 0.6, at_least=False, unit="s")
    assert "| an epoch | 0.410 (0.395 to 0.520) s | 0.600 or less | yes |" in table([row])


def test_goals_come_from_the_entries_they_name() -> None:
    results = {
        "keras 32 fp32": [run(100, memory=1000)],
        "pythae 32 fp32": [run(200)],
        "pythae 128 fp32": [run(50)],
        "plain 32 fp32": [run(160)],
        "plain 32 bf16": [run(320)],
        "isthmus 32 auto": [run(400, memory=450, precision="bf16")],
        "isthmus 32 fp32": [run(240)],
        "isthmus 128 auto": [run(150, precision="bf16")],
        "matrix rate": [
            {"fp32": 132.071424, "bf16": 264.142848, "fp32_kept_up": 105.6571392, "bf16_kept_up": 132.071424}
        ],
    }
    values = [row.median for row in cpu_goals(results)]
    assert values == pytest.approx([4, 2.4, 2, 3, 2.5, 1.5, 1.25, 0.4, 0.8, 0.48, 0.6, 0.45])


def test_the_share_is_of_the_rate_in_the_same_precision() -> None:
    results = {
        "isthmus 32 auto": [run(1000, precision="bf16"), run(1000, precision="fp32")],
        "matrix rate": [{"fp32": 500.0, "bf16": 1000.0, "fp32_kept_up": 500.0, "bf16_kept_up": 500.0}] * 2,
    }
    largest, kept_up = shares(results, "isthmus 32 auto", 250_000_000)
    assert largest.values == pytest.approx((0.25, 0.5))
    assert kept_up.values == pytest.approx((0.5, 0.5))


def test_the_plain_network_is_the_posts() -> None:
    """As many weights and, but for the gradient of the image, three times the arithmetic of its forward pass."""
    plain = nn.Sequential(network.encoder(), network.decoder())
    recipe = load_recipe("post-faithful/latent-10", {"data.kind": "scenes"})
    counted = cost(Autoencoder(recipe, network.IMAGE_SHAPE))
    assert sum(weight.numel() for weight in plain.parameters()) == counted.trainable
    first_layer = 32 * 32 * 27 * 32
    assert network.step_flop() == pytest.approx(2 * (3 * counted.multiply_adds - first_layer), rel=1e-3)
    assert plain(torch.zeros(2, 3, 32, 32)).shape == (2, 3, 32, 32)


def test_traffic_counts_every_output_and_its_gradient_twice() -> None:
    model = nn.Sequential(nn.Conv2d(3, 4, 3, 2, padding=1), nn.LeakyReLU(), nn.Flatten(), nn.Linear(1024, 10))
    assert image_bytes(model, bytes_per_value=2) == 4 * 2 * (1024 + 1024 + 10)


def test_an_epoch_takes_its_images_by_the_rate() -> None:
    results = {"isthmus 32 auto": [run(100_000)], "isthmus 512 auto": [run(250_000)], "plain 32 fp32": [run(500_000)]}
    rows = {row.name: row for row in epoch_rows(results, floor=0.05)}
    assert rows["an epoch, isthmus 32 auto"].values == (0.5,)
    assert rows["an epoch at the best batch, isthmus 512 auto"].values == (0.2,)
    assert rows["floor / that epoch"].values == (0.25,)


def test_the_watch_leaves_the_warm_up_out(monkeypatch: pytest.MonkeyPatch) -> None:
    """Steps of one second, the first ten of ten: only those after the warm-up count."""
    now = [0.0]
    monkeypatch.setattr("bench.contestants._common.time.perf_counter", lambda: now[0])
    watch, over = Stopwatch(seconds=5.0), False
    while not over:
        now[0] += 10.0 if watch.steps < 10 else 1.0
        over = watch.step(32, lambda: 0.0)
    assert watch.images_per_second == 32.0


def test_images_span_the_range_once_scaled() -> None:
    images = random_images(50)
    assert images.shape == (50, 3, 32, 32) and images.dtype == "uint8"
    assert scaled(images).min() == -1 and scaled(images).max() == 1


def test_a_familys_cost_is_the_files_that_its_recipe_adds() -> None:
    found = costs(load_plan("families"))
    home = "src/isthmus/models/bottlenecks"
    assert list(found["vq"].files) == [f"{home}/vq.py", f"{home}/_codebook.py"]
    assert found["vae"].files.keys() == {f"{home}/gaussian.py"}
    assert found["beta-vae"].files == found["vae"].files, "another weight is no code"
    assert "src/isthmus/models/priors/vamp.py" in found["vamp-prior"].files
    assert all(lines <= 120 for cost in found.values() for lines in cost.files.values())


def test_no_familys_file_names_another_family() -> None:
    """What a family's files import of isthmus is a seam, or a private module that its relatives share."""
    parts = {sort.package for sort in SORTS.values()}
    for family in costs(load_plan("families")).values():
        for file in family.files:
            imported = re.findall(r"^from isthmus\.([\w.]+) import", (ROOT / file).read_text(), flags=re.MULTILINE)
            public = {name for name in imported if not name.rpartition(".")[2].startswith("_")}
            assert not {f"isthmus.{name}".rpartition(".")[0] for name in public} & parts, file


def test_a_pages_blocks_are_exchanged_and_nothing_else() -> None:
    page = "before\n<!-- scores -->\nold\n<!-- end of scores -->\nafter\n"
    assert written(page, {"scores": "new"}) == page.replace("old", "new")
    with pytest.raises(SystemExit, match="no place for lines"):
        written(page, {"lines": "new"})


def test_the_busy_processes_of_the_neighbours_live_and_work_through_the_turns() -> None:
    with neighbour.neighbours(2, apart=True) as busy:
        before = [neighbour.cpu_seconds(pid) for pid in busy]
        time.sleep(1)
        assert all(neighbour.cpu_seconds(pid) > had for pid, had in zip(busy, before, strict=True))


def test_a_busy_process_that_ends_early_spoils_the_measurement() -> None:
    """A measurement went wrong by that: what was called busy had been quiet."""
    with pytest.raises(SystemExit, match="worth nothing"), neighbour.neighbours(1) as busy:
        os.kill(busy[0], signal.SIGKILL)
        time.sleep(0.5)


def test_what_is_kept_beside_neighbours_is_taken_within_a_round() -> None:
    names = [*neighbour.plan(2, None), "isthmus fp32, before"]
    speeds = {neighbour.QUIET: (100.0, 50.0), neighbour.ONE: (70.0, 25.0), neighbour.TWO: (40.0, 10.0)}
    speeds[neighbour.STRANGER] = (60.0, 20.0)
    turns = {
        neighbour.label(name, where): [{"images_per_second": speed} for speed in found]
        for name in names
        for where, found in speeds.items()
    }
    rows = {row.name: row for row in neighbour.goals(turns, names)}
    assert rows["isthmus fp32: beside one / quiet"].values == (0.7, 0.5)
    assert rows["isthmus fp32: beside one / quiet"].holds
    assert rows["isthmus fp32, quiet: now / before"].values == (1.0, 1.0)
    assert not rows["beside one: isthmus fp32 / plain fp32"].holds
    assert "| two jobs fp32 | 75.0 (50.0 to 100) | 47.5 (25.0 to 70.0) | 0.600 (0.500 to 0.700) |" in neighbour.table(
        turns, names
    )


def test_contestants_do_not_inherit_how_isthmus_lets_threads_wait(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GOMP_SPINCOUNT", "0")
    assert "GOMP_SPINCOUNT" not in surroundings() and surroundings()["PATH"] == os.environ["PATH"]
