"""How many partitions of an asset one run makes when many are asked for at once."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from .errors import InvalidDefinitionError


@dataclass(frozen=True, slots=True)
class BackfillPolicy:
    """The largest number of partitions that a backfill hands to one run; None is all of them.

    Without a policy each partition is made by a run of its own.

    >>> BackfillPolicy.multi_run(max_partitions_per_run=10)
    BackfillPolicy(max_partitions_per_run=10)
    """

    max_partitions_per_run: int | None = 1

    def __post_init__(self) -> None:
        most = self.max_partitions_per_run
        if most is not None and (isinstance(most, bool) or not isinstance(most, int) or most < 1):
            raise InvalidDefinitionError(
                f"BackfillPolicy: max_partitions_per_run is at least 1, not {most!r}. For all partitions in one run "
                "write BackfillPolicy.single_run()."
            )

    @classmethod
    def single_run(cls) -> BackfillPolicy:
        """All partitions in one run: the function sees them as `context.partition_keys`."""
        return cls(None)

    @classmethod
    def multi_run(cls, max_partitions_per_run: int = 1) -> BackfillPolicy:
        """As many runs as it takes, each of at most so many partitions.

        Raises:
            InvalidDefinitionError: the number is below 1.
        """
        if max_partitions_per_run is None:
            raise InvalidDefinitionError(
                "BackfillPolicy.multi_run takes a number. For all partitions in one run write "
                "BackfillPolicy.single_run()."
            )
        return cls(max_partitions_per_run)

    @property
    def is_single_run(self) -> bool:
        return self.max_partitions_per_run is None

    def to_json(self) -> dict[str, Any]:
        return {"max_partitions_per_run": self.max_partitions_per_run}

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> BackfillPolicy:
        return cls(data["max_partitions_per_run"])
