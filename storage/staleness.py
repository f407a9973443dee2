"""Staleness: whether the data of an asset is what its code and its inputs would make of it now, and why it is not.

    statuses = Staleness(state, definitions, at=now)
    statuses.status("revenue")          # StaleStatus.STALE
    statuses.causes("revenue")[0].reason   # "has a new data version of orders"

A partition is *missing* if there is no data of it. It is *stale* if the step that made it
    1. ran under another code version than is declared now,
    2. had other dependencies than are declared now,
    3. or had read a partition of a dependency that has changed since.
Otherwise it is *fresh*: what was reported from outside is so until one of its dependencies changes.

It is told of one level: a stale dependency makes nothing stale until it is made anew, and then only if its data version
is another one. Data without a version (neither its code nor the asset has one) is new data each time. This looks at
what is there, and never at what automation will do about it.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import Enum

from pyroaring import BitMap

from ..definitions.snapshot import AssetSnapshot, DefinitionsSnapshot, DepSnapshot
from .state import State, mappings


class StaleStatus(Enum):
    """How the data of an asset, or of one partition of it, stands."""

    MISSING = "MISSING"
    STALE = "STALE"
    FRESH = "FRESH"


class StaleCauseCategory(Enum):
    """What changed."""

    CODE = "CODE"
    DEPENDENCIES = "DEPENDENCIES"
    DATA = "DATA"


@dataclass(frozen=True, slots=True)
class StaleCause:
    """One reason why a partition is stale. `dependency` and its partition are those that changed."""

    key: str
    partition: str | None
    category: StaleCauseCategory
    reason: str
    dependency: str | None = None
    dependency_partition: str | None = None


class Staleness:
    """The statuses of the assets of `definitions` at the instant `at`, each worked out when it is first asked for."""

    def __init__(self, state: State, definitions: DefinitionsSnapshot, *, at: datetime) -> None:
        self._state, self._definitions, self._at = state, definitions, at
        self._causes: dict[str, dict[int, list[StaleCause]]] = {}

    def status(self, key: str, partition: str | None = None) -> StaleStatus:
        """The status of an asset, or of one partition. A partitioned asset as a whole is fresh: ask for partitions.

        Raises:
            KeyError: no asset of this key is defined, or it has no such partition.
        """
        asset = self._definitions.assets[key]
        if asset.external or (asset.partitions is not None and partition is None):
            return StaleStatus.FRESH
        ordinal = self._ordinal(asset, partition)
        if ordinal in self.missing(key):
            return StaleStatus.MISSING
        return StaleStatus.STALE if ordinal in self._all_causes(asset) else StaleStatus.FRESH

    def causes(self, key: str, partition: str | None = None) -> list[StaleCause]:
        """Why it is stale; nothing where it is not."""
        asset = self._definitions.assets[key]
        if asset.external or (asset.partitions is not None and partition is None):
            return []
        return self._all_causes(asset).get(self._ordinal(asset, partition), [])

    def missing(self, key: str) -> BitMap:
        """The partitions of an asset that exist and hold no data."""
        asset = self._definitions.assets[key]
        return BitMap() if asset.external else self._side(key).existing - self._state.asset(key).table.materialized

    def stale(self, key: str) -> BitMap:
        """The partitions of an asset that are stale."""
        asset = self._definitions.assets[key]
        return BitMap() if asset.external else BitMap(self._all_causes(asset))

    def reasons(self, key: str) -> tuple[str, ...]:
        """All that any partition of an asset is stale because of, each once."""
        asset = self._definitions.assets[key]
        causes = {} if asset.external else self._all_causes(asset)
        return tuple(dict.fromkeys(cause.reason for of_one in causes.values() for cause in of_one))

    # ---- causes ------------------------------------------------------------------------------------------------------

    def _all_causes(self, asset: AssetSnapshot) -> dict[int, list[StaleCause]]:
        if asset.key not in self._causes:
            self._causes[asset.key] = causes = {}
            made = self._side(asset.key).existing & self._state.asset(asset.key).table.materialized
            self._add_code_and_dependencies(asset, made, causes)
            for dep in asset.deps:
                self._add_data(asset, dep, made, causes)
        return self._causes[asset.key]

    def _add_code_and_dependencies(
        self, asset: AssetSnapshot, made: BitMap, causes: dict[int, list[StaleCause]]
    ) -> None:
        declared = {dep.key for dep in asset.deps}
        for (code_version, deps), bits in self._state.asset(asset.key).table.provenance.made_with.items():
            found: list[tuple[StaleCauseCategory, str, str | None]] = []
            if asset.code_version is not None and code_version != asset.code_version:
                found.append((StaleCauseCategory.CODE, "has a new code version", None))
            if deps is not None:
                gone, added = sorted({*deps} - declared), sorted(declared - {*deps})
                removed = StaleCauseCategory.DEPENDENCIES
                found += [(removed, f"removed dependency on {key}", key) for key in gone]
                found += [(removed, f"has a new dependency on {key}", key) for key in added]
            for ordinal in bits & made if found else ():
                for category, reason, dependency in found:
                    cause = StaleCause(asset.key, self._key(asset, ordinal), category, reason, dependency)
                    causes.setdefault(ordinal, []).append(cause)

    def _add_data(
        self, asset: AssetSnapshot, dep: DepSnapshot, made: BitMap, causes: dict[int, list[StaleCause]]
    ) -> None:
        """What changed in a dependency after it was read. Only partitions that are newer than the oldest reading are
        looked at, and of these only the ones downstream of each."""
        own, up = self._state.asset(asset.key).table.provenance, self._side(dep.key)
        table = self._state.asset(dep.key).table
        upstream, made_from = table.provenance, table.made_from
        oldest = min((own.read_at[ordinal] for ordinal in made), default=0)
        defined = self._definitions.assets.get(dep.key)
        for place, made_at in upstream.made_at.items():
            if made_at <= oldest:
                continue
            together = made_from[place]  # a step that makes both is no change to itself
            down = mappings.downstream(dep.mapping, BitMap([place]), up=up, down=self._side(asset.key)) & made
            for ordinal in down:
                read_at = int(own.read_at[ordinal])
                if (together and together == read_at) or not upstream.has_changed(place, read_at):
                    continue
                is_versioned = place in upstream.changes or (defined is not None and defined.code_version is not None)
                what = "data version" if is_versioned else "materialization"
                cause = StaleCause(
                    asset.key,
                    self._key(asset, ordinal),
                    StaleCauseCategory.DATA,
                    f"has a new {what} of {dep.key}",
                    dep.key,
                    table.space.key(place),
                )
                causes.setdefault(ordinal, []).append(cause)

    # ---- partitions --------------------------------------------------------------------------------------------------

    def _side(self, key: str) -> mappings.Side:
        asset = self._definitions.assets.get(key)
        partitions = asset.partitions if asset else None
        existing = self._state.spaces.existing(partitions, self._at)
        if asset is None:
            return mappings.Side(self._state.space(key), existing, None)
        return mappings.Side.with_axes(self._state.spaces, partitions, existing, self._at)

    def _key(self, asset: AssetSnapshot, ordinal: int) -> str | None:
        return self._state.space(asset.key).key(ordinal)

    def _ordinal(self, asset: AssetSnapshot, partition: str | None) -> int:
        ordinal = self._state.space(asset.key).find(partition)
        if ordinal is None:
            raise KeyError(f"asset {asset.key!r} has no partition {partition!r}")
        return ordinal
