"""Run config that is given to a command: a file, or JSON in the command itself."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import typer

from ...definitions.config_files import checked_mapping, read_config_file
from ...definitions.errors import InvalidConfigError


def given_run_config(file: Path | None, text: str | None) -> Mapping[str, Any] | None:
    """What --config or --config-json gives; None where neither is there.

    Raises:
        InvalidConfigError: it cannot be read.
    """
    if file is not None and text is not None:
        raise typer.BadParameter("give either --config FILE or --config-json JSON, not both.")
    if file is not None:
        return read_config_file(file)
    if text is None:
        return None
    try:
        return checked_mapping(json.loads(text), "--config-json")
    except ValueError as error:
        raise InvalidConfigError([f"--config-json is no JSON: {error}."]) from None
