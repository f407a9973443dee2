"""Keys that are added while a daemon runs: real processes, from the event to the value on disk."""

from __future__ import annotations

import pickle
from pathlib import Path

from headwater import Instance
from headwater.storage import events as e
from headwater.storage.log import EventLog
from support.daemon_process import DaemonProcess, events_of, fold, wait_until

PROJECT = """
from headwater import (
    AutomationCondition, DynamicPartitionsDefinition, MultiPartitionsDefinition, StaticPartitionsDefinition, asset,
)

CUSTOMERS = DynamicPartitionsDefinition(name="customers")
BOTH = MultiPartitionsDefinition({"customer": CUSTOMERS, "half": StaticPartitionsDefinition(["am", "pm"])})
EAGER = AutomationCondition.eager()


@asset(partitions_def=CUSTOMERS, automation_condition=EAGER)
def profile(context) -> str:
    return context.partition_key.upper()


@asset(partitions_def=BOTH, automation_condition=EAGER)
def visits(context, profile) -> str:
    return f"{profile} in the {context.partition_key.keys_by_dimension['half']}"


@asset(partitions_def=CUSTOMERS, automation_condition=EAGER)
def total(visits) -> dict:
    return visits
"""


def test_a_key_that_is_added_is_made_in_all_its_combinations(tmp_path: Path) -> None:
    project = tmp_path / "project.py"
    project.write_text(PROJECT)
    daemon = DaemonProcess(tmp_path, project)
    daemon.start()
    try:
        with EventLog.open(daemon.home) as log, Instance.local(daemon.home) as instance:
            wait_until(log, lambda: bool(events_of(log, e.DefinitionsLoaded)), "definitions are loaded", daemon=daemon)
            for name in ("ann", "bob"):
                instance.add_dynamic_partitions("customers", [name])

            def done() -> bool:
                state = fold(log)
                return len(state.asset("total").table.materialized) == 2 and not state.runs

            wait_until(log, done, "both are made", daemon=daemon)
            stored = daemon.home / "storage" / "total" / "bob"
            assert pickle.loads(stored.read_bytes()) == {"bob|am": "BOB in the am", "bob|pm": "BOB in the pm"}
            assert (daemon.home / "storage" / "visits" / "ann" / "pm").exists()
            made = [s.event for s in events_of(log, e.AssetMaterialized)]
            assert len(made) == 8  # nothing is made twice: a total waits for both halves
    finally:
        daemon.clean_up()
