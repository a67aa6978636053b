"""One random damage to one file of a study's folder, as disks, mistakes and attackers cause it."""

from __future__ import annotations

import hashlib
import json
import os
import random
import shutil
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import tomli_w
from safetensors.numpy import load_file, save_file

DEEP = json.loads("[" * 190 + "]" * 190)
HOSTILE: tuple[Any, ...] = (
    *(None, True, -1, 0, 3, 2**31, 2**63, 10**30, -(2**70), 0.5, -1.5, 1e308, float("nan"), float("inf")),
    *(
        "",
        "x",
        "\x1b[31mred\x07",
        "../../victim",
        "/dev/zero",
        "~nosuchuser",
        "a\nb",
        "\u202egnp",
        "x" * 5000,
        "[bold]",
    ),
    *([], [1, "x", None], {}, {"a": {"b": []}}, DEEP),
)
TEXTS = (
    b"",
    b"{}",
    b"[]",
    b"null",
    b"\xff\xfe\x00",
    b"[" * 100_000,
    b'{"a":' * 5000,
    b'{"seed": ' + b"9" * 5000 + b"}",
    b"a = " + b"9" * 5000,
    b"a = " + b"[" * 3000,
    b"x = {y = " * 400,
    b"NaN",
)

# names of written files, and of the temporary files that replace them
NAMES = (
    *("lock", "report.html", "report.html.new", "explorer.html", "evaluation.json.new", "per_image.parquet.new"),
    *("pictures.safetensors.new", "metrics.jsonl.new", "recipe.toml.new", "findings.json.new"),
    *("checkpoints", "checkpoints/last.new", "checkpoints/last.old", "export", "out"),
)


def mutate(study: Path, run: Path, victim: Path, chance: random.Random) -> str:
    """Damage one file of the study, mostly in its run; return a description."""
    files = sorted(path for path in (study / run).rglob("*") if path.is_file() and path.suffix != ".html")
    files += [study / "study.toml", study / "findings.json"] * 2
    path = chance.choice([file for file in files if file.name != "lock"])
    ways: list[Callable[[Path, Path, random.Random], str]] = [_bytes, _text, _other_kind, _link_beside]
    ways += {".json": [_json] * 12, ".toml": [_toml] * 12, ".jsonl": [_lines] * 6}.get(path.suffix, [])
    ways += {".safetensors": [_tensors] * 6, ".parquet": [_table] * 8}.get(path.suffix, [])
    way = chance.choice(ways)
    return f"{path.relative_to(study)}: {way(path, victim, chance)}"


def _bytes(path: Path, victim: Path, chance: random.Random) -> str:
    """Flip, cut or insert bytes."""
    content = bytearray(path.read_bytes())
    if chance.random() < 0.3 or not content:
        cut = chance.randrange(len(content) + 1)
        path.write_bytes(content[:cut])
        return f"cut after {cut} bytes"
    for _ in range(chance.choice((1, 3, 20))):
        content[chance.randrange(len(content))] = chance.randrange(256)
    path.write_bytes(content)
    return "bytes flipped"


def _text(path: Path, victim: Path, chance: random.Random) -> str:
    content = chance.choice(TEXTS)
    path.write_bytes(content)
    return f"is {content[:20]!r}"


def _other_kind(path: Path, victim: Path, chance: random.Random) -> str:
    """Remove the file, or replace it by something that is not a file."""
    path.unlink()
    kind = chance.choice(("gone", "folder", "pipe", "endless", "loop", "link to another's", "link to nothing"))
    if kind == "folder":
        path.mkdir()
    elif kind == "pipe":
        os.mkfifo(path)
    elif kind != "gone":
        targets = {"endless": Path("/dev/zero"), "loop": path, "link to nothing": victim / "none"}
        path.symlink_to(targets.get(kind, victim / "diary.txt"))
    return f"is {kind}"


def _link_beside(path: Path, victim: Path, chance: random.Random) -> str:
    """Make a name that isthmus may write to a link to somebody else's file or folder."""
    home = path.parent if path.parent.name not in ("best", "last") else path.parent.parent.parent
    name = chance.choice(NAMES)
    beside = home / name
    if not beside.parent.is_dir():
        return "left alone"
    if beside.is_dir() and not beside.is_symlink():
        shutil.rmtree(beside)
    beside.unlink(missing_ok=True)
    beside.symlink_to(victim if "." not in name.rpartition("/")[2] else victim / "diary.txt")
    return f"{name} beside it is a link to another's"


