"""The driver's own connections to a PostgreSQL server: made, lost, and asked with the statements of statements.py."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any

import psycopg
from sqlalchemy import ClauseElement
from sqlalchemy.dialects.postgresql.psycopg import PGDialect_psycopg

from . import statements
from .errors import StoreUnavailable
from .server_url import libpq_url, without_password
from .statements import Statement

Connection = psycopg.Connection[tuple[Any, ...]]

CONNECT_TIMEOUT_S = 10

_dialect = PGDialect_psycopg(paramstyle="format")


@cache
def compiled(construct: ClauseElement) -> Statement:
    return statements.compiled(construct, _dialect)


def execute(connection: Connection, construct: ClauseElement, **values: Any) -> psycopg.Cursor[tuple[Any, ...]]:
    """Run a construct on the driver's own connection."""
    statement = compiled(construct)
    text: Any = statement.sql  # not a literal, since it comes from the compiler
    return connection.execute(text, statement.values(values))


def text_of(construct: ClauseElement) -> Any:
    return compiled(construct).sql


def ddl(construct: ClauseElement) -> Any:
    return str(construct.compile(dialect=_dialect))


def gave_up(connection: Connection, error: psycopg.Error) -> bool:
    """Whether `error` means that the connection is lost; it is closed then.

    The driver notices that late in a pipeline. The server's own farewells have the codes 57P.. and 08...
    """
    code = error.sqlstate or ""
    is_lost = connection.closed or (not code and isinstance(error, psycopg.OperationalError))
    if is_lost or code.startswith(("57P", "08")):
        connection.close()
        return True
    return False


def only_row(cursor: psycopg.Cursor[tuple[Any, ...]]) -> tuple[Any, ...]:
    row = cursor.fetchone()
    assert row is not None
    return row


def connected(url: str, prepare: Callable[[Connection], object], **options: Any) -> Connection:
    """A new connection, with these options of libpq, on which `prepare` has been done.

    Raises:
        StoreUnavailable: the server cannot be reached, or refuses.
    """
    connection: Connection | None = None
    try:
        connection = psycopg.connect(libpq_url(url), autocommit=True, connect_timeout=CONNECT_TIMEOUT_S, **options)
        prepare(connection)
    except psycopg.Error as error:
        if connection is not None:
            connection.close()
        raise StoreUnavailable(without_password(url), error) from error
    return connection
