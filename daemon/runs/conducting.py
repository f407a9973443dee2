"""A run from its claim to its end, whatever its steps are: who is told what when it ends, is lost or interrupted."""

from __future__ import annotations

from enum import Enum
from typing import Protocol

from ...storage.errors import ConflictError
from ...storage.events import Event
from .driving import T, Work, drive
from .forking import Forks
from .journal import Journal
from .toolbox import Toolbox


class RunOutcome(Enum):
    """How the execution of a run ended."""

    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CLAIM_LOST = "claim_lost"
    """Another worker had the run: nothing was done and nothing written."""
    TAKEN_AWAY = "taken_away"
    """Somebody ended the run meanwhile: what was done until then has been written."""


class Conducted(Work[T], Protocol[T]):
    """The work of a whole run."""

    errors: dict[str, BaseException]

    def end_of_run(self) -> Event:
        """The event of its end, once nothing is left to do."""
        ...


def conduct(work: Conducted[T], journal: Journal, toolbox: Toolbox) -> RunOutcome:
    """Do the steps of `work` and write the end of the run."""
    try:
        if (max_concurrent := toolbox.forks_at_most) is None:
            drive(work, journal, toolbox.pause)
        else:
            Forks(work, journal, toolbox, max_concurrent=max_concurrent).run()
        toolbox.close()  # what a resource does when it is closed is part of the run
        journal.tell([work.end_of_run()])
    except ConflictError:
        if not journal.is_claimed:
            return RunOutcome.CLAIM_LOST
        journal.leave()
        return RunOutcome.TAKEN_AWAY
    except KeyboardInterrupt:
        if journal.is_claimed:
            journal.cancel()
        raise
    finally:
        toolbox.close()
    return RunOutcome.FAILED if work.errors else RunOutcome.SUCCEEDED
