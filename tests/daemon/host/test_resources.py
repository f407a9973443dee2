"""Resources in a real worker: opened there and not in the host, with its environment, and closed whatever happens."""

from __future__ import annotations

from dataclasses import replace

import pytest

from headwater.daemon.host.client import Exited
from headwater.storage.events import RunFailed, StepFailed, encode

from .conftest import Project

pytestmark = pytest.mark.anyio

SECRET = "s3cr3t-hunter2"

CODE = """
import os
from headwater import Config, ConfigurableResource, Definitions, EnvVar, asset

class Database(ConfigurableResource):
    password: str
    def setup_for_execution(self, context):
        print("open in", "the host" if os.getpid() == HOST else "a worker", "for", context.run_id)
    def teardown_after_execution(self, context):
        print("close")

class StepConfig(Config):
    limit: int = 1

HOST = os.getpid()

@asset
def step(database: Database, config: StepConfig) -> None:
    print("limit", config.limit, "and", len(database.password), "characters")

@asset
def failing(database: Database) -> None:
    raise ValueError("not with " + database.password)

defs = Definitions([step, failing], resources={"database": Database(password=EnvVar("DB_PASSWORD"))})
"""


async def test_a_worker_opens_closes_and_is_told_its_config(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DB_PASSWORD", SECRET)
    async with project.host(CODE) as host:
        plan = replace(project.request("step"), run_config={"ops": {"step": {"config": {"limit": 7}}}})
        await host.launch(plan)
        assert await host.receive() == Exited(plan.run_id, 0)
    assert project.types(plan.run_id)[-1] == "run_succeeded"
    assert project.output(plan.run_id).splitlines() == [
        f"open in a worker for {plan.run_id}",
        "limit 7 and 14 characters",
        "close",
    ]


async def test_a_worker_closes_after_a_failed_step_and_keeps_the_secret(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DB_PASSWORD", SECRET)
    async with project.host(CODE) as host:
        plan = project.request("failing")
        await host.launch(plan)
        assert await host.receive() == Exited(plan.run_id, 0)
    events = project.events(plan.run_id)
    assert isinstance(events[-1], RunFailed)
    assert "ValueError: not with ***" in next(e.error.traceback for e in events if isinstance(e, StepFailed))
    assert project.output(plan.run_id).splitlines()[-1] == "close"
    files = project.output(plan.run_id) + project.output(plan.run_id, "stderr.log")
    assert SECRET not in files + "".join(map(encode, events))
