"""Snapshots in the store: the newest that can be read is the start, and nothing is lost where there is none."""

from __future__ import annotations

import pickle
import zlib
from hashlib import sha256
from typing import Any

import pytest

from headwater.definitions.asset import AssetSpec
from headwater.definitions.definitions import Definitions
from headwater.definitions.snapshot import DefinitionsSnapshot
from headwater.storage import events as e
from headwater.storage.errors import SnapshotUnreadable
from headwater.storage.folding import catch_up, folded
from headwater.storage.log import EventLog
from headwater.storage.snapshots import KEEP, check, drop, dump, newest_state, save
from headwater.storage.state import State
from headwater.storage.state.unread import UnreadStates
from headwater.storage.store import SnapshotRow
from support.deep_equal import differences


def report(log: EventLog, *keys: str) -> None:
    log.append([e.AssetMaterialized(asset_key=key, origin="report") for key in keys])


def define(log: EventLog, *keys: str) -> None:
    snapshot = DefinitionsSnapshot.of(Definitions(assets=[AssetSpec(key) for key in keys]))
    log.append([e.DefinitionsLoaded(hash=snapshot.hash)], blobs={snapshot.hash: snapshot.to_bytes()})


def from_zero(log: EventLog) -> State:
    state = State.empty(log.definitions_bytes)
    catch_up(state, log)
    return state


def save_now(log: EventLog) -> int:
    state = from_zero(log)
    save(log, dump(state))
    return state.through


def test_state_is_that_of_the_newest_snapshot_and_of_what_came_after_it(log: EventLog) -> None:
    define(log, "orders", "report")
    report(log, "orders")
    through = save_now(log)
    report(log, "report", "unknown")

    assert newest_state(log).through == through
    assert differences(folded(log), from_zero(log)) == []


def test_a_question_about_earlier_gets_an_earlier_snapshot(log: EventLog) -> None:
    define(log, "orders")
    first = save_now(log)
    report(log, "orders")
    second = save_now(log)

    assert newest_state(log, until=second).through == second
    assert newest_state(log, until=second - 1).through == first
    assert newest_state(log, until=first - 1).through == 0


def test_the_newest_few_are_kept_and_their_parts_with_them(log: EventLog) -> None:
    define(log, "orders", "report")
    taken = []
    for _ in range(KEEP + 2):
        report(log, "orders")
        taken.append(save_now(log))

    assert [row.offset for row in log.snapshots()] == taken[::-1][:KEEP]
    state = newest_state(log, until=taken[-KEEP])
    assert state.through == taken[-KEEP]
    assert state.assets["orders"].table.update[0] == taken[-KEEP]


def test_an_asset_that_did_not_change_is_stored_once(file_log: EventLog) -> None:
    define(file_log, "orders", "report")
    save_now(file_log)
    before = _rows(file_log)
    report(file_log, "orders")
    save_now(file_log)

    fresh = _rows(file_log) - before
    assert len(fresh) == 2  # orders, and the rest


def test_saving_twice_at_the_same_offset_leaves_one(log: EventLog) -> None:
    define(log, "orders")
    save_now(log)
    save_now(log)
    assert len(log.snapshots()) == 1
    assert newest_state(log).through == 1


@pytest.mark.parametrize("damage", ["format", "manifest", "lost part", "other definitions"])
def test_a_snapshot_that_does_not_fit_is_passed_over(log: EventLog, damage: str) -> None:
    define(log, "orders")
    good = save_now(log)
    report(log, "orders")
    state = from_zero(log)
    save(log, dump(state))
    newest = log.snapshots()[0]
    rows: dict[str, SnapshotRow] = {
        "format": newest._replace(format=99),
        "manifest": newest._replace(manifest=b"torn"),
        "lost part": newest._replace(manifest=_packed({"rest": "0" * 64, "assets": {}, "checks": {}})),
        "other definitions": newest,
    }
    parts: dict[str, bytes] = {}
    if damage == "other definitions":
        taken = dump(state)
        rest = _packed({**taken.rest, "state": {**taken.rest["state"], "definitions_hash": "0" * 64}})
        parts = {sha256(rest).hexdigest(): rest}
        manifest = _packed({"rest": next(iter(parts)), "assets": {}, "checks": {}})
        rows[damage] = newest._replace(manifest=manifest)
    kept = {digest for row in log.snapshots() for digest in _digests(row)}
    log.save_snapshot(rows[damage], parts, keep=[good], keep_parts=kept)

    assert newest_state(log).through == good
    assert differences(folded(log), from_zero(log)) == []


