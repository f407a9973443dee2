"""The newest 100 events of one asset out of 10 million rows, most of which are about others.

The rows are made within SQLite, by a recursive query: events of 1,000 assets in turn. They have no checksums, which no
question of this kind looks at.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Sequence
from pathlib import Path

from harness import Effort, Figure, Target, interleaved, median, ratio_of, scratch_folder, timed

from headwater.storage.log import EventLog
from headwater.storage.sqlite import FILE_NAME

NEWEST = 100
ASSETS = 1_000
TARGET_MS = Target(5)
FILL = """
    WITH RECURSIVE number(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM number WHERE n < :size)
    INSERT INTO events
    SELECT n, printf('019b0000-0000-7000-8000-%012x', n),
        CASE n % 3000 WHEN 7 THEN 'asset_observed' ELSE 'asset_materialized' END,
        1, 1700000000000000 + n, 'asset_' || (n % :assets), NULL, NULL,
        '{"asset_key":"asset_' || (n % :assets) || '","metadata":{"rows":{"type":"int","value":' || n || '}}}', '-'
    FROM number
"""
PLAIN = 'SELECT * FROM events WHERE asset_key = ? ORDER BY "offset" DESC LIMIT ?'


def newest(effort: Effort) -> list[Figure]:
    size = effort.of(10_000_000, ASSETS * 2 * NEWEST)
    with scratch_folder() as home:
        EventLog.in_file(home).close()
        fill(home / FILE_NAME, size)
        bare = sqlite3.connect(home / FILE_NAME)
        with EventLog.in_file(home) as log:
            keys = [f"asset_{number}" for number in range(3, ASSETS, max(1, ASSETS // effort.of(50, 2)))]

            def every() -> float:
                return _each_ms(keys, lambda key: log.query(asset_key=key, newest_first=True, limit=NEWEST))

            def of_type() -> float:
                types = ["asset_materialized"]
                return _each_ms(
                    keys, lambda key: log.query(asset_key=key, types=types, newest_first=True, limit=NEWEST)
                )

            def plain() -> float:
                return _each_ms(keys, lambda key: bare.execute(PLAIN, (key, NEWEST)).fetchall())

            found = interleaved(effort.of(5, 1), every, of_type, plain)
        bare.close()
    return [
        Figure(
            name=f"newest {NEWEST} {what} of one asset, out of {size:,} events",
            value=round(median(took), 3),
            unit="ms",
            target=TARGET_MS,
            limit=round(median(found[2]), 3),
            limit_is="the same rows from bare sqlite3, not decoded",
            ratio=round(ratio_of(took, found[2]), 2),
        )
        for what, took in (("events", found[0]), ("materializations", found[1]))
    ]


def fill(file: Path, size: int) -> None:
    connection = sqlite3.connect(file, isolation_level=None)
    connection.execute("PRAGMA synchronous = OFF")
    connection.execute("PRAGMA cache_size = -400000")
    indexes = [sql for (sql,) in connection.execute("SELECT sql FROM sqlite_master WHERE type = 'index' AND sql <> ''")]
    names = [n for (n,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'index' AND sql <> ''")]
    for name in names:  # to sort once at the end is quicker than to sort in as they come
        connection.execute(f'DROP INDEX "{name}"')
    connection.execute("BEGIN")
    connection.execute(FILL, {"size": size, "assets": ASSETS})
    for index in indexes:
        connection.execute(index)
    connection.execute('UPDATE head SET "offset" = ?, timestamp = ?', (size, 1_700_000_000_000_000 + size))
    connection.execute("COMMIT")
    connection.close()


def _each_ms(keys: list[str], ask: Callable[[str], Sequence[object]]) -> float:
    def all_of_them() -> None:
        for key in keys:
            assert len(ask(key)) == NEWEST

    return timed(all_of_them) / len(keys) * 1_000
