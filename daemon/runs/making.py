"""Making the assets of one step: what their function is given, and what is written of what it gives back.

A step makes one asset or several of one function, each for one partition or several; a value that stands for several
partitions is the IO manager's to divide. What was made is told in one event for each asset and partition, all of them
in one transaction with the end of the step. If the step fails, what was made before is told nevertheless; of the rest,
what reads a part of this step that was not made has not been tried: it is skipped because of that.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

from ...definitions.asset_events import AssetEvent
from ...definitions.assets_definition import AssetsDefinition
from ...definitions.context import AssetExecutionContext
from ...definitions.dependencies import Dependency
from ...definitions.env import redacted_data
from ...definitions.errors import ExecutionError
from ...definitions.io import OutputContext
from ...definitions.keys import AssetKey
from ...definitions.metadata import MetadataValue, metadata_to_json
from ...definitions.multi_assets import Member
from ...definitions.ops.graph_asset import check_outputs
from ...definitions.results import UNSET, AssetCheckResult
from ...definitions.signature import CONFIG_NAME
from ...storage.events import AssetMaterialized, StepSkipped, Target
from .check_steps import evaluated, failure_of, gates_shut_by, inline_results, key_of
from .data_versions import computed_version, version_of_parts
from .driving import Tell
from .failures import check_storable
from .graph_outcomes import graph_outcome, graph_results
from .graph_step import GraphRun, run_graph
from .inputs import keys_of_step, load_arguments, partition_keys_of_inputs
from .outcomes import Outcomes
from .outputs import Made, finished, outcome_of, streamed
from .plan import StepPlan
from .step_end import StepEnd
from .toolbox import Toolbox


@dataclass(frozen=True, slots=True)
class _Taken:
    """An asset that was made, and what its IO manager said of it."""

    asset: AssetsDefinition
    made: Made
    added: Mapping[str, MetadataValue]


class Making:
    """One attempt at making the assets of `step`. `note` is told of events that the function yields."""

    def __init__(
        self, toolbox: Toolbox, step: StepPlan, *, tell: Tell, note: Callable[[AssetEvent], None], retry_number: int
    ) -> None:
        self._toolbox, self._step = toolbox, step
        self._tell, self._note, self._retry_number = tell, note, retry_number
        self.assets: list[AssetsDefinition] = [toolbox.asset(key) for key in step.asset_keys]
        self._first = first = self.assets[0]
        self._members = (
            [toolbox.asset(str(spec.key)) for spec in first.whole.specs] if isinstance(first, Member) else self.assets
        )
        self._partition_keys = keys_of_step(step, first)
        self._taken: dict[AssetKey, _Taken] = {}
        self._left_out: list[AssetsDefinition] = []
        self._versions: dict[AssetKey, str] = {}
        self.context: AssetExecutionContext | None = None
        self.code_started_at: datetime | None = None

    def run(self) -> StepEnd:
        """Make them, and evaluate their inline checks. Whatever goes wrong is raised: see `after_failure`."""
        toolbox, first = self._toolbox, self._first
        config = toolbox.config_of(first)
        resources = toolbox.resources_for(first.resource_names, first)
        deps = self._dependencies()
        input_keys = partition_keys_of_inputs(toolbox, first, deps, self._partition_keys, self._step.inputs)
        self._compute_versions(input_keys)
        arguments = load_arguments(toolbox, first, deps, input_keys)
        if first.signature.takes_config:
            arguments[CONFIG_NAME] = config.argument
        if first.takes_context:
            self.context = self._made_context(resources, config.data, input_keys)
        self.code_started_at = datetime.now(UTC)
        check_results = self._call(arguments, resources)
        return self._end(check_results)

    def after_failure(self) -> StepEnd:
        """What is to be told of a step that failed: what was made, and what was not even tried."""
        end = StepEnd(events=list(self._materialized(strict=False)), values=self._values())
        left = {asset.key for asset in self.assets if asset.key not in self._taken}
        end.unmade = tuple(str(key) for key in left)
        below = {asset.key for asset in self.assets if asset.key in left and _reads(asset, left - {asset.key})}
        if below:
            end.events.append(
                StepSkipped(
                    run_id=self._toolbox.run_id,
                    step_key=self._step.step_key,
                    targets=self._targets(below),
                    reason="upstream_failed",
                    blocked_by=self._targets(left - below),
                )
            )
        return end

    # ---- what the function is given ----------------------------------------------------------------------------------

    def _dependencies(self) -> list[Dependency]:
        """What the step reads, and what else the function takes, which need not be there."""
        if self._members is self.assets and len(self.assets) == 1:
            return list(self._first.deps)
        own = {asset.key for asset in self.assets}
        read: dict[AssetKey, Dependency] = {}
        for asset in self.assets:
            for dep in asset.deps:
                if dep.key not in own and (dep.key not in read or (dep.arg and not read[dep.key].arg)):
                    read[dep.key] = dep
        taken = {dep.arg for dep in read.values()}
        for member in self._members:
            for dep in member.deps:
                if dep.arg is not None and dep.arg not in taken:
                    read.setdefault(dep.key, replace(dep, value_optional=True))
                    taken.add(dep.arg)
        return list(read.values())

    def _compute_versions(self, input_keys: Mapping[str, Sequence[str]]) -> None:
        """The data versions that follow from the code's, of what is read as it is now; see `_version_of`."""
        if self._toolbox.open_instance is None:
            return
        own = {asset.key for asset in self.assets}
        for asset in self.assets:
            if asset.code_version is not None:
                instance = self._toolbox.open_instance()
                self._versions[asset.key] = computed_version(instance, asset, input_keys, without=own)

    def _made_context(
        self, resources: Mapping[str, Any], op_config: Any, input_keys: Mapping[str, Sequence[str]]
    ) -> AssetExecutionContext:
        toolbox, first = self._toolbox, self._first
        return AssetExecutionContext(
            asset_key=first.key if len(self._members) == 1 else None,
            assets_def=getattr(first, "whole", first),
            selected_asset_keys=frozenset(asset.key for asset in self.assets),
            run_id=toolbox.run_id,
            partition_keys=self._partition_keys,
            partitions_def=first.partitions_def,
            input_partition_keys=input_keys,
            resources=resources,
            log=toolbox.log,
            run_tags=toolbox.run_tags,
            run_config=toolbox.run_config,
            op_config=op_config,
            instance=toolbox.open_instance,
            selected_asset_check_keys=frozenset(map(key_of, self._step.checks)),
            retry_number=self._retry_number,
        )

    # ---- what it gives back ------------------------------------------------------------------------------------------

    def _call(self, arguments: dict[str, Any], resources: Mapping[str, Any]) -> Sequence[AssetCheckResult]:
        """Call the function and take what it gives; returns the results of inline checks."""
        first = self._first
        if not isinstance(first, Member):
            if first.graph is not None:
                made = graph_outcome(first, self._run_graph(arguments))
            else:
                made = outcome_of(first, finished(first.invoke(self.context, arguments, resources), self._note))
            if made is None:
                self._left_out = [first]
                return ()
            inline_results([first], self._step.checks, made.check_results)  # before anything is stored
            self._take(first, made)
            return made.check_results
        outcomes = Outcomes(self._members, self.assets, self._take)
        if first.graph is not None:
            for result in graph_results(self.assets, self._run_graph(arguments)):
                outcomes.one(result)
            self._left_out = outcomes.end(returned_nothing=True)
            return outcomes.check_results
        returned = streamed(first.invoke(self.context, arguments, resources), outcomes.one, self._note)
        if returned is not UNSET:
            outcomes.returned(returned)
        self._left_out = outcomes.end(returned_nothing=returned is None or returned is UNSET)
        return outcomes.check_results

    def _run_graph(self, arguments: dict[str, Any]) -> GraphRun:
        wanted = {asset.output_name for asset in self.assets}
        checks = {name for asset in self.assets for name in check_outputs(asset.check_specs)}
        return run_graph(
            self._toolbox,
            self._first,
            self._step.step_key,
            arguments,
            outputs=None if len(self.assets) == len(self._members) else wanted | checks,
            partition_keys=self._partition_keys,
            tell=self._tell,
            pause=self._toolbox.pause,
        )

    def _take(self, asset: AssetsDefinition, made: Made) -> None:
        added = {} if made.value is UNSET else self._store(asset, made.value)
        self._taken[asset.key] = _Taken(asset, made, added)

    def _store(self, asset: AssetsDefinition, value: Any) -> dict[str, MetadataValue]:
        """Hand the value to the asset's IO manager; returns the metadata that it added."""
        context = OutputContext(
            asset_key=asset.key,
            partition_keys=self._partition_keys,
            partitions_def=asset.partitions_def,
            metadata=asset.metadata,
            resources=self._toolbox.resources,
            log=self._toolbox.log,
            run_id=self._toolbox.run_id,
            step_key=self._step.step_key,
            name=asset.output_name,
        )
        self._toolbox.io_manager(asset.io_manager_key).handle_output(context, value)
        return dict(context.added_metadata)

    # ---- what is written ---------------------------------------------------------------------------------------------

    def _end(self, check_results: Sequence[AssetCheckResult]) -> StepEnd:
        made = {str(key) for key in self._taken}
        wanted = [check for check in self._step.checks if check.asset_key in made]
        results = inline_results(self._members, wanted, check_results)
        checked = [evaluated(self._toolbox, c, results[key_of(c)], partition=c.partition) for c in wanted]
        return StepEnd(
            events=[*self._materialized(strict=True), *checked],
            error=failure_of(checked),
            shut_gates=gates_shut_by(checked),
            values=self._values(),
            unmade=tuple(str(asset.key) for asset in self._left_out),
        )

    def _materialized(self, *, strict: bool) -> Sequence[AssetMaterialized]:
        """An event for each asset and partition that was made; if not `strict`, without those that cannot be stored."""
        events: list[AssetMaterialized] = []
        for taken in self._taken.values():
            try:
                events += self._events_of(taken)
            except ExecutionError:
                if strict:
                    raise
        return events

    def _events_of(self, taken: _Taken) -> list[AssetMaterialized]:
        asset, made = taken.asset, taken.made
        version = made.data_version if made.data_version is not None else self._version_of(asset)
        events: list[AssetMaterialized] = []
        for partition in self._partition_keys or (None,):
            said = self.context.metadata_of(asset.key, partition) if self.context is not None else {}
            metadata = {**taken.added, **said, **made.metadata}
            event = AssetMaterialized(
                asset_key=str(asset.key),
                partition=partition,
                run_id=self._toolbox.run_id,
                step_key=self._step.step_key,
                data_version=version,
                code_version=asset.code_version,
                metadata=redacted_data(metadata_to_json(metadata)),
                tags=made.tags,
            )
            if metadata or made.tags or made.data_version:
                check_storable(event, str(asset))
            events.append(event)
        return events

    def _version_of(self, asset: AssetsDefinition) -> str | None:
        """The version that follows from the code's; where the asset reads others of its step, from theirs as well."""
        own = self._versions.get(asset.key)
        read = [dep.key for dep in asset.deps if any(dep.key == other.key for other in self.assets)]
        if own is None or not read:
            return own
        return version_of_parts([own, *(self._made_version(key) or self._toolbox.run_id for key in sorted(read))])

    def _made_version(self, key: AssetKey) -> str | None:
        taken = self._taken.get(key)
        if taken is None:
            return None
        return taken.made.data_version or self._version_of(taken.asset)

    def _values(self) -> dict[str, Any]:
        return {str(key): taken.made.value for key, taken in self._taken.items() if taken.made.value is not UNSET}

    def _targets(self, keys: set[AssetKey]) -> tuple[Target, ...]:
        return tuple(
            Target(asset_key=str(asset.key), partitions=self._step.partitions)
            for asset in self.assets
            if asset.key in keys
        )


def _reads(asset: AssetsDefinition, keys: set[AssetKey]) -> bool:
    return any(dep.key in keys for dep in asset.deps)
