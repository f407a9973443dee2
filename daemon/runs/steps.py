"""One step: load what it reads, call the user's function, store what came of it, and say so in events.

A step is tried here from the moment its `StepStarted` is in the log. Whatever goes wrong on the way, in resources, in
loading, in the user's code or in storing, fails the step and nothing else. Only an interrupt (ctrl-C) is none of the
step's business and goes on to whoever runs the run.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

from ...definitions.assets_definition import AssetsDefinition
from ...definitions.checks import AssetChecksDefinition
from ...definitions.context import AssetCheckExecutionContext, AssetExecutionContext
from ...definitions.env import redacted_data
from ...definitions.errors import AssetCheckFailed, ExecutionError
from ...definitions.io import OutputContext
from ...definitions.metadata import MetadataValue, metadata_to_json
from ...definitions.results import UNSET, AssetCheckResult
from ...definitions.signature import CONFIG_NAME
from ...storage.events import AssetCheckEvaluated, AssetMaterialized, Event, StepFailed, StepSucceeded
from .data_versions import computed_version
from .failures import check_storable, error_info
from .inputs import load_arguments, load_value, partition_keys_of_inputs
from .outputs import Made, Yielded, finished, outcome_of
from .plan import StepPlan
from .toolbox import StepConfig, Toolbox


@dataclass(slots=True)
class StepEnd:
    """How a step ended: the events that say so, and what only this process can know."""

    events: list[Event] = field(default_factory=list)
    error: BaseException | None = None
    gate_shut: bool = False
    """A blocking check that did not let its asset pass."""
    value: Any = UNSET


class StepAttempt:
    """One try at a step. `clock` starts when this is made."""

    def __init__(self, toolbox: Toolbox, step: StepPlan) -> None:
        self._toolbox, self._step = toolbox, step
        self._began = time.perf_counter()
        self._code_started_at: datetime | None = None

    def run(self) -> StepEnd:
        """Do it. Raises nothing but KeyboardInterrupt."""
        try:
            end = self._evaluate_check() if self._step.check_name is not None else self._make_asset()
        except KeyboardInterrupt:
            raise
        except BaseException as error:  # the border to user code: SystemExit ends the step, not the run
            return self._failed(error)
        end.events.append(self._step_succeeded() if end.error is None else self._step_failed(end.error))
        return end

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
        if step.check_name is not None and step.blocking:
            # A gate whose guard cannot speak stays shut.
            end.gate_shut = True
            end.events.append(
                AssetCheckEvaluated(
                    asset_key=step.asset_key,
                    check_name=step.check_name,
                    partition=step.partition,
                    run_id=self._toolbox.run_id,
                    passed=False,
                    severity="ERROR",
                    blocking=True,
                    description=f"the check raised {_told(error)}",
                )
            )
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
            context = AssetExecutionContext(
                asset_key=asset.key,
                run_id=toolbox.run_id,
                partition_keys=partition_keys,
                partitions_def=asset.partitions_def,
                input_partition_keys=input_keys,
                resources=resources,
                log=toolbox.log,
                run_tags=toolbox.run_tags,
                run_config=toolbox.run_config,
                op_config=config.data,
                instance=toolbox.open_instance,
            )
        self._code_started_at = datetime.now(UTC)
        made = outcome_of(asset, finished(asset.invoke(context, arguments, resources)))
        added = {} if made.value is UNSET else self._store(asset, made.value, partition_keys)
        if context is not None:
            added = {**added, **context.added_metadata}
        if made.data_version is None and version is not None:
            made = replace(made, data_version=version)
        return StepEnd(events=[self._materialized(asset, made, {**added, **made.metadata})], value=made.value)

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

    # ---- checks ------------------------------------------------------------------------------------------------------

    def _evaluate_check(self) -> StepEnd:
        toolbox, step = self._toolbox, self._step
        assert step.check_name is not None
        check = toolbox.definitions.check(step.asset_key, step.check_name)
        config = toolbox.config_of(check)
        resources = toolbox.resources_for(check.resource_names, check)
        partition_keys = None if step.partition is None else (step.partition,)
        value: Any = None
        if check.loads_asset is not None:
            value = load_value(toolbox, check.asset_key, name=check.loads_asset, keys=partition_keys)
        context = self._check_context(check, partition_keys, config) if check.takes_context else None
        self._code_started_at = datetime.now(UTC)
        result = _result_of(check, finished(check.invoke(context, value, resources, config.argument)))
        event = AssetCheckEvaluated(
            asset_key=step.asset_key,
            check_name=step.check_name,
            partition=step.partition,
            run_id=toolbox.run_id,
            passed=result.passed,
            severity=result.severity.value,
            blocking=step.blocking,
            description=redacted_data(result.description),
            metadata=redacted_data(metadata_to_json(result.metadata)),
        )
        if result.metadata or result.description:
            check_storable(event, str(check))
        if step.blocking and not result.passed and event.severity == "ERROR":
            failed = AssetCheckFailed(check.asset_key, check.check_name, step.partition, result.description)
            return StepEnd(events=[event], error=failed, gate_shut=True)
        return StepEnd(events=[event])

    def _check_context(
        self, check: AssetChecksDefinition, partition_keys: Sequence[str] | None, config: StepConfig
    ) -> AssetCheckExecutionContext:
        toolbox = self._toolbox
        return AssetCheckExecutionContext(
            asset_key=check.asset_key,
            check_name=check.check_name,
            run_id=toolbox.run_id,
            partition_keys=partition_keys,
            partitions_def=toolbox.definitions.get(check.asset_key).partitions_def,
            resources=toolbox.resources,
            log=toolbox.log,
            run_tags=toolbox.run_tags,
            run_config=toolbox.run_config,
            op_config=config.data,
            instance=toolbox.open_instance,
        )


def _told(error: BaseException) -> str:
    info = error_info(error)
    return f"{info.cls}: {info.message}"


def _result_of(check: AssetChecksDefinition, returned: Any) -> AssetCheckResult:
    if isinstance(returned, Yielded):
        if len(returned) != 1:
            raise ExecutionError(f"{check.source}: {check} yielded {len(returned)} results. Return exactly one.")
        returned = returned[0]
    return check.result_of(returned)
