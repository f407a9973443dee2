"""Events of the daemon and of definitions."""

from __future__ import annotations

from typing import Literal

from .base import Event


class DaemonStarted(Event):
    """A daemon took the lead of this log under `term`; writers of older terms are fenced from here on."""

    type: Literal["daemon_started"] = "daemon_started"
    term: int
    holder: str = ""


class DaemonStopped(Event):
    """The daemon ended by itself; absent after a crash."""

    type: Literal["daemon_stopped"] = "daemon_stopped"
    term: int
    reason: str = ""


class DefinitionsLoaded(Event):
    """New definitions hold from here on. The bytes are content-addressed under `hash` in their own table."""

    type: Literal["definitions_loaded"] = "definitions_loaded"
    hash: str
    asset_count: int = 0


class DefinitionsFailed(Event):
    """The sources could not be loaded; the definitions before stay in force."""

    type: Literal["definitions_failed"] = "definitions_failed"
    errors: tuple[str, ...] = ()
    traceback: str = ""
