"""Arguments that the field knows and that do not act here yet: refused with what to use instead, never ignored."""

from __future__ import annotations

from typing import Any

from .collecting import report
from .errors import NotYetSupported
from .source import SourceLine

INSTEAD = {
    "emit_backfills": "leave it out: whether many partitions become a backfill is an option of the daemon",
    "io_manager_def": "put the IO manager into Definitions(resources={'name': ...}) and pass io_manager_key='name'",
    "is_virtual": "make the view a plain asset that returns MaterializeResult()",
    "op_tags": "use tags",
}


def refuse(owner: str, *, source: SourceLine, **arguments: Any) -> None:
    """Report each argument that was given: None, False and empty collections count as not given."""
    for name, value in arguments.items():
        if value is None or value is False or (isinstance(value, (tuple, list, dict, set)) and not value):
            continue
        report(NotYetSupported(f"{owner}: {name}", instead=INSTEAD.get(name, ""), source=source))
