"""The run queue: order, places, and the pools of which only so many runs are under way at once."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

import pytest
import typer

from headwater import Definitions, asset, asset_check, graph, graph_asset, job, op
from headwater.daemon.cli.dev import given_pools
from headwater.daemon.runs.queue import QueuedRun, RunQueue
from headwater.daemon.runs.supervisor import pools_of_run
from headwater.definitions.snapshot import DefinitionsSnapshot
from headwater.storage.events import PlannedCheck, Target


@asset(pool="warehouse", op_tags={"cpu": 2})
def orders() -> None: ...


@asset(pool="warehouse")
def customers() -> None: ...


@asset
def free() -> None: ...


SNAPSHOT = DefinitionsSnapshot.from_bytes(DefinitionsSnapshot.of(Definitions([orders, customers, free])).to_bytes())


def pools_of(run: QueuedRun) -> Collection[str]:
    return pools_of_run(SNAPSHOT, run)


def queue_of(*runs: str, places: int = 10, pools: dict[str, int] | None = None) -> RunQueue:
    """A queue in which runs of one asset each wait, in this order."""
    queue = RunQueue(max_concurrent_runs=places, pools=pools)
    for offset, key in enumerate(runs):
        queue.offer(QueuedRun(f"{key} {offset}", offset, (Target(asset_key=key),), ()))
    return queue


def taken(queue: RunQueue) -> list[str]:
    runs = []
    while (run := queue.take(pools_of)) is not None:
        runs.append(run.run_id)
    return runs


def test_the_snapshot_keeps_what_is_said_to_whatever_runs_the_steps() -> None:
    assert (SNAPSHOT.assets["orders"].pool, SNAPSHOT.assets["orders"].op_tags) == ("warehouse", {"cpu": 2})
    assert SNAPSHOT.assets["free"].pool is None


def test_of_one_pool_one_run_is_under_way_and_others_go_past_those_that_wait() -> None:
    queue = queue_of("orders", "customers", "orders", "free")
    assert taken(queue) == ["orders 0", "free 3"]
    queue.end("orders 0")
    assert taken(queue) == ["customers 1"]
    queue.end("free 3")
    assert taken(queue) == []
    queue.end("customers 1")
    assert taken(queue) == ["orders 2"]


def test_a_pool_may_have_more_places() -> None:
    assert taken(queue_of("orders", "customers", "orders", pools={"warehouse": 2})) == ["orders 0", "customers 1"]


def test_the_places_of_the_daemon_count_as_well() -> None:
    assert taken(queue_of("orders", "free", "free", places=2)) == ["orders 0", "free 1"]


def test_a_run_that_somebody_else_does_takes_its_place() -> None:
    queue = queue_of("orders")
    queue.start_elsewhere("other", QueuedRun("other", 9, (Target(asset_key="customers"),), ()))
    assert taken(queue) == []
    queue.end("other")
    assert taken(queue) == ["orders 0"]


def test_checks_and_ops_have_pools_as_well() -> None:
    @asset_check(asset=free, pool="warehouse")
    def filled() -> bool:
        return True

    @op(pool="warehouse")
    def load() -> int:
        return 1

    @graph
    def inner() -> Any:
        return load()

    @job
    def loads() -> None:
        inner()

    @graph_asset
    def made() -> Any:
        return inner()

    definitions = Definitions([orders, free, made], asset_checks=[filled], jobs=[loads])
    snapshot = DefinitionsSnapshot.from_bytes(DefinitionsSnapshot.of(definitions).to_bytes())
    runs = [
        QueuedRun("check", 1, (), (PlannedCheck(asset_key="free", name="filled"),)),
        QueuedRun("job", 2, (), (), job_name="loads"),
        QueuedRun("graph", 3, (Target(asset_key="made"),), ()),
        QueuedRun("free", 4, (Target(asset_key="free"),), ()),
    ]
    assert [pools_of_run(snapshot, run) for run in runs] == [{"warehouse"}] * 3 + [set()]


def test_a_run_that_could_not_be_launched_gives_its_place_back() -> None:
    queue = queue_of("orders", "customers")
    run = queue.take(pools_of)
    assert run is not None
    queue.give_back(run)
    assert taken(queue) == ["orders 0"]


def test_places_are_given_by_name() -> None:
    assert given_pools(["warehouse=3", "a=b=2"]) == {"warehouse": 3, "a=b": 2}
    for wrong in ("warehouse", "warehouse=", "=2", "warehouse=0", "warehouse=x"):
        with pytest.raises(typer.BadParameter, match="write it as NAME=PLACES"):
            given_pools([wrong])