def _json(path: Path, victim: Path, chance: random.Random) -> str:
    table = json.loads(path.read_text())
    what = _change(table, chance)
    path.write_text(json.dumps(table))
    return what


def _toml(path: Path, victim: Path, chance: random.Random) -> str:
    table = tomllib.loads(path.read_text())
    what = _change(table, chance)
    try:
        path.write_text(tomli_w.dumps(table))
    except (TypeError, ValueError, RecursionError):  # null, and numbers that TOML cannot express
        return _text(path, victim, chance)
    return what


def _lines(path: Path, victim: Path, chance: random.Random) -> str:
    lines = path.read_text().splitlines()
    number = chance.randrange(len(lines))
    table = json.loads(lines[number])
    what = _change(table, chance)
    lines[number] = json.dumps(table)
    path.write_text("\n".join(lines) + "\n")
    return f"line {number}: {what}"


def _change(table: Any, chance: random.Random) -> str:
    """Replace, remove or add one node at any depth."""
    place, trail = table, []
    while True:
        keys = list(place) if isinstance(place, dict) else list(range(len(place)))
        if not keys:
            return "left alone"
        key = chance.choice(keys)
        trail.append(str(key))
        if isinstance(place[key], dict | list) and place[key] and chance.random() < 0.85:
            place = place[key]
            continue
        break
    if chance.random() < 0.15:
        del place[key]
        return f"{'.'.join(trail)} dropped"
    place[key] = chance.choice(HOSTILE)
    return f"{'.'.join(trail)} = {str(place[key])[:30]!r}"


def _tensors(path: Path, victim: Path, chance: random.Random) -> str:
    """Change the tensors; in a checkpoint also rewrite their digest, as an attacker would."""
    tensors = load_file(path)
    name = chance.choice(sorted(tensors))
    was = tensors[name]
    changes: dict[str, Callable[[], np.ndarray]] = {
        "float16": lambda: was.astype(np.float16),
        "int64": lambda: np.nan_to_num(was.astype(np.float64)).astype(np.int64),
        "one dimension": lambda: was.reshape(-1),
        "less": lambda: was[:0] if was.ndim else was,
        "another shape": lambda: np.zeros((2, 5, 7), was.dtype),
        "nan": lambda: np.full(was.shape, np.nan, np.float32),
        "huge": lambda: np.full(was.shape, 3e38, np.float32),
    }
    kind = chance.choice([*changes, "dropped", "renamed"])
    if kind in changes:
        tensors[name] = np.ascontiguousarray(changes[kind]())
    else:
        del tensors[name]
        if kind == "renamed":
            tensors["99.exp_avg"] = was
    save_file(tensors, path)
    state = path.with_name("state.json")
    if state.exists():
        table = json.loads(state.read_text())
        table["digests"][path.name] = hashlib.blake2b(path.read_bytes(), digest_size=16).hexdigest()
        state.write_text(json.dumps(table))
    return f"{name}: {kind}"


def _table(path: Path, victim: Path, chance: random.Random) -> str:
    table = pq.read_table(path)
    name = chance.choice(table.column_names)
    place = table.column_names.index(name)
    rows = len(table)
    kind = chance.choice(("text", "dropped", "nothing", "nan", "uint64", "rows", "lists", "none"))
    others = {
        "text": pa.array(["\x1b[31m"] * rows),
        "nothing": pa.nulls(rows, pa.float64()),
        "nan": pa.array([float("nan")] * rows),
        "uint64": pa.array([2**64 - 1] * rows, pa.uint64()),
        "lists": pa.array([[1.0]] * rows),
        "none": pa.nulls(rows),
    }
    if kind == "dropped":
        table = table.remove_column(place)
    elif kind == "rows":
        table = table.slice(0, chance.randrange(rows))
    else:
        table = table.set_column(place, name, others[kind])
    pq.write_table(table, path)
    return f"{name}: {kind}"
