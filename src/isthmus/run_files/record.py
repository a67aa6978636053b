"""What the records of a run folder's JSON files share: strict numbers, and room for keys of other versions."""

from __future__ import annotations

import math
from typing import Annotated

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

_64_BITS = 2**63


def _null_is_nan(value: object) -> object:
    return math.nan if value is None else value


# strict: "3", true and 3.5 are no whole numbers
Whole = Annotated[int, Field(strict=True, ge=-_64_BITS, lt=_64_BITS)]
Count = Annotated[int, Field(strict=True, ge=0, lt=_64_BITS)]
Size = Annotated[int, Field(strict=True, ge=1, lt=_64_BITS)]
Real = Annotated[float, Field(strict=True)]
Finite = Annotated[float, Field(strict=True, allow_inf_nan=False)]
# null is nan: a page says "not measured"
Number = Annotated[float, Field(strict=True), BeforeValidator(_null_is_nan)]


class Record(BaseModel):
    """One JSON object, read only; keys of other versions are passed over."""

    model_config = ConfigDict(frozen=True, extra="ignore")
