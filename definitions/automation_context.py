"""What a condition that a user wrote in Python sees, and what it answers.

class IsHoliday(AutomationCondition):
    def evaluate(self, context: AutomationContext) -> AutomationResult:
        is_holiday = context.evaluation_time.date() in HOLIDAYS
        true = context.candidate_subset if is_holiday else context.get_empty_subset()
        return AutomationResult(context, true)
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable
from datetime import datetime
from functools import cached_property
from typing import TYPE_CHECKING, Any

from .errors import InvalidInvocationError, UnknownPartition
from .evaluation_context import EVALUATION_LOGGER
from .keys import AssetCheckKey, AssetKey
from .partitions.base import PartitionsDefinition

if TYPE_CHECKING:
    from .conditions.base import AutomationCondition


class EntitySubset:
    """Some partitions of an asset or a check; of one without partitions, the whole of it or nothing.

    Subsets of the same asset combine with `|`, `&` and `-`.
    """

    __slots__ = ("_keys", "key", "partitions_def")

    def __init__(
        self, key: AssetKey | AssetCheckKey, partitions_def: PartitionsDefinition | None, keys: Iterable[str | None]
    ) -> None:
        self.key: AssetKey | AssetCheckKey = key
        self.partitions_def: PartitionsDefinition | None = partitions_def
        self._keys: dict[str | None, None] = dict.fromkeys(keys)

    @property
    def is_partitioned(self) -> bool:
        return self.partitions_def is not None

    @property
    def is_empty(self) -> bool:
        return not self._keys

    @property
    def size(self) -> int:
        """The number of partitions; 1 for the whole of an asset without partitions."""
        return len(self._keys)

    def expensively_compute_partition_keys(self) -> set[str]:
        """The partition keys; none for an asset without partitions."""
        return {key for key in self._keys if key is not None}

    def compute_union(self, other: EntitySubset) -> EntitySubset:
        return self._of([*self._keys, *self._same(other)])

    def compute_intersection(self, other: EntitySubset) -> EntitySubset:
        theirs = self._same(other)
        return self._of(key for key in self._keys if key in theirs)

    def compute_difference(self, other: EntitySubset) -> EntitySubset:
        theirs = self._same(other)
        return self._of(key for key in self._keys if key not in theirs)

    __or__ = compute_union
    __and__ = compute_intersection
    __sub__ = compute_difference

    def __contains__(self, partition_key: str | None) -> bool:
        return partition_key in self._keys

    def __eq__(self, other: object) -> bool:
        return isinstance(other, EntitySubset) and self.key == other.key and self._keys == other._keys

    def __hash__(self) -> int:
        return hash((self.key, frozenset(self._keys)))

    def __repr__(self) -> str:
        held = sorted(self.expensively_compute_partition_keys()) if self.is_partitioned else self.size
        return f"EntitySubset({self.key.to_user_string()!r}, {held!r})"

    def _of(self, keys: Iterable[str | None]) -> EntitySubset:
        return EntitySubset(self.key, self.partitions_def, keys)

    def _same(self, other: EntitySubset) -> dict[str | None, None]:
        if other.key != self.key:
            raise InvalidInvocationError(f"{self!r} and {other!r} are of different assets: they do not combine.")
        return other._keys


class AutomationContext:
    """What `evaluate` of a condition is called with: which asset it is asked about, when, and what it said before."""

    def __init__(
        self,
        *,
        key: AssetKey | AssetCheckKey,
        partitions_def: PartitionsDefinition | None,
        candidates: Callable[[], Iterable[str | None]],
        evaluation_time: datetime,
        previous_evaluation_time: datetime | None = None,
        cursor: str | None = None,
        instance: Any,
    ) -> None:
        """`candidates`, and an `instance` that is a function, are asked for when they are first needed."""
        self.key: AssetKey | AssetCheckKey = key
        """The asset that is looked at, or the check: within `any_deps_match(...)` that is the upstream asset."""
        self.partitions_def: PartitionsDefinition | None = partitions_def
        self.evaluation_time: datetime = evaluation_time
        """In UTC."""
        self.previous_evaluation_time: datetime | None = previous_evaluation_time
        """Of the last evaluation that is in the log, which came to something else than the one before it; None at
        first."""
        self.cursor: str | None = cursor
        """What the last evaluation gave as `AutomationResult(cursor=...)`."""
        self.log: logging.Logger = logging.getLogger(EVALUATION_LOGGER)
        self._candidates, self._instance = candidates, instance

    @property
    def asset_key(self) -> AssetKey:
        """The asset that is looked at; of a check, its asset."""
        return self.key.asset_key if isinstance(self.key, AssetCheckKey) else self.key

    @property
    def previous_cursor(self) -> str | None:
        return self.cursor

    @cached_property
    def candidate_subset(self) -> EntitySubset:
        """All partitions that exist, or the whole of an asset without partitions."""
        return EntitySubset(self.key, self.partitions_def, self._candidates())

    def get_empty_subset(self) -> EntitySubset:
        """No partition."""
        return EntitySubset(self.key, self.partitions_def, ())

    def get_subset(self, partition_keys: Iterable[str]) -> EntitySubset:
        """These partitions.

        Raises:
            UnknownPartition: one does not exist.
        """
        keys = list(partition_keys)
        if self.partitions_def is None and keys:
            raise InvalidInvocationError(f"{self.key.to_user_string()!r} has no partitions: there is no {keys[0]!r}.")
        for key in keys:
            if key not in self.candidate_subset:
                known = self.partitions_def.describe() if self.partitions_def else ""
                raise UnknownPartition(key, known=known, asset=self.asset_key.to_user_string())
        return EntitySubset(self.key, self.partitions_def, keys)

    @property
    def instance(self) -> Any:
        """The Instance whose log the daemon leads."""
        if callable(self._instance):
            self._instance = self._instance()
        return self._instance


class AutomationResult:
    """What a condition came to: the partitions of `context.key` for which it is true.

    `cursor` is handed to the next evaluation. Without one it stays as it was.

    Raises:
        InvalidInvocationError: `true_subset` is no subset of what the context asks about.
    """

    def __init__(self, context: AutomationContext, true_subset: EntitySubset, cursor: str | None = None) -> None:
        if not isinstance(true_subset, EntitySubset) or true_subset.key != context.key:
            raise InvalidInvocationError(
                f"true_subset is a subset of {context.key.to_user_string()!r}, not {true_subset!r}. Make it from "
                "context.candidate_subset, context.get_empty_subset() or context.get_subset(partition_keys)."
            )
        if cursor is not None and not isinstance(cursor, str):
            raise InvalidInvocationError(f"the cursor of a condition is a str, not {cursor!r}: write it as one.")
        self.context: AutomationContext = context
        self.true_subset: EntitySubset = true_subset
        self.cursor: str | None = cursor


def asked(condition: AutomationCondition, context: AutomationContext) -> AutomationResult:
    """What the user's condition says.

    Raises:
        InvalidInvocationError: it answers with something else than an AutomationResult.
    """
    result = condition.evaluate(context)
    if not isinstance(result, AutomationResult):
        raise InvalidInvocationError(
            f"{type(condition).__name__}.evaluate returned {result!r}. Return AutomationResult(context, true_subset)."
        )
    return result
