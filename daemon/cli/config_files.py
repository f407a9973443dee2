"""Run config that is given to a command: a file, or JSON in the command itself."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import typer

from ...definitions.errors import InvalidConfigError


def given_run_config(file: Path | None, text: str | None) -> Mapping[str, Any] | None:
    """What --config or --config-json gives; None where neither is there.

    Raises:
        InvalidConfigError: it cannot be read.
    """
    if file is not None and text is not None:
        raise typer.BadParameter("give either --config FILE or --config-json JSON, not both.")
    if file is not None:
        return _mapping(_read(file), str(file))
    if text is None:
        return None
    try:
        return _mapping(json.loads(text), "--config-json")
    except ValueError as error:
        raise InvalidConfigError([f"--config-json is no JSON: {error}."]) from None


def _read(file: Path) -> Any:
    try:
        text = file.read_text("utf-8")
        match file.suffix.lower():
            case ".json":
                return json.loads(text)
            case ".toml":
                return tomllib.loads(text)
            case ".yaml" | ".yml":
                return _yaml(text, file)
    except OSError as error:
        raise InvalidConfigError([f"{file} cannot be read: {error.strerror}."]) from None
    except ValueError as error:
        raise InvalidConfigError([f"{file} cannot be read: {error}."]) from None
    raise InvalidConfigError([f"{file}: config is read from .json, .toml and .yaml files. Rename it to what it is."])


def _yaml(text: str, file: Path) -> Any:
    try:
        import yaml  # type: ignore[import-untyped]  # not one of our dependencies
    except ImportError:
        raise InvalidConfigError(
            [f"{file}: reading YAML needs PyYAML (`pip install pyyaml`). JSON and TOML are read without it."]
        ) from None
    try:
        return yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise InvalidConfigError([f"{file} is no YAML: {error}."]) from None


def _mapping(data: Any, where: str) -> Mapping[str, Any]:
    if data is None:
        return {}
    if not isinstance(data, Mapping):
        raise InvalidConfigError([f"{where}: a mapping is needed, not {type(data).__name__}."])
    return data
