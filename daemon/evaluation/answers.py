"""The answers of conditions that users wrote in Python, as events; pure over State."""

from __future__ import annotations

from datetime import datetime, timedelta

from pyroaring import BitMap

from ...storage import events as e
from ...storage.state import State
from ...storage.state.conditions import Place
from ..host.orders import Question, Result
from .asked_places import Asked

RETOLD_AFTER = timedelta(minutes=10)
"""A failure that is the same as the one before is written this seldom."""


def question_of(state: State, asked: Asked) -> Question:
    """What `asked` is asked now."""
    known = state.conditions.by_place.get(asked.place)
    return Question(
        asset_key=asked.asset_key,
        check_name=asked.check_name,
        cursor=known.cursor if known else None,
        previous_at=known.last.at if known else None,
    )


def fact_of(
    state: State, node: str, question: Question, result: Result, *, at: datetime, cause: int | None
) -> e.ConditionEvaluated:
    """What an answer means. Partition keys that do not exist are left out."""
    error = result["error"]
    if error is not None:
        return e.ConditionEvaluated(
            node=node,
            asset_key=question.asset_key,
            check_name=question.check_name,
            status="failed",
            at=at,
            cause=cause,
            error=e.ErrorInfo(**error),
            took_s=round(result["took_s"], 6),
        )
    return e.ConditionEvaluated(
        node=node,
        asset_key=question.asset_key,
        check_name=question.check_name,
        status="evaluated",
        at=at,
        cause=cause,
        partitions=_partitions(state, question, result["true"], at=at),
        cursor=result["cursor"],
        took_s=round(result["took_s"], 6),
    )


def _partitions(state: State, question: Question, true: str | list[str | None], *, at: datetime) -> e.KeyRanges | None:
    space = state.space(question.key)
    definition = state.definitions.assets.get(question.asset_key) if state.definitions else None
    bits = state.spaces.existing(definition.partitions if definition else None, at)
    if true != "all":
        found = [space.find(key) for key in true]
        bits = bits & BitMap([ordinal for ordinal in found if ordinal is not None])
    return space.ranges(bits) if bits else ()


def is_news(state: State, fact: e.ConditionEvaluated, place: Place) -> bool:
    """Whether an answer says anything that the log does not."""
    known = state.conditions.by_place.get(place)
    if known is None or known.last.status != fact.status:
        return True
    if fact.status == "failed":
        before, now = known.last.error, fact.error
        return (before and before.message) != (now and now.message) or fact.at - known.last.at >= RETOLD_AFTER
    space = state.space(place[1])
    return space.bits(fact.partitions) != known.true.bits or fact.cursor not in (None, known.cursor)
