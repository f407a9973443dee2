"""Config in files: JSON, TOML or YAML, as run config for `materialize`, a job or a command."""

from __future__ import annotations

import glob
import json
import tomllib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from .errors import InvalidConfigError


def config_from_files(config_files: Iterable[str | Path]) -> dict[str, Any]:
    """The config in several files, merged: of two files that say different things the later one counts.

    Each may be a pattern, as in `"configs/*.yaml"`.

    Raises:
        InvalidConfigError: a file cannot be read, or a pattern finds none.
    """
    merged: dict[str, Any] = {}
    for pattern in map(str, config_files):
        found = sorted(glob.glob(pattern, recursive=True))
        if not found:
            raise InvalidConfigError([f"there is no file {pattern!r} to read config from."])
        for file in found:
            merged = _merged(merged, read_config_file(Path(file)))
    return merged


def read_config_file(file: Path) -> Mapping[str, Any]:
    """What one file holds, a mapping.

    Raises:
        InvalidConfigError: it cannot be read.
    """
    try:
        text = file.read_text("utf-8")
        match file.suffix.lower():
            case ".json":
                return checked_mapping(json.loads(text), str(file))
            case ".toml":
                return tomllib.loads(text)
            case ".yaml" | ".yml":
                return checked_mapping(_yaml(text, file), str(file))
    except OSError as error:
        raise InvalidConfigError([f"{file} cannot be read: {error.strerror}."]) from None
    except ValueError as error:
        raise InvalidConfigError([f"{file} cannot be read: {error}."]) from None
    raise InvalidConfigError([f"{file}: config is read from .json, .toml and .yaml files. Rename it to what it is."])


def checked_mapping(data: Any, where: str) -> Mapping[str, Any]:
    """`data`, once it is known to be a mapping; None is an empty one."""
    if data is None:
        return {}
    if not isinstance(data, Mapping):
        raise InvalidConfigError([f"{where}: a mapping is needed, not {type(data).__name__}."])
    return data


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


def _merged(one: Mapping[str, Any], other: Mapping[str, Any]) -> dict[str, Any]:
    merged = dict(one)
    for name, value in other.items():
        known = merged.get(name)
        if isinstance(known, Mapping) and isinstance(value, Mapping):
            value = _merged(known, value)
        merged[name] = value
    return merged