def test_a_snapshot_that_says_other_than_the_log_is_found_and_dropped(log: EventLog) -> None:
    define(log, "orders", "report")
    report(log, "orders")
    good = save_now(log)
    report(log, "report")
    state = from_zero(log)
    state.assets["orders"].table.materialized.discard(0)
    save(log, dump(state))

    assert check(log) == {log.head().offset: ["asset 'orders'"]}
    drop(log, [log.head().offset])
    assert check(log) == {}
    assert newest_state(log).through == good


# ---- read lazily -----------------------------------------------------------------------------------------------------


KEYS = [f"asset_{n:03}" for n in range(100)]


def unread(state: State) -> set[str]:
    assert isinstance(state.assets, UnreadStates)
    return {*state.assets.unread}


def test_who_looks_at_one_asset_reads_that_and_what_events_touch(log: EventLog) -> None:
    define(log, *KEYS)
    report(log, *KEYS)
    save_now(log)
    report(log, "asset_007")

    state = folded(log, lazily=True)
    assert unread(state) == {*KEYS} - {"asset_007"}
    assert state.assets["asset_042"].made_at == state.asset("asset_041").made_at > 0
    assert unread(state) == {*KEYS} - {"asset_007", "asset_042", "asset_041"}
    assert "asset_001" in state.assets
    assert [*state.assets] == KEYS
    assert len(state.assets) == len(KEYS)
    assert state.assets.get("nowhere") is None
    assert len(unread(state)) == len(KEYS) - 3


def test_what_is_read_late_is_the_same(log: EventLog) -> None:
    define(log, *KEYS)
    report(log, *KEYS)
    log.append(
        [e.AssetCheckEvaluated(asset_key=key, check_name="c", passed=True, severity="ERROR") for key in KEYS[:30]]
    )
    save_now(log)
    report(log, "asset_007", "fresh")
    define(log, *KEYS[:50])

    state = folded(log, lazily=True)
    for assets in (state.assets, state.checks.states):
        assert isinstance(assets, UnreadStates)
    state.assets = state.checks._assets = dict(state.assets)
    state.checks.states = dict(state.checks.states)
    assert differences(state, from_zero(log)) == []


def test_who_asks_for_many_one_by_one_does_not_ask_the_database_for_each(
    log: EventLog, monkeypatch: pytest.MonkeyPatch
) -> None:
    define(log, *KEYS)
    save_now(log)
    state = folded(log, lazily=True)
    asked: list[int] = []
    parts = log.snapshot_parts
    monkeypatch.setattr(log, "snapshot_parts", lambda digests: asked.append(len(digests)) or parts(digests))

    assert [state.assets[key].key for key in KEYS] == KEYS
    assert len(asked) < len(KEYS) / 3
    assert sum(asked) == len(KEYS)


def test_a_part_that_is_lost_while_it_is_unread_is_an_error_that_says_what_to_do(log: EventLog) -> None:
    define(log, "orders", "report")
    save_now(log)
    state = folded(log, lazily=True)
    drop(log, [log.head().offset])

    with pytest.raises(SnapshotUnreadable, match=r"offset 1 .* is gone.*Try again"):
        state.assets["orders"]


class Evil:
    def __reduce__(self) -> Any:
        return print, ("ran",)


def test_nothing_but_plain_data_is_ever_read(log: EventLog, capsys: pytest.CaptureFixture[str]) -> None:
    define(log, "orders")
    evil = zlib.compress(pickle.dumps(Evil()))
    digest = sha256(evil).hexdigest()
    manifest = _packed({"rest": digest, "assets": {}, "checks": {}})
    log.save_snapshot(SnapshotRow(1, 0, 1, manifest), {digest: evil}, keep=[], keep_parts=[])

    assert newest_state(log).through == 0
    assert "ran" not in capsys.readouterr().out


def _packed(value: Any) -> bytes:
    return zlib.compress(pickle.dumps(value))


def _digests(row: SnapshotRow) -> list[str]:
    manifest = pickle.loads(zlib.decompress(row.manifest))
    return [manifest["rest"], *manifest["assets"].values()]


def _rows(log: EventLog) -> set[str]:
    return {digest for row in log.snapshots() for digest in _digests(row)}
