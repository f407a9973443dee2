"""Evaluations on a code host: forked or in a fresh interpreter, killed at their limit, and always heard of."""

from __future__ import annotations

import os
from datetime import UTC, datetime
from typing import Any, Literal

import anyio
import pytest

from headwater.daemon.host.client import CodeHost, Evaluated
from headwater.daemon.host.orders import Order
from headwater.storage.events import AssetMaterialized
from headwater.storage.log import StoredEvent

from .conftest import Project

pytestmark = pytest.mark.anyio

SENSORS = """
import os, subprocess, sys, time
from pathlib import Path
from headwater import AssetSpec, Definitions, RunRequest, asset, asset_sensor, sensor

@asset
def orders(): ...

@sensor(target=orders)
def asks(context):
    print("asked with", context.cursor)
    context.update_cursor("2")
    return RunRequest("k")

@asset_sensor("inbox", target=orders)
def hangs_at_the_second(context, event):
    if event.storage_id == 2:
        child = subprocess.Popen(["sleep", "1000"])
        Path("pid").write_text(str(child.pid))
        time.sleep(1000)
    return RunRequest(str(event.storage_id))

@sensor(target=orders)
def talks_too_much(context):
    return RunRequest("k" * (20 << 20))

defs = Definitions([orders, AssetSpec("inbox")], sensors=[asks, hangs_at_the_second, talks_too_much])
"""


def order(name: str, *, limit_s: float = 60, events: int = 0, **more: Any) -> Order:
    landed = tuple(StoredEvent(n + 1, "", 0, AssetMaterialized(asset_key="inbox")) for n in range(events))
    return Order(
        evaluation_id=name, kind="sensor", name=name, at=datetime.now(UTC), limit_s=limit_s, events=landed, **more
    )


async def answer(host: CodeHost, asked: Order) -> Evaluated:
    await host.evaluate(asked)
    with anyio.fail_after(60):
        said = await host.receive()
    assert isinstance(said, Evaluated)
    assert said.evaluation_id == asked.evaluation_id
    return said


@pytest.mark.parametrize("start_method", ["fork", "spawn"])
async def test_an_evaluation_answers_and_what_it_prints_is_kept(
    project: Project, start_method: Literal["fork", "spawn"]
) -> None:
    async with project.host(SENSORS, start_method=start_method) as host:
        said = await answer(host, order("asks", cursor="1"))
    (result,) = said.results
    assert (said.problem, result["error"], result["cursor"]) == ("", None, "2")
    assert result["run_requests"] == [{"run_key": "k"}]
    assert (project.home / "sensors" / "asks.log").read_text() == "asked with 1\n"


async def test_at_its_limit_it_is_killed_with_what_it_started_and_what_was_done_before_counts(
    project: Project,
) -> None:
    async with project.host(SENSORS) as host:
        said = await answer(host, order("hangs_at_the_second", limit_s=1, events=3))
    assert said.problem == "it took longer than 1 s and was killed"
    assert [result["event_offset"] for result in said.results] == [1]
    await until_ended(int((project.folder / "pid").read_text()))


async def test_too_long_an_answer_is_cut_short(project: Project) -> None:
    async with project.host(SENSORS) as host:
        said = await answer(host, order("talks_too_much"))
    assert "more than 16 MiB" in said.problem
    assert said.results == ()


async def until_ended(pid: int) -> None:
    """Wait until there is no such process; whoever takes over an orphan has to reap it first."""
    with anyio.fail_after(30):
        while True:
            try:
                os.kill(pid, 0)
            except ProcessLookupError:
                return
            await anyio.sleep(0.01)
