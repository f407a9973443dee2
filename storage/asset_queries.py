"""What an instance tells of assets: their newest events, and which partitions there are.

A question about one asset reads that asset's events, newest first, by the index, and no more of them than it needs.
Only where it is about what is under way (`get_status_by_partition`) it asks State, which is folded once and kept up.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from ..definitions.keys import AssetKey, CoercibleToAssetKey
from ..definitions.partitions.base import PartitionsDefinition
from . import events as e
from .entries import EventLogEntry
from .event_pages import MATERIALIZED, PAGE, WIPED, EventPages
from .folding import catch_up, folded
from .log import StoredEvent
from .records import AssetPartitionStatus, AssetRecord, AssetRecordsFilter
from .state import State


class AssetQueries(EventPages):
    """The part of `Instance` that is about assets."""

    _state: State | None = None

    @property
    def state(self) -> State:
        """Everything that is so, folded from the whole log when it is first asked for and kept up afterwards."""
        if self._state is None:
            self._state = folded(self.log)
        else:
            catch_up(self._state, self.log)
        return self._state

    # ---- the newest events of an asset -------------------------------------------------------------------------------

    def get_latest_materialization_event(
        self, asset_key: CoercibleToAssetKey, partition_key: str | None = None
    ) -> EventLogEntry | None:
        """The newest materialization of an asset, of the given partition or whatever its partition; None where it was
        never made, or wiped since.

        >>> offset = instance.report_runless_asset_event(AssetMaterialization("orders", metadata={"rows": 3}))
        >>> instance.get_latest_materialization_event("orders").asset_materialization.metadata["rows"].value
        3
        """
        key = str(AssetKey.of(asset_key))
        if partition_key is not None:
            found = self.log.query(
                asset_key=key, types=[MATERIALIZED], partitions=[partition_key], newest_first=True, limit=1
            )
            return EventLogEntry.of(found[0]) if found and not self._is_wiped(key, found[0], partition_key) else None
        gone: set[str | None] = set()
        for stored in self._newest(key, (MATERIALIZED, WIPED)):
            event = stored.event
            if isinstance(event, e.AssetWiped):
                if event.partitions is None:
                    return None
                gone.update(first for first, _ in event.partitions)
            elif isinstance(event, e.AssetMaterialized) and event.partition not in gone:
                return EventLogEntry.of(stored)
        return None

    def _is_wiped(self, asset_key: str, made: StoredEvent, partition: str) -> bool:
        wipes = self.log.query(asset_key=asset_key, types=[WIPED], after=made.offset)
        ranges = [wipe.event.partitions for wipe in wipes if isinstance(wipe.event, e.AssetWiped)]
        return any(keys is None or (partition, partition) in keys for keys in ranges)

    def get_latest_materialization_events(
        self, asset_keys: Iterable[CoercibleToAssetKey]
    ) -> dict[AssetKey, EventLogEntry | None]:
        """`get_latest_materialization_event` of each."""
        return {AssetKey.of(key): self.get_latest_materialization_event(key) for key in asset_keys}

    def get_latest_materialization_code_versions(
        self, asset_keys: Iterable[CoercibleToAssetKey]
    ) -> dict[AssetKey, str | None]:
        """The code version of the newest materialization of each; None where it has none, or was never made."""
        latest = self.get_latest_materialization_events(asset_keys)
        return {
            key: made.event.code_version if made and isinstance(made.event, e.AssetMaterialized) else None
            for key, made in latest.items()
        }

    def get_latest_data_version_record(
        self, key: CoercibleToAssetKey, is_source: bool | None = None, partition_key: str | None = None
    ) -> EventLogEntry | None:
        """The newest event that told of the data of an asset or of one of its partitions; its `data_version` may be
        None, then the data has no version of its own.

        `is_source` chooses between observations (True) and materializations (False); None takes either.
        """
        partitions = None if partition_key is None else (partition_key,)
        found: list[EventLogEntry] = []
        if not is_source and (made := self.get_latest_materialization_event(key, partition_key)) is not None:
            found.append(made)
        if is_source is not False:
            found += self.fetch_observations(AssetRecordsFilter(key, asset_partitions=partitions), limit=1).records
        return max(found, key=lambda entry: entry.storage_id, default=None)

    def get_asset_records(self, asset_keys: Sequence[CoercibleToAssetKey] | None = None) -> list[AssetRecord]:
        """A record for each of the assets that was ever made or observed; of all assets where none are named."""
        keys = self.get_asset_keys() if asset_keys is None else [AssetKey.of(key) for key in asset_keys]
        records = [
            AssetRecord(
                key,
                self.get_latest_materialization_event(key),
                next(iter(self.fetch_observations(key, limit=1).records), None),
            )
            for key in keys
        ]
        return [r for r in records if r.last_materialization_record or r.last_observation_record]

    def get_asset_keys(
        self, prefix: Sequence[str] | None = None, limit: int | None = None, cursor: str | None = None
    ) -> list[AssetKey]:
        """The keys of all assets that the log has events of, in the order of their strings; those behind `cursor`, a
        key's string, where it is given."""
        if prefix is None:
            return [AssetKey.from_user_string(key) for key in self.log.asset_keys(after=cursor or "", limit=limit)]
        keys = map(AssetKey.from_user_string, self.log.asset_keys(after=cursor or ""))
        return [key for key in keys if key.has_prefix(prefix)][:limit]

    def has_asset_key(self, asset_key: CoercibleToAssetKey) -> bool:
        """Whether the log has any event of the asset."""
        return bool(self.log.query(asset_key=str(AssetKey.of(asset_key)), limit=1))

    def _newest(self, asset_key: str, types: Sequence[str]) -> Iterator[StoredEvent]:
        """Events of one asset, newest first: few at once at first, as the first is the answer most of the time."""
        before, size = None, 1
        while page := self.log.query(asset_key=asset_key, types=types, before=before, limit=size, newest_first=True):
            yield from page
            before, size = page[-1].offset, min(size * 10, PAGE)

    # ---- partitions --------------------------------------------------------------------------------------------------

    def get_materialized_partitions(
        self, asset_key: CoercibleToAssetKey, before_cursor: int | None = None, after_cursor: int | None = None
    ) -> set[str]:
        """The partition keys of an asset that were made, and not wiped since; between two offsets where these are
        given."""
        made: set[str] = set()
        gone: set[str] = set()
        after, before = after_cursor or 0, before_cursor
        while page := self.log.query(
            asset_key=str(AssetKey.of(asset_key)),
            types=[MATERIALIZED, WIPED],
            after=after,
            before=before,
            newest_first=True,
        ):
            for stored in page:
                event = stored.event
                if isinstance(event, e.AssetWiped):
                    if event.partitions is None:
                        return made
                    gone.update(first for first, _ in event.partitions)
                elif (key := getattr(event, "partition", None)) is not None and key not in gone:
                    made.add(key)
            before = page[-1].offset
        return made

    def get_status_by_partition(
        self,
        asset_key: CoercibleToAssetKey,
        partition_keys: Sequence[str],
        partitions_def: PartitionsDefinition | None = None,
    ) -> dict[str, AssetPartitionStatus | None]:
        """Where each of `partition_keys` stands: in progress, else failed, else materialized, else None."""
        asset = self.state.asset(str(AssetKey.of(asset_key)))
        found: dict[str, AssetPartitionStatus | None] = {}
        for key in partition_keys:
            found[key] = None
            if (place := asset.find(key)) is None:
                continue
            table, ordinal = place
            if table is asset.table and ordinal in asset.in_progress:
                found[key] = AssetPartitionStatus.IN_PROGRESS
            elif ordinal in table.failed:
                found[key] = AssetPartitionStatus.FAILED
            elif ordinal in table.materialized:
                found[key] = AssetPartitionStatus.MATERIALIZED
        return found
