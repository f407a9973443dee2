"""`headwater events tail`: the log as lines."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Sequence

import pytest

from headwater.daemon.cli.event_lines import as_json_line
from headwater.storage import events as e
from headwater.storage.clock import VirtualClock
from headwater.storage.log import EventLog, StoredEvent
from support.commands import PROGRAM, Commands, lines_of
from support.world import START


def made(key: str, partition: str | None = None, run_id: str | None = None) -> e.AssetMaterialized:
    return e.AssetMaterialized(asset_key=key, partition=partition, run_id=run_id)


@pytest.fixture
def written(commands: Commands) -> Commands:
    commands.append(
        made("orders", "2024-01-01", "r1"),
        made("report", run_id="r1"),
        e.RunSucceeded(run_id="r1"),
        made("orders", "2024-01-02"),
        e.AssetCheckEvaluated(asset_key="orders", check_name="has_rows", passed=False, severity="WARN"),
    )
    return commands


def offsets(commands: Commands, *arguments: str) -> Sequence[int]:
    result = commands("events", "tail", "--json", *arguments)
    assert result.exit_code == 0, result.output
    return [line["offset"] for line in lines_of(result.stdout)]


def test_a_line_has_the_columns_and_the_rest_as_payload(written: Commands) -> None:
    line = lines_of(written("events", "tail", "--json").stdout)[4]
    assert {name: line[name] for name in ("offset", "type", "asset_key", "partition", "run_id")} == {
        "offset": 5,
        "type": "asset_check_evaluated",
        "asset_key": "orders",
        "partition": None,
        "run_id": None,
    }
    assert line["timestamp"].endswith("+00:00")
    assert (line["payload"]["check_name"], line["payload"]["severity"]) == ("has_rows", "WARN")


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ([], [1, 2, 3, 4, 5]),
        (["--asset", "orders"], [1, 4, 5]),
        (["--run", "r1"], [1, 2, 3]),
        (["--type", "run_succeeded", "--type", "asset_check_evaluated"], [3, 5]),
        (["--after", "3"], [4, 5]),
        (["--limit", "2"], [4, 5]),
        (["--after", "1", "--limit", "2"], [2, 3]),
        (["--asset", "orders", "--after", "1", "--limit", "1"], [4]),
        (["--after", "1", "--limit", "2", "--follow"], [2, 3]),
        (["--since", "3"], [3, 4, 5]),
        (["--until", "3"], [1, 2, 3]),
        (["--since", "2", "--until", "4", "--asset", "orders"], [4]),
        (["--until", "4", "--limit", "2"], [3, 4]),
        (["--since", "1 day ago", "--limit", "2"], [1, 2]),
        (["--since", "1 day ago", "--until", "0s ago"], [1, 2, 3, 4, 5]),
        (["--until", "1 day ago"], []),
    ],
)
def test_events_are_chosen_by(written: Commands, arguments: list[str], expected: list[int]) -> None:
    assert offsets(written, *arguments) == expected


def test_events_are_chosen_by_their_time(commands: Commands) -> None:
    clock = VirtualClock(START)
    with EventLog.open(commands.home, clock=clock) as log:
        for _ in range(5):
            log.append([made("orders"), made("report")])
            clock.advance(60)
    assert offsets(commands, "--since", "2026-03-01T00:02:00Z", "--until", "2026-03-01T00:03:00+00:00") == [5, 6, 7, 8]
    assert offsets(commands, "--since", "2026-03-01T00:01:30Z", "--until", "2026-03-01T00:02:30Z") == [5, 6]
    assert offsets(commands, "--since", "2026-03-01T00:05Z") == []


def test_following_has_no_end_of_its_own(written: Commands) -> None:
    assert written("events", "tail", "--follow", "--until", "3").exit_code == 2


def test_people_get_one_line_an_event(written: Commands) -> None:
    lines = written("events", "tail").stdout.splitlines()
    assert len(lines) == 5
    assert "orders[2024-01-01]  run r1" in lines[0]
    assert "has_rows: failed (WARN)" in lines[4]


def test_a_decision_on_a_dry_run_is_told_from_one_that_led_to_a_run(commands: Commands) -> None:
    decisions = (
        e.Decision(asset_key="orders", condition="c", dry_run=True),
        e.Decision(asset_key="report", condition="c"),
    )
    commands.append(e.Tick(through=0, at=START, definitions="", decisions=decisions))
    assert "orders (dry run), report" in commands("events", "tail").stdout


def test_a_mistyped_type_is_a_usage_error(written: Commands) -> None:
    result = written("events", "tail", "--type", "run_faild")
    assert result.exit_code == 2
    assert "Did you mean 'run_failed'" in result.stderr


def test_an_event_of_a_newer_version_is_shown_under_its_own_name() -> None:
    newer = e.UnknownEvent(original_type="asset_teleported", asset_key="orders")
    line = json.loads(as_json_line(StoredEvent(7, "id", 0, newer)))
    assert (line["type"], line["asset_key"]) == ("asset_teleported", "orders")


def test_following_shows_what_lands_and_ends_quietly_when_its_reader_leaves(written: Commands) -> None:
    command = [*PROGRAM, "events", "tail", "--json", "--follow", "--asset", "orders"]
    process = subprocess.Popen(command, cwd=written.folder, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    with process, EventLog.open(written.home) as log:
        assert process.stdout is not None
        assert process.stderr is not None
        assert [json.loads(process.stdout.readline())["offset"] for _ in range(3)] == [1, 4, 5]
        log.append([made("other"), made("orders", "2024-01-03")])
        assert json.loads(process.stdout.readline())["partition"] == "2024-01-03"
        process.stdout.close()
        said = process.stderr.read()
    assert (process.returncode, said) == (0, "")
