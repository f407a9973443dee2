"""Reports: an outside system made something, and says so by one event."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import typer

from ...definitions.errors import InvalidInvocationError
from ...definitions.metadata import metadata_to_json, normalize_metadata
from ...storage.clock import SystemClock
from ...storage.dynamic_partitions import dynamic_keys
from ...storage.events import AssetMaterialized
from ...storage.log import EventLog
from ..host.source import CodeSource
from .catalog import known_definitions, log_for_reading
from .targets import check_partition, known_asset


def facts_of(given: Sequence[str]) -> dict[str, Any]:
    """The metadata that `NAME=VALUE` arguments say: numbers and true/false as such, everything else as text."""
    facts: dict[str, Any] = {}
    for fact in given:
        name, equals, value = fact.partition("=")
        if not name or not equals:
            raise typer.BadParameter(f"--metadata takes NAME=VALUE, not {fact!r}.")
        facts[name] = _value(value)
    return facts


def report_made(
    key: str,
    partition: str | None,
    *,
    home: Path,
    given: CodeSource | None,
    data_version: str | None,
    metadata: Mapping[str, Any],
    force: bool,
) -> int:
    """Append the report, and return its offset.

    Raises:
        InvalidInvocationError, UnknownPartition: no definition knows the asset or the partition, and `force` is off.
    """
    event = AssetMaterialized(
        asset_key=key,
        partition=partition,
        origin="report",
        data_version=data_version,
        metadata=metadata_to_json(normalize_metadata(metadata)),  # type: ignore[arg-type]
    )
    if not force:
        _check_known(key, partition, home, given)
    with EventLog.open(home) as log:
        return log.append([event])[-1]


def _check_known(key: str, partition: str | None, home: Path, given: CodeSource | None) -> None:
    """Made sure of before a home is: a typing error must leave nothing behind."""
    with log_for_reading(home) as log:
        definitions = known_definitions(log, home, given)
        keys = dynamic_keys(log)
    if definitions is None:
        raise InvalidInvocationError(
            f"nothing is defined here, so nobody knows the asset {key!r}. Name the definitions with -f or -m, or "
            "record it nevertheless with --force."
        )
    check_partition(known_asset(definitions, key), partition, at=SystemClock().now(), dynamic=keys)


def _value(text: str) -> Any:
    try:
        value = json.loads(text)
    except ValueError:
        return text
    return value if isinstance(value, (bool, int, float)) else text
