"""Writes the tables of run-folder.md from the records in src/isthmus/run_files/.

    python docs/run_folder_tables.py

A table stands between two markers, of which the first names its record:

    <!-- table: isthmus.run_files.training.TrainingRecord -->
    <!-- end of table -->

Below a record's table follow those of the records in it that the page has not described yet.
"""

from __future__ import annotations

import importlib
import re
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter

PAGE = Path(__file__).with_name("run-folder.md")
_TABLE = re.compile(r"<!-- table: (?P<record>[\w.]+) -->\n.*?<!-- end of table -->\n", re.DOTALL)
_TYPES = {"integer": "whole number", "number": "number", "string": "text", "boolean": "true, false"}

Schema = Mapping[str, Any]


def filled(page: str) -> str:
    """The page with its tables as the records are now."""
    described: set[str] = set()

    def table(found: re.Match[str]) -> str:
        record = found["record"]
        tables = _tables(record, described)
        return f"<!-- table: {record} -->\n{tables}<!-- end of table -->\n"

    return _TABLE.sub(table, page)


def _tables(record: str, described: set[str]) -> str:
    module, name = record.rsplit(".", 1)
    schema = TypeAdapter(getattr(importlib.import_module(module), name)).json_schema()
    inner: Mapping[str, Schema] = schema.get("$defs", {})
    described |= {schema["title"], "JsonValue"}
    tables, waiting = [_table(schema, inner)], _mentioned(schema)
    while waiting:
        title = waiting.pop(0)
        if title in described:
            continue
        described.add(title)
        about = " ".join(inner[title].get("description", "").split())
        tables.append(f"**{title}.** {about}\n\n{_table(inner[title], inner)}")
        waiting = [*_mentioned(inner[title]), *waiting]
    return "\n".join(tables)


def _table(schema: Schema, inner: Mapping[str, Schema]) -> str:
    rows = ["| key | type | unit | meaning |", "|---|---|---|---|"]
    needed = schema.get("required", ())
    for key, field in schema["properties"].items():
        # pydantic leaves out what the record that the field holds says of itself already
        told = field.get("description") or inner[field["$ref"].rpartition("/")[2]]["description"]
        meaning = " ".join(told.split()).replace("|", "\\|")
        star = "" if key in needed else "?"
        rows.append(f"| `{key}`{star} | {_type(field)} | {_unit(field)} | {meaning} |")
    return "\n".join(rows) + "\n"


def _type(field: Schema) -> str:
    """In words: `list of text`, `Score`, `whole number or null`."""
    if "$ref" in field:
        return field["$ref"].rpartition("/")[2].replace("JsonValue", "any value")
    if "anyOf" in field:
        return " or ".join(_type(one) for one in field["anyOf"])
    if "const" in field or "enum" in field:
        return " or ".join(f'`"{value}"`' for value in field.get("enum", [field.get("const")]))
    if field.get("type") == "null":
        return "null"
    if field.get("type") == "array":
        if "prefixItems" in field:
            return f"{len(field['prefixItems'])} of {_type(field['prefixItems'][0])}"
        return f"list of {_type(field['items'])}"
    if field.get("type") == "object":
        values = field.get("additionalProperties")
        return f"name -> {_type(values)}" if isinstance(values, dict) else "name -> any value"
    return _TYPES.get(field.get("type", ""), "any value")


def _unit(field: Schema) -> str:
    return field.get("unit", "") or next((one["unit"] for one in field.get("anyOf", ()) if "unit" in one), "")


def _mentioned(schema: Schema) -> list[str]:
    """The records that the fields of this one hold, in order."""
    return list(dict.fromkeys(re.findall(r"'#/\$defs/(\w+)'", str(schema["properties"]))))


if __name__ == "__main__":
    PAGE.write_text(filled(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
    print(PAGE, file=sys.stderr)
