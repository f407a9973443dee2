"""One step: load what it reads, call the user's function, store what came of it, and say so in events.

A step is tried here from the moment its `StepStarted` is in the log. Whatever goes wrong on the way, in resources, in
loading, in the user's code or in storing, fails the step and nothing else. Only an interrupt (ctrl-C) is none of the
step's business and goes on to whoever runs the run.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from ...definitions.asset_events import AssetEvent
from ...definitions.assets_definition import AssetsDefinition
from ...definitions.checks import AssetChecksDefinition
from ...definitions.context import AssetCheckExecutionContext, AssetExecutionContext
from ...definitions.env import redacted_data
from ...definitions.errors import ExecutionError
from ...definitions.io import OutputContext
from ...definitions.metadata import MetadataValue, metadata_to_json
from ...definitions.results import UNSET
from ...definitions.signature import CONFIG_NAME
from ...storage.errors import ConflictError
from ...storage.events import AssetMaterialized, AssetObserved, Event, StepFailed, StepSucceeded
from .check_steps import (
    check_context,
    evaluated,
    failure_of,
    gates_shut_by,
    inline_results,
    key_of,
    keys_of_check,
    load_for_check,
    results_of,
    unspoken,
)
from .data_versions import computed_version
from .driving import Tell
from .failures import check_storable, error_info
from .graph_step import run_graph
from .inputs import load_arguments, partition_keys_of_inputs
from .logged import logged_event
from .observed import Seen, observations_of
from .outputs import Made, Yielded, finished, outcome_of
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
        self._noted: list[AssetEvent] = []
        """Events that the function has yielded."""

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
            end = self._make_asset()
        end.events[:0] = self._said()
        return end

    def _note(self, event: AssetEvent) -> None:
        """Take an event that the function has yielded."""
        self._noted.append(event)

    def _said(self) -> list[Event]:
        """What the function has said of assets beside its own outcome, as events of the run."""
        logged = self._context.logged_events if self._context is not None else ()
        return [logged_event(self._toolbox, self._step, event) for event in (*self._noted, *logged)]

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
            asset_key=self._step.asset_key,
            partition=self._step.partition,
            error=error_info(error),
            took_s=self._took_s(),
            code_started_at=self._code_started_at,
        )

    def _took_s(self) -> float:
        return round(time.perf_counter() - self._began, 6)

    def _failed(self, error: BaseException) -> StepEnd:
        step = self._step
        end = StepEnd(error=error)
        end.events += self._said()
        if step.only_checks:
            events = [
                unspoken(self._toolbox, check, partition=check.partition, why=_told(error))
                for check in step.checks
                if check.blocking
            ]
            end.events += events
            end.shut_gates = gates_shut_by(events)
        end.events.append(self._step_failed(error))
        return end

    # ---- assets ------------------------------------------------------------------------------------------------------

    def _make_asset(self) -> StepEnd:
        toolbox, step = self._toolbox, self._step
        asset = toolbox.asset(step.asset_key)
        partition_keys = None if step.partition is None else (step.partition,)
        config = toolbox.config_of(asset)
        resources = toolbox.resources_for(asset.resource_names, asset)
        input_keys = partition_keys_of_inputs(toolbox, asset, step.partition, step.inputs) if asset.deps else {}
        version = None
        if asset.code_version is not None and toolbox.open_instance is not None:
            version = computed_version(toolbox.open_instance(), asset, input_keys)
        arguments = load_arguments(toolbox, asset, input_keys) if asset.deps else {}
        if asset.signature.takes_config:
            arguments[CONFIG_NAME] = config.argument
        context = None
        if asset.takes_context:
            context = self._context = self._asset_context(asset, resources, config, input_keys)
        self._code_started_at = datetime.now(UTC)
        if asset.graph is not None:
            returned: Any = self._run_graph(asset, arguments, partition_keys)
        else:
            returned = finished(asset.invoke(context, arguments, resources), self._note)
        made = outcome_of(asset, returned)
        results = inline_results(asset, step.checks, made.check_results)
        added = {} if made.value is UNSET else self._store(asset, made.value, partition_keys)
        if context is not None:
            added = {**added, **context.added_metadata}
        if made.data_version is None and version is not None:
            made = replace(made, data_version=version)
        checked = [evaluated(toolbox, c, results[key_of(c)], partition=c.partition) for c in step.checks]
        return StepEnd(
            events=[self._materialized(asset, made, {**added, **made.metadata}), *checked],
            error=failure_of(checked),
            shut_gates=gates_shut_by(checked),
            value=made.value,
        )

    def _asset_context(
        self,
        asset: AssetsDefinition,
        resources: Mapping[str, Any],
        config: StepConfig,
        input_keys: Mapping[str, Sequence[str]],
    ) -> AssetExecutionContext:
        toolbox = self._toolbox
        keys = tuple(partition for _, partition in self._step.targets if partition is not None)
        return AssetExecutionContext(
            asset_key=asset.key,
            run_id=toolbox.run_id,
            partition_keys=keys or None,
            partitions_def=asset.partitions_def,
            input_partition_keys=input_keys,
            resources=resources,
            log=toolbox.log,
            run_tags=toolbox.run_tags,
            run_config=toolbox.run_config,
            op_config=config.data,
            instance=toolbox.open_instance,
            selected_asset_check_keys=frozenset(map(key_of, self._step.checks)),
            retry_number=self._retry_number,
        )

    def _run_graph(
        self, asset: AssetsDefinition, arguments: dict[str, Any], partition_keys: Sequence[str] | None
    ) -> Any:
        return run_graph(
            self._toolbox,
            asset,
            self._step.step_key,
            arguments,
            partition_keys=partition_keys,
            tell=self._tell,
            pause=self._toolbox.pause,
        )

    def _store(
        self, asset: AssetsDefinition, value: Any, partition_keys: Sequence[str] | None
    ) -> dict[str, MetadataValue]:
        """Hand the value to the asset's IO manager; returns the metadata that it added."""
        context = OutputContext(
            asset_key=asset.key,
            partition_keys=partition_keys,
            partitions_def=asset.partitions_def,
            metadata=asset.metadata,
            resources=self._toolbox.resources,
            log=self._toolbox.log,
            run_id=self._toolbox.run_id,
            step_key=self._step.step_key,
        )
        self._toolbox.io_manager(asset.io_manager_key).handle_output(context, value)
        return dict(context.added_metadata)

    def _materialized(
        self, asset: AssetsDefinition, made: Made, metadata: dict[str, MetadataValue]
    ) -> AssetMaterialized:
        event = AssetMaterialized(
            asset_key=self._step.asset_key,
            partition=self._step.partition,
            run_id=self._toolbox.run_id,
            step_key=self._step.step_key,
            data_version=made.data_version,
            code_version=asset.code_version,
            metadata=redacted_data(metadata_to_json(metadata)),
            tags=made.tags,
        )
        if metadata or made.tags or made.data_version:
            check_storable(event, str(asset))
        return event

    # ---- observable sources ------------------------------------------------------------------------------------------

    def _observe(self) -> StepEnd:
        toolbox, step = self._toolbox, self._step
        asset = toolbox.asset(step.asset_key)
        config = toolbox.config_of(asset)
        resources = toolbox.resources_for(asset.resource_names, asset)
        arguments = {CONFIG_NAME: config.argument} if asset.signature.takes_config else {}
        if asset.takes_context:
            self._context = self._asset_context(asset, resources, config, {})
        self._code_started_at = datetime.now(UTC)
        result = finished(asset.invoke(self._context, arguments, resources), self._note)
        seen, check_results = observations_of(asset, result)
        results = inline_results(asset, step.checks, check_results)
        checked = [evaluated(toolbox, c, results[key_of(c)], partition=c.partition) for c in step.checks]
        return StepEnd(
            events=[*(self._observed(asset, one) for one in seen), *checked],
            error=failure_of(checked),
            shut_gates=gates_shut_by(checked),
        )

    def _observed(self, asset: AssetsDefinition, seen: Seen) -> AssetObserved:
        event = AssetObserved(
            asset_key=seen.asset_key,
            partition=seen.partition or self._step.partition,
            run_id=self._toolbox.run_id,
            data_version=seen.data_version,
            metadata=redacted_data(metadata_to_json(seen.metadata)),
            tags=seen.tags,
        )
        check_storable(event, str(asset))
        return event

    # ---- checks ------------------------------------------------------------------------------------------------------

    def _evaluate_checks(self) -> StepEnd:
        toolbox, step = self._toolbox, self._step
        check = self._definition_of_checks()
        config = toolbox.config_of(check)
        resources = toolbox.resources_for(check.resource_names, check)
        partition_keys = None if step.partition is None else (step.partition,)
        input_keys = keys_of_check(toolbox, check, step)
        arguments = load_for_check(toolbox, check, partition_keys, input_keys)
        context = None
        if check.takes_context:
            context = self._context = check_context(
                toolbox, check, step.checks, partition_keys, config.data, input_keys
            )
        self._code_started_at = datetime.now(UTC)
        returned = finished(check.invoke(context, arguments, resources, config.argument), self._note)
        results = results_of(check, step.checks, returned, is_several=isinstance(returned, Yielded))
        events = [
            evaluated(toolbox, planned, results[key_of(planned)], partition=planned.partition)
            for planned in step.checks
            if key_of(planned) in results
        ]
        return StepEnd(events=[*events], error=failure_of(events), shut_gates=gates_shut_by(events))

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
