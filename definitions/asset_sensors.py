"""Sensors on assets: woken by each materialization of what they watch, at once.

An asset sensor sees each materialization once, in the order of the log, beginning with those after it was first defined
or last switched on. A sensor on several assets is woken by any of them and looks at what it has not yet consumed; what
that is, it says itself (`advance_cursor`, `advance_all_cursors`).
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from .errors import InvalidInvocationError
from .evaluation_context import SensorEvaluationContext, opened_resources
from .keys import AssetKey, CoercibleToAssetKey
from .selection.base import AssetSelection
from .sensors import DefaultSensorStatus, SensorDefinition
from .source import SourceLine


class AssetSensorDefinition(SensorDefinition):
    """A sensor on the materializations of one asset. Usually made by `@asset_sensor`."""

    watches = "asset"
    handed = 1

    def __init__(self, name: str | None = None, asset_key: CoercibleToAssetKey = "", **described: Any) -> None:
        self.asset_key: AssetKey = AssetKey.of(asset_key)
        super().__init__(name, **described)


def asset_sensor(
    asset_key: CoercibleToAssetKey, *, job_name: str | None = None, name: str | None = None, **described: Any
) -> Callable[[Callable[..., Any]], AssetSensorDefinition]:
    """Make a sensor of a function that is handed each materialization of an asset, as an EventLogEntry.

    >>> @asset_sensor("orders", job=send_report)
    ... def on_orders(context, asset_event):
    ...     rows = asset_event.asset_materialization.metadata["rows"].value
    ...     return RunRequest(run_key=context.cursor) if rows else SkipReason("no rows")

    Takes what `@sensor` takes. `context.cursor` is the offset of the event in the log.
    """

    def decorate(fn: Callable[..., Any]) -> AssetSensorDefinition:
        return AssetSensorDefinition(
            name or fn.__name__,
            asset_key,
            evaluation_fn=fn,
            job_name=job_name,
            source=SourceLine.of(fn),
            **described,
        )

    return decorate


class MultiAssetSensorEvaluationContext(SensorEvaluationContext):
    """The context of a sensor on several assets: which of their materializations it has not consumed yet."""

    def __init__(self, *, monitored: Sequence[AssetKey], read: Callable[[AssetKey, int], Sequence[Any]], **shared: Any):
        """`read` gives the materializations of an asset behind an offset, oldest first."""
        super().__init__(**shared)
        self._monitored, self._read = list(monitored), read
        self._offsets: dict[str, int] = json.loads(self._cursor) if self._cursor else {}

    @property
    def asset_keys(self) -> Sequence[AssetKey]:
        """What it watches."""
        return self._monitored

    def materialization_records_for_key(self, asset_key: CoercibleToAssetKey, limit: int | None = None) -> list[Any]:
        """The unconsumed materializations of an asset, oldest first."""
        key = self._known(asset_key)
        return list(self._read(key, self._offsets.get(str(key), 0)))[:limit]

    def latest_materialization_records_by_key(
        self, asset_keys: Sequence[CoercibleToAssetKey] | None = None
    ) -> dict[AssetKey, Any]:
        """The newest unconsumed materialization of each asset; None where there is none."""
        keys = self._monitored if asset_keys is None else [self._known(key) for key in asset_keys]
        return {key: next(reversed(self.materialization_records_for_key(key)), None) for key in keys}

    def latest_materialization_records_by_partition(self, asset_key: CoercibleToAssetKey) -> dict[str, Any]:
        """The newest unconsumed materialization of each partition of an asset, in the order of these."""
        newest: dict[str, Any] = {}
        for record in self.materialization_records_for_key(asset_key):
            newest.pop(record.partition_key, None)
            newest[record.partition_key] = record
        return newest

    def latest_materialization_records_by_partition_and_asset(self) -> dict[str, dict[AssetKey, Any]]:
        """The same for all assets, by partition and then by asset."""
        found: dict[str, dict[AssetKey, Any]] = {}
        for key in self._monitored:
            for partition, record in self.latest_materialization_records_by_partition(key).items():
                found.setdefault(partition, {})[key] = record
        return found

    def advance_cursor(self, records: Mapping[Any, Any]) -> None:
        """Consume the materializations of each asset up to the given one."""
        for asset_key, record in records.items():
            if record is not None:
                key = str(self._known(asset_key))
                self._offsets[key] = max(self._offsets.get(key, 0), record.storage_id)
        self.update_cursor(json.dumps(self._offsets, sort_keys=True))

    def advance_all_cursors(self) -> None:
        """Consume everything."""
        self.advance_cursor(self.latest_materialization_records_by_key())

    def _known(self, asset_key: CoercibleToAssetKey) -> AssetKey:
        key = AssetKey.of(asset_key)
        if key not in self._monitored:
            raise InvalidInvocationError(f"sensor {self.sensor_name!r} does not watch asset {str(key)!r}.")
        return key


class MultiAssetSensorDefinition(SensorDefinition):
    """A sensor on several assets. Usually made by `@multi_asset_sensor`."""

    watches = "assets"

    def __init__(self, name: str | None = None, monitored_assets: Any = (), **described: Any) -> None:
        self.monitored: AssetSelection = AssetSelection.from_coercible(monitored_assets)
        super().__init__(name, **described)


def multi_asset_sensor(
    monitored_assets: Any,
    *,
    job_name: str | None = None,
    name: str | None = None,
    request_assets: Any = None,
    **described: Any,
) -> Callable[[Callable[..., Any]], MultiAssetSensorDefinition]:
    """Make a sensor of a function that is called when any of `monitored_assets` (a selection) was made.

    `request_assets` are the assets that its runs make. Takes what `@sensor` takes.
    """
    if request_assets is not None:
        described["asset_selection"] = request_assets

    def decorate(fn: Callable[..., Any]) -> MultiAssetSensorDefinition:
        return MultiAssetSensorDefinition(
            name or fn.__name__,
            monitored_assets,
            evaluation_fn=fn,
            job_name=job_name,
            source=SourceLine.of(fn),
            **described,
        )

    return decorate


def build_multi_asset_sensor_context(
    monitored_assets: Any,
    *,
    instance: Any = None,
    definitions: Any = None,
    repository_def: Any = None,
    cursor: str | None = None,
    resources: Mapping[str, Any] | None = None,
) -> MultiAssetSensorEvaluationContext:
    """A context to call a sensor on several assets with in a test; `instance` holds their materializations."""
    known = definitions or repository_def
    selection = AssetSelection.from_coercible(monitored_assets)
    keys = sorted(selection.resolve(known), key=str) if known is not None else _plain_keys(monitored_assets)

    def read(key: AssetKey, after: int) -> Sequence[Any]:
        return [] if instance is None else instance.materializations_after(key, after)

    return MultiAssetSensorEvaluationContext(
        monitored=keys,
        read=read,
        cursor=cursor,
        instance=instance,
        definitions=known,
        resources=opened_resources(resources, known),
    )


def _plain_keys(assets: Any) -> list[AssetKey]:
    listed: Iterable[Any] = assets if isinstance(assets, (list, tuple)) else [assets]
    if isinstance(assets, AssetSelection):
        raise InvalidInvocationError("a selection is resolved among definitions: pass definitions=defs too.")
    return [AssetKey.of(one) for one in listed]


__all__ = [
    "AssetSensorDefinition",
    "DefaultSensorStatus",
    "MultiAssetSensorDefinition",
    "MultiAssetSensorEvaluationContext",
    "asset_sensor",
    "build_multi_asset_sensor_context",
    "multi_asset_sensor",
]
