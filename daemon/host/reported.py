"""What user code says happened to assets, as events of the log: reports from outside of any run."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from ...definitions.errors import InvalidInvocationError
from ...definitions.events_by_users import (
    CODE_VERSION_TAG,
    DATA_VERSION_TAG,
    AssetCheckEvaluation,
    AssetMaterialization,
    AssetObservation,
)
from ...definitions.metadata import metadata_to_json
from ...storage import events as e


def reported_events(said: Iterable[Any]) -> list[e.Event]:
    """The events of what a sensor reported.

    Raises:
        InvalidInvocationError: one of them is no materialization, observation or check evaluation.
    """
    return [_event(one) for one in said]


def _event(said: Any) -> e.Event:
    metadata: Any = metadata_to_json(getattr(said, "metadata", {}))
    if isinstance(said, AssetMaterialization):
        return e.AssetMaterialized(
            asset_key=str(said.asset_key),
            partition=said.partition,
            origin="report",
            data_version=said.tags.get(DATA_VERSION_TAG),
            code_version=said.tags.get(CODE_VERSION_TAG),
            description=said.description,
            metadata=metadata,
            tags=_without_versions(said.tags),
        )
    if isinstance(said, AssetObservation):
        return e.AssetObserved(
            asset_key=str(said.asset_key),
            partition=said.partition,
            data_version=said.tags.get(DATA_VERSION_TAG),
            metadata=metadata,
            tags=_without_versions(said.tags),
        )
    if isinstance(said, AssetCheckEvaluation):
        return e.AssetCheckEvaluated(
            asset_key=str(said.asset_key),
            check_name=said.check_name,
            partition=said.partition,
            passed=said.passed,
            severity=said.severity.value,  # type: ignore[arg-type]
            blocking=said.blocking,
            description=said.description,
            metadata=metadata,
        )
    raise InvalidInvocationError(
        f"asset_events holds {said!r}. Give AssetMaterialization, AssetObservation or AssetCheckEvaluation."
    )


def _without_versions(tags: dict[str, str]) -> dict[str, str]:
    return {key: value for key, value in tags.items() if key not in (DATA_VERSION_TAG, CODE_VERSION_TAG)}
