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
from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal

from ...definitions.definitions import Definitions
from ...definitions.hooks import HookContext, HookDefinition
from ...definitions.io import IOManager
from ...definitions.keys import AssetKey
from ...definitions.ops.job import OpJobDefinition
from ...definitions.retries import RetryPolicy
from ...storage.events import (
    Event,
    KeyRanges,
    PlannedCheck,
    RunFailed,
    RunStarted,
    RunSucceeded,
    StepSkipped,
    StepStarted,
    Target,
)
from ...storage.instance import Instance
from ..host.fork_safety import unsafe_native_threads
from .choosing import ChooseKeys
from .conducting import RunOutcome, conduct
from .driving import Tell, wanted_hooks
from .handing import mapped_keys
from .hooks import run_hooks
from .inputs import reads_several
from .journal import Append, Hold, Journal, LookFurther
from .op_execution import OpRunExecution
from .pause import Pause
from .plan import RunPlan, StepPlan, gate_of
from .step_end import StepEnd
from .steps import StepAttempt
from .toolbox import AroundFork, Toolbox

Reason = Literal["upstream_failed", "check_failed", "not_produced"]

_WORST_FIRST: tuple[Reason, ...] = ("upstream_failed", "check_failed", "not_produced")


def execute_run(
    definitions: Definitions,
    plan: RunPlan,
    append: Append,
    *,
    home: Path,
    io_manager: IOManager | None = None,
    look_further: LookFurther | None = None,
    pause: Pause | None = None,
    instance: Callable[[], Instance] | None = None,
    around_fork: AroundFork | None = None,
    hold_interrupts: Hold | None = None,
) -> RunOutcome:
    """Execute `plan` with the functions of `definitions` and write what happens through `append`.

    `io_manager` takes the place of the default one, which stores files below `home`; `instance` gives user code what
    it asks for as `context.instance`. An interrupt inside of `hold_interrupts` comes when that is left.

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
        job_name=plan.job_name,
        pause=pause,
        around_fork=around_fork if unsafe_native_threads() is None else None,
        instance=instance,
        hold_interrupts=hold_interrupts,
    )
    job = definitions.jobs.get(plan.job_name) if plan.job_name and not plan.steps else None
    if isinstance(job, OpJobDefinition):
        return OpRunExecution(plan, job, toolbox, append, look_further=look_further).run()
    return RunExecution(plan, toolbox, append, look_further=look_further).run()


@dataclass(slots=True)
class _Block:
    """Why steps that read one of the assets `keys` cannot start: the failed parts that they, in the end, wait for."""

    reason: Reason
    keys: frozenset[str]
    parts: tuple[Target, ...]


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
    """Where to keep the values of the assets, by key; a worker keeps none."""
    errors: dict[str, BaseException] = field(default_factory=dict)
    """The exceptions of the failed steps, by step key."""
    look_further: LookFurther | None = None

    def __post_init__(self) -> None:
        started = RunStarted(run_id=self.plan.run_id, worker=f"pid {os.getpid()}")
        self._journal = Journal(
            self.plan.run_id,
            self.append,
            position=self.plan.requested_offset,
            opening=[*self.opening, started],
            look_further=self.look_further,
            hold=self.toolbox.hold_interrupts,
        )
        self._pending = OrderedDict((step.step_key, step) for step in self.plan.steps)
        self._unfinished = set(self._pending)
        self._blocks: dict[str, _Block] = {}
        """The steps that keep others from starting: failed and skipped ones, and checks whose gate is shut."""

    def run(self) -> RunOutcome:
        return conduct(self, self._journal, self.toolbox)

    # ---- the steps, as `driving.py` asks for them --------------------------------------------------------------------

    def take(self) -> StepTask | None:
        """The next step of the plan of which everything that it waits for has ended; those that are blocked skipped."""
        while (step := self._ready()) is not None:
            del self._pending[step.step_key]
            if (block := self._block_of(step)) is None:
                if self.choose_keys is not None and not step.only_checks:
                    step = self._with_chosen_keys(step, self.choose_keys)
                return StepTask(self.toolbox, step)
            self._unfinished.discard(step.step_key)
            self._skip(step, block)
        return None

    def _ready(self) -> StepPlan | None:
        for step in self._pending.values():
            if self._unfinished.isdisjoint(step.upstream) and self._unfinished.isdisjoint(step.gates):
                return step
        return None

    def ended(self, task: StepTask, end: StepEnd) -> None:
        step = task.step
        self._unfinished.discard(step.step_key)
        if end.error is not None:
            self.errors[step.step_key] = end.error
        if (block := _block_by(step, end)) is not None:
            self._blocks[step.step_key] = block
        for check in step.checks:
            if (gate := gate_of(check)) in end.shut_gates:
                parts = self._looked_at(check)
                self._blocks[gate] = _Block("check_failed", frozenset([check.asset_key]), parts)
        if self.values is not None:
            self.values.update(end.values)

    def _looked_at(self, check: PlannedCheck) -> tuple[Target, ...]:
        """What that which is downstream has to wait for: of a check of the whole asset, what this run made of it."""
        made = [target for step in self.plan.steps if not step.only_checks for target in step.targets]
        partitions = None if check.partition is None else ((check.partition, check.partition),)
        return tuple(target for target in made if target.asset_key == check.asset_key) or (
            Target(asset_key=check.asset_key, partitions=partitions),
        )

    def _block_of(self, step: StepPlan) -> _Block | None:
        if not self._blocks:
            return None
        found = [block for key in step.gates if (block := self._blocks.get(key)) is not None]
        above = [block for key in step.upstream if (block := self._blocks.get(key)) is not None]
        if above:
            read = self._read_by(step)
            found += [block for block in above if block.keys & read]
        if not found:
            return None
        reasons = {block.reason for block in found}
        reason: Reason = next(r for r in _WORST_FIRST if r in reasons)
        parts = {(part.asset_key, part.partitions): part for block in found for part in block.parts}
        return _Block(reason, frozenset(step.asset_keys), tuple(parts.values()))

    def _read_by(self, step: StepPlan) -> set[str]:
        """The assets that a step reads; a step of checks, those that it looks at."""
        if not step.only_checks:
            return {str(dep.key) for key in step.asset_keys for dep in self.toolbox.asset(key).deps}
        definitions = self.toolbox.definitions
        return {
            str(key)
            for check in step.checks
            for key in (check.asset_key, *definitions.check(check.asset_key, check.name).dep_keys)
        }

    def _skip(self, step: StepPlan, block: _Block) -> None:
        if not step.only_checks:
            self._blocks[step.step_key] = block
        self._journal.add(
            StepSkipped(
                run_id=self.plan.run_id,
                step_key=step.step_key,
                asset_key=None if step.is_shared or step.makes_several else step.asset_key,
                partition=None if step.is_shared or step.makes_several else step.partition,
                targets=() if step.only_checks else step.targets,
                reason=block.reason,
                blocked_by=block.parts,
            )
        )

    def end_of_run(self) -> Event:
        if not self.errors:
            return RunSucceeded(run_id=self.plan.run_id)
        named = ", ".join(list(self.errors)[:5]) + (", ..." if len(self.errors) > 5 else "")
        message = f"{len(self.errors)} of {len(self.plan.steps)} steps failed: {named}"
        return RunFailed(run_id=self.plan.run_id, reason="step_failed", message=message)

    # ---- keys that are chosen here -----------------------------------------------------------------------------------

    def _with_chosen_keys(self, step: StepPlan, choose: ChooseKeys) -> StepPlan:
        """`step` with the keys that no plan handed to it. What this run has made so far is written first and counts."""
        definitions = self.toolbox.definitions
        wanted = [
            (asset, dep)
            for asset in map(self.toolbox.asset, step.asset_keys)
            for dep in asset.deps
            if str(dep.key) not in step.inputs and reads_several(asset, definitions.get(dep.key), dep)
        ]
        if not wanted:
            return step
        if self._journal.is_claimed:
            self._journal.write()
        chosen = {str(dep.key): choose(str(dep.key), dep.gated) for _, dep in wanted}
        horizons = [through for _, through in chosen.values()]
        if step.read_through is not None:
            horizons.append(step.read_through)
        handed: dict[str, KeyRanges] = {}
        for asset, dep in wanted:
            upstream = definitions.get(dep.key).partitions_def
            assert upstream is not None
            keys = mapped_keys(
                dep.mapping,
                chosen[str(dep.key)][0],
                up=upstream,
                down=asset.partitions_def,
                partitions=step.partitions,
            )
            handed[str(dep.key)] = tuple(dict.fromkeys([*handed.get(str(dep.key), ()), *keys]))
        return replace(step, inputs={**step.inputs, **handed}, read_through=min(horizons))


@dataclass(frozen=True, slots=True)
class StepTask:
    """A step of the plan that can start."""

    toolbox: Toolbox
    step: StepPlan

    @property
    def step_key(self) -> str:
        return self.step.step_key

    @property
    def retry_policy(self) -> RetryPolicy | None:
        return self.toolbox.definition_of(self.step).retry_policy or self.toolbox.job_retry_policy

    @property
    def hooks(self) -> frozenset[HookDefinition]:
        return self.toolbox.definition_of(self.step).hooks | self.toolbox.job_hooks

    def started(self, attempt: int) -> StepStarted:
        return _step_started(self.toolbox.run_id, self.step, attempt)

    def attempt(self, attempt: int, tell: Tell) -> StepEnd:
        return StepAttempt(self.toolbox, self.step, tell=tell, retry_number=attempt - 1).run()

    def run_hooks(self, end: StepEnd) -> list[Event]:
        toolbox, op = self.toolbox, self.toolbox.definition_of(self.step)
        context = HookContext(
            step_key=self.step_key,
            run_id=toolbox.run_id,
            job_name=toolbox.job_name,
            op_name=op.op_name,
            asset_key=None if self.step.makes_several else AssetKey.from_user_string(self.step.asset_key),
            partition_key=self.step.partition,
            op_exception=end.error,
            op_output_values={toolbox.asset(key).output_name: value for key, value in end.values.items()},
            resources=toolbox.resources,
            log=toolbox.log,
            run_tags=toolbox.run_tags,
        )
        return run_hooks(wanted_hooks(self, end), context)


def _block_by(step: StepPlan, end: StepEnd) -> _Block | None:
    """What a step that has ended keeps from starting: what reads an asset that it has not made."""
    if step.only_checks:
        return None
    if end.error is None:
        return _Block("not_produced", frozenset(end.unmade), ()) if end.unmade else None
    unmade = step.asset_keys if end.unmade is None else end.unmade
    parts = tuple(target for target in step.targets if target.asset_key in unmade)
    return _Block("upstream_failed", frozenset(unmade), parts) if unmade else None


def _step_started(run_id: str, step: StepPlan, attempt: int) -> StepStarted:
    """A check plans no partition: it has no targets, and does not move what its asset has handled."""
    return StepStarted(
        run_id=run_id,
        step_key=step.step_key,
        asset_key=None if step.is_shared or step.makes_several else step.asset_key,
        partition=None if step.is_shared or step.makes_several else step.partition,
        targets=() if step.only_checks else step.targets,
        check_name=step.checks[0].name if step.only_checks and not step.is_shared else None,
        checks=step.checks if step.is_shared else (),
        inputs=dict(step.inputs),
        read_through=step.read_through,
        attempt=attempt,
    )
