"""One step: load what it reads, call the user's function, store what came of it, and say so in events.

A step is tried here from the moment its `StepStarted` is in the log. Whatever goes wrong on the way, in resources, in
loading, in the user's code or in storing, fails the step and nothing else. Only an interrupt (ctrl-C) is none of the
step's business and goes on to whoever runs the run.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from datetime import UTC, datetime

from ...definitions.asset_events import AssetEvent
from ...definitions.checks import AssetChecksDefinition
from ...definitions.context import AssetCheckExecutionContext, AssetExecutionContext
from ...definitions.errors import ExecutionError
from ...storage.errors import ConflictError
from ...storage.events import AssetCheckEvaluated, Event, PlannedCheck, StepFailed, StepSucceeded
from .check_steps import (
    check_context,
    evaluated,
    failure_of,
    gates_shut_by,
    key_of,
    keys_of_check,
    load_for_check,
    results_of,
    unspoken,
)
from .driving import Tell
from .failures import error_info
from .logged import logged_event
from .looking import Looking
from .making import Making
from .outputs import Yielded, finished
from .plan import StepPlan
from .step_end import StepEnd
from .toolbox import StepConfig, Toolbox


class StepAttempt:
    """One try at a step. `clock` starts when this is made."""

    def __init__(self, toolbox: Toolbox, step: StepPlan, *, tell: Tell, retry_number: int = 0) -> None:
        self._toolbox, self._step = toolbox, step
        self._retry_number, self._tell = retry_number, tell
        self._began = time.perf_counter()
        self._code_started_at: datetime | None = None
        self._context: AssetExecutionContext | AssetCheckExecutionContext | None = None
        self._making: Making | None = None
        self._looking: Looking | None = None
        self._noted: list[AssetEvent] = []
        """Events that the function has yielded."""
        self._spoken: list[AssetCheckEvaluated] = []
        """What the checks of the step have said so far."""

    def run(self) -> StepEnd:
        """Do it. Raises nothing but KeyboardInterrupt."""
        try:
            end = self._work()
        except (KeyboardInterrupt, ConflictError):
            raise
        except BaseException as error:  # the border to user code: SystemExit ends the step, not the run
            return self._failed(error)
        end.events.append(self._step_succeeded() if end.error is None else self._step_failed(end.error))
        return end

    def _work(self) -> StepEnd:
        if self._step.only_checks:
            end = self._evaluate_checks()
        elif self._toolbox.asset(self._step.asset_key).is_observable:
            end = self._observe()
        else:
            end = self._make_assets()
        end.events[:0] = self._said()
        return end

    def _note(self, event: AssetEvent) -> None:
        """Take an event that the function has yielded."""
        self._noted.append(event)

    def _said(self) -> list[Event]:
        """What the function has said of assets beside its own outcome, as events of the run."""
        context = self._making.context if self._making is not None else self._context
        logged = context.logged_events if context is not None else ()
        return [logged_event(self._toolbox, self._step.step_key, event) for event in (*self._noted, *logged)]

    def _step_succeeded(self) -> StepSucceeded:
        return StepSucceeded(
            run_id=self._toolbox.run_id,
            step_key=self._step.step_key,
            took_s=self._took_s(),
            code_started_at=self._code_started_at,
        )

    def _step_failed(self, error: BaseException) -> StepFailed:
        return StepFailed(
            run_id=self._toolbox.run_id,
            step_key=self._step.step_key,
            asset_key=None if self._step.makes_several else self._step.asset_key,
            partition=None if self._step.makes_several else self._step.partition,
            error=error_info(error),
            took_s=self._took_s(),
            code_started_at=self._code_started_at,
        )

    def _took_s(self) -> float:
        return round(time.perf_counter() - self._began, 6)

    def _failed(self, error: BaseException) -> StepEnd:
        step = self._step
        begun = self._making or self._looking
        end = StepEnd() if begun is None else begun.after_failure()
        end.error = error
        end.events[:0] = self._said()
        if step.only_checks:
            spoken = {(event.asset_key, event.check_name, event.partition) for event in self._spoken}
            events = self._spoken + [
                unspoken(self._toolbox, check, partition=check.partition, why=_told(error))
                for check in step.checks
                if check.blocking and (check.asset_key, check.name, check.partition) not in spoken
            ]
            end.events += events
            end.shut_gates = gates_shut_by(events)
        end.events.append(self._step_failed(error))
        return end

    def _make_assets(self) -> StepEnd:
        self._making = making = Making(
            self._toolbox, self._step, tell=self._tell, note=self._note, retry_number=self._retry_number
        )
        try:
            return making.run()
        finally:
            self._code_started_at = making.code_started_at

    def _observe(self) -> StepEnd:
        self._looking = looking = Looking(self._toolbox, self._step, note=self._note, retry_number=self._retry_number)
        try:
            return looking.run()
        finally:
            self._context, self._code_started_at = looking.context, looking.code_started_at

    # ---- checks ------------------------------------------------------------------------------------------------------

    def _evaluate_checks(self) -> StepEnd:
        """Call the function of the checks, once for each partition that the step looks at."""
        toolbox, check = self._toolbox, self._definition_of_checks()
        config = toolbox.config_of(check)
        for partition, wanted in _by_partition(self._step):
            self._spoken += self._evaluate(check, wanted, partition, config)
        events = self._spoken
        return StepEnd(events=[*events], error=failure_of(events), shut_gates=gates_shut_by(events))

    def _evaluate(
        self, check: AssetChecksDefinition, wanted: Sequence[PlannedCheck], partition: str | None, config: StepConfig
    ) -> list[AssetCheckEvaluated]:
        toolbox = self._toolbox
        resources = toolbox.resources_for(check.resource_names, check)
        partition_keys = None if partition is None else (partition,)
        input_keys = keys_of_check(toolbox, check, partition)
        arguments = load_for_check(toolbox, check, partition_keys, input_keys)
        context = None
        if check.takes_context:
            context = self._context = check_context(toolbox, check, wanted, partition_keys, config.data, input_keys)
        self._code_started_at = self._code_started_at or datetime.now(UTC)
        returned = finished(check.invoke(context, arguments, resources, config.argument), self._note)
        results = results_of(check, wanted, returned, is_several=isinstance(returned, Yielded))
        return [
            evaluated(toolbox, planned, results[key_of(planned)], partition=planned.partition)
            for planned in wanted
            if key_of(planned) in results
        ]

    def _definition_of_checks(self) -> AssetChecksDefinition:
        first = self._step.checks[0]
        definition = self._toolbox.definitions.check(first.asset_key, first.name).definition
        if definition is None:
            raise ExecutionError(
                f"check {first.name!r} of asset {first.asset_key!r} is evaluated by the asset's own function in the "
                "loaded definitions. Make the asset to evaluate it."
            )
        return definition


def _told(error: BaseException) -> str:
    info = error_info(error)
    return f"{info.cls}: {info.message}"


def _by_partition(step: StepPlan) -> list[tuple[str | None, list[PlannedCheck]]]:
    """The checks of a step that are evaluated together: all, unless they look at several partitions."""
    if len({check.partition for check in step.checks} - {None}) < 2:
        return [(step.partition, list(step.checks))]
    groups: dict[str | None, list[PlannedCheck]] = {}
    for check in step.checks:
        groups.setdefault(check.partition, []).append(check)
    return list(groups.items())
