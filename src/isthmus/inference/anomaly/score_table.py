"""The table of anomaly scores as a file: parquet or CSV, by the ending."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from isthmus.core.csv_cells import plain_cell
from isthmus.core.errors import InputError
from isthmus.core.outputs import check_free, delivering, is_stream
from isthmus.inference.anomaly.score import Scored
from isthmus.run_files.write import as_json

COLUMNS = ("path", "error", "p_value", "flag")
_MARK = ",".join(COLUMNS).encode()  # the first line of a CSV file, and by it isthmus recognises its own
_TOLD = b"isthmus"  # key of the metadata of a parquet file


def check_table(path: Path) -> None:
    """Raise InputError where the table cannot go to `path`: another ending, or a file that isthmus did not make.

    A stream, such as /dev/stdout, gets CSV.
    """
    if is_stream(path):
        return
    if path.suffix.lower() not in (".parquet", ".csv"):
        raise InputError(f"{path}: scores are saved as parquet or CSV; choose a name that ends in .parquet or .csv")
    if not _is_own_parquet(path):
        check_free(path, _MARK)


def write_table(scored: Scored, path: Path) -> None:
    """One row a picture, in the order of the source. Raises as `check_table` and `delivering`."""
    check_table(path)
    as_parquet = path.suffix.lower() == ".parquet" and not is_stream(path)
    with delivering(path) as file:
        file.write(_parquet(scored) if as_parquet else _csv(scored))


def _parquet(scored: Scored) -> bytes:
    table = pa.table(scored.columns()).replace_schema_metadata(
        {
            _TOLD: json.dumps(
                {
                    **as_json(scored.calibration.record),
                    "false_alarms": scored.promise.level,
                    "flagged_up_to": scored.promise.rate,
                }
            )
        }
    )
    sink = pa.BufferOutputStream()
    pq.write_table(table, sink, write_page_checksum=True)
    return sink.getvalue().to_pybytes()


def _csv(scored: Scored) -> bytes:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(COLUMNS)
    # tolist: Python's shortest notation that reads back as the same number
    rows = zip(scored.path, scored.error.tolist(), scored.p_value.tolist(), scored.flag.tolist(), strict=True)
    writer.writerows([plain_cell(path), repr(error), repr(p), str(flag).lower()] for path, error, p, flag in rows)
    return text.getvalue().encode("utf-8", errors="surrogateescape")


def _is_own_parquet(path: Path) -> bool:
    """Whether this is a table of scores that isthmus wrote."""
    if not path.is_file():
        return False
    try:
        metadata = pq.read_schema(path).metadata or {}
    except (OSError, pa.ArrowException):
        return False
    return _TOLD in metadata
