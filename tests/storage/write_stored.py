"""Writes the stored bytes of this version: one event of every type with every field set, as rows of a log.

    python tests/storage/write_stored.py

A file of a version that shipped is never written again: the log it stands for is on somebody's disk.
"""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

from headwater._version import __version__
from headwater.storage import events as e
from headwater.storage.clock import VirtualClock
from headwater.storage.ids import SeededIds
from headwater.storage.log import EventLog
from headwater.storage.store import RowFilter

STORED = Path(__file__).parent / "stored"

AT = datetime(2026, 3, 1, 6, 0, 0, 250_000, tzinfo=UTC)
DAYS: e.KeyRanges = (("2013-01-01", "2013-01-31"), ("2013-03-01", "2013-03-01"))
TARGET = e.Target(asset_key="silver/flights", partitions=DAYS)
METADATA = {"rows": {"type": "int", "value": 842}, "note": {"type": "text", "value": 'Zürich ✈ "\\/\n'}}
ERROR = e.ErrorInfo(cls="ValueError", message="null carrier", traceback="Traceback (most recent call last): …")

EXAMPLES: list[e.Event] = [
    e.DaemonStarted(term=1, holder="host:17", happened_at=AT),
    e.DefinitionsLoaded(hash="ab" * 32, asset_count=5),
    e.DefinitionsFailed(errors=("pipelines/sales.py:42: asset 'revenue' depends on 'orders_clean'",), traceback="…"),
    e.AssetMaterialized(
        asset_key="silver/flights",
        partition="2013-01-01",
        run_id="r1",
        step_key="silver/flights[2013-01-01]",
        origin="report",
        data_version="v2",
        code_version="7",
        description="cleaned",
        metadata={**METADATA, "nested": [1, 2.5, None, {"a": False}]},
        tags={"team": "ops"},
    ),
    e.AssetMaterialized(asset_key="inbox_flights"),
    e.AssetObserved(
        asset_key="inbox_flights",
        partition="2013-01-01",
        run_id="r1",
        data_version="2",
        description="seen",
        metadata=dict(METADATA),
        tags={"a": "b"},
    ),
    e.AssetCheckEvaluated(
        asset_key="silver/flights",
        check_name="no_nulls",
        partition="2013-01-01",
        run_id="r1",
        passed=False,
        severity="WARN",
        blocking=True,
        description="3 null carriers",
        metadata=dict(METADATA),
        raised=True,
    ),
    e.AssetWiped(asset_key="silver/flights", partitions=DAYS),
    e.DynamicPartitionsAdded(name="customers", keys=("ann", "Zoë")),
    e.DynamicPartitionsDeleted(name="customers", keys=("ann",)),
    e.FreshnessChanged(asset_key="report", state="FAIL", previous="WARN", at=AT, made_at=AT - timedelta(days=1)),
    e.RunRequested(
        run_id="r1",
        targets=(TARGET, e.Target(asset_key="report")),
        checks=(e.PlannedCheck(asset_key="silver/flights", name="no_nulls", blocking=True),),
        origin="automation",
        definitions="ab" * 32,
        job_name="nightly",
        priority=-3,
        tags={"team": "ops"},
    ),
    e.RunStarted(run_id="r1", worker="host:99"),
    e.StepStarted(
        run_id="r1",
        step_key="silver/flights[2013-01-01]",
        asset_key="silver/flights",
        partition="2013-01-01",
        targets=(TARGET,),
        check_name="no_nulls",
        inputs={"raw_flights": DAYS},
        read_through=3,
        attempt=2,
        checks=(e.PlannedCheck(asset_key="silver/flights", name="no_nulls", blocking=True, partition="2013-01-01"),),
    ),
    e.StepSucceeded(run_id="r1", step_key="silver/flights[2013-01-01]", took_s=0.25, code_started_at=AT),
    e.StepFailed(
        run_id="r1",
        step_key="silver/flights[2013-01-02]",
        asset_key="silver/flights",
        partition="2013-01-02",
        error=ERROR,
        took_s=1.5,
        code_started_at=AT + timedelta(seconds=1),
    ),
    e.StepSkipped(
        run_id="r1",
        step_key="report",
        asset_key="report",
        partition="2013-01-02",
        targets=(e.Target(asset_key="report"),),
        reason="check_failed",
        blocked_by=(TARGET,),
    ),
    e.StepUpForRetry(run_id="r1", step_key="report", asset_key="report", error=ERROR, attempt=2, wait_s=1.5),
    e.OpOutputProduced(run_id="r1", step_key="load[a]", output_name="rows", mapping_key="a", metadata=dict(METADATA)),
    e.HookCompleted(run_id="r1", step_key="report", hook="tell"),
    e.HookErrored(run_id="r1", step_key="report", hook="tell", error=ERROR),
    e.RunSucceeded(run_id="r1"),
    e.RunFailed(run_id="r2", reason="orphaned", infrastructure=True, message="the worker is gone"),
    e.RunCancelled(run_id="r3", message="by hand"),
    e.RunTagged(tagged_run="r1", tags={"looked_at_by": "ops"}),
    e.Tick(
        through=16,
        at=AT,
        definitions="ab" * 32,
        silent=((3, AT - timedelta(seconds=2)), (7, AT - timedelta(seconds=1))),
        memory=(
            e.MemoryDelta(
                asset_key="report",
                node="0123456789ab",
                added=(e.Cause(position=15.5, partitions=DAYS), e.Cause(position=16)),
                removed=(DAYS, None),
            ),
            e.MemoryDelta(asset_key="report", node="456789abcdef", shared=0),
        ),
        decisions=(
            e.Decision(
                asset_key="silver/flights",
                condition="cd" * 32,
                partitions=DAYS,
                causes=(e.Cause(position=16, partitions=DAYS),),
                leaves=(("/eager.0/any_deps_updated", 16, DAYS), ("/eager.4/in_progress", None, None)),
            ),
            e.Decision(asset_key="report", condition="cd" * 32, shared=0),
        ),
        shared=((e.Cause(position=14, partitions=DAYS), e.Cause(position=13)),),
    ),
    e.BackfillRequested(
        backfill_id="b1",
        targets=(TARGET, e.Target(asset_key="report")),
        definitions="ab" * 32,
        title="january again",
        priority=-1,
        tags={"team": "sales"},
        run_config={"ops": {"report": {"config": {"limit": 10}}}},
        by_caller=True,
    ),
    e.BackfillSkipped(backfill_id="b1", targets=(TARGET,), reason="check_failed"),
    e.BackfillEnded(
        backfill_id="b1",
        status="failed",
        counts=(e.BackfillCount(asset_key="report", done=1, failed=2, left=3),),
        message="by hand",
    ),
    e.DaemonStopped(term=1, reason="SIGTERM"),
    e.SensorEvaluated(
        name="on_orders",
        status="failed",
        at=AT,
        event_offset=4,
        cursor="17",
        run_ids=("r4",),
        run_keys=("a",),
        known_run_keys=("b",),
        skip_reason="nothing new",
        error=ERROR,
        is_passed_over=True,
        repeats=3,
        took_s=0.25,
    ),
    e.ScheduleEvaluated(
        name="nightly",
        status="requested",
        at=AT,
        scheduled_at=AT - timedelta(seconds=1),
        missed=2,
        run_ids=("r5",),
        run_keys=("2026-02-28",),
        known_run_keys=("2026-02-27",),
        skip_reason="no",
        error=ERROR,
        took_s=0.25,
    ),
    e.SensorSwitched(name="on_orders", on=False),
    e.ScheduleSwitched(name="nightly", on=True),
    e.SensorCursorSet(name="on_orders", cursor="5"),
    e.AutomationSwitched(mode="paused", groups=("sales",), assets=("orders",)),
]


def main() -> None:
    path = STORED / f"{__version__}.jsonl"
    with EventLog.memory(clock=VirtualClock(AT), ids=SeededIds(1)) as log:
        log.append(EXAMPLES)
        rows = log._store.rows(RowFilter())
    with path.open("x", encoding="utf-8") as file:
        for row, event in zip(rows, EXAMPLES, strict=True):
            line = {"row": row, "reads_as": event.model_dump(mode="json", exclude_defaults=True)}
            file.write(json.dumps(line, ensure_ascii=False) + "\n")


if __name__ == "__main__":
    main()
