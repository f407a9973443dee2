"""Looking at the sources of one step: what their function is given, and what is written of what it says.

A step looks at one source or at several of one function. Nothing is made: what was seen is told in one observation for
each source, or for each of its partitions. If the step fails, what was seen before is told nevertheless.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

from ...definitions.asset_events import AssetEvent
from ...definitions.context import AssetExecutionContext
from ...definitions.env import redacted_data
from ...definitions.metadata import metadata_to_json
from ...definitions.multi_assets import Member
from ...definitions.results import UNSET
from ...definitions.signature import CONFIG_NAME
from ...storage.events import AssetObserved
from .check_steps import evaluated, failure_of, gates_shut_by, inline_results, key_of
from .failures import check_storable
from .inputs import keys_of_step
from .observed import Observations, Seen
from .outputs import streamed
from .plan import StepPlan
from .step_end import StepEnd
from .toolbox import Toolbox


class Looking:
    """One attempt at looking at the sources of `step`. `note` is told of events that the function yields."""

    def __init__(
        self, toolbox: Toolbox, step: StepPlan, *, note: Callable[[AssetEvent], None], retry_number: int
    ) -> None:
        self._toolbox, self._step, self._note, self._retry_number = toolbox, step, note, retry_number
        self._assets = [toolbox.asset(key) for key in step.asset_keys]
        self._first = self._assets[0]
        self._told = Observations(self._assets)
        self.context: AssetExecutionContext | None = None
        self.code_started_at: datetime | None = None

    def run(self) -> StepEnd:
        """Look at them, and evaluate their inline checks. Whatever goes wrong is raised: see `after_failure`."""
        toolbox, first, step, told = self._toolbox, self._first, self._step, self._told
        config = toolbox.config_of(first)
        resources = toolbox.resources_for(first.resource_names, first)
        arguments = {CONFIG_NAME: config.argument} if first.signature.takes_config else {}
        if first.takes_context:
            self.context = self._made_context(resources, config.data)
        self.code_started_at = datetime.now(UTC)
        returned = streamed(first.invoke(self.context, arguments, resources), told.one, self._note)
        if returned is not UNSET:
            told.returned(returned)
        told.end()
        seen = {one.asset_key for one in told.seen}
        wanted = [check for check in step.checks if check.asset_key in seen]
        results = inline_results(self._assets, wanted, told.check_results)
        checked = [evaluated(toolbox, c, results[key_of(c)], partition=c.partition) for c in wanted]
        return StepEnd(
            events=[*map(self._observed, told.seen), *checked],
            error=failure_of(checked),
            shut_gates=gates_shut_by(checked),
            unmade=tuple(str(asset.key) for asset in self._assets if str(asset.key) not in seen),
        )

    def after_failure(self) -> StepEnd:
        """What is to be told of a step that failed: what was seen of several sources before."""
        if len(self._assets) == 1:
            return StepEnd()
        seen = {one.asset_key for one in self._told.seen}
        left = tuple(str(asset.key) for asset in self._assets if str(asset.key) not in seen)
        return StepEnd(events=[*map(self._observed, self._told.seen)], unmade=left)

    def _made_context(self, resources: Mapping[str, Any], op_config: Any) -> AssetExecutionContext:
        toolbox, first, step = self._toolbox, self._first, self._step
        is_one = not isinstance(first, Member) or len(first.whole.produced) == 1
        return AssetExecutionContext(
            asset_key=first.key if is_one else None,
            assets_def=getattr(first, "whole", first),
            selected_asset_keys=frozenset(asset.key for asset in self._assets),
            run_id=toolbox.run_id,
            partition_keys=keys_of_step(step, first),
            partitions_def=first.partitions_def,
            resources=resources,
            log=toolbox.log,
            run_tags=toolbox.run_tags,
            run_config=toolbox.run_config,
            op_config=op_config,
            instance=toolbox.open_instance,
            selected_asset_check_keys=frozenset(map(key_of, step.checks)),
            retry_number=self._retry_number,
        )

    def _observed(self, seen: Seen) -> AssetObserved:
        event = AssetObserved(
            asset_key=seen.asset_key,
            partition=seen.partition or self._step.partition,
            run_id=self._toolbox.run_id,
            data_version=seen.data_version,
            metadata=redacted_data(metadata_to_json(seen.metadata)),
            tags=seen.tags,
        )
        check_storable(event, f"asset {seen.asset_key!r}")
        return event
