"""What `from headwater import asset` pays for stays small: nothing heavy is imported before it is used."""

from __future__ import annotations

import subprocess
import sys

HEAVY = [
    "anyio",
    "cronsim",
    "pydantic",
    "pyroaring",
    "sqlalchemy",
    "structlog",
    "typer",
    "zoneinfo",
    "hashlib",
    "asyncio",
]

LOOK = f"""
import sys
from headwater.definitions import conditions, errors, keys, metadata, partitions, results, source
conditions.AutomationCondition.eager()
partitions.DailyPartitionsDefinition("2024-01-01").get_last_partition_key()
print(*sorted(set({HEAVY!r}) & set(sys.modules)))
"""


def test_the_foundations_import_nothing_heavy() -> None:
    loaded = subprocess.run([sys.executable, "-c", LOOK], capture_output=True, text=True, check=True).stdout.split()
    assert loaded == []
