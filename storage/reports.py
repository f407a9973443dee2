"""What is written to an instance from outside of any run: that something was made, seen or checked, or is gone."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from ..definitions.asset_events import AssetCheckEvaluation, AssetEvent, AssetMaterialization, AssetObservation
from ..definitions.errors import InvalidInvocationError
from ..definitions.keys import AssetKey, CoercibleToAssetKey
from ..definitions.metadata import metadata_to_json, normalize_metadata
from . import events as e
from .log import EventLog


class Reports:
    """The part of `Instance` that writes."""

    log: EventLog

    def report_materialization(
        self,
        key: CoercibleToAssetKey,
        partition: str | None = None,
        *,
        metadata: Mapping[str, Any] | None = None,
        data_version: str | None = None,
        description: str | None = None,
        tags: Mapping[str, str] | None = None,
    ) -> int:
        """Write that an outside system has made an asset or one partition of it; returns the offset of the event."""
        event = e.AssetMaterialized(
            asset_key=str(AssetKey.of(key)),
            partition=partition,
            origin="report",
            data_version=data_version,
            description=description,
            metadata=metadata_to_json(normalize_metadata(metadata)),  # type: ignore[arg-type]
            tags=dict(tags or {}),
        )
        return self.log.append([event])[0]

    def report_runless_asset_event(self, asset_event: AssetEvent) -> int:
        """Write what an outside system made, saw or checked; returns the offset of the event.

        >>> offset = instance.report_runless_asset_event(AssetMaterialization("orders", metadata={"rows": 3}))

        A failed evaluation closes the gate of its partition
        if it is `blocking` and its severity is ERROR.
        """
        return self.log.append([event_of(asset_event)])[0]

    def wipe_assets(self, asset_keys: Iterable[CoercibleToAssetKey]) -> None:
        """Count all that was made of these assets as missing. The data itself and the events in the log stay."""
        if isinstance(asset_keys, str):
            raise InvalidInvocationError(f"wipe_assets takes a list of keys: write [{asset_keys!r}].")
        self.log.append([e.AssetWiped(asset_key=str(AssetKey.of(key))) for key in asset_keys])

    def wipe_asset_partitions(self, asset_key: CoercibleToAssetKey, partition_keys: Sequence[str]) -> None:
        """Count these partitions of an asset as missing."""
        keys = tuple((key, key) for key in partition_keys)
        if keys:
            self.log.append([e.AssetWiped(asset_key=str(AssetKey.of(asset_key)), partitions=keys)])


def event_of(said: AssetEvent) -> e.AssetMaterialized | e.AssetObserved | e.AssetCheckEvaluated:
    """The event of the log that says what `said` says, without a run.

    Raises:
        InvalidInvocationError: `said` is none of the three.
    """
    match said:
        case AssetMaterialization():
            return e.AssetMaterialized(
                asset_key=str(said.asset_key),
                partition=said.partition,
                origin="report",
                data_version=said.data_version,
                description=said.description,
                metadata=metadata_to_json(said.metadata),  # type: ignore[arg-type]
                tags=said.tags,
            )
        case AssetObservation():
            return e.AssetObserved(
                asset_key=str(said.asset_key),
                partition=said.partition,
                data_version=said.data_version,
                description=said.description,
                metadata=metadata_to_json(said.metadata),  # type: ignore[arg-type]
                tags=said.tags,
            )
        case AssetCheckEvaluation():
            return e.AssetCheckEvaluated(
                asset_key=str(said.asset_key),
                check_name=said.check_name,
                partition=said.partition,
                passed=said.passed,
                severity=said.severity.value,
                blocking=said.blocking,
                description=said.description,
                metadata=metadata_to_json(said.metadata),  # type: ignore[arg-type]
            )
    raise InvalidInvocationError(
        f"{said!r} cannot be reported: use AssetMaterialization, AssetObservation or AssetCheckEvaluation."
    )
