"""Logs that older versions wrote are read for ever: the stored bytes of each version that shipped still decode.

The files in stored/ are written by write_stored.py, once a version.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from headwater.storage.checksum import verify_chain
from headwater.storage.errors import LogCorrupt
from headwater.storage.events import Event, UnknownEvent, decode
from headwater.storage.store import Head, Row

FILES = sorted((Path(__file__).parent / "stored").glob("*.jsonl"))


def lines(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def rows_of(path: Path) -> list[Row]:
    rows: Any = [tuple(line["row"]) for line in lines(path)]
    return rows


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_every_stored_event_is_read_as_when_it_was_written(path: Path) -> None:
    for line in lines(path):
        _, _, type, schema_version, *_, payload, _ = line["row"]
        event = decode(type, schema_version, payload)

        assert event.type == type
        assert event.model_dump(mode="json", exclude_defaults=True) == line["reads_as"]


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_the_checksums_of_stored_logs_still_hold(path: Path) -> None:
    rows = rows_of(path)
    verify_chain(rows, Head(rows[-1][0], rows[-1][4], rows[-1][-1], 0))


def test_every_type_and_version_of_event_has_stored_bytes() -> None:
    stored = {(row[2], row[3]) for path in FILES for row in rows_of(path)}
    known = {(name, cls.model_fields["schema_version"].default) for name, cls in Event.registry.items()}

    missing = sorted(known - stored - {("unknown", 1)})
    assert missing == [], "run `python tests/storage/write_stored.py` and commit the file that it writes"


def test_an_event_of_a_newer_version_is_kept_as_unknown() -> None:
    event = decode("asset_teleported", 3, '{"asset_key":"orders","partition":"a","to":"Mars"}')

    assert event == UnknownEvent(original_type="asset_teleported", asset_key="orders", partition="a")
    assert isinstance(decode("asset_materialized", 99, '{"asset_key":"orders"}'), UnknownEvent)


@pytest.mark.parametrize("column", range(9))
def test_the_checksum_covers_every_column(column: int) -> None:
    rows = rows_of(FILES[0])
    head = Head(rows[-1][0], rows[-1][4], rows[-1][-1], 0)
    changed: list[Any] = list(rows[3])
    changed[column] = changed[column] + 1 if isinstance(changed[column], int) else changed[column] + "x"
    rows[3] = tuple(changed)  # type: ignore[assignment]

    with pytest.raises(LogCorrupt) as damage:
        verify_chain(rows, head)
    assert damage.value.offset == 4
