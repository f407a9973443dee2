"""URLs of PostgreSQL servers: for libpq, and for people, who never see the password."""

from __future__ import annotations

from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError

_DIALECTS = {"postgresql", "postgres"}


def is_server_url(url: str) -> bool:
    """Whether it names a PostgreSQL server, with or without a driver as in `postgresql+psycopg://`."""
    try:
        return make_url(url).drivername.partition("+")[0] in _DIALECTS
    except ArgumentError:
        return False


def libpq_url(url: str) -> str:
    """`url` without the name of a driver, which libpq does not know."""
    return make_url(url).set(drivername="postgresql").render_as_string(hide_password=False)


def sqlalchemy_url(url: str) -> URL:
    """`url` for an engine of SQLAlchemy."""
    return make_url(url).set(drivername="postgresql+psycopg")


def without_password(url: str) -> str:
    """`url` as it may be shown and stored."""
    given = make_url(url)
    query = {name: value for name, value in given.query.items() if name != "password"}
    bare = URL.create("postgresql", given.username, None, given.host, given.port, given.database, query)
    return bare.render_as_string(hide_password=False)
