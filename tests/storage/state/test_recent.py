"""The newest updates of a table, in order."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from headwater.storage.state.recent import RECENT, Recent

UPDATES = st.lists(st.tuples(st.integers(1, 3), st.integers(0, 5)), max_size=30)


def in_order(steps: list[tuple[int, int]]) -> list[tuple[int, int]]:
    """Updates at growing offsets, each so far behind the one before."""
    offset, updates = 0, []
    for step, ordinal in steps:
        offset += step
        updates.append((offset, ordinal))
    return updates


@given(steps=UPDATES, since=st.integers(0, 90), length=st.integers(0, 40))
def test_what_was_updated_between_two_offsets_is_found(steps: list[tuple[int, int]], since: int, length: int) -> None:
    updates, recent, until = in_order(steps), Recent(), since + length
    for update in updates:
        recent.append(*update)
    assert recent.between(since, until) == {ordinal for offset, ordinal in updates if since < offset <= until}
    assert [*recent] == updates
    assert Recent.from_bytes(recent.to_bytes()) == recent == Recent(updates)


def test_the_oldest_go_and_so_many_are_always_kept() -> None:
    recent = Recent()
    for offset in range(1, 5 * RECENT):
        recent.append(offset, offset % 7)
        assert min(offset, RECENT) <= len(recent) <= 2 * RECENT
    (first, _), *_ = recent
    assert recent.reaches(first)
    assert not recent.reaches(first - 1)
    assert recent.between(first, first + 3) == {ordinal % 7 for ordinal in range(first + 1, first + 4)}


def test_before_any_went_it_reaches_back_to_the_beginning() -> None:
    assert Recent([(7, 0)]).reaches(0)
