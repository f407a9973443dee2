"""What does not change positions gives the same object back; what does, gives what partition by partition gives."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from pyroaring import BitMap

from headwater.storage.state import Causes

PARTITIONS = st.sets(st.integers(0, 12)).map(BitMap)
CAUSES = st.lists(st.tuples(st.integers(1, 6), PARTITIONS), max_size=6).map(Causes)


def positions(causes: Causes) -> dict[int, float]:
    return {ordinal: position for position, bits in causes for ordinal in bits}


@given(st.lists(CAUSES, max_size=4))
def test_a_union_has_the_largest_position_of_each_partition(several: list[Causes]) -> None:
    expected: dict[int, float] = {}
    for causes in several:
        for ordinal, position in positions(causes).items():
            expected[ordinal] = max(position, expected.get(ordinal, 0))
    assert positions(Causes.union(several)) == expected
    together = Causes()
    for causes in several:
        together = together | causes
    assert positions(together) == expected


@given(CAUSES, PARTITIONS)
def test_a_part_has_the_positions_of_the_whole(causes: Causes, bits: BitMap) -> None:
    whole = positions(causes)
    assert positions(causes.within(bits)) == {n: at for n, at in whole.items() if n in bits}
    assert positions(causes.without(bits)) == {n: at for n, at in whole.items() if n not in bits}


@given(CAUSES, st.integers(1, 5))
def test_mapped_positions_are_the_largest_of_what_is_mapped_there(causes: Causes, width: int) -> None:
    expected: dict[int, float] = {}
    for ordinal, position in positions(causes).items():
        expected[ordinal // width] = max(position, expected.get(ordinal // width, 0))
    assert positions(causes.mapped(lambda bits: BitMap([n // width for n in bits]))) == expected


def test_what_takes_nothing_away_gives_the_same_object() -> None:
    causes = Causes([(5, BitMap([1, 2])), (3, BitMap([4]))])
    assert causes.within(BitMap(range(9))) is causes
    assert causes.without(BitMap([7])) is causes
    assert causes | Causes([(2, BitMap([1, 4]))]) is causes
    assert Causes.union([Causes(), causes, causes]) is causes
