"""What a function says of assets beside its own outcome, as events of the run: `context.log_event`, or yielded."""

from __future__ import annotations

from ...definitions.asset_events import AssetCheckEvaluation, AssetEvent, AssetMaterialization
from ...definitions.env import redacted_data
from ...definitions.metadata import metadata_to_json
from ...storage.events import AssetCheckEvaluated, AssetMaterialized, AssetObserved
from .failures import check_storable
from .plan import StepPlan
from .toolbox import Toolbox


def logged_event(
    toolbox: Toolbox, step: StepPlan, event: AssetEvent
) -> AssetMaterialized | AssetObserved | AssetCheckEvaluated:
    """The event of the log for what was said in a step.

    Raises:
        ExecutionError: it cannot be stored as JSON.
    """
    key, metadata = str(event.asset_key), redacted_data(metadata_to_json(event.metadata))
    if isinstance(event, AssetCheckEvaluation):
        made = AssetCheckEvaluated(
            asset_key=key,
            check_name=event.check_name,
            partition=event.partition,
            run_id=toolbox.run_id,
            passed=event.passed,
            severity=event.severity.value,
            blocking=event.blocking,
            description=redacted_data(event.description),
            metadata=metadata,
        )
    elif isinstance(event, AssetMaterialization):
        made = AssetMaterialized(
            asset_key=key,
            partition=event.partition,
            run_id=toolbox.run_id,
            step_key=step.step_key,
            data_version=event.data_version,
            description=redacted_data(event.description),
            metadata=metadata,
            tags=event.tags,
        )
    else:
        made = AssetObserved(
            asset_key=key,
            partition=event.partition,
            run_id=toolbox.run_id,
            data_version=event.data_version,
            description=redacted_data(event.description),
            metadata=metadata,
            tags=event.tags,
        )
    check_storable(made, f"what was logged of asset {key!r}")
    return made
