"""The lease of a folder: one process holds it, a dead one loses it, and one that comes back late writes nothing."""

from __future__ import annotations

import errno
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from tests.command import environment

from isthmus.core import lease as leases
from isthmus.core import lease_files
from isthmus.core.atomic_files import ask_before_writing, open_regular, write_text
from isthmus.core.lease import HeldElsewhere, Leases, LostLease, held_by

SECONDS = 0.6  # a lease in these tests
# Waits for `go`, takes the lease as soon as it is free, then writes its number into `by` again and again.
HOLDER = """
import pathlib, sys, time
from isthmus.core import lease, lease_files
from isthmus.core.atomic_files import write_text
from isthmus.core.errors import RunError
folder, number, computer, until = pathlib.Path(sys.argv[1]), sys.argv[2], sys.argv[3], float(sys.argv[4])
if computer:
    lease.machine = lease_files.machine = lambda: lease_files.Machine(computer, computer)
leases = lease.Leases()
print("ready", flush=True)
while not (folder.parent / "go").exists():
    time.sleep(0.002)
begun = time.monotonic()
while time.monotonic() - begun < until:
    try:
        with leases.hold(folder):
            print("holds", flush=True)
            while True:
                write_text(folder / "by", number)
                print("wrote", flush=True)
                time.sleep(0.02)
    except lease.HeldElsewhere:
        time.sleep(0.005)
    except RunError as error:
        sys.exit(str(error))
"""


class Process:
    """A holder, whose output is read line by line."""

    def __init__(self, folder: Path, number: int = 0, computer: str = "", until: float = 60.0) -> None:
        command = [sys.executable, "-c", HOLDER, str(folder), str(number), computer, str(until)]
        pipe = subprocess.PIPE
        seconds = {"ISTHMUS_LEASE_SECONDS": str(SECONDS)}
        self.popen = subprocess.Popen(command, env=environment(**seconds), stdout=pipe, stderr=pipe, encoding="utf-8")
        self.hear("ready")

    def hear(self, word: str) -> None:
        assert self.popen.stdout is not None
        assert self.popen.stdout.readline() == f"{word}\n"

    def signal(self, number: int) -> None:
        self.popen.send_signal(number)

    def end(self) -> tuple[str, str]:
        """What it still said; it is killed where it has not ended."""
        self.popen.kill()
        return self.popen.communicate()


@pytest.fixture
def start(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., Process]]:
    monkeypatch.setenv("ISTHMUS_LEASE_SECONDS", str(SECONDS))
    begun: list[Process] = []

    def started(**how: object) -> Process:
        begun.append(Process(tmp_path / "run", **how))  # pyright: ignore[reportArgumentType]
        return begun[-1]

    yield started
    for process in begun:
        process.end()


@pytest.fixture
def run(tmp_path: Path) -> Path:
    (tmp_path / "run").mkdir()
    return tmp_path / "run"


def go(run: Path) -> None:
    (run.parent / "go").touch()


def wait_until_free(seen: Leases, run: Path) -> float:
    """Seconds until the lease can be held."""
    begun = time.monotonic()
    while seen.look(run) != "free":
        assert time.monotonic() - begun < 60
        time.sleep(0.01)
    return time.monotonic() - begun


def test_one_of_many_gets_it(start: Callable[..., Process], run: Path) -> None:
    processes = [start(number=number, computer=f"computer-{number}", until=0.5) for number in range(5)]
    go(run)
    time.sleep(1.0)
    told = [process.end()[0] for process in processes]
    assert sum("holds" in said for said in told) == 1
    assert (run / "by").read_text() == str(next(number for number, said in enumerate(told) if "holds" in said))


def test_it_is_free_once_it_is_let_go(run: Path) -> None:
    for _ in range(3):
        with Leases().hold(run):
            assert [path.name for path in run.iterdir()] == ["lease-1.json"]
            with pytest.raises(HeldElsewhere, match=f"process {os.getpid()} of this computer"), Leases().hold(run):
                pass
        assert list(run.iterdir()) == []


