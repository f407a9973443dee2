"""A bench to execute runs on, as a worker would: definitions, a log in memory, and what came of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from headwater import Definitions
from headwater.daemon.runs.execute import RunOutcome, execute_run
from headwater.daemon.runs.planning import build_plan
from headwater.definitions.assets_definition import AssetsDefinition
from headwater.storage.batch import Expect
from headwater.storage.events import Event, KeyRanges, PlannedCheck, RunRequested, Target
from headwater.storage.log import EventLog


@dataclass
class Bench:
    """`run` requests a run of all that the definitions make and executes it. `appends` are its appends, one by one."""

    home: Path
    log: EventLog = field(default_factory=EventLog.memory)
    appends: list[list[Event]] = field(default_factory=list)
    before_append: Callable[[Sequence[Event]], None] | None = None
    requested_offset: int = 0

    def run(
        self,
        *assets: Any,
        checks: Sequence[Any] = (),
        resources: Mapping[str, Any] | None = None,
        partition: str | None = None,
        inputs: Mapping[str, Mapping[str, KeyRanges]] | None = None,
        read_through: int | None = None,
        run_id: str = "r1",
        request: bool = True,
        tags: Mapping[str, str] | None = None,
    ) -> RunOutcome:
        definitions = Definitions(assets=assets, asset_checks=checks, resources=resources)
        ranges = None if partition is None else ((partition, partition),)
        targets = [
            Target(asset_key=str(node.key), partitions=ranges if node.partitions_def else None)
            for node in definitions.assets
            if isinstance(node, AssetsDefinition)
        ]
        planned = [
            PlannedCheck(asset_key=str(check.asset_key), name=check.check_name, blocking=check.blocking)
            for check in definitions.asset_checks
        ]
        if request:
            event = RunRequested(run_id=run_id, targets=tuple(targets), checks=tuple(planned))
            self.requested_offset = self.log.append([event])[0]
        plan = build_plan(
            definitions.snapshot(),
            run_id,
            self.requested_offset,
            targets,
            planned,
            inputs=inputs,
            read_through=read_through,
            run_tags=tags,
        )
        return execute_run(definitions, plan, self.append, home=self.home)

    def append(self, events: Sequence[Event], expect: Expect | None = None) -> range:
        if self.before_append is not None:
            self.before_append(events)
        offsets = self.log.append(events, expect=expect)
        self.appends.append(list(events))
        return offsets

    @property
    def events(self) -> list[Any]:
        return [stored.event for stored in self.log.read(0, limit=10_000)]

    def of(self, cls: type[Any]) -> list[Any]:
        return [event for event in self.events if type(event) is cls]

    def only(self, cls: type[Any]) -> Any:
        [event] = self.of(cls)
        return event


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path)
