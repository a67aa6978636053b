"""The base of records in a run folder's JSON files: numbers are strict and have units; unknown keys are ignored.

A record is one JSON object. To write a file, build its record and pass it to `write.py`; `read.py` returns the record
of a file. The docstrings below the fields become the tables of docs/run-folder.md.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Annotated, Any

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    GetJsonSchemaHandler,
    PlainSerializer,
    ValidatorFunctionWrapHandler,
    WrapValidator,
)
from pydantic_core import CoreSchema

_64_BITS = 2**63


@dataclass(frozen=True)
class Unit:
    """The unit of a number, for the JSON schema and the tables of docs/run-folder.md."""

    name: str

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        return {**handler(schema), "unit": self.name}


def _number(value: object, check: ValidatorFunctionWrapHandler) -> float:
    """null becomes nan; an integer stays an integer, so that it is written as it was read."""
    if value is None:
        return math.nan
    checked = check(value)
    return value if type(value) is int and abs(value) < _64_BITS else checked


def _null_where_nan(value: float) -> float | None:
    return None if math.isnan(value) else value


def _null_is_empty(value: object) -> object:
    return {} if value is None else value


# strict: "3", true and 3.5 are not integers
Count = Annotated[int, Field(strict=True, ge=0, lt=_64_BITS)]
Size = Annotated[int, Field(strict=True, ge=1, lt=_64_BITS)]
Flag = Annotated[bool, Field(strict=True)]
Real = Annotated[float, Field(strict=True)]
Finite = Annotated[float, Field(strict=True, allow_inf_nan=False)]
# null becomes nan, and pages show "not measured"
Number = Annotated[
    float,
    Field(strict=True),
    WrapValidator(_number),
    PlainSerializer(_null_where_nan, return_type=Any, when_used="json"),
]
Seconds = Annotated[Finite, Unit("s")]
Decibels = Annotated[Number, Unit("dB")]
Nats = Annotated[Number, Unit("nats")]
Bits = Annotated[Number, Unit("bits")]
SquaredError = Annotated[Real, Unit("0-1")]  # mean squared error per pixel value, pixels in [0, 1]
# for a record in which every field has a default: older versions may have written it as null
NULL_IS_EMPTY = BeforeValidator(_null_is_empty)


class Record(BaseModel):
    """One JSON object; keys of other versions are ignored.

    A field without a default is required. A field that was not set is not written.
    """

    model_config = ConfigDict(frozen=True, extra="ignore", use_attribute_docstrings=True, ser_json_inf_nan="constants")


class FileRecord(Record):
    """A whole file."""

    format: Count = 1
    """Version of the file's layout."""
