"""Executing a run: its steps one after the other in this process, each written to the log before it begins.

The first append is the *claim*: `RunStarted` and the first `StepStarted` in one transaction that expects the run to be
as it was when it was requested. Of two workers with the same run one gets a conflict and leaves. From then on every
append expects that nobody else has written to the run: if somebody has (it was cancelled), what has been done is still
written, since it is true, and the worker leaves.

A `StepStarted` is durable before resources, inputs and the user's code are touched: it is the read horizon of the
attempt. The events that close a step need not be alone on the disk first: they ride in the transaction of the next
`StepStarted`, or of the end of the run, a moment later. So a run costs one commit a step and one for its end.

    a step raises               StepFailed; its descendants in this run, and only they, are skipped
    a blocking check fails      with ERROR: the descendants of its asset are skipped; with WARN they run
    a check raises              StepFailed; if it is blocking its gate is shut as well
    any step failed             RunFailed at the end; a check that fails is not a step that fails
    an interrupt (ctrl-C)       RunCancelled, and the interrupt goes on to the caller
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from enum import Enum
from pathlib import Path
from typing import Any, Literal

from ...definitions.definitions import Definitions
from ...definitions.io import IOManager
from ...definitions.results import UNSET
from ...storage.batch import Expect
from ...storage.errors import ConflictError
from ...storage.events import (
    Event,
    KeyRanges,
    PlannedCheck,
    RunCancelled,
    RunFailed,
    RunStarted,
    RunSucceeded,
    StepSkipped,
    StepStarted,
    Target,
)
from ...storage.instance import Instance
from .choosing import ChooseKeys
from .handing import mapped_keys
from .inputs import reads_several
from .plan import Part, RunPlan, StepPlan, gate_of
from .steps import StepAttempt, StepEnd
from .toolbox import Toolbox

Append = Callable[[Sequence[Event], Expect | None], range]
"""Writes events durably and returns their offsets; raises ConflictError where the expectation does not hold."""

Reason = Literal["upstream_failed", "check_failed"]


class RunOutcome(Enum):
    """How `execute_run` ended."""

    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CLAIM_LOST = "claim_lost"
    """Another worker had the run: nothing was done and nothing written."""
    TAKEN_AWAY = "taken_away"
    """Somebody ended the run meanwhile: what was done until then has been written."""


def execute_run(
    definitions: Definitions,
    plan: RunPlan,
    append: Append,
    *,
    home: Path,
    io_manager: IOManager | None = None,
    instance: Callable[[], Instance] | None = None,
) -> RunOutcome:
    """Execute `plan` with the functions of `definitions` and write what happens through `append`.

    `io_manager` takes the place of the default one, which stores files below `home`; `instance` gives user code what
    it asks for as `context.instance`.

    Raises:
        KeyboardInterrupt: the run was interrupted and is written as cancelled.
        StoreUnavailable: the log cannot be written.
    """
    toolbox = Toolbox(
        definitions,
        plan.run_id,
        home=home,
        io_manager=io_manager,
        run_tags=plan.run_tags,
        run_config=plan.run_config,
        instance=instance,
    )
    return RunExecution(plan, toolbox, append).run()


@dataclass(slots=True)
class _Block:
    """Why a step cannot start: the failed parts that it, in the end, waits for."""

    reason: Reason
    parts: tuple[Part, ...]


@dataclass
class RunExecution:
    """One execution of a plan. `opening` are events of the run that go ahead of the claim, in its transaction."""

    plan: RunPlan
    toolbox: Toolbox
    append: Append
    opening: Sequence[Event] = ()
    choose_keys: ChooseKeys | None = None
    """For a run that was planned without State."""
    values: dict[str, Any] | None = None
    """Where to keep the values of the steps, by step key; a worker keeps none."""
    errors: dict[str, BaseException] = field(default_factory=dict)
    """The exceptions of the failed steps, by step key."""

    def __post_init__(self) -> None:
        self._position = self.plan.requested_offset
        self._unwritten: list[Event] = [*self.opening, RunStarted(run_id=self.plan.run_id, worker=f"pid {os.getpid()}")]
        self._is_claimed = self._is_writing = False
        self._blocks: dict[str, _Block] = {}
        """The steps that keep others from starting: failed and skipped ones, and checks whose gate is shut."""

    def run(self) -> RunOutcome:
        try:
            for step in self.plan.steps:
                if (block := self._block_of(step)) is not None:
                    self._skip(step, block)
                else:
                    self._attempt(step)
            self.toolbox.close()  # what a resource does when it is closed is part of the run
            self._unwritten.append(self._end_of_run())
            self._write()
        except ConflictError:
            return self._leave()
        except KeyboardInterrupt:
            if self._is_claimed:
                self._cancel()
            raise
        finally:
            self.toolbox.close()
        return RunOutcome.FAILED if self.errors else RunOutcome.SUCCEEDED

    def _attempt(self, step: StepPlan) -> None:
        if self.choose_keys is not None and not step.only_checks:
            step = self._with_chosen_keys(step, self.choose_keys)
        self._unwritten.append(_step_started(self.plan.run_id, step))
        self._write()
        end = StepAttempt(self.toolbox, step).run()
        self._unwritten += end.events
        self._take_note(step, end)

    def _take_note(self, step: StepPlan, end: StepEnd) -> None:
        if end.error is not None:
            self.errors[step.step_key] = end.error
            if not step.only_checks and not end.shut_gates:
                self._blocks[step.step_key] = _Block("upstream_failed", step.targets)
        for check in step.checks:
            if (gate := gate_of(check)) in end.shut_gates:
                self._blocks[gate] = _Block("check_failed", self._looked_at(check))
        if self.values is not None and end.value is not UNSET:
            self.values[step.step_key] = end.value

    def _looked_at(self, check: PlannedCheck) -> tuple[Part, ...]:
        """The part that what is downstream has to wait for: of a check of the whole asset, what this run made of it."""
        made = [part for step in self.plan.steps if not step.only_checks for part in step.targets]
        return tuple(part for part in made if part[0] == check.asset_key) or ((check.asset_key, check.partition),)

    def _block_of(self, step: StepPlan) -> _Block | None:
        if not self._blocks:
            return None
        found = [block for key in (*step.upstream, *step.gates) if (block := self._blocks.get(key)) is not None]
        if not found:
            return None
        parts = {part: None for block in found for part in block.parts}
        failed = any(block.reason == "upstream_failed" for block in found)
        return _Block("upstream_failed" if failed else "check_failed", tuple(parts))

    def _skip(self, step: StepPlan, block: _Block) -> None:
        if not step.only_checks:
            self._blocks[step.step_key] = block
        self._unwritten.append(
            StepSkipped(
                run_id=self.plan.run_id,
                step_key=step.step_key,
                asset_key=None if step.is_shared else step.asset_key,
                partition=None if step.is_shared else step.partition,
                targets=() if step.only_checks else _targets(step.targets),
                reason=block.reason,
                blocked_by=_targets(block.parts),
            )
        )

    def _end_of_run(self) -> Event:
        if not self.errors:
            return RunSucceeded(run_id=self.plan.run_id)
        named = ", ".join(list(self.errors)[:5]) + (", ..." if len(self.errors) > 5 else "")
        message = f"{len(self.errors)} of {len(self.plan.steps)} steps failed: {named}"
        return RunFailed(run_id=self.plan.run_id, reason="step_failed", message=message)

    # ---- keys that are chosen here -----------------------------------------------------------------------------------

    def _with_chosen_keys(self, step: StepPlan, choose: ChooseKeys) -> StepPlan:
        """`step` with the keys that no plan handed to it. What this run has made so far is written first and counts."""
        definitions = self.toolbox.definitions
        asset = self.toolbox.asset(step.asset_key)
        wanted = [
            dep
            for dep in asset.deps
            if str(dep.key) not in step.inputs and reads_several(asset, definitions.get(dep.key), dep)
        ]
        if not wanted:
            return step
        if self._is_claimed:
            self._write()
        chosen = {str(dep.key): choose(str(dep.key), dep.gated) for dep in wanted}
        horizons = [through for _, through in chosen.values()]
        if step.read_through is not None:
            horizons.append(step.read_through)
        handed: dict[str, KeyRanges] = {}
        for dep in wanted:
            upstream = definitions.get(dep.key).partitions_def
            assert upstream is not None
            handed[str(dep.key)] = mapped_keys(
                dep.mapping,
                chosen[str(dep.key)][0],
                up=upstream,
                down=asset.partitions_def,
                partition=step.partition,
            )
        return replace(step, inputs={**step.inputs, **handed}, read_through=min(horizons))

    # ---- the log -----------------------------------------------------------------------------------------------------

    def _write(self) -> None:
        """Write what has come together, expecting that nobody else has written to the run."""
        if not self._unwritten:
            return
        expect = Expect(run_id=self.plan.run_id, position=self._position)
        self._is_writing = True
        offsets = self.append(self._unwritten, expect)
        self._position = offsets[-1]
        self._is_claimed, self._is_writing = True, False
        self._unwritten = []

    def _leave(self) -> RunOutcome:
        if not self._is_claimed:
            return RunOutcome.CLAIM_LOST
        if done := self._done():
            self.append(done, None)
        return RunOutcome.TAKEN_AWAY

    def _cancel(self) -> None:
        cancelled = RunCancelled(run_id=self.plan.run_id, message="Interrupted from the keyboard.")
        was_writing, done = self._is_writing, self._done()
        self._unwritten = [*done, cancelled]
        try:
            self._write()
        except ConflictError:
            # Either the interrupt came after the commit it fell into, or somebody else has ended the run.
            if left := [cancelled] if was_writing else done:
                self.append(left, None)

    def _done(self) -> list[Event]:
        """What is still to be written and has happened, whatever becomes of the run."""
        return [event for event in self._unwritten if not isinstance(event, (StepStarted, RunSucceeded, RunFailed))]


def _step_started(run_id: str, step: StepPlan) -> StepStarted:
    """A check plans no partition: it has no targets, and does not move what its asset has handled."""
    return StepStarted(
        run_id=run_id,
        step_key=step.step_key,
        asset_key=None if step.is_shared else step.asset_key,
        partition=None if step.is_shared else step.partition,
        targets=() if step.only_checks else _targets(step.targets),
        check_name=step.checks[0].name if step.only_checks and not step.is_shared else None,
        checks=step.checks if step.is_shared else (),
        inputs=dict(step.inputs),
        read_through=step.read_through,
    )


def _targets(parts: Sequence[Part]) -> tuple[Target, ...]:
    return tuple(
        Target(asset_key=key, partitions=None if partition is None else ((partition, partition),))
        for key, partition in parts
    )
