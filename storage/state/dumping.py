"""A State as plain data, and back: the content of a snapshot.

Each asset and each check is a dump of its own, so that a snapshot can share those that did not change with the one
before it; `rest` is everything else. Every class says here field by field how it is dumped. What is missing on purpose
is what is worked out again: definitions from their bytes, ordinal spaces from definitions, and caches.

Ordinals mean nothing without the space that gave them. Spaces of windows and of static keys follow from their
definition; the numbering of dynamic keys and of combinations is history, and is dumped. Each table names the
fingerprint of its space: where the definitions of today give none of that fingerprint, the dump is of no use.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

from ...definitions.partitions import MultiPartitionsDefinition
from .. import events as e
from .asked import Asked
from .assets import AssetState, Held, PartitionTable, Setback, stray_space
from .automation import ScheduleState, SensorState
from .backfills import BackfillProgress, BackfillState
from .conditions import ConditionAnswer
from .fold import State
from .ordinals import DynamicSpace, KeyedSpace, OrdinalSpace, Spaces
from .provenance import Provenance
from .runs import RunNote, RunState, StepState
from .shapes import (
    BITS,
    CAUSES,
    COLUMN,
    INSTANT,
    LIST,
    PLAIN,
    RECENT_UPDATES,
    SET,
    attributes,
    by_key,
    list_of,
    maybe,
    model,
    pair,
    rare,
    record,
    tuple_of,
)
from .switches import Switch
from .tuples import TupleSpace, _Block
from .unread import UnreadStates

FORMAT = 7
"""Of dumps. Whatever changes what stands in one, or what it means, is a new format; dumps of others are not read."""


class DumpDoesNotFit(Exception):
    """A dump is not of this program or not of these definitions: State has to be folded from elsewhere."""


class Unread(Mapping[str, Any]):
    """Packed states by key that are somewhere else."""

    @abstractmethod
    def read(self, keys: Collection[str]) -> dict[str, Any]:
        """Some of them."""

    def __getitem__(self, key: str) -> Any:
        return self.read([key])[key]


@dataclass(frozen=True, slots=True)
class Dump:
    """State through the offset `through`. All of it is plain data that shares nothing with the State it is of."""

    through: int
    timestamp: int
    assets: Mapping[str, Any]
    checks: Mapping[str, Any]
    rest: dict[str, Any]


# ---- assets ----------------------------------------------------------------------------------------------------------

_TABLE = {
    "update": COLUMN,
    "made_from": COLUMN,
    "handled": COLUMN,
    "chosen": COLUMN,
    "recent": maybe(RECENT_UPDATES),
    "asked": record(Asked, requests=tuple_of(pair(PLAIN, CAUSES))),
    "attempted": BITS,
    "materialized": BITS,
    "observed": BITS,
    "observable": PLAIN,
    "failed": BITS,
    "blocked": rare(SET),
    "check_failed": rare(BITS),
    "check_last": rare(by_key(BITS)),
    "held": rare(record(Held, made_from=PLAIN, run_id=PLAIN, outstanding=SET)),
    "setbacks": rare(record(Setback, count=PLAIN, at=PLAIN)),
    "versions": rare(PLAIN),
    "provenance": record(Provenance, made_at=COLUMN, read_at=COLUMN, made_with=rare(BITS), changes=rare(LIST)),
    "made_in": rare(BITS),
}
_pack_table = record(PartitionTable, **_TABLE).pack

_PROGRESS = record(BackfillProgress, waiting=BITS, in_flight=BITS, made=BITS, done=BITS, failed=BITS, lost=PLAIN)
_pack_asset, _restore_asset = attributes(
    files=rare(PLAIN),
    made_at=PLAIN,
    code_version=PLAIN,
    freshness=PLAIN,
    unstarted=rare(BITS),
    unmade=rare(BITS),
    backfills=rare(_PROGRESS),
)


def _dump_asset(asset: AssetState) -> dict[str, Any]:
    has_space = asset.table is not asset.stray
    return {
        "facts": _pack_asset(asset),
        "stray_keys": _keys(asset.stray.space) if asset.stray else [],
        "stray": _pack_table(asset.stray) if asset.stray else None,
        "space": asset.table.space.fingerprint if has_space else None,
        "table": _pack_table(asset.table) if has_space else None,
    }


def _load_asset(key: str, packed: dict[str, Any], spaces: dict[str, OrdinalSpace]) -> AssetState:
    fingerprint = packed["space"]
    if fingerprint is not None and fingerprint not in spaces:
        raise DumpDoesNotFit(f"{key!r} has partitions that the definitions do not know: {fingerprint}")
    asset = AssetState(key, spaces[fingerprint] if fingerprint is not None else None)
    if packed["stray"] is not None:
        stray = KeyedSpace(stray_space(key), packed["stray_keys"])
        asset.stray = asset.table = record(partial(PartitionTable, stray), **_TABLE).unpack(packed["stray"])
    if fingerprint is not None:
        asset.table = record(partial(PartitionTable, spaces[fingerprint]), **_TABLE).unpack(packed["table"])
    _restore_asset(asset, packed["facts"])
    return asset


def _keys(space: OrdinalSpace) -> list[str | None]:
    assert isinstance(space, KeyedSpace)
    return list(space._keys)


# ---- everything else -------------------------------------------------------------------------------------------------

_STEP = record(StepState, offset=PLAIN, handled_before=by_key(PLAIN), checks=PLAIN, checks_handled_before=by_key(PLAIN))
_RUN = record(
    RunState,
    run_id=PLAIN,
    offset=PLAIN,
    requested_at=PLAIN,
    targets=tuple_of(model(e.Target)),
    checks=tuple_of(model(e.PlannedCheck)),
    origin=PLAIN,
    priority=PLAIN,
    tags=PLAIN,
    run_config=PLAIN,
    job_name=PLAIN,
    definitions=PLAIN,
    backfill_id=PLAIN,
    started=PLAIN,
    steps=by_key(_STEP),
    note=PLAIN,
    failed=LIST,
)
_BACKFILL = record(
    BackfillState,
    backfill_id=PLAIN,
    offset=PLAIN,
    requested_at=PLAIN,
    origin=PLAIN,
    title=PLAIN,
    priority=PLAIN,
    tags=PLAIN,
    run_config=PLAIN,
    by_caller=PLAIN,
    keys=PLAIN,
    runs=SET,
    touched=SET,
)
_SENSOR = record(
    SensorState,
    name=PLAIN,
    through=PLAIN,
    cursor=PLAIN,
    switched=PLAIN,
    run_keys=SET,
    last_run_key=PLAIN,
    last=maybe(model(e.SensorEvaluated)),
    failures=PLAIN,
)
_SCHEDULE = record(
    ScheduleState,
    name=PLAIN,
    since=INSTANT,
    timed=PLAIN,
    switched=PLAIN,
    run_keys=SET,
    last=maybe(model(e.ScheduleEvaluated)),
)
_BLOCK = record(_Block, base=PLAIN, size=PLAIN, low=PLAIN, high=PLAIN, strides=PLAIN)

_PARTS = {
    "state": attributes(
        through=PLAIN,
        timestamp=PLAIN,
        term=PLAIN,
        definitions_hash=PLAIN,
        definitions_errors=PLAIN,
        runs=by_key(_RUN),
        blocks=by_key(by_key(SET)),
    ),
    "backfills": attributes(active=by_key(_BACKFILL), orphans=SET, _touched=SET),
    "memory": attributes(nodes=by_key(by_key(CAUSES)), first=by_key(PLAIN), left=by_key(BITS)),
    "automation": attributes(sensors=by_key(_SENSOR), schedules=by_key(_SCHEDULE)),
    "conditions": attributes(
        by_place=by_key(
            record(ConditionAnswer, last=model(e.ConditionEvaluated), is_known=PLAIN, true=CAUSES, cursor=PLAIN)
        )
    ),
    "last_tick": attributes(through=PLAIN, at=maybe(INSTANT), requested=by_key(BITS)),
    "changes": attributes(
        updated=by_key(by_key(PLAIN)),
        owed=by_key(by_key(LIST)),
        held=by_key(by_key(PLAIN)),
        freed=by_key(BITS),
        added=by_key(BITS),
        same_data=by_key(BITS),
        made_in=by_key(by_key(LIST)),
        code_changed=by_key(PLAIN),
        touched=SET,
        parts=by_key(BITS),
        definitions=PLAIN,
        switched=PLAIN,
    ),
    "switches": attributes(said=by_key(record(Switch, mode=PLAIN, offset=PLAIN, place=PLAIN))),
}
"""The attributes of State that are objects of their own, and "state" itself."""

_pack_dynamic, _restore_dynamic = attributes(_present=BITS)
_pack_tuples, _restore_tuples = attributes(_low=LIST, _high=LIST, _end=PLAIN, _blocks=list_of(_BLOCK))


def dump(state: State) -> Dump:
    """All that `state` says, apart from itself: it may go on at once."""
    assert not state.is_pinned, "a State under definitions that are not in the log"
    rest: dict[str, Any] = {name: pack(_part(state, name)) for name, (pack, _) in _PARTS.items()}
    rest["dynamic"] = {
        name: (_keys(space), list(space._added), _pack_dynamic(space)) for name, space in state.spaces._dynamic.items()
    }
    rest["tuples"] = {
        fingerprint: _pack_tuples(space)
        for fingerprint, space in state.spaces._by_fingerprint.items()
        if isinstance(space, TupleSpace)
    }
    rest["checks_of"] = {key: list(names) for key, names in state.checks._of_asset.items()}
    rest["spaces"] = sorted({one.table.space.fingerprint for one in _all(state) if one.table is not one.stray})
    rest["run_notes"] = {name: (sorted(note.keys), note.tags) for name, note in sorted(state.run_notes.notes.items())}
    return Dump(
        through=state.through,
        timestamp=state.timestamp,
        assets={key: _dump_asset(asset) for key, asset in state.assets.items()},
        checks={key: _dump_asset(check) for key, check in state.checks.states.items()},
        rest=rest,
    )


def load(dump: Dump, definitions_bytes: Callable[[str], bytes]) -> State:
    """The State that was dumped. What is only stored of it is read when it is looked at.

    Raises:
        DumpDoesNotFit: it is not of these definitions.
        LookupError: the bytes of its definitions are not at hand.
    """
    state, rest = State.empty(definitions_bytes), dump.rest
    for name, (_, restore) in _PARTS.items():
        restore(_part(state, name), rest[name])
    for name, (keys, added, packed) in rest["dynamic"].items():
        _fill(state.spaces.dynamic(name), keys, added, packed)
    state.run_notes.notes = {
        name: RunNote(frozenset(keys), tuple(tags)) for name, (keys, tags) in rest["run_notes"].items()
    }
    if state.definitions_hash:
        state.look_up_definitions(state.definitions_hash)
    spaces = _spaces(state, rest["tuples"])
    if lacking := {*rest["spaces"]} - spaces.keys():
        raise DumpDoesNotFit(f"it has partitions that the definitions do not know: {', '.join(sorted(lacking))}")
    state.assets = state.checks._assets = _states(dump.assets, spaces)
    state.checks.states = _states(dump.checks, spaces)
    for key, names in rest["checks_of"].items():
        state.checks._of_asset[key] = list(names)
        state.checks.parts.update({name: (key, name[len(key) + 1 :]) for name in names})
    return state


def _states(packed: Mapping[str, Any], spaces: dict[str, OrdinalSpace]) -> dict[str, AssetState]:
    def loaded(some: Mapping[str, Any]) -> dict[str, AssetState]:
        return {key: _load_asset(key, one, spaces) for key, one in some.items()}

    if isinstance(packed, Unread):
        return UnreadStates(packed, lambda keys: loaded(packed.read(keys)))
    return loaded(packed)


def _all(state: State) -> Iterator[AssetState]:
    yield from state.assets.values()
    yield from state.checks.states.values()


def _part(state: State, name: str) -> Any:
    return state if name == "state" else getattr(state, name)


def _fill(space: DynamicSpace, keys: list[str | None], added: list[int], packed: dict[str, Any]) -> None:
    for key in keys:
        space._numbered(key)
    space._added = dict.fromkeys(added)
    _restore_dynamic(space, packed)


def _spaces(state: State, tuples: dict[str, Any]) -> dict[str, OrdinalSpace]:
    """The spaces of the definitions in force by fingerprint, those of combinations numbered as they were."""
    found: dict[str, OrdinalSpace] = {Spaces.WHOLE.fingerprint: Spaces.WHOLE}
    for asset in state.definitions.assets.values() if state.definitions else ():
        space = state.spaces.of(asset.partitions)
        if isinstance(asset.partitions, MultiPartitionsDefinition) and space.fingerprint not in found:
            if space.fingerprint not in tuples:
                raise DumpDoesNotFit(f"the combinations of {asset.key!r} are not numbered in it")
            _restore_tuples(space, tuples[space.fingerprint])
        found[space.fingerprint] = space
    return found
