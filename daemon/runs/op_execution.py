"""Executing a run of a job of ops: the same claim, log and end as of any run, with the steps of a graph."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from typing import Any

from ...definitions.ops.context import PARTITION_TAG
from ...definitions.ops.job import OpJobDefinition
from ...storage.events import Event, RunFailed, RunStarted, RunSucceeded
from .conducting import RunOutcome, conduct
from .journal import Append, Journal, LookFurther
from .op_values import ManagedValues
from .op_work import OpStep, OpWork
from .plan import RunPlan
from .step_end import StepEnd
from .toolbox import Toolbox


class OpRunExecution:
    """One execution of a job of ops. `opening` are events of the run that go ahead of the claim, in its transaction."""

    def __init__(
        self,
        plan: RunPlan,
        job: OpJobDefinition,
        toolbox: Toolbox,
        append: Append,
        *,
        opening: Sequence[Event] = (),
        look_further: LookFurther | None = None,
        chosen: frozenset[str] | None = None,
        input_values: Mapping[str, Any] | None = None,
    ) -> None:
        self.plan: RunPlan = plan
        self.job: OpJobDefinition = job
        self.toolbox: Toolbox = toolbox
        self.errors: dict[str, BaseException] = {}
        self._journal = Journal(
            plan.run_id,
            append,
            position=plan.requested_offset,
            opening=[*opening, RunStarted(run_id=plan.run_id, worker=f"pid {os.getpid()}")],
            look_further=look_further,
            hold=toolbox.hold_interrupts,
        )
        partition = plan.run_tags.get(PARTITION_TAG)
        self.work: OpWork = OpWork(
            job.flat,
            toolbox,
            ManagedValues(toolbox),
            note=self._journal.add,
            given={**job.input_values, **(input_values or {})},
            chosen=chosen,
            partition_keys=None if partition is None else (partition,),
        )
        self._chosen = chosen

    def run(self) -> RunOutcome:
        return conduct(self, self._journal, self.toolbox)

    def take(self) -> OpStep | None:
        return self.work.take()

    def ended(self, task: OpStep, end: StepEnd) -> None:
        self.work.ended(task, end)
        self.errors = self.work.errors

    def end_of_run(self) -> Event:
        if not self.errors:
            return RunSucceeded(run_id=self.plan.run_id)
        named = ", ".join(list(self.errors)[:5]) + (", ..." if len(self.errors) > 5 else "")
        message = f"{len(self.errors)} of {self.work.count} steps failed: {named}"
        return RunFailed(run_id=self.plan.run_id, reason="step_failed", message=message)
