"""`explain`: why an asset is, or is not, asked for; from the log alone and without a daemon.

The condition is evaluated as the next tick would. Each node says whether it is true, for which partitions, and through
which event that last changed. Then what stands in the way: operands, and gates outside the condition. Why the asset was
last asked for is not evaluated again but read from the recorded decision.
"""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Any

from pyroaring import BitMap

from ...definitions.definitions import Definitions
from ...definitions.errors import InvalidInvocationError, UnknownPartition, did_you_mean
from ...definitions.keys import AssetKey, CoercibleToAssetKey
from ...definitions.snapshot import AssetSnapshot, DefinitionsSnapshot
from ...storage.clock import SystemClock
from ...storage.instance import Instance
from ...storage.log import EventLog
from ..leadership import running_daemon
from .blockers import Blocker, blockers
from .explained_tree import Found, found_tree
from .graph import ConditionGraph
from .last_change import Change, LastChanges
from .missed_periods import MissedPeriod, missed_periods
from .moment import Moment
from .past_moment import moment_at, place_of, settled_until
from .quick import QuickEvaluator
from .requests_of import given_up
from .root_cause import Link, chain
from .truth import nothing
from .visit import Visit
from .waiting import Wait, left_out, waits

MOST_KEYS = 1_000  # partition keys listed of one node


@dataclass(frozen=True, slots=True)
class ExplainedNode:
    """A node of the condition. `partitions` are the keys for which it is true, of `asset_key`; None: no partitions."""

    name: str
    description: str
    asset_key: str
    is_true: bool
    partitions: tuple[str, ...] | None
    changed_offset: int | None
    """The event through which it became what it is; None where none did, or it is not known."""
    changed_at: datetime | None
    changed_by: str | None
    """The type of that event; "schedule", without an offset, where a schedule fired."""
    children: tuple[ExplainedNode, ...] = ()


@dataclass(frozen=True, slots=True)
class Explanation:
    """Why an asset is or is not asked for, at one point of the log."""

    asset_key: str
    partition: str | None
    through: int
    at: datetime
    would_be_requested: bool
    tree: ExplainedNode | None
    """None for an asset without a condition."""
    blockers: tuple[Blocker, ...]
    waits: tuple[Wait, ...]
    """What keeps a request back although the condition may hold; if it does not, that the last attempt was in vain."""
    last_request: tuple[Link, ...]
    """Why it was last asked for: from the decision back to the root cause."""
    made_with: tuple[str, ...] = ()
    """The assets with a condition that one function makes together with it: it is made whenever one of these is."""
    missed: tuple[MissedPeriod, ...] = ()
    """The last periods of its schedules that it was not made in; of an asset as a whole only."""

    def to_json(self) -> dict[str, Any]:
        """All of it as JSON."""
        return _plain(asdict(self))


def explain(
    asset_key: CoercibleToAssetKey,
    instance: Instance,
    *,
    partition: str | None = None,
    at: datetime | int | None = None,
    defs: Definitions | None = None,
) -> Explanation:
    """Explain why automation does or does not ask for an asset, now or `at` an instant or an offset of the log.

    >>> explanation = explain("revenue", instance, defs=defs)
    >>> explanation.would_be_requested
    True

    The definitions are those of the log, as the daemon loaded them, unless `defs` are given. Of a partitioned asset
    without a `partition`, the tree is about all partitions, and what blocks is told of the latest.

    Raises:
        InvalidInvocationError: there is no such asset, or no such offset.
        UnknownPartition: the asset has no such partition.
    """
    key = AssetKey.of(asset_key).to_user_string()
    running = running_daemon(instance.home) is not None
    return explain_in(
        instance.log, key, partition=partition, at=at, definitions=defs and defs.snapshot(), is_daemon_running=running
    )


