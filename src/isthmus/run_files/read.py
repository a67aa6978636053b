"""Read the files of a run folder and check each against its description; errors are one sentence."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from pydantic import TypeAdapter, ValidationError

from isthmus.core.bounded_reading import parse_json, read_bytes, reason
from isthmus.core.errors import RunError
from isthmus.core.wording import shortened
from isthmus.run_files.metrics import EpochRecord, StepRecord
from isthmus.run_files.record import Record
from isthmus.run_files.remedies import remedy

R = TypeVar("R", bound=Record)
T = TypeVar("T")
_LINE: TypeAdapter[EpochRecord | StepRecord] = TypeAdapter(EpochRecord | StepRecord)


@dataclass(frozen=True)
class Log:
    """metrics.jsonl.

    epochs: the last line of each epoch, in order, because a run that is killed and resumed repeats epochs. lines:
    lines of epochs and of steps in the file's order. unreadable: number of lines that a crash cut.
    """

    epochs: tuple[EpochRecord, ...]
    lines: tuple[EpochRecord | StepRecord, ...]
    unreadable: int


def read_record(path: Path, record: type[R], otherwise: str = "") -> R:
    """Read a JSON file as `record`. Raises RunError, which names the key, if the content does not match.

    otherwise: what to do then; by default what `remedy` says.
    """
    return _read(path, lambda content: parse_record(content, record), otherwise)


def read_or_none(path: Path, record: type[R]) -> R | None:
    """Read a JSON file as `record`; None where it is missing or damaged, for what is looked at while it is written."""
    try:
        return read_record(path, record)
    except RunError:
        return None


def read_json(path: Path) -> Any:
    """The content of a JSON file. Raises RunError if it is missing or not JSON."""
    return _read(path, parse_json, "")


def _read(path: Path, parse: Callable[[bytes], T], otherwise: str) -> T:
    try:
        return parse(read_bytes(path))
    except FileNotFoundError:
        raise RunError(f"{path}: is missing; {otherwise or remedy(path)}") from None
    except (OSError, ValueError) as error:
        raise damaged(path, error, otherwise) from None


def parse_record(content: bytes, record: type[R]) -> R:
    """JSON as `record`. Raises ValueError, one line that names the key."""
    try:
        return record.model_validate(parse_json(content))
    except ValidationError as error:
        raise ValueError(_first(error)) from None


def holds(path: Path, record: type[Record]) -> bool:
    """Whether `path` exists and holds a complete `record`."""
    try:
        parse_record(read_bytes(path), record)
    except (OSError, ValueError):
        return False
    return True


def read_log(path: Path) -> Log:
    """The content of metrics.jsonl; empty if it is missing, one unreadable line if `path` is not a file."""
    try:
        content = read_bytes(path)
    except FileNotFoundError:
        content = b""
    except OSError:
        content = b"?"
    lines: list[EpochRecord | StepRecord] = []
    unreadable = 0
    for line in content.decode("utf-8", errors="replace").splitlines():
        try:
            lines.append(_LINE.validate_python(parse_json(line.encode())))
        except ValueError:
            unreadable += 1
    epochs = {line.epoch: line for line in lines if isinstance(line, EpochRecord)}
    return Log(tuple(epochs[number] for number in sorted(epochs)), tuple(lines), unreadable)


def damaged(path: Path, error: Exception, otherwise: str = "") -> RunError:
    """The sentence about a file that cannot be read; arguments as in `read_record`."""
    return RunError(f"{path}: cannot be read ({reason(error)}); {otherwise or remedy(path)}")


def _first(error: ValidationError) -> str:
    first = error.errors(include_url=False, include_context=False)[0]
    where, message = shortened(".".join(map(str, first["loc"]))), first["msg"].removeprefix("Value error, ")
    return f"{where}: {message}" if where else message
