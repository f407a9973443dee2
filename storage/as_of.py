"""What was so at one moment of a log, counted, as plain data.

Made from State folded to that moment. What exists depends on the time: partitions are those that existed at the moment.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from typing import Any

from pyroaring import BitMap

from .clock import from_microseconds
from .state import AssetState, RunState, State


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckAsOf:
    """Of how many partitions the last result of a check was which."""

    passed: int = 0
    warned: int = 0
    failed: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class AssetAsOf:
    """One asset at a moment, its partitions counted; an asset without partitions counts as one.

    `total` and `missing` are None where no definition said which partitions there should be. `freshness` is what had
    last been said of it: PASS, WARN or FAIL, None where nothing had.
    """

    key: str
    defined: bool
    external: bool
    partitioned: bool
    materialized: int
    failed: int
    in_progress: int
    missing: int | None
    total: int | None
    last_materialized: datetime | None
    freshness: str | None
    checks: dict[str, CheckAsOf] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class RunAsOf:
    """A run that had been requested and had not ended. `under_way` are the keys of its steps that had begun."""

    run_id: str
    requested_at: datetime
    started: bool
    origin: str
    job_name: str | None
    assets: tuple[str, ...]
    under_way: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class BackfillAsOf:
    """A backfill that was active."""

    backfill_id: str
    title: str
    assets: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class AsOf:
    """Everything at one moment: that of the event at `offset`, or an instant `at` after it."""

    offset: int
    at: datetime
    definitions: str
    assets: dict[str, AssetAsOf]
    runs: tuple[RunAsOf, ...]
    backfills: tuple[BackfillAsOf, ...]

    def to_json(self) -> dict[str, Any]:
        return jsonable(asdict(self))


def as_of(state: State, at: datetime) -> AsOf:
    """What `state` says, seen at the instant `at`; assets upstream first, then those that nothing defines."""
    defined = state.definitions.assets if state.definitions else {}
    undefined = sorted(key for key, asset in state.assets.items() if key not in defined and asset.table.known())
    return AsOf(
        offset=state.through,
        at=at,
        definitions=state.definitions_hash,
        assets={key: _asset(state, key, at) for key in [*defined, *undefined]},
        runs=tuple(_run(run) for run in state.runs.values()),
        backfills=tuple(
            BackfillAsOf(
                backfill_id=backfill_id,
                title=backfill.title,
                assets=backfill.keys,
            )
            for backfill_id, backfill in state.backfills.active.items()
        ),
    )


def _asset(state: State, key: str, at: datetime) -> AssetAsOf:
    definition = state.definitions.assets.get(key) if state.definitions else None
    asset = state.assets.get(key) or AssetState(key, state.spaces.of(definition.partitions) if definition else None)
    table = asset.table
    existing = None if definition is None else state.spaces.existing(definition.partitions, at)
    there = table.there()

    def count(bits: BitMap) -> int:
        return len(bits if existing is None else bits & existing)

    external = definition is not None and definition.external
    return AssetAsOf(
        key=key,
        defined=definition is not None,
        external=external,
        partitioned=_is_partitioned(asset) if definition is None else definition.partitions is not None,
        materialized=count(there),
        failed=count(table.failed | BitMap(table.blocked)),
        in_progress=len(asset.in_progress),
        missing=None if existing is None or external else len(existing - there),
        total=None if existing is None else len(existing),
        last_materialized=from_microseconds(asset.made_at) if asset.made_at else None,
        freshness=asset.freshness,
        checks={name: _check(results) for name, results in sorted(table.check_last.items())},
    )


def _is_partitioned(asset: AssetState) -> bool:
    return any(asset.table.space.key(ordinal) is not None for ordinal in asset.table.known())


def _check(results: dict[str, BitMap]) -> CheckAsOf:
    return CheckAsOf(**{name: len(bits) for name, bits in results.items()})


def _run(run: RunState) -> RunAsOf:
    return RunAsOf(
        run_id=run.run_id,
        requested_at=from_microseconds(run.requested_at),
        started=run.started,
        origin=run.origin,
        job_name=run.job_name,
        assets=tuple(target.asset_key for target in run.targets),
        under_way=tuple(run.steps),
    )


def jsonable(value: Any) -> Any:
    """Plain data as JSON has it: instants as ISO 8601 in UTC with microseconds."""
    match value:
        case datetime():
            return value.astimezone(UTC).isoformat(timespec="microseconds")
        case dict():
            return {key: jsonable(item) for key, item in value.items()}
        case list() | tuple():
            return [jsonable(item) for item in value]
    return value
