"""What is kept of runs with what they made: once for each run that says something else, and not in each asset."""

from __future__ import annotations

from headwater.storage import events as e
from headwater.storage.log import EventLog
from headwater.storage.state import State
from headwater.storage.state.dumping import dump, load
from headwater.storage.state.runs import MANY


def made(log: EventLog, run_id: str, keys: list[str], tags: dict[str, str]) -> None:
    log.append(
        [
            e.RunRequested(run_id=run_id, targets=tuple(e.Target(asset_key=key) for key in keys), tags=tags),
            *(e.AssetMaterialized(asset_key=key, run_id=run_id) for key in keys),
            e.RunSucceeded(run_id=run_id),
        ]
    )


def folded(log: EventLog) -> State:
    state = State.empty(log.definitions_bytes)
    for stored in log.read(0, 1_000_000):
        state.apply(stored)
    return state


def test_a_run_of_thousands_of_assets_is_noted_once() -> None:
    keys = [f"asset_{n}" for n in range(2_000)]
    with EventLog.memory() as log:
        made(log, "r1", keys, {"by": "hand"})
        state = folded(log)
        [(name, note)] = state.run_notes.notes.items()
        assert (note.keys, note.tags) == (frozenset(keys), (("by", "hand"),))
        assert {state.asset(key).table.run_note(0) for key in keys} == {name}
        back = load(dump(state), log.definitions_bytes)
        assert back.run_notes[name] == note


def test_runs_that_say_the_same_have_one_note() -> None:
    with EventLog.memory() as log:
        made(log, "r1", ["a", "b"], {})
        made(log, "r2", ["b", "a"], {})
        made(log, "r3", ["a"], {})
        assert len(folded(log).run_notes.notes) == 2


def test_notes_that_nothing_was_made_in_any_more_are_forgotten() -> None:
    with EventLog.memory() as log:
        for number in range(3 * MANY):
            made(log, f"r{number}", ["a"], {"number": str(number)})
        state = folded(log)
        assert len(state.run_notes.notes) <= MANY + 200
        table = state.asset("a").table
        assert {state.run_notes[name].tags for name in table.made_in} == {(("number", str(3 * MANY - 1)),)}
