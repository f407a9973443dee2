"""What a step and its program say to each other.

    HEADWATER_PIPES_CONTEXT    path of a JSON file: asset_keys, partition_key, run_id, extras, ... (see `context_data`)
    HEADWATER_PIPES_MESSAGES   path of a file to append to: {"method": ..., "params": {...}} on each line

The methods: opened, closed (params may hold an `exception`), log (message, level), report_asset_materialization
(asset_key, metadata, data_version), report_asset_check (asset_key, check_name, passed, severity, metadata),
report_custom_message (payload). Metadata is `{name: {"type": kind, "value": ...}}`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..metadata import MetadataValue, metadata_from_json, metadata_to_json, metadata_value

CONTEXT = "HEADWATER_PIPES_CONTEXT"
MESSAGES = "HEADWATER_PIPES_MESSAGES"


def metadata_as_sent(metadata: Mapping[str, Any] | None) -> dict[str, Any]:
    """Metadata as JSON. A value may be given with its kind, as `{"raw_value": "# x", "type": "md"}`."""
    return metadata_to_json({name: _value(name, raw) for name, raw in (metadata or {}).items()})


def _value(name: str, raw: Any) -> MetadataValue:
    if isinstance(raw, Mapping) and set(raw) == {"raw_value", "type"}:
        if raw["type"] == "__infer__":
            return metadata_value(name, raw["raw_value"])
        return metadata_from_json({name: {"type": raw["type"], "value": raw["raw_value"]}})[name]
    return metadata_value(name, raw)