def test_a_killed_process_of_this_computer_loses_it_at_once(start: Callable[..., Process], run: Path) -> None:
    go(run)
    other = start()
    other.hear("holds")
    assert held_by(run) is not None
    other.end()
    assert held_by(run) is None
    with Leases().hold(run):
        assert [path.name for path in run.glob("lease*")] == ["lease-2.json"]


def test_a_killed_process_of_another_computer_loses_it_after_the_lease(
    start: Callable[..., Process], run: Path
) -> None:
    go(run)
    other = start(computer="elsewhere")
    other.hear("holds")
    other.end()
    seen = Leases()
    with pytest.raises(HeldElsewhere, match="of computer elsewhere"), seen.hold(run):
        pass
    assert wait_until_free(seen, run) > 0.8 * SECONDS
    with seen.hold(run):
        assert held_by(run) is not None


def test_a_living_process_keeps_it(start: Callable[..., Process], run: Path) -> None:
    go(run)
    other = start(computer="elsewhere")
    other.hear("holds")
    seen, looks = Leases(), set[str]()
    begun = time.monotonic()
    while time.monotonic() - begun < 3 * SECONDS or "held" not in looks:
        looks.add(seen.look(run))
        time.sleep(0.01)
    assert looks == {"unsure", "held"}


@pytest.mark.parametrize("computer", ["", "elsewhere"])
def test_a_process_that_comes_back_late_writes_nothing(start: Callable[..., Process], run: Path, computer: str) -> None:
    go(run)
    late = start(number=1, computer=computer)
    late.hear("holds")
    late.hear("wrote")
    late.signal(signal.SIGSTOP)
    seen = Leases()
    wait_until_free(seen, run)
    with seen.hold(run) as ours:
        write_text(run / "by", "2")
        late.signal(signal.SIGCONT)
        late.popen.wait(60)
        ours.check()
    assert (run / "by").read_text() == "2"
    _, said = late.end()
    assert "this process stood still for longer than its lease of 0.6 s, and another process took over" in said
    assert said.count("\n") == 1
    assert sorted(path.name for path in run.iterdir()) == ["by"]


def test_a_process_that_comes_back_before_anyone_noticed_goes_on(start: Callable[..., Process], run: Path) -> None:
    go(run)
    late = start(computer="elsewhere")
    late.hear("holds")
    late.signal(signal.SIGSTOP)
    time.sleep(2 * SECONDS)  # nobody watches
    late.signal(signal.SIGCONT)
    seen = Leases()
    seen.look(run)
    while seen.look(run) == "unsure":
        time.sleep(0.01)
    assert seen.look(run) == "held"
    assert late.popen.poll() is None


def test_of_two_that_take_over_one_gets_it(start: Callable[..., Process], run: Path) -> None:
    dead = start(computer="elsewhere")
    go(run)
    dead.hear("holds")
    dead.end()
    (run.parent / "go").unlink()
    heirs = [start(number=number, computer=f"computer-{number}", until=3 * SECONDS) for number in range(4)]
    go(run)
    time.sleep(4 * SECONDS)
    told = [heir.end()[0] for heir in heirs]
    assert sum("holds" in said for said in told) == 1


