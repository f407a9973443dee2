"""The way from a definition to what runs it in this process: `job.execute_in_process()` and the like.

Definitions know nobody who runs them. These few methods are the one place where the user asks a definition itself to
run, so what does it is looked up by its name when they are called, and never imported from here.
"""

from __future__ import annotations

from importlib import import_module
from typing import Any


def runner() -> Any:
    """The module that executes jobs and graphs in this process."""
    return import_module(f"{__name__.partition('.')[0]}.daemon.runs.in_process")
