"""What can go wrong with the log, as classes that callers tell apart."""

from __future__ import annotations

from pathlib import Path

from ..definitions.errors import HeadwaterError


class StorageError(HeadwaterError):
    """Base of all errors of the event log."""


TERM = "the leader's term"


class ConflictError(StorageError):
    """An append expected the log to stand where it no longer stands; nothing of it was written.

    Somebody else was faster: another worker claimed the run, or another daemon took the lead.
    """

    def __init__(self, what: str, *, expected: int, actual: int) -> None:
        super().__init__(f"{what} is {actual}, not {expected} as this append expected; nothing of it was written.")
        self.what: str = what
        self.is_about_term: bool = what == TERM
        self.expected: int = expected
        self.actual: int = actual


class NotStorable(StorageError):
    """An event holds what no log can store; nothing was written."""

    def __init__(self, what: str) -> None:
        super().__init__(f"This cannot be stored: {what}. Nothing was written.")


class LogCorrupt(StorageError):
    """A stored row is not what was written. `offset` is the first one that does not fit."""

    def __init__(self, offset: int, reason: str) -> None:
        super().__init__(f"The event log is damaged at offset {offset}: {reason}. Restore it from a backup.")
        self.offset: int = offset
        self.reason: str = reason


class ArchiveUnreadable(StorageError):
    """A file of archived events is gone or damaged: what stands in it cannot be told."""

    def __init__(self, path: Path, reason: str, first: int, last: int) -> None:
        super().__init__(
            f"The archived events {first} to {last} cannot be read from {path} on this machine: {reason}. Restore the "
            "file; if it lies on another machine, make its folder readable here under the same path."
        )
        self.path: Path = path
        self.first: int = first
        self.last: int = last


class ArchivedMeanwhile(StorageError):
    """Somebody else archives the same log at the same time, and was faster."""

    def __init__(self, first: int) -> None:
        super().__init__(
            f"Events from {first} on were archived meanwhile, by another process. Nothing was lost: go on."
        )


class ArchivePlaceUnknown(StorageError):
    """A log on a server has no folder of its own for archives, and none was given."""

    def __init__(self) -> None:
        super().__init__(
            "This log is on a server, so that its archive belongs in a folder that every machine which reads the log "
            "can read. Name it once, as an absolute path: headwater store archive --to /FOLDER ..."
        )


class SnapshotUnreadable(StorageError):
    """A part of a snapshot of State is damaged, or was let go of while a command was still reading it."""

    def __init__(self, offset: int, reason: object) -> None:
        super().__init__(
            f"The snapshot of state at offset {offset} cannot be read: {reason}. Try again; if that does not help, "
            "stop the daemon and run: headwater store verify --drop-snapshots"
        )
        self.offset: int = offset


class StoreUnavailable(StorageError):
    """The database could not be opened, read or written. Whether an append that ends so was written is unknown."""

    def __init__(self, where: Path | str, reason: object) -> None:
        super().__init__(f"The event log {where} cannot be used: {reason}.")
        self.where = where


class NothingWritten(StoreUnavailable):
    """The transaction of an append was lost, and certainly nothing of it was written: it may be tried again."""


class HeadMoved(StorageError):
    """An append assumed where the log ends instead of locking it, and somebody else had written: nothing of it was."""

    def __init__(self) -> None:
        super().__init__("The event log has grown since this append was prepared; nothing of it was written.")


class StoreTooNew(StorageError):
    """A newer headwater wrote this log."""

    def __init__(self, where: Path | str, *, found: int, known: int) -> None:
        super().__init__(
            f"The event log {where} has schema version {found}; this headwater knows versions up to {known}. "
            "Use the newer headwater that wrote it."
        )
        self.found: int = found
        self.known: int = known


class StoreTooOld(StorageError):
    """An older headwater wrote this log; its tables have to be brought up to date first."""

    def __init__(self, where: Path | str, *, found: int, known: int) -> None:
        super().__init__(
            f"The event log {where} has schema version {found}; this headwater needs {known}. Stop what uses it, "
            "make a backup, and run: headwater store upgrade"
        )
        self.found: int = found
        self.known: int = known


class WrongStore(StorageError):
    """What is said about where the log is contradicts what is there. Nothing was opened."""


class ImportRefused(StorageError):
    """What is to be imported is no export, or does not continue this log."""

    def __init__(self, reason: str) -> None:
        super().__init__(f"This cannot be imported: {reason}")
        self.reason = reason


class LogClosed(StorageError):
    """The log was used after `close()`, or in a forked child of the process that opened it."""

    def __init__(self, *, forked: bool = False) -> None:
        super().__init__(
            "This event log was opened before a fork, and its connections do not survive one: open it in the child."
            if forked
            else "This event log is closed: open it again."
        )
        self.forked = forked


class UnknownDefinitions(StorageError, LookupError):
    """No definitions are stored under a hash."""

    def __init__(self, digest: str) -> None:
        super().__init__(f"The event log holds no definitions with the hash {digest!r}.")
        self.hash = digest