def explain_in(
    log: EventLog,
    key: str,
    *,
    partition: str | None = None,
    at: datetime | int | None = None,
    definitions: DefinitionsSnapshot | None = None,
    is_daemon_running: bool = False,
) -> Explanation:
    """`explain` over a log; `key` may be that of a check's node, `asset:check`. While a daemon runs, what landed is no
    news any more: it has ticked about it."""
    if isinstance(at, datetime) and at.tzinfo is None:
        at = at.replace(tzinfo=UTC)
    now = SystemClock().now()
    through, instant = place_of(log, at, now=now)
    settled = settled_until(log, now=now) if is_daemon_running else None
    moment = moment_at(log, through=through, at=instant, definitions=definitions, settled=settled)
    asset = _known(moment, key, through)
    assert moment is not None
    concerned = _concerned(moment, asset, partition)
    tree, blocking, waiting, missed, requested = None, [], [], [], False
    if asset.condition is not None:
        graph = ConditionGraph(moment.definitions)
        visit = Visit(moment, graph, QuickEvaluator(moment.definitions))
        visit.run_only({key, *graph.upstream_of(key)} & graph.conditions.keys())
        asked_for = moment.will_be_made(key) or nothing()
        if not moment.state.memory.seen(key, graph.seen(asset)):
            moment.initial.add(key)
        found = found_tree(moment, asset, concerned)
        tree = _Teller(log, moment, through).told(found)
        focus = found.bits if found.is_true else _latest(moment, key, concerned)
        blocking = blockers(found if focus == concerned else found_tree(moment, asset, focus), moment, asset)
        waiting = waits(moment, graph, asset, focus, found.truth)
        requested = bool(asked_for.bits & concerned)
        if not found.is_true and (end := given_up(log, moment.state, key, focus, through=through)) is not None:
            waiting.append(end)
        waiting += left_out(moment, asset, focus)
        missed = _missed(log, moment, asset, graph.seen(asset)) if partition is None else []
    return Explanation(
        asset_key=key,
        partition=partition,
        through=through,
        at=moment.at,
        would_be_requested=requested,
        tree=tree,
        blockers=tuple(blocking),
        waits=tuple(waiting),
        last_request=tuple(chain(log, moment.state, key, partition=partition, through=through)),
        made_with=_made_with(moment, key),
        missed=tuple(missed),
    )


def _known(moment: Moment | None, key: str, through: int) -> AssetSnapshot:
    if moment is None:
        raise InvalidInvocationError(f"nothing was defined yet at offset {through} of this log. Choose a later moment.")
    assets = moment.definitions.assets
    owner, _, check = key.partition(":")
    if key not in assets and owner in assets and any(known.name == check for known in assets[owner].checks):
        raise InvalidInvocationError(
            f"check {check!r} of {owner!r} has no automation condition: it runs with its asset. Explain {owner!r}."
        )
    if key not in assets:
        hint = did_you_mean(key, assets, f"Defined are: {', '.join(list(assets)[:10]) or 'none'}.")
        raise InvalidInvocationError(f"there is no asset {key!r} in this log. {hint}")
    return assets[key]


def _concerned(moment: Moment, asset: AssetSnapshot, partition: str | None) -> BitMap:
    existing = moment.existing(asset.key)
    if partition is None:
        return existing
    if asset.partitions is None:
        raise InvalidInvocationError(f"asset {asset.key!r} has no partitions: leave the partition out.")
    ordinal = moment.state.space(asset.key).find(partition)
    if ordinal is None or ordinal not in existing:
        raise UnknownPartition(partition, known=asset.partitions.describe(), asset=asset.key)
    return BitMap([ordinal])


def _latest(moment: Moment, key: str, concerned: BitMap) -> BitMap:
    return moment.latest(key) & concerned or concerned


def _made_with(moment: Moment, key: str) -> tuple[str, ...]:
    together = moment.definitions.made_together.get(key, ())
    return tuple(other for other in together if other != key and moment.definitions.assets[other].condition)


def _missed(log: EventLog, moment: Moment, asset: AssetSnapshot, mark: str) -> list[MissedPeriod]:
    evaluated = moment.state.memory.of(asset.key, mark)
    if not evaluated or asset.checked is not None:
        return []
    first = log.read(max(0, math.floor(evaluated.groups[0][0]) - 1), 1)[0].at
    return missed_periods(log, moment, asset, first=first)


class _Teller:
    """Puts nodes into words, each with the event through which it last changed."""

    def __init__(self, log: EventLog, moment: Moment, through: int) -> None:
        self._moment, self._changes = moment, LastChanges(log, moment, through)

    def told(self, found: Found) -> ExplainedNode:
        return self._told(found)[0]

    def _told(self, found: Found) -> tuple[ExplainedNode, Change | None]:
        below = [self._told(child) for child in found.children]
        change = self._changes.of(found, [change for _, change in below])
        node = ExplainedNode(
            name=found.name,
            description=found.node.description,
            asset_key=found.key,
            is_true=found.is_true,
            partitions=self._keys(found),
            changed_offset=change.offset if change else None,
            changed_at=change.at if change else None,
            changed_by=change.by if change else None,
            children=tuple(child for child, _ in below),
        )
        return node, change

    def _keys(self, found: Found) -> tuple[str, ...] | None:
        space = self._moment.state.space(found.key)
        keys = [space.key(ordinal) for ordinal in list(found.bits)[:MOST_KEYS]]
        return None if keys == [None] else tuple(key for key in keys if key is not None)


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _plain(one) for name, one in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(one) for one in value]
    return value.isoformat(timespec="microseconds") if isinstance(value, datetime) else value
