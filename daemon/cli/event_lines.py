"""Events as lines: which ones, in what order, and how each is written.

For programs a line is a JSON object: the columns of the log under their names, the rest of the event under "payload".
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import typer

from ...definitions.errors import did_you_mean
from ...storage import events as e
from ...storage.log import EventLog, StoredEvent
from .output import first_line, iso, shortened, shown_part, shown_ranges, shown_time

PAGE = 1_000  # events read at a time

_COLUMNS = {"type", "schema_version", "asset_key", "partition", "run_id"}
"""Fields that stand in columns of their own."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which events: None means all. `before` is the offset that they stand ahead of."""

    asset_key: str | None = None
    run_id: str | None = None
    types: tuple[str, ...] | None = None
    before: int | None = None

    def page(self, log: EventLog, *, after: int, limit: int, newest_first: bool = False) -> list[StoredEvent]:
        return log.query(
            asset_key=self.asset_key,
            run_id=self.run_id,
            types=self.types,
            after=after,
            before=self.before,
            limit=limit,
            newest_first=newest_first,
        )


def check_types(types: Sequence[str]) -> None:
    """Make sure that there are such events: a mistyped name would wait for ever."""
    for type in types:
        if type not in e.Event.registry:
            known = ", ".join(sorted(e.Event.registry))
            raise typer.BadParameter(
                f"there are no events of type {type!r}. {did_you_mean(type, e.Event.registry, f'There are: {known}.')}"
            )


def standing(log: EventLog, wanted: Wanted, *, after: int | None, limit: int | None) -> Iterator[list[StoredEvent]]:
    """What is in the log now, in pages: everything behind `after`, or of that the first `limit`; without an `after`
    the newest `limit`."""
    if limit is not None and after is None:
        yield wanted.page(log, after=0, limit=limit, newest_first=True)[::-1]
        return
    until, left, after = log.head().offset, limit, after or 0
    while left != 0 and (page := wanted.page(log, after=after, limit=min(PAGE, left or PAGE))):
        page = [stored for stored in page if stored.offset <= until]
        yield page
        if not page:
            return
        after, left = page[-1].offset, None if left is None else left - len(page)


def following(log: EventLog, wanted: Wanted, *, after: int | None, limit: int | None) -> Iterator[list[StoredEvent]]:
    """What `standing` gives, and then what lands; with `after` and `limit` until there were so many.

    While nothing lands a page without events comes about once a second, so that the caller can see whether anybody
    still reads.
    """
    left = None if after is None else limit
    with log.subscribe() as woken:
        head = log.head().offset
        for page in standing(log, wanted, after=after, limit=limit):
            yield page
            left = None if left is None else left - len(page)
        after = max(head, after or 0)
        while left is None or left > 0:
            head = log.head().offset
            while left != 0 and (page := wanted.page(log, after=after, limit=min(PAGE, left or PAGE))):
                yield page
                after, left = page[-1].offset, None if left is None else left - len(page)
            after = max(head, after)
            if left != 0:
                yield []
                woken.wait_blocking()


def as_json_line(stored: StoredEvent) -> str:
    event = stored.event
    payload = event.model_dump(mode="json", exclude=_COLUMNS)
    if payload.get("happened_at") is None:
        payload.pop("happened_at", None)
    line = {
        "offset": stored.offset,
        "id": stored.id,
        "type": type_of(event),
        "timestamp": iso(stored.at),
        "asset_key": getattr(event, "asset_key", None),
        "partition": getattr(event, "partition", None),
        "run_id": getattr(event, "run_id", None),
        "payload": payload,
    }
    return json.dumps(line, ensure_ascii=False) + "\n"


def as_text_line(stored: StoredEvent) -> str:
    event = stored.event
    part = shown_part(getattr(event, "asset_key", None), getattr(event, "partition", None))
    run_id = getattr(event, "run_id", None)
    words = [word for word in (part, detail(event), f"run {run_id}" if run_id else "") if word]
    return f"{stored.offset:>7}  {shown_time(stored.at)}  {type_of(event):<21}  {'  '.join(words)}".rstrip() + "\n"


def type_of(event: e.Event) -> str:
    return event.original_type if isinstance(event, e.UnknownEvent) else event.type


def detail(event: e.Event) -> str:
    """What matters most about an event, in a few words."""
    match event:
        case e.AssetMaterialized():
            return "" if event.origin == "step" else f"by {event.origin}"
        case e.AssetCheckEvaluated():
            return f"{event.check_name}: {'passed' if event.passed else f'failed ({event.severity})'}"
        case e.FreshnessChanged():
            return f"{event.previous} -> {event.state}"
        case e.RunRequested():
            return shortened([shown_ranges(target.asset_key, target.partitions) for target in event.targets])
        case e.BackfillRequested() | e.BackfillSkipped():
            return shortened([shown_ranges(target.asset_key, target.partitions) for target in event.targets])
        case e.BackfillEnded():
            return " ".join(word for word in (event.status, first_line(event.message)) if word)
        case e.StepStarted() | e.StepSucceeded():
            return event.step_key if getattr(event, "asset_key", None) != event.step_key else ""
        case e.StepFailed():
            return first_line(f"{event.error.cls}: {event.error.message}")
        case e.StepSkipped():
            return event.reason.replace("_", " ")
        case e.RunFailed():
            return first_line(event.message or event.reason)
        case e.AutomationSwitched():
            named = [*(f"group {group}" for group in event.groups), *event.assets]
            return f"{event.mode.replace('_', ' ')}: {shortened(named) or 'everything'}"
        case e.Tick():
            return shortened([_decision(one) for one in event.decisions])
        case e.SensorEvaluated() | e.ScheduleEvaluated():
            why = event.error.message if event.error else event.skip_reason
            return first_line(f"{event.name}: {event.status}{f' ({why})' if why else ''}")
        case e.DefinitionsLoaded():
            return f"{event.asset_count} assets, {event.hash[:12]}"
        case e.DefinitionsFailed():
            return first_line(next(iter(event.errors), ""))
        case e.DaemonStarted() | e.DaemonStopped():
            return f"term {event.term}"
    return _rest(event)


def _decision(decision: e.Decision) -> str:
    shown = shown_ranges(decision.asset_key, decision.partitions)
    return f"{shown} (dry run)" if decision.dry_run else shown


def _rest(event: e.Event) -> str:
    values: dict[str, Any] = event.model_dump(mode="json", exclude=_COLUMNS | {"happened_at"}, exclude_defaults=True)
    return first_line(", ".join(f"{name}={value}" for name, value in values.items()))
