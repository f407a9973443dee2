"""Ctrl-C in the middle of a write waits for its end, so that the run knows what it has written."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Sequence

import pytest

from headwater.daemon.runs.interrupts import held_interrupts
from headwater.daemon.runs.journal import Journal
from headwater.storage import events as e
from headwater.storage.batch import Expect


def test_an_interrupt_comes_when_the_block_is_left() -> None:
    done: list[str] = []

    def write() -> None:
        with held_interrupts():
            os.kill(os.getpid(), signal.SIGINT)
            done.append("all of it")

    with pytest.raises(KeyboardInterrupt):
        write()
    assert done == ["all of it"]
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_a_run_that_is_interrupted_in_its_claim_has_claimed_and_is_cancelled() -> None:
    written: list[str] = []

    def append(events: Sequence[e.Event], expect: Expect | None) -> range:
        written.extend(event.type for event in events)
        os.kill(os.getpid(), signal.SIGINT)
        return range(len(written) - len(events) + 1, len(written) + 1)

    journal = Journal("r1", append, position=0, opening=[e.RunStarted(run_id="r1")], hold=held_interrupts)
    with pytest.raises(KeyboardInterrupt):
        journal.write()
    assert journal.is_claimed
    with pytest.raises(KeyboardInterrupt):  # the second of them
        journal.cancel()
    assert written == ["run_started", "run_cancelled"]


def test_in_another_thread_there_is_nothing_to_hold_back() -> None:
    failures: list[BaseException] = []

    def work() -> None:
        try:
            with held_interrupts():
                pass
        except BaseException as error:
            failures.append(error)

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert failures == []