def test_who_takes_over_steps_back_from_one_that_lives_after_all(run: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It renewed its lease after the last look at it, before the other made its own."""
    monkeypatch.setenv("ISTHMUS_LEASE_SECONDS", str(SECONDS))
    file = run / "lease-1.json"
    said = {"host": "h", "process": 1, "machine": "m", "id": "i", "seconds": SECONDS, "locked": 0}
    file.write_text(json.dumps({**said, "beat": "1"}))
    seen = Leases()
    wait_until_free(seen, run)
    real = leases.lock_if_possible

    def late(*given: object) -> bool:  # called once the other's file is there
        file.write_text(json.dumps({**said, "beat": "2"}))
        return real(*given)  # pyright: ignore[reportArgumentType]

    monkeypatch.setattr(leases, "lock_if_possible", late)
    with pytest.raises(HeldElsewhere, match="of computer h"), seen.hold(run):
        pass
    assert [path.name for path in run.iterdir()] == ["lease-1.json"]
    assert seen.look(run) == "held"


def test_clocks_that_differ_do_not_matter(
    start: Callable[..., Process], run: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    go(run)
    living = start(computer="elsewhere")
    living.hear("holds")
    seen, begun, real = Leases(), time.monotonic(), time.time
    looks = set[str]()
    while time.monotonic() - begun < 2 * SECONDS:
        away = 3600 * (len(looks) + 1) * (-1) ** len(looks)
        monkeypatch.setattr(time, "time", lambda away=away: real() + away)
        os.utime(run / "lease-1.json", (real() + away, real() + away))
        looks.add(seen.look(run))
        time.sleep(0.01)
    assert "free" not in looks


def test_every_way_to_write_asks_the_lease(run: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ISTHMUS_LEASE_SECONDS", str(SECONDS))
    (run / "checkpoints").mkdir()
    with Leases().hold(run):
        write_text(run / "checkpoints" / "a", "1")
        (run / "lease-1.json").unlink()  # as `rm -r` does
        time.sleep(SECONDS)
        with pytest.raises(LostLease, match="its lease was removed"):
            write_text(run / "checkpoints" / "a", "2")
        with pytest.raises(LostLease), open_regular(run / "log", os.O_WRONLY | os.O_APPEND | os.O_CREAT):
            pass
        with pytest.raises(LostLease):
            ask_before_writing(run / "checkpoints" / "last")
        write_text(run.parent / "beside", "2")
    assert (run / "checkpoints" / "a").read_text() == "1"
    assert [path.name for path in (run / "checkpoints").iterdir()] == ["a"]
    write_text(run / "checkpoints" / "a", "3")


def test_a_full_disk_leaves_no_lease(run: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(_: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with monkeypatch.context() as patch:
        patch.setattr(leases.os, "fsync", full)
        with pytest.raises(OSError, match="No space left") as told, Leases().hold(run):
            pass
        assert told.value.filename == str(run / "lease-1.json")
    assert list(run.iterdir()) == []


def test_a_lease_that_cannot_be_renewed_is_told_once_it_is_not_sure(run: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ISTHMUS_LEASE_SECONDS", str(SECONDS))

    def full(_: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with Leases().hold(run) as ours:
        with monkeypatch.context() as patch:
            patch.setattr(leases.os, "fsync", full)
            ours.check()
            time.sleep(SECONDS)
            with pytest.raises(OSError, match="No space left"):
                ours.check()
        ours.check()  # there is room again, and nobody took it over


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"[]",
        b'{"seconds": 1e300, "host": "h", "process": 1, "machine": "m", "id": "", "locked": 1, "beat": "1"}',
        b'{"seconds": "x"}',
        b"\xff" * 9000,
    ],
)
def test_a_damaged_lease_is_watched_as_any_other(run: Path, content: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ISTHMUS_LEASE_SECONDS", "0.05")
    monkeypatch.setattr(lease_files, "LONGEST", 0.1)
    (run / "lease-7.json").write_bytes(content)
    seen = Leases()
    with pytest.raises(HeldElsewhere), seen.hold(run):
        pass
    wait_until_free(seen, run)
    with seen.hold(run):
        assert [path.name for path in run.iterdir()] == ["lease-8.json"]


def test_nothing_is_written_through_a_link(run: Path) -> None:
    victim = run.parent / "victim"
    victim.write_text("dear diary")
    (run / "lease-1.json").symlink_to(victim)
    with pytest.raises(HeldElsewhere), Leases().hold(run):
        pass
    assert victim.read_text() == "dear diary"
