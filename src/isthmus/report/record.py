"""What the records of a run folder's JSON files share."""

from __future__ import annotations

import math
from typing import Annotated

from pydantic import BaseModel, BeforeValidator, ConfigDict


def _null_is_nan(value: object) -> object:
    return math.nan if value is None else value


Number = Annotated[float, BeforeValidator(_null_is_nan)]


class Record(BaseModel):
    """One JSON object, read only."""

    model_config = ConfigDict(frozen=True, extra="ignore")
