"""A range of partitions made by one run: which keys it means, and whether the function of an asset takes so many.

In Python the two ends are tags of the run, on the command line they are `--partition-range A...B`.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from pyroaring import BitMap

from ...definitions.backfill_policy import BackfillPolicy
from ...definitions.errors import InvalidInvocationError
from ...definitions.partitions.base import DynamicPartitionsStore, PartitionKeyRange, PartitionsDefinition
from ...storage.events import KeyRanges
from ...storage.state.ordinals import Spaces

RANGE_START_TAG = "headwater/asset_partition_range_start"
RANGE_END_TAG = "headwater/asset_partition_range_end"


def range_of_tags(tags: Mapping[str, str] | None) -> PartitionKeyRange | None:
    """The range that the tags of a run name, both ends included; None where they name none.

    Raises:
        InvalidInvocationError: one of the two tags is missing.
    """
    first, last = (tags or {}).get(RANGE_START_TAG), (tags or {}).get(RANGE_END_TAG)
    if first is None and last is None:
        return None
    if first is None or last is None:
        raise InvalidInvocationError(f"the tags {RANGE_START_TAG!r} and {RANGE_END_TAG!r} go together: give both.")
    return PartitionKeyRange(first, last)


def range_tags(span: PartitionKeyRange | None) -> dict[str, str]:
    return {} if span is None else {RANGE_START_TAG: span.start, RANGE_END_TAG: span.end}


def ranges_of(
    key: str,
    partitions: PartitionsDefinition,
    policy: BackfillPolicy | None,
    span: PartitionKeyRange,
    *,
    at: datetime,
    dynamic: DynamicPartitionsStore,
) -> KeyRanges:
    """The partitions of the asset `key` from one end of `span` to the other, as they exist at `at`.

    Raises:
        UnknownPartition: one of the ends is no partition of it.
        InvalidInvocationError: they stand the wrong way round, or its function does not make so many at once, by its
            backfill policy.
    """
    keys = partitions.get_partition_keys_in_range(span, dynamic, current_time=at)
    if not keys:
        raise InvalidInvocationError(f"asset {key!r}: the range {span.start}...{span.end} stands the wrong way round.")
    most = 1 if policy is None else policy.max_partitions_per_run
    if most is not None and len(keys) > most:
        takes = "one partition" if most == 1 else f"at most {most} partitions"
        raise InvalidInvocationError(
            f"asset {key!r} is made {takes} at a time, and {span.start}...{span.end} are {len(keys)}. Make each by a "
            f"run of its own with `headwater asset backfill --partition-range {span.start}...{span.end}`, or let its "
            "function make them all (context.partition_keys): backfill_policy=BackfillPolicy.single_run()."
        )
    spaces = Spaces(is_open=True)
    space = spaces.of(partitions)
    return space.ranges(BitMap([ordinal for one in keys if (ordinal := space.find(one)) is not None])) or ()
