"""What changed between two moments of a log, as plain data."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import Any

from ..definitions.snapshot import DefinitionsSnapshot
from . import events as e
from .as_of import jsonable
from .log import StoredEvent
from .state import State

ENDS: dict[type[e.Event], str] = {e.RunSucceeded: "succeeded", e.RunFailed: "failed", e.RunCancelled: "cancelled"}

Results = dict[tuple[str, str, str | None], str]
"""The last result of each check: by asset, name and partition."""


@dataclass(slots=True)
class AssetBetween:
    """What happened to one asset: its partitions in the order in which they were first made or failed (None: the whole
    of an asset without), and how often."""

    key: str
    materialized: dict[str | None, int] = field(default_factory=dict)
    failed: dict[str | None, int] = field(default_factory=dict)
    wiped: int = 0


@dataclass(frozen=True, slots=True)
class CheckFlipped:
    """A check whose last result is another one than it was: passed, warned or failed, None where there was none."""

    asset_key: str
    name: str
    partition: str | None
    before: str | None
    after: str | None


@dataclass(frozen=True, slots=True)
class FreshnessBetween:
    """An asset that stands otherwise to its freshness policy than it did."""

    asset_key: str
    before: str | None
    after: str | None


@dataclass(slots=True)
class RunBetween:
    """A run of which anything happened: its request, a worker that claimed it, its end."""

    run_id: str
    assets: tuple[str, ...] = ()
    origin: str | None = None
    requested_at: datetime | None = None
    started_at: datetime | None = None
    ended_at: datetime | None = None
    outcome: str | None = None


@dataclass(frozen=True, slots=True)
class DefinitionsBetween:
    """Definitions that replaced others: the assets that came, went, and are defined otherwise."""

    before: str
    after: str
    added: tuple[str, ...]
    removed: tuple[str, ...]
    changed: tuple[str, ...]


@dataclass(slots=True)
class Between:
    """The difference between the moments after the events at `offset_first` and `offset_last`."""

    offset_first: int
    offset_last: int
    at_first: datetime
    at_last: datetime
    assets: dict[str, AssetBetween] = field(default_factory=dict)
    checks: list[CheckFlipped] = field(default_factory=list)
    freshness: list[FreshnessBetween] = field(default_factory=list)
    runs: dict[str, RunBetween] = field(default_factory=dict)
    definitions: DefinitionsBetween | None = None

    def to_json(self) -> dict[str, Any]:
        data = asdict(self)
        for asset in data["assets"].values():
            for what in ("materialized", "failed"):
                asset[what] = [{"partition": key, "count": count} for key, count in asset[what].items()]
        return jsonable({**data, "assets": list(data["assets"].values()), "runs": list(data["runs"].values())})

    def take(self, stored: StoredEvent, state: State) -> None:
        """Note one event, which `state` is about to fold."""
        match event := stored.event:
            case e.AssetMaterialized():
                made = self._asset(event.asset_key).materialized
                made[event.partition] = made.get(event.partition, 0) + 1
            case e.AssetWiped():
                self._asset(event.asset_key).wiped += 1
            case e.StepFailed():
                for key, partition in _parts_of_step(state, event):
                    failed = self._asset(key).failed
                    failed[partition] = failed.get(partition, 0) + 1
            case e.RunRequested():
                assets = tuple(target.asset_key for target in event.targets)
                self.runs[event.run_id] = RunBetween(event.run_id, assets, event.origin, requested_at=stored.at)
            case e.RunStarted():
                self._run(event.run_id, state).started_at = stored.at
            case e.RunSucceeded() | e.RunFailed() | e.RunCancelled():
                run = self._run(event.run_id, state)
                run.ended_at, run.outcome = stored.at, ENDS[type(event)]
            case _:
                pass

    def _asset(self, key: str) -> AssetBetween:
        return self.assets.setdefault(key, AssetBetween(key))

    def _run(self, run_id: str, state: State) -> RunBetween:
        if run_id not in self.runs:
            known = state.runs.get(run_id)
            assets = tuple(target.asset_key for target in known.targets) if known else ()
            self.runs[run_id] = RunBetween(run_id, assets, known.origin if known else None)
        return self.runs[run_id]


def _parts_of_step(state: State, event: e.StepFailed) -> Iterable[tuple[str, str | None]]:
    """The partitions that a step was to make; none where it evaluates checks."""
    run = state.runs.get(event.run_id)
    step = run.steps.get(event.step_key) if run else None
    return step.handled_before if step else ()


def results_of(state: State) -> Results:
    """The last results of all checks."""
    return {
        (asset.key, name, table.space.key(ordinal)): result
        for asset in state.assets.values()
        for table in asset.tables
        for name, results in table.check_last.items()
        for result, bits in results.items()
        for ordinal in bits
    }


def flipped(before: Results, after: Results) -> list[CheckFlipped]:
    places = {**before, **after}
    return [
        CheckFlipped(*place, before.get(place), after.get(place))
        for place in places
        if before.get(place) != after.get(place)
    ]


def freshness_of(state: State) -> dict[str, str]:
    return {key: asset.freshness for key, asset in state.assets.items() if asset.freshness is not None}


def refreshed(before: dict[str, str], after: dict[str, str]) -> list[FreshnessBetween]:
    keys = {**before, **after}
    return [FreshnessBetween(key, before.get(key), after.get(key)) for key in keys if before.get(key) != after.get(key)]


def redefined(
    before: DefinitionsSnapshot | None, after: DefinitionsSnapshot | None, hashes: tuple[str, str]
) -> DefinitionsBetween | None:
    if hashes[0] == hashes[1]:
        return None
    was, now = (snapshot.assets if snapshot else {} for snapshot in (before, after))
    return DefinitionsBetween(
        *hashes,
        added=tuple(key for key in now if key not in was),
        removed=tuple(key for key in was if key not in now),
        changed=tuple(key for key in now if key in was and now[key] != was[key]),
    )
