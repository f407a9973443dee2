"""An export can be read by anybody and comes back as the same log; what does not fit is refused."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from pydantic import JsonValue

from headwater.storage import transfer
from headwater.storage.errors import ImportRefused, LogCorrupt
from headwater.storage.events import AssetMaterialized, AssetObserved, DefinitionsLoaded, Event
from headwater.storage.log import EventLog
from headwater.storage.transfer import export_log, import_log


@pytest.fixture
def target(tmp_path: Path) -> Iterator[EventLog]:
    with EventLog.in_file(tmp_path / "target") as target:
        yield target


def some_events() -> list[Event]:
    odd: dict[str, JsonValue] = {"text": 'quotes ","payload":{"a":1} and \n\u2028 lines', "ö": "é\0"}
    return [
        DefinitionsLoaded(hash="abc", asset_count=1),
        AssetMaterialized(asset_key='sales/","payload":', partition="2026-01-01", metadata=odd),
        *(AssetObserved(asset_key="orders", data_version=str(number)) for number in range(20)),
    ]


def fill(log: EventLog) -> None:
    log.take_lead("somebody")
    log.append(some_events(), blobs={"abc": '{"assets":[],"é":1}'.encode()})


def exported(log: EventLog, until: int | None = None) -> list[str]:
    out = io.StringIO()
    export_log(log, out, until=until)
    out.seek(0)
    return out.readlines()


def test_an_imported_log_is_the_one_that_was_exported(log: EventLog, target: EventLog) -> None:
    fill(log)
    lines = exported(log)
    assert import_log(target, lines) == 23
    assert target.read(after=0) == log.read(after=0)
    assert target.head() == log.head()
    assert target.definitions_bytes("abc") == log.definitions_bytes("abc")
    target.verify()
    assert exported(target) == lines


def test_each_line_is_a_json_object_and_the_first_says_where_the_log_ends(log: EventLog) -> None:
    fill(log)
    first, definitions, *events = map(json.loads, exported(log))
    assert (first["format"], first["version"], first["offset"], first["term"]) == ("headwater-events", 1, 23, 1)
    assert definitions == {"definitions": "abc", "bytes": '{"assets":[],"é":1}'}
    assert [event["offset"] for event in events] == list(range(1, 24))
    assert events[2]["payload"]["metadata"]["ö"] == "é\0"


def test_a_beginning_of_the_log_can_be_exported_too(log: EventLog, target: EventLog) -> None:
    fill(log)
    assert import_log(target, exported(log, until=5)) == 5
    assert target.read(after=0) == log.read(after=0, limit=5)


def test_an_empty_log_can_be_exported(log: EventLog, target: EventLog) -> None:
    assert import_log(target, exported(log)) == 0
    assert target.head().offset == 0


def test_an_import_that_was_interrupted_goes_on(
    log: EventLog, target: EventLog, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(transfer, "PAGE", 4)
    fill(log)
    lines = exported(log)

    def interrupted() -> Iterator[str]:
        yield from lines[:13]
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        import_log(target, interrupted())
    assert target.head().offset == 8
    assert import_log(target, lines) == 15
    assert target.head() == log.head()


def test_a_changed_line_is_refused_by_its_offset(log: EventLog, target: EventLog) -> None:
    fill(log)
    lines = [line.replace('"data_version":"7"', '"data_version":"8"') for line in exported(log)]
    with pytest.raises(LogCorrupt) as found:
        import_log(target, lines)
    assert found.value.offset == 11
    assert target.head().offset == 0


@pytest.mark.parametrize("cut", [-1, 10])
def test_a_line_that_is_missing_is_noticed(log: EventLog, target: EventLog, cut: int) -> None:
    fill(log)
    lines = exported(log)
    del lines[cut]
    with pytest.raises(LogCorrupt, match="missing"):
        import_log(target, lines)


def test_a_log_with_events_of_its_own_is_not_imported_into(log: EventLog, target: EventLog) -> None:
    fill(log)
    target.append([AssetObserved(asset_key="own")])
    with pytest.raises(ImportRefused, match="another history"):
        import_log(target, exported(log))
    target.append([AssetObserved(asset_key="own")] * 30)
    with pytest.raises(ImportRefused, match="another history"):
        import_log(target, exported(log))


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        ([], "line 1 is not a JSON object"),
        (["offset,type\n"], "line 1 is not a JSON object"),
        (['{"offset": 1}\n'], "first line does not say"),
        (['{"format":"headwater-events","version":2}\n'], "version 2 of the format"),
    ],
)
def test_what_is_no_export_is_refused(target: EventLog, lines: list[str], message: str) -> None:
    with pytest.raises(ImportRefused, match=message):
        import_log(target, lines)


def test_an_export_that_was_formatted_anew_is_refused_with_the_reason(log: EventLog, target: EventLog) -> None:
    fill(log)
    lines = [json.dumps(json.loads(line), indent=None, sort_keys=True) + "\n" for line in exported(log)]
    with pytest.raises(ImportRefused, match=r"line \d+ is not an event as it was exported"):
        import_log(target, lines)
