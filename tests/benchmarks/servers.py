"""A PostgreSQL server for benchmarks: that of the tests (`tests/support/postgres.py`)."""

from __future__ import annotations

import sys

from harness import ROOT

sys.path.append(str(ROOT / "tests"))

from support.postgres import schema_url

__all__ = ["schema_url"]
