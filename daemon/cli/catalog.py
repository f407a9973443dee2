"""What a command knows before it says anything: the log of the home, the definitions as data, and State.

Reading never makes a home: where there is none yet, the log is an empty one in memory. Definitions as data come, in
this order, from what the command line names, from the daemon that runs on the home (without importing the user's code a
second time), from pyproject.toml, and from the last daemon that ran here.
"""

from __future__ import annotations

from pathlib import Path

from ...definitions.definitions import Definitions
from ...definitions.loading import load_definitions
from ...definitions.snapshot import DefinitionsSnapshot
from ...storage.events import DefinitionsFailed, DefinitionsLoaded
from ...storage.folding import catch_up, folded
from ...storage.log import EventLog
from ...storage.opening import has_log
from ..host.source import CodeSource
from ..leadership import running_daemon
from .output import stdout_to_stderr
from .settings import project_source

__all__ = ["catch_up", "folded"]


def log_for_reading(home: Path) -> EventLog:
    """The log of `home`; an empty one where nothing has been written there yet."""
    return EventLog.open(home) if has_log(home) else EventLog.memory()


def load(source: CodeSource) -> Definitions:
    """Import the user's definitions into this process. What they print goes to standard error.

    Raises:
        DefinitionErrors: what they define is wrong.
        DefinitionsNotLoadable: they cannot be imported.
    """
    with stdout_to_stderr():
        definitions = load_definitions(source.file, source.module)
        definitions.validate()
        return definitions


def known_definitions(log: EventLog, home: Path, given: CodeSource | None) -> DefinitionsSnapshot | None:
    """What is defined, as data; None where nobody has said so yet."""
    if given is not None:
        return load(given).snapshot()
    recorded = last_recorded(log)
    if recorded is not None and running_daemon(home) is not None:
        return recorded
    source = project_source()
    return recorded if source is None else load(source).snapshot()


def last_recorded(log: EventLog) -> DefinitionsSnapshot | None:
    """The definitions that hold in the log."""
    newest = log.query(types=["definitions_loaded"], newest_first=True, limit=1)
    if not newest:
        return None
    event = newest[0].event
    assert isinstance(event, DefinitionsLoaded)
    return DefinitionsSnapshot.from_bytes(log.definitions_bytes(event.hash))


def load_errors(log: EventLog) -> tuple[str, ...]:
    """Why the daemon could not load the sources as they are now; empty where it could."""
    newest = log.query(types=["definitions_loaded", "definitions_failed"], newest_first=True, limit=1)
    event = newest[0].event if newest else None
    return event.errors if isinstance(event, DefinitionsFailed) else ()
