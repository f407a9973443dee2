"""What the fold changed since the last tick took it: the pulses that a tick evaluates, and the assets it has to visit.

`updated` holds released updates: per asset, the position of the newest one of each partition (of several in one tick
the last one counts: it holds what the others held). Whatever else changes (progress, gates, failures) is in `parts`, by
partition, or in `touched`, where it concerns the asset as a whole or nobody says which partitions; updates are in
`parts` as well. An asset that neither changed nor has a changed dependency need not be visited.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from pyroaring import BitMap

from .causes import Causes
from .ordinals import OrdinalSpace
from .runs import Tags

NO_UPDATES = Causes()


@dataclass(slots=True)
class Changes:
    updated: dict[str, dict[int, int]] = field(default_factory=dict)
    owed: dict[str, dict[str, list[tuple[int, float, int]]]] = field(default_factory=dict)
    """Per asset and dependency: a step began, and partitions of the dependency were updated after the keys that the
    step was handed had been chosen. Each such partition, the position just behind the step's start, and the partition
    that the step makes."""
    held: dict[str, dict[int, int]] = field(default_factory=dict)
    """Updates that a gate or checks that have not spoken hold back: news only to those who are not gated by them."""
    freed: dict[str, BitMap] = field(default_factory=dict)
    """Of the `updated` partitions those that had been held, or whose gate alone has opened: no news to the same."""
    added: dict[str, BitMap] = field(default_factory=dict)
    """Per name of dynamic partitions, the keys that exist now and did not at the last tick."""
    same_data: dict[str, BitMap] = field(default_factory=dict)
    """Per asset, those of the `updated` partitions whose data is that which they had before."""
    made_in: dict[str, dict[int, list[Tags]]] = field(default_factory=dict)
    """Per asset and partition, the tags of each run that updated it; none for an update that no run made."""
    code_changed: dict[str, int] = field(default_factory=dict)
    """The assets that declare another code version than before, with the position from which that holds."""
    touched: set[str] = field(default_factory=set)
    parts: dict[str, BitMap] = field(default_factory=dict)
    definitions: bool = False
    """The definitions changed: every asset is visited."""

    switched: bool = False
    """Automation was paused or resumed: every asset is visited."""

    def update(
        self,
        asset_key: str,
        ordinal: int,
        position: int,
        *,
        same_data: bool = False,
        tags: Tags | None = None,
        is_freed: bool = False,
    ) -> None:
        """A released update of one partition, which a run of these `tags` made."""
        updated = self.updated.get(asset_key)
        if is_freed and (updated is None or ordinal not in updated):
            self.freed.setdefault(asset_key, BitMap()).add(ordinal)
        elif not is_freed and asset_key in self.freed:
            self.freed[asset_key].discard(ordinal)
        if updated is None:
            updated = self.updated[asset_key] = {}
        if same_data and ordinal not in updated:
            self.same_data.setdefault(asset_key, BitMap()).add(ordinal)
        elif not same_data and asset_key in self.same_data:
            self.same_data[asset_key].discard(ordinal)
        made_in = self.made_in.get(asset_key)
        runs = None if made_in is None else made_in.get(ordinal)
        if runs is None and tags:
            earlier: list[Tags] = [()] if ordinal in updated else []
            self.made_in.setdefault(asset_key, {})[ordinal] = [*earlier, tags]
        elif runs is not None and (tags or ()) not in runs:
            runs.append(tags or ())
        updated[ordinal] = position
        self.touch(asset_key, ordinal)

    def touch(self, asset_key: str, ordinal: int) -> None:
        """Something changed in one partition."""
        parts = self.parts.get(asset_key)
        if parts is None:
            parts = self.parts[asset_key] = BitMap()
        parts.add(ordinal)

    def touch_all(self, asset_key: str, bits: BitMap) -> None:
        """Something changed in each of these partitions."""
        self.parts[asset_key] = self.parts.get(asset_key, BitMap()) | bits

    def hold(self, asset_key: str, ordinal: int, position: int) -> None:
        """An update of one partition that is not released yet."""
        self.held.setdefault(asset_key, {})[ordinal] = position

    def keys_changed(self, name: str, keys: BitMap, *, added: bool) -> None:
        """Keys of dynamic partitions came or went."""
        before = self.added.get(name, BitMap())
        self.added[name] = before | keys if added else before - keys

    def renumber(self, asset_key: str, old: OrdinalSpace, new: OrdinalSpace) -> None:
        """Move what is noted of an asset's partitions to another space, by key."""
        if self.parts.pop(asset_key, None):
            self.touched.add(asset_key)
        moved = {new.find(old.key(n)): position for n, position in self.updated.pop(asset_key, {}).items()}
        if moved := {ordinal: position for ordinal, position in moved.items() if ordinal is not None}:
            self.updated[asset_key] = moved
        held = {new.find(old.key(n)): position for n, position in self.held.pop(asset_key, {}).items()}
        if still := {ordinal: position for ordinal, position in held.items() if ordinal is not None}:
            self.held[asset_key] = still
        freed = [new.find(old.key(n)) for n in self.freed.pop(asset_key, ())]
        if left := BitMap([n for n in freed if n is not None]):
            self.freed[asset_key] = left
        same = [new.find(old.key(n)) for n in self.same_data.pop(asset_key, ())]
        if there := BitMap([n for n in same if n is not None]):
            self.same_data[asset_key] = there
        runs = {new.find(old.key(n)): tags for n, tags in self.made_in.pop(asset_key, {}).items()}
        if kept := {n: tags for n, tags in runs.items() if n is not None}:
            self.made_in[asset_key] = kept
        for root, by_dep in self.owed.items():
            for dep, owed in by_dep.items():
                if asset_key in (root, dep):
                    by_dep[dep] = [
                        (there, position, made)
                        for place, position, of in owed
                        if (there := _moved(place, dep == asset_key, old, new)) is not None
                        and (made := _moved(of, root == asset_key, old, new)) is not None
                    ]

    def updates_of(self, asset_key: str) -> Causes:
        """The updates of one asset, grouped by position."""
        updated = self.updated.get(asset_key)
        return NO_UPDATES if updated is None else _grouped(updated)

    def landed_of(self, asset_key: str) -> Causes:
        """The same as they are to one who is not gated by the asset: where they landed, released or not."""
        freed, positions = self.freed.get(asset_key, ()), dict(self.held.get(asset_key, {}))
        for ordinal, position in self.updated.get(asset_key, {}).items():
            if ordinal not in freed:
                positions[ordinal] = max(position, positions.get(ordinal, 0))
        return _grouped(positions)

    def __bool__(self) -> bool:
        return bool(self.touched or self.parts or self.definitions or self.switched)


def _grouped(positions: dict[int, int]) -> Causes:
    groups: dict[float, BitMap] = {}
    for ordinal, position in positions.items():
        groups.setdefault(position, BitMap()).add(ordinal)
    return Causes._of_disjoint(sorted(groups.items(), reverse=True))


def _moved(ordinal: int, concerned: bool, old: OrdinalSpace, new: OrdinalSpace) -> int | None:
    return new.find(old.key(ordinal)) if concerned else ordinal
