"""What a list of options says of each: its type, default and unit, and one line of explanation.

For parts, the line comes from `Options:` in the docstring. For the tables of a recipe, it is the field's description.
"""

from __future__ import annotations

import inspect
import re
import types
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from pydantic import BaseModel
from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined

from isthmus.core.part_sources import Unreadable, doc_of_module

_ENTRY = re.compile(r"    ([A-Za-z_][\w, ]*): (.+)")
_PLAIN = {int: "int", float: "float", str: "text", bool: "true or false", type(None): "none"}
_BOUNDS = {"gt": "> {}", "ge": ">= {}", "lt": "< {}", "le": "<= {}"}
_UNITS = ("steps", "epochs", "seconds", "nats")  # an option's last word, if it has a unit
# data sets of pictures explain their common options once
_SHARED = ("as for every data set of pictures", "isthmus.data.datasets._picture_options")


@dataclass(frozen=True)
class OptionWords:
    """One option as a list shows it. default: None where there is none, or where the option is needed."""

    type: str
    default: Any
    needed: bool
    unit: str | None
    about: str

    @property
    def default_text(self) -> str:
        if self.needed:
            return "(needed)"
        return "= none" if self.default is None else f"= {toml_text(self.default)}"


def of_part(doc: str, options: Mapping[str, inspect.Parameter]) -> dict[str, OptionWords]:
    """The options of a part with this docstring."""
    said = explanations(doc)
    return {
        name: OptionWords(
            type=type_words(option.annotation),
            default=None if option.default is inspect.Parameter.empty else option.default,
            needed=option.default is inspect.Parameter.empty,
            unit=_unit(name, option.annotation, said.get(name, "")),
            about=said.get(name, ""),
        )
        for name, option in options.items()
    }


def of_table(table: type[BaseModel]) -> dict[str, OptionWords]:
    """The options of a recipe's table."""
    return {name: _of_field(name, field) for name, field in table.model_fields.items()}


def _of_field(name: str, field: FieldInfo) -> OptionWords:
    extra = field.json_schema_extra
    unit = extra.get("unit") if isinstance(extra, dict) else None
    return OptionWords(
        type=type_words(Annotated[field.annotation, *field.metadata] if field.metadata else field.annotation),
        default=None if field.default is PydanticUndefined else field.default,
        needed=field.is_required(),
        unit=str(unit) if unit else _unit(name, field.annotation),
        about=field.description or "",
    )


def explanations(doc: str) -> dict[str, str]:
    """Option -> what the docstring's `Options:` says of it; options named together share their text."""
    found: dict[str, str] = {}
    names: list[str] = []
    for line in _lines_of_options(doc):
        entry = _ENTRY.fullmatch(line)
        if entry is not None:
            names = [name.strip() for name in entry[1].split(",")]
            found |= dict.fromkeys(names, entry[2].strip())
        elif line.startswith("     ") and names:
            found |= dict.fromkeys(names, f"{found[names[0]]} {line.strip()}")
    shared = [name for name, text in found.items() if text.startswith(_SHARED[0])]
    if shared:
        try:
            common = explanations(doc_of_module(_SHARED[1]))
        except Unreadable:
            common = {}
        found |= {name: common[name] for name in shared if name in common}
    return found


def _lines_of_options(doc: str) -> Iterator[str]:
    lines = iter(doc.splitlines())
    for line in lines:
        if line.strip() == "Options:":
            break
    for line in lines:
        if not line.startswith("    "):
            return
        yield line


def type_words(annotation: Any, bounds: str = "") -> str:
    """A type in words: `int >= 1`, `"l1" or "kl"`, `list of int >= 1`."""
    origin, inner = get_origin(annotation), get_args(annotation)
    if origin is Annotated:
        return type_words(inner[0], _bounds(inner[1:]))
    if origin in (Union, types.UnionType):
        words = [type_words(one, bounds if one is not type(None) else "") for one in inner]
        return " or ".join(dict.fromkeys(words))
    if origin is Literal:
        return " or ".join(toml_text(value) for value in inner)
    if origin in (list, tuple) and inner:
        return f"list of {type_words(inner[0])}"
    if (origin is dict or (isinstance(origin, type) and issubclass(origin, Mapping))) and len(inner) == 2:
        return f"table of {type_words(inner[1])}"
    if annotation is Any:
        return "any value"
    word = _PLAIN.get(annotation) or getattr(annotation, "__name__", str(annotation))
    return f"{word} {bounds}".strip()


def _bounds(metadata: tuple[Any, ...]) -> str:
    found: list[str] = []
    for one in metadata:
        for item in one.metadata if isinstance(one, FieldInfo) else (one,):
            found += [text.format(getattr(item, name)) for name, text in _BOUNDS.items() if hasattr(item, name)]
    return ", ".join(found)


def toml_text(value: Any) -> str:
    """A value as one writes it in a study file."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, str):
        return f'"{value}"'
    if isinstance(value, list | tuple):
        return f"[{', '.join(map(toml_text, value))}]"
    if isinstance(value, Mapping):
        return "{ " + ", ".join(f"{key} = {toml_text(one)}" for key, one in value.items()) + " }"
    return repr(value)


def _unit(name: str, annotation: Any, about: str = "") -> str | None:
    last = name.rpartition("_")[2]
    if last in _UNITS:
        return last
    is_number = re.search(r"\b(int|float)\b", type_words(annotation)) is not None
    return "pixels" if is_number and re.search(r"\bpixels\b", about) else None
