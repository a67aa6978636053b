"""JSON schemas of recipes and study files, with the options of every part: editors complete and check with them.

What cannot be said in a schema, such as which options have no effect together, only isthmus itself checks.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from pydantic import BaseModel

from isthmus import __version__
from isthmus.core import option_words, registry
from isthmus.core.errors import InputError
from isthmus.core.sorts import PART_TABLES, SORTS
from isthmus.recipes.options import TABLES, Outside
from isthmus.recipes.study_tables import BudgetTable, StudyTable, VariationTable

Schema = dict[str, Any]
MARK = "Written by isthmus"
_DIALECT = "http://json-schema.org/draft-07/schema#"  # which editors understand
_FORMAT: Schema = {"const": 1, "description": "of the file"}
_ABOUT: Schema = {"type": "string", "description": "one sentence"}


def recipe_schema() -> Schema:
    """The schema of a recipe, as a Python dictionary."""
    tables = _tables(whole=True)
    needed = [table for table, sort in PART_TABLES.items() if SORTS[sort].default is None]
    return {
        **_head("recipe"),
        "type": "object",
        "properties": {"format": _FORMAT, "about": _ABOUT, **_of_model(Outside), **_references(tables)},
        "required": needed,
        "additionalProperties": False,
        "definitions": tables,
    }


def study_schema() -> Schema:
    """The schema of a study file, as a Python dictionary."""
    tables = _tables(whole=False)
    options = dict(_dotted())
    changes: Schema = {
        "type": "object",
        "properties": {**_references(tables), **options},
        "patternProperties": _inner(options),
        "additionalProperties": False,
    }
    grid: Schema = {
        "type": "object",
        "properties": {
            **{table: {"anyOf": [{"type": "array"}, {"type": "object"}]} for table in tables},
            **{path: _list_of(option) for path, option in options.items()},
        },
        "patternProperties": {path: {"type": "array", "minItems": 1} for path in _inner(options)},
        "additionalProperties": _groups(changes),
    }
    base: Schema = {
        "type": "object",
        "properties": {"format": _FORMAT, "about": _ABOUT, **_references(tables)},
        "additionalProperties": False,
    }
    study, row = _of_model(StudyTable), _of_model(VariationTable)
    row["changes"] = {**changes, "description": row["changes"]["description"]}
    study |= {
        "budget": _object(BudgetTable),
        "base": {**base, "description": study["base"]["description"]},
        "grid": {**grid, "description": study["grid"]["description"]},
        "variation": {
            "type": "array",
            "description": study["variation"]["description"],
            "items": {"type": "object", "properties": row, "required": ["name"], "additionalProperties": False},
        },
    }
    return {
        **_head("study"),
        "type": "object",
        "properties": {**study, "format": _FORMAT},
        "required": ["base"],
        "anyOf": [{"required": ["variation"]}, {"required": ["grid"]}],
        "additionalProperties": False,
        "definitions": tables,
    }


SCHEMAS: Mapping[str, Callable[[], Schema]] = {"study": study_schema, "recipe": recipe_schema}


def _head(what: str) -> Schema:
    return {"$schema": _DIALECT, "$comment": f"{MARK} {__version__}", "title": f"isthmus {what}"}


def _references(tables: Mapping[str, Any]) -> Schema:
    return {table: {"$ref": f"#/definitions/{table}"} for table in tables}


def _tables(*, whole: bool) -> dict[str, Schema]:
    """Every table of a recipe. whole: nothing of it is elsewhere, as a study's base has parts in its variations."""
    parts = {table: _part_table(sort, whole=whole) for table, sort in PART_TABLES.items()}
    return {**parts, **{name: _object(model) for name, model in TABLES.items()}}


def _part_table(sort: str, *, whole: bool) -> Schema:
    default = SORTS[sort].default
    kinds = {kind: _part(sort, kind, whole=whole) for kind in _usable(sort)}
    for kind, schema in kinds.items():
        schema["required"] = [*([] if kind == default else ["kind"]), *schema["required"]]
    choices = list(kinds.values())
    if not whole:
        choices.append({"type": "object", "not": {"required": ["kind"]}})
    return {"type": "object", "properties": {"kind": {"enum": list(kinds)}}, "anyOf": choices}


