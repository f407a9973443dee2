"""What automation asked for of late: the newest request of a partition counts, and old ones go."""

from __future__ import annotations

from pyroaring import BitMap

from headwater.storage.state.asked import KEPT_US, Asked, alike
from headwater.storage.state.causes import Causes

SECOND = 1_000_000


def test_the_newest_request_of_a_partition_counts() -> None:
    asked = Asked()
    asked.ask(1 * SECOND, Causes([(5, BitMap([1, 2]))]))
    asked.ask(2 * SECOND, Causes([(7, BitMap([2, 3]))]))
    assert [asked.find(n) for n in (1, 2, 3, 4)] == [(SECOND, 5), (2 * SECOND, 7), (2 * SECOND, 7), None]
    assert [(at, list(because.bits)) for at, because in asked.since(0)] == [(2 * SECOND, [2, 3]), (SECOND, [1])]
    assert [at for at, _ in asked.since(SECOND)] == [2 * SECOND]


def test_requests_too_old_to_matter_are_forgotten() -> None:
    asked = Asked()
    for n in range(1_000):
        asked.ask(n * SECOND, Causes([(n, BitMap([n]))]))
    assert len(asked.requests) == KEPT_US // SECOND


def test_one_partition_moves_into_another_table() -> None:
    asked, other = Asked(), Asked()
    asked.ask(1 * SECOND, Causes([(5, BitMap([1]))]))
    asked.ask(2 * SECOND, Causes([(7, BitMap([2])), (6, BitMap([3]))]))
    for here, there in ((3, 30), (1, 10), (2, 20)):
        asked.copy_one(here, other, there)
    assert [other.find(n) for n in (10, 20, 30)] == [(SECOND, 5), (2 * SECOND, 7), (2 * SECOND, 6)]
    assert [at for at, _ in other.requests] == [2 * SECOND, SECOND]


def test_partitions_with_the_same_reason_are_found() -> None:
    one = Causes([(9, BitMap([1, 2])), (5, BitMap([3])), (0, BitMap([4]))])
    other = Causes([(9, BitMap([2, 3])), (6, BitMap([1])), (0, BitMap([4, 5]))])
    assert list(alike(one, other)) == [2, 4]
    assert alike(one, one) == one.bits
    assert not alike(Causes(), other)
