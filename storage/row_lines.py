"""A stored row as a line of JSON: the form of exports and of archives.

`payload` is last and holds the bytes as they were written, since the checksums cover them.
"""

from __future__ import annotations

import json
from typing import Any

from .store import Row

_COLUMNS = ("offset", "id", "type", "schema_version", "timestamp", "asset_key", "partition", "run_id")


def row_line(row: Row) -> str:
    *columns, payload, checksum = row
    known = dict(zip(_COLUMNS, columns, strict=True))
    return f'{json_line({**known, "checksum": checksum})[:-2]},"payload":{payload}}}\n'


def row_of(line: str) -> Row | None:
    """The row of a line; None where it is none, or was formatted anew."""
    try:
        data = json.loads(line)
    except ValueError:
        return None
    _, found, payload = line.rstrip("\n").partition(',"payload":')
    if not isinstance(data, dict) or not found or any(name not in data for name in (*_COLUMNS, "checksum")):
        return None
    return (*(data[name] for name in _COLUMNS), payload[:-1], data["checksum"])  # type: ignore[return-value]


def json_line(data: dict[str, Any]) -> str:
    return json.dumps(data, separators=(",", ":"), ensure_ascii=False) + "\n"
