"""The first evaluation of a condition: what becomes of all that was so before anybody looked.

It happens once in the life of an asset in a log. What is missing then is asked for (`request`), up to a limit of
partitions, or everything is taken as it is (`baseline`), and only what happens afterwards counts.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal, TypeVar

from ..errors import InvalidDefinitionError
from .base import AutomationCondition

OnFirst = Literal["request", "baseline"]

FIRST_LIMIT = 1_000
"""Partitions of one asset that are asked for at its first evaluation because they are missing; a backfill makes the
rest, if it is wanted at all."""

_Condition = TypeVar("_Condition", bound=AutomationCondition)


@dataclass(frozen=True, slots=True)
class FirstEvaluation:
    """What a first evaluation does. `limit` is for `request`; None is no limit."""

    how: OnFirst = "request"
    limit: int | None = FIRST_LIMIT

    @classmethod
    def of(cls, how: Any, limit: int | None = FIRST_LIMIT) -> FirstEvaluation:
        """What a user says.

        Raises:
            InvalidDefinitionError: it is neither of the two, or no limit.
        """
        if how not in ("request", "baseline"):
            raise InvalidDefinitionError(f"on_first is 'request' or 'baseline', not {how!r}.")
        if how == "baseline" and limit != FIRST_LIMIT:
            raise InvalidDefinitionError("on_first='baseline' asks for nothing that is missing: it takes no limit.")
        if limit is not None and (isinstance(limit, bool) or not isinstance(limit, int) or limit < 1):
            raise InvalidDefinitionError(f"the limit of on_first is a number of partitions, or None: not {limit!r}.")
        return cls(how, limit)

    def to_json(self) -> dict[str, Any]:
        return {"how": self.how} if self.limit == FIRST_LIMIT else {"how": self.how, "limit": self.limit}

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> FirstEvaluation:
        return cls(data["how"], data.get("limit", FIRST_LIMIT))


AS_USUAL = FirstEvaluation()
"""Where nobody says otherwise."""


def as_first_of(condition: _Condition, *parts: AutomationCondition) -> _Condition:
    """`condition`, with what the first of its `parts` that says anything of first evaluations says."""
    first = next((part.first for part in parts if part.first is not None), None)
    return condition if first is None else condition.with_(first=first)