def _usable(sort: str) -> Iterator[str]:
    for kind in registry.kinds(sort):
        try:
            registry.described(sort, kind)
        except InputError:  # of another package, and broken: `isthmus list` says so
            continue
        yield kind


def _part(sort: str, kind: str, *, whole: bool) -> Schema:
    part = registry.described(sort, kind)
    options = _of_part(sort, kind)
    needed = [name for name, words in option_words.of_part(part.doc, part.options).items() if words.needed]
    return {
        "type": "object",
        "description": part.doc.partition("\n")[0],
        "properties": {"kind": {"const": kind}, **options},
        "required": needed if whole else [],
        "additionalProperties": False,
    }


def _of_part(sort: str, kind: str) -> dict[str, Schema]:
    part = registry.described(sort, kind)
    words = option_words.of_part(part.doc, part.options)
    return _properties(registry.options_model(sort, kind), words)


def _object(model: type[BaseModel]) -> Schema:
    about = (model.__doc__ or "").partition("\n")[0]
    return {"type": "object", "description": about, "properties": _of_model(model), "additionalProperties": False}


def _of_model(model: type[BaseModel]) -> dict[str, Schema]:
    return _properties(model, option_words.of_table(model))


def _properties(model: type[BaseModel], words: Mapping[str, option_words.OptionWords]) -> dict[str, Schema]:
    found = model.model_json_schema().get("properties", {})
    return {name: _described(_without_null(schema), words[name]) for name, schema in found.items()}


def _described(schema: Schema, words: option_words.OptionWords) -> Schema:
    unit = f" ({words.unit})" if words.unit and words.unit not in words.about else ""
    return {**schema, **({"description": words.about + unit} if words.about else {})}


def _without_null(schema: Schema) -> Schema:
    """Without what TOML does not have, and without titles, which repeat the names."""
    kept = {key: value for key, value in schema.items() if key not in ("title", "unit") and not _is_null(key, value)}
    choices = [one for one in kept.pop("anyOf", []) if one != {"type": "null"}]
    if len(choices) == 1:
        return {**choices[0], **kept}
    return {**kept, "anyOf": choices} if choices else kept


def _is_null(key: str, value: Any) -> bool:
    return key == "default" and value is None


def _dotted() -> Iterator[tuple[str, Schema]]:
    """`bottleneck.dim` and every other option as changes name it; an option of several kinds may be of any of them."""
    for table, sort in PART_TABLES.items():
        kinds = list(_usable(sort))
        yield f"{table}.kind", {"enum": kinds}
        found: dict[str, list[Schema]] = {}
        for kind in kinds:
            for name, schema in _of_part(sort, kind).items():
                bare = {key: value for key, value in schema.items() if key not in ("default", "description")}
                found.setdefault(name, []).extend([bare] if bare not in found.get(name, []) else [])
        for name, schemas in found.items():
            yield f"{table}.{name}", schemas[0] if len(schemas) == 1 else {"anyOf": schemas}
    for table, model in TABLES.items():
        for name, schema in _of_model(model).items():
            yield f"{table}.{name}", {key: value for key, value in schema.items() if key != "default"}


def _inner(options: Mapping[str, Schema]) -> Schema:
    """Entries of options that are tables: `objective.weights.kl`."""
    tables = [path for path, schema in options.items() if '"object"' in str(schema).replace("'", '"')]
    return {f"^{path.replace('.', '[.]')}[.]": {} for path in tables}


def _groups(changes: Schema) -> Schema:
    """Options of a grid that belong together."""
    item = {**changes, "properties": {"name": {"type": "string"}, **changes["properties"]}}
    return {"type": "array", "minItems": 1, "items": item}


def _list_of(option: Schema) -> Schema:
    about = {"description": option["description"]} if "description" in option else {}
    return {"type": "array", "minItems": 1, "items": option, **about}
