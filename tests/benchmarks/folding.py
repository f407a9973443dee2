"""Folding a log into State: from the store, and events that are in memory already.

The limit of the first is to decode the JSON of the same rows, and nothing else.
"""

from __future__ import annotations

from harness import Effort, Figure, Target, interleaved, median, ratio_of, scratch_folder, timed
from long_log import write
from pydantic_core import from_json

from headwater.storage.folding import catch_up
from headwater.storage.log import EventLog
from headwater.storage.state import State

FROM_STORE = Target(200_000, at_least=True)
IN_MEMORY = Target(1_000_000, at_least=True)
WHERE_STORE = (
    "of 16 µs of processor time an event, fetching the row takes 2, decoding 4 (pydantic's validation, which makes the "
    "object, 2.5; the event beside its place 0.5) and folding 9 to 10. With the collector of cycles at work all of it "
    "took 28."
)
WHERE_MEMORY = (
    "9 µs an event on average (a materialization 16, a step's end 2.7), spread over the calls of Python that write "
    "some twenty facts of one partition: no function has more than a tenth. The same log over 10 assets takes 5.4 µs: "
    "the rest is waiting for memory, of 1,000 assets and tens of thousands of partitions. 1 µs is the time of about "
    "fifteen operations of the interpreter."
)


def folding(effort: Effort) -> list[Figure]:
    size = effort.of(100_000, 2_000)
    with scratch_folder() as home, EventLog.in_file(home) as log:
        write(log, size)
        rows, events = list(log.all_rows()), log.read(0, 2 * size)
        payloads = [row[8] for row in rows]

        def from_store() -> float:
            state = State.empty(log.definitions_bytes)
            took = timed(lambda: catch_up(state, log))
            assert state.through == len(rows)
            return len(rows) / took

        def in_memory() -> float:
            state = State.empty(log.definitions_bytes)
            return len(events) / timed(lambda: state.apply_all(events))

        def decoding() -> float:
            return len(payloads) / timed(lambda: [from_json(payload) for payload in payloads])

        stored, limits, folded = interleaved(effort.of(5, 1), from_store, decoding, in_memory)
    return [
        Figure(
            name="fold from the store",
            value=round(median(stored)),
            unit="events/s",
            target=FROM_STORE,
            limit=round(median(limits)),
            limit_is="the JSON of the same rows decoded one by one, and nothing else",
            ratio=round(ratio_of(stored, limits), 2),
            where=WHERE_STORE,
            facts={"events": len(rows), "bytes_an_event": round(sum(map(len, payloads)) / len(payloads))},
        ),
        Figure(
            name="fold in memory",
            value=round(median(folded)),
            unit="events/s",
            target=IN_MEMORY,
            limit=round(median(limits)),
            limit_is="the JSON of the same rows decoded one by one, and nothing else",
            where=WHERE_MEMORY,
        ),
    ]
