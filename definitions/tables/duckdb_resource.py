"""DuckDB as a resource: connections to a database, one at a time.

>>> from headwater.duckdb import DuckDBResource
>>> @asset
... def orders(duckdb: DuckDBResource) -> None:
...     with duckdb.get_connection() as connection:
...         connection.execute("create or replace table orders as select 1 as id")
>>> defs = Definitions([orders], resources={"duckdb": DuckDBResource(database="data/shop.duckdb")})

Only one process at a time can write to the file of a DuckDB database. Steps run in processes of their own: a connection
waits for the other one to be closed, up to `WAIT_S`.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import Field

from ..errors import ExecutionError
from ..resources import ConfigurableResource
from .extras import need

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

WAIT_S = 60.0
RETRY_S = 0.02
MEMORY = ":memory:"


class DuckDBResource(ConfigurableResource):
    """`database` is a file, or an address such as `md:name`; `connection_config` are DuckDB's own settings."""

    database: str
    connection_config: dict[str, Any] = Field(default_factory=dict)

    def model_post_init(self, context: Any, /) -> None:
        super().model_post_init(context)
        need("duckdb", extra="duckdb", needed_by=type(self).__name__)

    @contextmanager
    def get_connection(self) -> Iterator[DuckDBPyConnection]:
        """A connection, which is closed at the end of the block."""
        with connected(self.database, self.connection_config) as connection:
            yield connection


@contextmanager
def connected(database: str, config: Mapping[str, Any], *, wait_s: float = WAIT_S) -> Iterator[DuckDBPyConnection]:
    """A connection to a database, whose folder is made if it is not there.

    Raises:
        ExecutionError: another process has had the file open for `wait_s` seconds.
    """
    if "://" not in database and not database.startswith(("md:", "motherduck:", MEMORY)):
        Path(database).expanduser().parent.mkdir(parents=True, exist_ok=True)
    connection = _opened(database, dict(config), wait_s)
    try:
        yield connection
    finally:
        connection.close()


def _opened(database: str, config: dict[str, Any], wait_s: float) -> DuckDBPyConnection:
    import duckdb

    deadline = time.monotonic() + wait_s
    while True:
        try:
            return duckdb.connect(database=database, config=config)
        except duckdb.IOException as error:
            if "lock" not in str(error).lower():
                raise
            if time.monotonic() >= deadline:
                raise ExecutionError(
                    f"the DuckDB database {database!r} is still open in another process after {wait_s:g} s. Close it "
                    f"there, or let the steps that use it run one at a time. DuckDB says: {error}"
                ) from error
            time.sleep(RETRY_S)
