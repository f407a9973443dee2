"""From ready partitions to runs.

Assets that are linked by dependencies which one run can serve form a *unit*. A run makes some partitions of a unit, at
most as many as its policy says, of all those of its assets for which they are ready. A run is put off while it could
still grow: a single run until nothing of its unit is missing, and one of several partitions until it is full. When
nothing else is left to be made, it goes as it is.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from pyroaring import BitMap

from ....definitions.snapshot import DefinitionsSnapshot
from ....storage.state import BackfillProgress
from ...evaluation.grouping import linked
from ...evaluation.moment import max_per_run
from .frontier import Frontier


@dataclass(frozen=True, slots=True)
class Slice:
    """What one run is to make: these assets, each for the same partitions."""

    assets: tuple[str, ...]
    bits: BitMap


@dataclass(frozen=True, slots=True)
class Unit:
    assets: tuple[str, ...]
    max_per_run: int | None

    @property
    def grows(self) -> bool:
        """Whether a run may be worth waiting for."""
        return self.max_per_run != 1


def units_of(frontier: Frontier, definitions: DefinitionsSnapshot) -> list[Unit]:
    """The units of a backfill, those furthest downstream first: what has been begun is finished before more is."""
    defined = [key for key in frontier.keys if key in frontier.defined]
    units = []
    for assets in linked(defined, frontier.joined):
        limits = [limit for key in assets if (limit := max_per_run(definitions.assets[key])) is not None]
        units.append(Unit(assets, min(limits, default=None)))
    return units[::-1]


def slices_of(
    unit: Unit,
    frontier: Frontier,
    progress: Mapping[str, BackfillProgress],
    *,
    held: BitMap,
    limit: int,
    as_it_is: bool,
) -> Iterator[Slice]:
    """At most `limit` runs of what is ready in `unit` and not `held`; runs that could still grow only if `as_it_is`."""
    ready = {key: bits for key in unit.assets if (bits := frontier.makeable(key, progress) - held)}
    if not ready or limit <= 0:
        return
    whole = as_it_is or not (unit.grows and _can_grow(unit, frontier, progress))
    if unit.max_per_run is None and not whole:
        return
    for assets, bits in _alike(ready):
        for together in linked(assets, frontier.joined):
            size = unit.max_per_run or len(bits)
            head = bits[: limit * size]
            for start in range(0, len(head), size):
                chunk = head[start : start + size]
                if limit > 0 and (whole or len(chunk) == size):
                    limit -= 1
                    yield Slice(together, chunk)


def _can_grow(unit: Unit, frontier: Frontier, progress: Mapping[str, BackfillProgress]) -> bool:
    return any(progress[key].waiting - frontier.ready[key] for key in unit.assets)


def _alike(ready: Mapping[str, BitMap]) -> list[tuple[tuple[str, ...], BitMap]]:
    """The partitions of `ready`, grouped by the assets that have them."""
    groups: list[tuple[tuple[str, ...], BitMap]] = [((), BitMap.union(*ready.values()))]
    for key, bits in ready.items():
        split = []
        for assets, group in groups:
            split += [((*assets, key), group & bits), (assets, group - bits)]
        groups = [(assets, group) for assets, group in split if group]
    return sorted(groups, key=lambda group: group[1].min())
