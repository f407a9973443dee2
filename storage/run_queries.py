"""What an instance tells of runs.

A run's life is a handful of events: asked for, started, ended, tagged. A run that is named, or that has not ended, is
found by its id; all others are met on one walk back from the end of the log over the events of these types: at its
request, all that came later of a run is known. The walk goes no further than the answer needs.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterator, Mapping, Sequence

from ..definitions.errors import InvalidInvocationError
from . import events as e
from .entries import EventLogEntry
from .log import EventLog, StoredEvent
from .records import micros
from .runs import FINISHED_STATUSES, STATUS_OF, Life, Run, RunRecord, RunsFilter

PAGE = 1_000
_FIRST_PAGE = 20

_TAGGED = "run_tagged"


class RunQueries:
    """The part of `Instance` that is about runs."""

    log: EventLog

    def get_run_by_id(self, run_id: str) -> Run | None:
        """The run of this id; None where there is none."""
        record = self.get_run_record_by_id(run_id)
        return None if record is None else record.run

    def get_run_record_by_id(self, run_id: str) -> RunRecord | None:
        return next(self._named([run_id]), None)

    def has_run(self, run_id: str) -> bool:
        return bool(self.log.query(run_id=run_id, types=["run_requested"], limit=1))

    def get_runs(
        self,
        filters: RunsFilter | None = None,
        cursor: str | None = None,
        limit: int | None = None,
        ascending: bool = False,
    ) -> list[Run]:
        """The runs that `filters` lets through, the newest request first unless `ascending`; at most `limit`.

        `cursor` is a run's id: only runs behind it, in that order, are given. What few runs have is looked for
        through the whole history: give `created_after` where that is long.
        """
        behind = None
        if cursor is not None and (record := self.get_run_record_by_id(cursor)) is not None:
            behind = record.storage_id
        return [r.run for r in self._records(filters or RunsFilter(), behind, limit, ascending=ascending)]

    def get_run_ids(self, filters: RunsFilter | None = None, limit: int | None = None) -> list[str]:
        return [run.run_id for run in self.get_runs(filters, limit=limit)]

    def get_run_records(
        self,
        filters: RunsFilter | None = None,
        limit: int | None = None,
        ascending: bool = False,
        cursor: int | str | None = None,
    ) -> list[RunRecord]:
        """As `get_runs`, with the times of each. `cursor` is the `storage_id` of the last one that was given."""
        behind = None if cursor is None else int(cursor)
        return self._records(filters or RunsFilter(), behind, limit, ascending=ascending)

    def get_runs_count(self, filters: RunsFilter | None = None) -> int:
        return len(self._records(filters or RunsFilter(), None, None, ascending=False))

    def all_logs(self, run_id: str) -> list[EventLogEntry]:
        """Everything that the run wrote, in order."""
        entries: list[EventLogEntry] = []
        after = 0
        while page := self.log.query(run_id=run_id, after=after):
            entries += map(EventLogEntry.of, page)
            after = page[-1].offset
        return entries

    def add_run_tags(self, run_id: str, new_tags: Mapping[str, str]) -> None:
        """Give a run more tags, or other values of those it has.

        Raises:
            InvalidInvocationError: there is no such run, or a tag is no pair of str.
        """
        if not self.has_run(run_id):
            raise InvalidInvocationError(f"there is no run {run_id!r} in this log.")
        for key, value in new_tags.items():
            if not (isinstance(key, str) and isinstance(value, str)):
                raise InvalidInvocationError(f"tags are pairs of str; {key!r}: {value!r} is none.")
        self.log.append([e.RunTagged(tagged_run=run_id, tags=dict(new_tags))])

    def delete_run(self, run_id: str) -> None:
        """Refused: what happened stays in the log.

        Raises:
            InvalidInvocationError: always.
        """
        raise InvalidInvocationError(
            f"run {run_id!r} cannot be deleted: the log is append-only, and state is what it tells. To count what the "
            "run made as missing use instance.wipe_assets(...) or instance.wipe_asset_partitions(...)."
        )

    # ---- the walk ----------------------------------------------------------------------------------------------------

    def _records(
        self, wanted: RunsFilter, behind: int | None, limit: int | None, *, ascending: bool
    ) -> list[RunRecord]:
        run_ids = wanted.run_ids
        if run_ids is None and wanted.statuses and not FINISHED_STATUSES.intersection(wanted.statuses):
            run_ids = self.log.unfinished_runs()
        walk = self._walk(wanted) if run_ids is None else self._named(run_ids)
        found: list[RunRecord] = []
        for record in walk:
            if behind is not None and (record.storage_id <= behind if ascending else record.storage_id >= behind):
                continue
            if wanted.lets_through(record):
                found.append(record)
                if not ascending and limit is not None and len(found) >= limit:
                    break
        return found[::-1][:limit] if ascending else found[:limit]

    def _named(self, run_ids: Sequence[str]) -> Iterator[RunRecord]:
        """The records of these runs, as far as there are any, the newest request first."""
        lives = {run_id: Life() for run_id in run_ids}
        for stored in self._pages(_TAGGED):
            if isinstance(stored.event, e.RunTagged) and stored.event.tagged_run in lives:
                lives[stored.event.tagged_run].take(stored.offset, stored.timestamp, stored.event)
        for run_id, life in lives.items():
            for stored in self.log.query(run_id=run_id, types=list(STATUS_OF)):
                life.take(stored.offset, stored.timestamp, stored.event)
        records = [record for life in lives.values() if (record := life.record()) is not None]
        return iter(sorted(records, key=lambda record: -record.storage_id))

    def _walk(self, wanted: RunsFilter) -> Iterator[RunRecord]:
        """The records of all runs, the newest request first, back to the earliest that is wanted."""
        earliest = None if wanted.created_after is None else micros(wanted.created_after)
        lives: dict[str, Life] = {}
        streams = [self._pages(type) for type in (*STATUS_OF, _TAGGED)]
        for stored in heapq.merge(*streams, key=lambda one: -one.offset):
            event = stored.event
            if earliest is not None and stored.timestamp <= earliest:
                return
            run_id = event.tagged_run if isinstance(event, e.RunTagged) else getattr(event, "run_id", "")
            life = lives.setdefault(run_id, Life())
            life.take(stored.offset, stored.timestamp, event)
            if isinstance(event, e.RunRequested) and (record := lives.pop(run_id).record()) is not None:
                yield record

    def _pages(self, type: str) -> Iterator[StoredEvent]:
        before, size = None, _FIRST_PAGE
        while page := self.log.query(types=[type], before=before, limit=size, newest_first=True):
            yield from page
            before, size = page[-1].offset, PAGE
