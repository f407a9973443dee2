"""What a tour of assets shows: a pipeline in layers, gated by checks, a day at a time, and what is left to ops."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from headwater import (
    AssetCheckFailed,
    AssetCheckResult,
    AssetChecksDefinition,
    AssetCheckSeverity,
    AssetExecutionContext,
    AssetsDefinition,
    DailyPartitionsDefinition,
    Definitions,
    Instance,
    MaterializeResult,
    MetadataValue,
    asset,
    asset_check,
    define_asset_job,
    job,
    materialize,
    op,
)
from support.commands import Commands

Tables = dict[str, list[tuple[str | None, int]]]

ROWS = [("a", 5), ("b", 7), ("b", 7)]


def shop(tables: Tables) -> list[AssetsDefinition | AssetChecksDefinition]:
    """Bronze and silver tickets over `tables`, which stands for a warehouse."""

    @asset(group_name="bronze", tags={"layer": "bronze", "source": "till"}, description="Tickets as the till has them")
    def raw_tickets() -> MaterializeResult:
        tables["raw"] = [*tables.get("source", [])]
        return MaterializeResult(
            metadata={
                "row_count": MetadataValue.int(len(tables["raw"])),
                "preview": MetadataValue.md("| id | cents |"),
                "source": MetadataValue.text("till"),
            }
        )

    @asset(group_name="silver", deps=["raw_tickets"], description="One row a ticket")
    def tickets(raw_tickets) -> MaterializeResult:
        tables["silver"] = list(dict.fromkeys(tables["raw"]))
        return MaterializeResult(metadata={"row_count": MetadataValue.int(len(tables["silver"]))})

    @asset(group_name="gold", deps=[tickets])
    def takings() -> MaterializeResult:
        tables["gold"] = [(None, sum(cents for _, cents in tables["silver"]))]
        return MaterializeResult()

    @asset_check(asset="tickets", blocking=True)
    def every_ticket_has_an_id() -> AssetCheckResult:
        nulls = sum(key is None for key, _ in tables["silver"])
        return AssetCheckResult(passed=nulls == 0, severity=AssetCheckSeverity.ERROR, metadata={"nulls": nulls})

    @asset_check(asset="tickets", blocking=False)
    def as_many_as_usual() -> AssetCheckResult:
        count = len(tables["silver"])
        return AssetCheckResult(
            passed=count >= 100, severity=AssetCheckSeverity.WARN, metadata={"30d_avg": round(200.4)}
        )

    return [raw_tickets, tickets, takings, every_ticket_has_an_id, as_many_as_usual]


@pytest.fixture
def instance(tmp_path: Path) -> Iterator[Instance]:
    with Instance.local(tmp_path / "home") as instance:
        yield instance


def test_layers_are_made_in_order_and_say_how_many_rows_they_have(instance: Instance) -> None:
    tables: Tables = {"source": [*ROWS]}
    assert materialize(shop(tables), instance=instance).success
    assert tables["gold"] == [(None, 12)]
    event = instance.get_latest_materialization_event("tickets")
    assert event is not None
    assert event.asset_materialization is not None
    assert event.asset_materialization.metadata["row_count"].value == 2


def test_a_failed_blocking_check_keeps_the_gold_layer_from_being_made(instance: Instance) -> None:
    tables: Tables = {"source": [(None, 3)]}
    with pytest.raises(AssetCheckFailed, match="every_ticket_has_an_id"):
        materialize(shop(tables), instance=instance)
    assert "gold" not in tables


def test_the_job_of_two_selections_holds_all_that_they_reach() -> None:
    defs = Definitions(shop({}), jobs=[define_asset_job("everything", selection="raw_tickets+ takings+")])
    everything = defs.snapshot().jobs["everything"]
    assert set(everything.assets) == {"raw_tickets", "tickets", "takings"}


def test_a_day_is_made_by_its_key(instance: Instance) -> None:
    @asset(partitions_def=DailyPartitionsDefinition(start_date="2025-01-01"), group_name="bronze")
    def daily_tickets(context: AssetExecutionContext) -> MaterializeResult:
        return MaterializeResult(metadata={"day": context.partition_key, "rows": 3})

    result = materialize([daily_tickets], partition_key="2026-03-27", instance=instance)
    [event] = result.asset_materializations_for_node("daily_tickets")
    assert (event.partition, event.metadata["day"].value) == ("2026-03-27", "2026-03-27")


def test_what_leaves_no_data_behind_is_an_op() -> None:
    sent: list[str] = []

    @op
    def message() -> str:
        return "all fresh"

    @op
    def send(text: str) -> None:
        sent.append(text)

    @job
    def notify() -> None:
        send(message())

    assert notify.execute_in_process().success
    assert sent == ["all fresh"]


FLOW = """
    from headwater import DailyPartitionsDefinition, Definitions, asset

    @asset(partitions_def=DailyPartitionsDefinition("2026-01-01", end_date="2026-01-06"))
    def daily_tickets(context):
        return context.partition_key

    defs = Definitions(assets=[daily_tickets])
"""


def test_days_are_filled_in_from_the_command_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("HEADWATER_HOME", raising=False)
    monkeypatch.setattr(sys, "path", list(sys.path))
    commands = Commands(tmp_path)
    commands.write(FLOW, name="tickets_flow.py")

    def backfill(*which: str) -> list[str | None]:
        before = len(commands.events("asset_materialized"))
        result = commands.process("asset", "backfill", "-f", "tickets_flow.py", "--asset", "daily_tickets", *which)
        assert result.returncode == 0, result.stdout + result.stderr
        return [getattr(event, "partition", None) for event in commands.events("asset_materialized")[before:]]

    assert backfill("--partition-range", "2026-01-02...2026-01-03") == ["2026-01-02", "2026-01-03"]
    assert backfill("--missing") == ["2026-01-01", "2026-01-04", "2026-01-05"]
    assert len(backfill("--all-partitions")) == 5
