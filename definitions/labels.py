"""The words that an asset is filed under (key, group, tags, owners, kinds) and the rules for them.

Each function reports what is wrong with the user's own value and returns what can be kept, so that one bad tag does
not hide the next mistake of a load.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import lru_cache
from typing import Any

from .collecting import report
from .errors import DefinitionError
from .keys import AssetKey, CoercibleToAssetKey
from .source import SourceLine

KINDS_MAX = 10
TAG_PART_MAX = 63  # characters
NAMES_KEPT = 1 << 17  # bare names of assets: those of the largest projects

NAME = re.compile(r"[A-Za-z0-9_.-]+")
JOB_NAME = re.compile(r"[A-Za-z0-9_]+")
GROUP = re.compile(r"[A-Za-z0-9_]+(/[A-Za-z0-9_]+)*")
TAG_PART = re.compile(r"[A-Za-z0-9_.-]+")
OWNER = re.compile(r"team:.+|[^@\s]+@[^@\s]+\.[^@\s]+")


def key_from_user(value: Any, *, role: str, source: SourceLine) -> AssetKey:
    """The key that a user wrote: a name, a list of names, an AssetKey, or something that has a key.

    `role` says in a message what the value was, such as "the name of an asset".
    """
    if isinstance(value, str):
        if (key := _named(value)) is not None:
            return key
        hint = f" For a key of several parts write {value.split('/')!r}." if "/" in value.strip("/") else ""
        report(
            DefinitionError(
                f"{source}: {value!r} cannot be {role}: letters, digits, '_', '-' and '.' are allowed.{hint}"
            )
        )
        return AssetKey([value])
    try:
        return AssetKey.of(value)
    except (TypeError, ValueError, DefinitionError):
        report(
            DefinitionError(
                f"{source}: {value!r} cannot be {role}. Give a name, a list of names, an AssetKey or an asset."
            )
        )
        return AssetKey([re.sub(r"\W+", "_", repr(value))])


@lru_cache(maxsize=NAMES_KEPT)
def _named(name: str) -> AssetKey | None:
    """The key of a bare name, the same object for all assets that mention it; None where it cannot be one."""
    return AssetKey(name) if NAME.fullmatch(name) else None


def checked_name(value: Any, *, role: str, source: SourceLine) -> str:
    """The name of a job, a schedule or a sensor; what cannot be one is reported, and made into one."""
    if isinstance(value, str) and JOB_NAME.fullmatch(value):
        return value
    report(DefinitionError(f"{source}: {value!r} cannot be {role}: letters, digits and '_' are allowed."))
    return re.sub(r"\W+", "_", str(value)) or "_"


def own_key(
    fn: Callable[..., Any],
    *,
    name: str | None,
    key_prefix: str | Sequence[str] | None,
    key: CoercibleToAssetKey | None,
    source: SourceLine,
) -> AssetKey:
    """The key of the asset that `fn` makes, of what its decorator was given: by default the function's name."""
    if key is not None:
        if name is not None or key_prefix is not None:
            other = "name" if name is not None else "key_prefix"
            report(DefinitionError(f"{source}: asset {str(key)!r} has both key and {other}. Keep one of the two."))
        return key_from_user(key, role="the key of an asset", source=source)
    own = key_from_user(name or getattr(fn, "__name__", "asset"), role="the name of an asset", source=source)
    return own if key_prefix is None else own.with_prefix(key_prefix)


def checked_group(value: str | None, *, owner: str, source: SourceLine) -> str | None:
    if value is None or (isinstance(value, str) and GROUP.fullmatch(value)):
        return value
    report(
        DefinitionError(
            f"{source}: {owner} has the group {value!r}. A group name consists of letters, digits and '_'; "
            "'/' nests groups."
        )
    )
    return None


def checked_tags(value: Mapping[str, str] | None, *, owner: str, source: SourceLine) -> dict[str, str]:
    """Tags: `[namespace/]name` to value, each part at most 63 of letters, digits, '_', '-' and '.'."""
    kept: dict[str, str] = {}
    for key, text in (value or {}).items():
        problem = _tag_problem(key, text)
        if problem is None:
            kept[key] = text
        else:
            report(DefinitionError(f"{source}: {owner} has the tag {key!r}: {text!r}. {problem}"))
    return kept


def _tag_problem(key: Any, text: Any) -> str | None:
    rule = f"at most {TAG_PART_MAX} letters, digits, '_', '-' and '.'"
    if not isinstance(key, str) or not isinstance(text, str):
        return "Tags are strings on both sides; put other values into metadata."
    parts = key.split("/")
    if len(parts) > 2 or not all(TAG_PART.fullmatch(part) and len(part) <= TAG_PART_MAX for part in parts):
        return f"A tag key is a name, or namespace/name; each has {rule}."
    if text and (not TAG_PART.fullmatch(text) or len(text) > TAG_PART_MAX):
        return f"A tag value has {rule}; put longer text into metadata."
    return None


def checked_owners(value: Sequence[str] | None, *, owner: str, source: SourceLine) -> tuple[str, ...]:
    kept: list[str] = []
    for name in [value] if isinstance(value, str) else value or ():
        if isinstance(name, str) and OWNER.fullmatch(name):
            kept.append(name)
        else:
            report(
                DefinitionError(f"{source}: {owner} has the owner {name!r}. Give an e-mail address or 'team:the_name'.")
            )
    return tuple(kept)


def checked_kinds(value: Iterable[str] | None, *, owner: str, source: SourceLine) -> tuple[str, ...]:
    """Kinds in alphabetical order: they are a set."""
    kinds = sorted({str(kind) for kind in ([value] if isinstance(value, str) else value or ())})
    if len(kinds) > KINDS_MAX:
        report(
            DefinitionError(f"{source}: {owner} has {len(kinds)} kinds; at most {KINDS_MAX} are shown. Remove some.")
        )
    return tuple(kinds[:KINDS_MAX])
