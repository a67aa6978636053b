"""Reads a batch of the Python version of CIFAR-10 and CIFAR-100 without unpickling it.

Those files are pickles of protocol 2, and unpickling a file runs any code that its author put in. This small
interpreter knows only the instructions that describe numbers, strings, lists, dictionaries and one array of
bytes. It builds data, calls nothing, and refuses all other instructions.

Source: the instruction set is documented in the standard library's `pickletools`.
"""

from __future__ import annotations

import pickletools
from dataclasses import dataclass
from typing import Any

import numpy as np

from isthmus.core.errors import InputError


def read_batch(data: bytes, *, name: str, label_key: str = "labels") -> tuple[np.ndarray, np.ndarray]:
    """A batch file's pixels (N, 3, 32, 32) uint8 and labels (N,) int64.

    name: what messages call the file. label_key: under which the labels are.
    Raises InputError for any file that is not such a batch.
    """
    try:
        batch = _run(data)
        pixels, labels = batch["data"].pixels(), batch[label_key]
        return pixels.reshape(len(labels), 3, 32, 32), np.array(labels, dtype=np.int64)
    # a damaged or hostile file can cause any of these
    except (ValueError, TypeError, KeyError, IndexError, AttributeError, OverflowError) as error:
        raise InputError(
            f"{name}: not a CIFAR batch of the Python version ({error}); get the official file again"
        ) from None


@dataclass(frozen=True)
class _Global:
    """A Python name that the pickle refers to; it is compared, never imported."""

    name: str


@dataclass
class _Array:
    """An array's pickled state: (version, shape, dtype, Fortran order, bytes)."""

    state: tuple[Any, ...] = ()

    def pixels(self) -> np.ndarray:
        _, shape, dtype, fortran, data = self.state
        if dtype != _Dtype("u1"):
            raise ValueError("its pixels are not unsigned bytes")
        values = np.frombuffer(data.encode("latin-1"), dtype=np.uint8)
        return values.reshape(shape, order="F" if fortran else "C")


@dataclass(frozen=True)
class _Dtype:
    code: str


_RECONSTRUCT, _NDARRAY, _DTYPE = (
    _Global("numpy.core.multiarray _reconstruct"),
    _Global("numpy ndarray"),
    _Global("numpy dtype"),
)
_MARK = object()
_VALUES = {"BININT", "BININT1", "BININT2", "LONG1", "SHORT_BINSTRING", "BINSTRING"}
_CONSTANTS: dict[str, Any] = {"NONE": None, "NEWTRUE": True, "NEWFALSE": False, "EMPTY_TUPLE": ()}


def _run(data: bytes) -> Any:
    """What the pickle describes; strings are Latin-1, as `pickletools` decodes those of protocol 2."""
    stack: list[Any] = []
    memo: dict[int, Any] = {}
    for opcode, argument, _ in pickletools.genops(data):
        match opcode.name:
            case "PROTO":
                pass
            case "STOP":
                return stack.pop()
            case "MARK":
                stack.append(_MARK)
            case "BINPUT" | "LONG_BINPUT":
                memo[int(str(argument))] = stack[-1]
            case "BINGET" | "LONG_BINGET":
                stack.append(memo[int(str(argument))])
            case "EMPTY_LIST":
                stack.append([])
            case "EMPTY_DICT":
                stack.append({})
            case "TUPLE1" | "TUPLE2" | "TUPLE3":
                _replace(stack, -int(opcode.name[-1]))
            case "TUPLE":
                stack.append(tuple(_since_mark(stack)))
            case "APPEND":
                item = stack.pop()
                stack[-1].append(item)
            case "APPENDS":
                items = _since_mark(stack)
                stack[-1].extend(items)
            case "SETITEM":
                items = [stack.pop(), stack.pop()][::-1]
                _set(stack[-1], items)
            case "SETITEMS":
                items = _since_mark(stack)
                _set(stack[-1], items)
            case "GLOBAL":
                stack.append(_allowed(str(argument)))
            case "REDUCE":
                arguments, function = stack.pop(), stack.pop()
                stack.append(_describe(function, arguments))
            case "BUILD":
                state = stack.pop()
                _build(stack[-1], state)
            case name if name in _VALUES:
                stack.append(argument)
            case name if name in _CONSTANTS:
                stack.append(_CONSTANTS[name])
            case name:
                raise ValueError(f"it holds the instruction {name}, which a CIFAR batch does not need")
    raise ValueError("it ends early")


def _replace(stack: list[Any], start: int) -> None:
    items = tuple(stack[start:])
    del stack[start:]
    stack.append(items)


def _since_mark(stack: list[Any]) -> list[Any]:
    """Pop everything above the last mark, and the mark."""
    items: list[Any] = []
    while (item := stack.pop()) is not _MARK:
        items.append(item)
    return items[::-1]


def _set(target: dict[str, Any], items: list[Any]) -> None:
    for key, value in zip(items[::2], items[1::2], strict=True):
        if not isinstance(key, str):  # hashing tuples nested a million deep would overflow the C stack
            raise ValueError("it has a key that is not a string")
        target[key] = value


def _build(target: Any, state: Any) -> None:
    if isinstance(target, _Array):
        target.state = state
    elif not isinstance(target, _Dtype):  # a dtype's state is its byte order, which single bytes do not have
        raise ValueError("it sets the state of something that is not an array")


def _allowed(name: str) -> _Global:
    found = _Global(name)
    if found not in (_RECONSTRUCT, _NDARRAY, _DTYPE):
        raise ValueError(f"it refers to {name.replace(' ', '.')!r}, which a CIFAR batch does not need")
    return found


def _describe(function: Any, arguments: Any) -> Any:
    """What a call of an allowed name would return."""
    if function == _RECONSTRUCT and arguments[0] == _NDARRAY:
        return _Array()
    if function == _DTYPE:
        return _Dtype(arguments[0])
    raise ValueError("it creates something that is not an array")
