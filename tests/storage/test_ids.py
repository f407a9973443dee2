"""Ids are UUIDs of version 7 that sort by time."""

from __future__ import annotations

import os
import uuid

from headwater.storage.ids import SeededIds, SystemIds, uuid7


def test_an_id_is_a_uuid_of_version_7_in_its_usual_form() -> None:
    text = SystemIds().new_id()

    parsed = uuid.UUID(text)
    assert str(parsed) == text
    assert (parsed.version, parsed.variant) == (7, uuid.RFC_4122)


def test_the_example_of_the_standard() -> None:
    """RFC 9562, appendix A.6: 2022-02-22T19:22:22Z; its 12 bits after the version are random, ours a fraction."""
    text = uuid7(1_645_557_742_000 * 1_000_000, 0x18C4DC0C0C07398F)

    assert text == "017f22e2-79b0-7000-98c4-dc0c0c07398f"


def test_ids_sort_by_time_down_to_a_fraction_of_a_millisecond() -> None:
    times = [0, 1_000, 500_000, 999_999, 1_000_000, 1_767_225_600_000_000_000]

    ids = [uuid7(time_ns, (1 << 62) - 1 if n % 2 else 0) for n, time_ns in enumerate(times)]
    assert ids == sorted(ids)


def test_seeded_ids_come_again() -> None:
    one, same, other = SeededIds(7), SeededIds(7), SeededIds(8)

    first = [one.new_id() for _ in range(3)]
    assert first == [same.new_id() for _ in range(3)]
    assert first == sorted(first)
    assert first[0] != other.new_id()
    assert uuid.UUID(first[0]).version == 7


def test_a_forked_child_makes_other_ids_than_its_parent() -> None:
    ids = SystemIds()
    receive, send = os.pipe()
    pid = os.fork()
    if pid == 0:
        os.write(send, "".join(ids.new_id()[-12:] for _ in range(5)).encode())
        os._exit(0)
    os.close(send)
    with os.fdopen(receive) as answer:
        of_child = answer.read()
    os.waitpid(pid, 0)

    assert of_child != "".join(ids.new_id()[-12:] for _ in range(5))
