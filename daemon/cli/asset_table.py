"""The table of assets: what State knows of each, counted."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from pyroaring import BitMap

from ...definitions.snapshot import AssetSnapshot, DefinitionsSnapshot
from ...storage.clock import SystemClock, from_microseconds
from ...storage.log import EventLog
from ...storage.staleness import Staleness
from ...storage.state import AssetState, State
from .catalog import folded
from .output import iso, print_table, shown_time


@dataclass(frozen=True, slots=True)
class CheckCounts:
    """Of how many partitions the last result of a check is which."""

    blocking: bool
    passed: int
    warned: int
    failed: int


@dataclass(frozen=True, slots=True, kw_only=True)
class AssetRow:
    """One asset. `total` is None where no definition says which partitions there should be."""

    key: str
    group: str | None
    is_external: bool
    is_partitioned: bool
    done: int
    total: int | None
    failed: int
    in_progress: int
    last_materialized: datetime | None
    stale: int = 0
    missing: int = 0
    stale_because: tuple[str, ...] = ()
    condition: str | None = None
    freshness: str | None = None
    """How it keeps its freshness policy: PASS, WARN, FAIL or UNKNOWN; None without a policy."""
    checks: dict[str, CheckCounts] = field(default_factory=dict)


def asset_rows(log: EventLog, definitions: DefinitionsSnapshot | None) -> list[AssetRow]:
    """A row for each defined asset, upstream first, and for each that was once made and is not defined (any more)."""
    state = folded(log, definitions)
    if state.definitions is None and not state.assets:
        return []
    now = SystemClock().now()
    defined = state.definitions.assets if state.definitions is not None else {}
    staleness = Staleness(state, state.definitions or DefinitionsSnapshot({}), at=now)
    rows = [_defined(state, asset, log, now, staleness) for asset in defined.values()]
    left = [
        asset
        for key, asset in sorted(state.assets.items())
        if key not in defined and asset.stray and asset.stray.known()
    ]
    return rows + [_undefined(asset, log) for asset in left]


def rows_as_json(rows: Sequence[AssetRow]) -> list[dict[str, Any]]:
    return [
        {
            "key": row.key,
            "group": row.group,
            "defined": row.total is not None,
            "external": row.is_external,
            "partitioned": row.is_partitioned,
            "partitions": {
                "done": row.done,
                "total": row.total,
                "failed": row.failed,
                "in_progress": row.in_progress,
            },
            "status": status_of(row),
            "stale": row.stale,
            "missing": row.missing,
            "stale_because": list(row.stale_because),
            "last_materialized": iso(row.last_materialized),
            "condition": row.condition,
            "freshness": row.freshness,
            "checks": {
                name: {
                    "blocking": counts.blocking,
                    "passed": counts.passed,
                    "warned": counts.warned,
                    "failed": counts.failed,
                }
                for name, counts in row.checks.items()
            },
        }
        for row in rows
    ]


def status_of(row: AssetRow) -> str | None:
    """The worst that can be said of any of its partitions; None for what is made elsewhere or not defined."""
    if row.is_external or row.total is None:
        return None
    return "missing" if row.missing else "stale" if row.stale else "fresh"


def print_rows(rows: Sequence[AssetRow]) -> None:
    columns = [
        "asset",
        "group",
        "partitions",
        "status",
        "failed",
        "in progress",
        "last materialised",
        "freshness",
        "condition",
        "checks",
    ]
    cells = [
        [
            row.key,
            row.group or "(not defined)",
            f"{row.done}/{row.total}" if row.total is not None else str(row.done),
            _status_in_words(row),
            str(row.failed or ""),
            str(row.in_progress or ""),
            shown_time(row.last_materialized) or "never",
            row.freshness or "",
            "(external)" if row.is_external else row.condition or "",
            _checks_in_words(row.checks),
        ]
        for row in rows
    ]
    print_table(columns, cells, right=("partitions", "failed", "in progress"))


def _defined(state: State, asset: AssetSnapshot, log: EventLog, now: datetime, staleness: Staleness) -> AssetRow:
    known = state.asset(asset.key)
    table, existing = known.table, state.spaces.existing(asset.partitions, now)
    return AssetRow(
        key=asset.key,
        group=asset.group,
        is_external=asset.external,
        is_partitioned=asset.partitions is not None,
        done=len(table.there() & existing),
        total=len(existing),
        failed=len(table.failed & existing),
        in_progress=len(known.in_progress),
        last_materialized=_last_materialized(log, asset.key),
        stale=len(staleness.stale(asset.key)),
        missing=len(staleness.missing(asset.key)),
        stale_because=staleness.reasons(asset.key),
        condition=None if asset.condition is None else str(asset.condition),
        freshness=_freshness(asset, known.made_at, now),
        checks={check.name: _counts(table.check_last.get(check.name, {}), check.blocking) for check in asset.checks},
    )


def _freshness(asset: AssetSnapshot, made_at: int, now: datetime) -> str | None:
    """By its policy and the clock, and so also where no daemon runs that would write down what changes."""
    if asset.freshness is None:
        return None
    state, _ = asset.freshness.standing(from_microseconds(made_at) if made_at else None, now)
    return state.value


def _undefined(asset: AssetState, log: EventLog) -> AssetRow:
    table = asset.stray or asset.table
    return AssetRow(
        key=asset.key,
        group=None,
        is_external=False,
        is_partitioned=any(table.space.key(ordinal) is not None for ordinal in table.known()),
        done=len(table.materialized),
        total=None,
        failed=len(table.failed),
        in_progress=len(asset.in_progress),
        last_materialized=_last_materialized(log, asset.key),
    )


def _last_materialized(log: EventLog, key: str) -> datetime | None:
    newest = log.query(asset_key=key, types=["asset_materialized"], newest_first=True, limit=1)
    return newest[0].at if newest else None


def _status_in_words(row: AssetRow) -> str:
    """The status itself where one thing can be said of all, else how many partitions are what."""
    status = status_of(row)
    if status is None or row.total is None or row.total <= 1:
        return status or ""
    counted = [f"{count} {word}" for count, word in ((row.stale, "stale"), (row.missing, "missing")) if count]
    return ", ".join(counted) or "fresh"


def _counts(results: dict[str, BitMap], blocking: bool) -> CheckCounts:
    count = {result: len(bits) for result, bits in results.items()}
    return CheckCounts(blocking, count.get("passed", 0), count.get("warned", 0), count.get("failed", 0))


def _checks_in_words(checks: dict[str, CheckCounts]) -> str:
    """What is not in order first; "passed" only where nothing else was ever said last."""
    if not checks:
        return ""
    failed = sum(counts.failed for counts in checks.values())
    warned = sum(counts.warned for counts in checks.values())
    passed = sum(counts.passed for counts in checks.values())
    said = [f"{failed} failed"] * (failed > 0) + [f"{warned} warned"] * (warned > 0)
    return ", ".join(said) or ("passed" if passed else "not run yet")
