"""Which store a home's log is on: a file of its own, or a PostgreSQL server.

HEADWATER_STORE names the server (`postgresql://user@host/database`). A home remembers it, without the password, in the
file `store`: somebody who forgets the variable later is not given an empty log beside the real one. The password is
then taken from where libpq looks for it (PGPASSWORD, ~/.pgpass).
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from .errors import StoreUnavailable, WrongStore
from .server_url import is_server_url, without_password
from .sqlite import FILE_NAME, SqliteStore
from .store import Store
from .wakeup import LogWakeups, Wakeups

if TYPE_CHECKING:
    from .postgres_lead import LeadLock

VARIABLE = "HEADWATER_STORE"
MARKER = "store"


def open_store(home: Path) -> tuple[Store, LogWakeups]:
    """The store of `home` and its wake-ups; both are made if they are not there yet.

    Raises:
        StoreUnavailable: the database cannot be opened.
        StoreTooNew: a newer headwater wrote it.
        WrongStore: HEADWATER_STORE names another log than the one that this home has.
    """
    url = server_of(home)
    if url is None:
        return SqliteStore(home / FILE_NAME), Wakeups(home)
    try:
        from .postgres import PostgresStore
        from .postgres_wakeup import PostgresWakeups
    except ImportError as error:
        raise StoreUnavailable("on PostgreSQL", "psycopg is missing: pip install 'headwater[postgres]'") from error
    store = PostgresStore(url)
    _remember(home, url)
    return store, PostgresWakeups(url)


def prepare_store(home: Path) -> None:
    """Compile the statements of the store that `home` has. Opens nothing, so that a process may fork afterwards."""
    if server_of(home) is None:
        SqliteStore.prepare()
        return
    from .postgres import PostgresStore

    PostgresStore.prepare()


def lead_lock(home: Path) -> LeadLock | None:
    """The lock of the daemon that leads the log of `home`, of all machines; None where the log is on this one alone."""
    url = server_of(home)
    if url is None:
        return None
    from .postgres_lead import LeadLock

    return LeadLock(url)


def has_log(home: Path) -> bool:
    """Whether there may be something to read: a file, or a server that is named."""
    return (home / FILE_NAME).exists() or server_of(home) is not None


def place_of(home: Path) -> str:
    """Where the log of `home` is, for people: a path, or a URL without its password."""
    url = server_of(home)
    return str(home / FILE_NAME) if url is None else without_password(url)


def server_of(home: Path) -> str | None:
    """The URL of the PostgreSQL server that the log of `home` is on; None where it is a file."""
    given = os.environ.get(VARIABLE) or None
    try:
        remembered = (home / MARKER).read_text("utf-8").strip() or None
    except FileNotFoundError:
        remembered = None
    if given is None:
        return remembered
    if not is_server_url(given):
        raise WrongStore(f"{VARIABLE} is {given!r}. Write postgresql://USER:PASSWORD@HOST/DATABASE, or unset it.")
    if remembered is not None and without_password(given) != remembered:
        raise WrongStore(
            f"{home}: its log is on {remembered}, but {VARIABLE} names {without_password(given)}. Unset it, use "
            f"another HEADWATER_HOME, or, if the log has moved there, remove {home / MARKER}."
        )
    if remembered is None and (home / FILE_NAME).exists():
        raise WrongStore(
            f"{home} has a log of its own in {FILE_NAME}, and {VARIABLE} names a server. Move it there with "
            "`headwater events export` and `import`, or use another HEADWATER_HOME."
        )
    return given


def _remember(home: Path, url: str) -> None:
    marker = home / MARKER
    if not marker.exists():
        home.mkdir(parents=True, exist_ok=True)
        marker.write_text(without_password(url) + "\n", "utf-8")
