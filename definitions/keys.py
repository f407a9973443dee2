"""Asset keys: the names under which assets are known, of one part or several.

In events, snapshots and state a key is its *user string*: the parts joined by "/". A "/" or a "\\" inside a part is
escaped with a "\\", so that two keys never share a string.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any, Final

from .errors import InvalidDefinitionError

_NAME = re.compile(r"[A-Za-z0-9_.-]+")
_PART = re.compile(r"(?:[^/\\]|\\.|\\$)*", re.DOTALL)
_ESCAPED = re.compile(r"\\(.)", re.DOTALL)


class AssetKey:
    """The name of an asset.

    >>> AssetKey(["sales", "orders"]).to_user_string()
    'sales/orders'
    >>> AssetKey("a/b").path, AssetKey.from_user_string("a/b").path
    (['a/b'], ['a', 'b'])
    """

    # No dataclass: this is the first thing that `from headwater import asset` pays for.
    __slots__ = ("_hash", "_text", "parts")

    def __init__(self, path: str | Sequence[str]) -> None:
        parts = (path,) if isinstance(path, str) else tuple(path)
        if not (path and isinstance(path, str)) and not (parts and all(isinstance(p, str) and p for p in parts)):
            raise InvalidDefinitionError(
                f"an asset key is a name or a list of names, none of them empty; this one is {path!r}"
            )
        self.parts: Final = parts
        self._hash = hash(parts)
        self._text: str | None = None

    @property
    def path(self) -> list[str]:
        return list(self.parts)

    @classmethod
    def of(cls, coercible: CoercibleToAssetKey) -> AssetKey:
        """The key that `coercible` stands for: a key, a name, a list of parts, or anything with a `.key`.

        Raises:
            InvalidDefinitionError: a string with more than letters, digits, "_", "-" and ".", or something else.
        """
        if isinstance(coercible, AssetKey):
            return coercible
        if isinstance(coercible, str):
            return cls(check_name(coercible, what="asset"))
        if isinstance(coercible, (list, tuple)):
            return cls(coercible)
        key = getattr(coercible, "key", None)
        if isinstance(key, AssetKey):
            return key
        raise InvalidDefinitionError(
            f"{coercible!r} does not stand for an asset: pass an asset, its name, an AssetKey or a list of key parts"
        )

    @classmethod
    def from_user_string(cls, text: str) -> AssetKey:
        """The key whose `to_user_string()` is `text`."""
        parts, at = [], 0
        while True:
            found = _PART.match(text, at)
            assert found is not None  # the pattern matches the empty string
            parts.append(_ESCAPED.sub(r"\1", found.group()))
            if found.end() == len(text):
                return cls(parts)
            at = found.end() + 1  # past the "/"

    def to_user_string(self) -> str:
        if self._text is None:  # asked for many times by every run
            self._text = "/".join(part.replace("\\", "\\\\").replace("/", "\\/") for part in self.parts)
        return self._text

    def to_python_identifier(self) -> str:
        """The key as one word: parts joined by "__", "-" and "." as "_"."""
        return re.sub(r"\W", "_", "__".join(self.parts))

    def has_prefix(self, prefix: Sequence[str]) -> bool:
        return self.parts[: len(prefix)] == tuple(prefix)

    def with_prefix(self, prefix: str | Sequence[str]) -> AssetKey:
        return AssetKey([*((prefix,) if isinstance(prefix, str) else prefix), *self.parts])

    def __eq__(self, other: object) -> bool:
        return self.parts == other.parts if isinstance(other, AssetKey) else NotImplemented

    def __lt__(self, other: AssetKey) -> bool:
        return self.parts < other.parts

    def __hash__(self) -> int:
        return self._hash

    def __reduce__(self) -> tuple[Any, ...]:
        return AssetKey, (self.parts,)  # the hash of a text is another one in another process

    def __str__(self) -> str:
        return self._text or self.to_user_string()

    def __repr__(self) -> str:
        return f"AssetKey({self.path!r})"


class AssetCheckKey:
    """The name of a check: that of its asset, and its own.

    >>> str(AssetCheckKey(AssetKey(["sales", "orders"]), "no_nulls"))
    'sales/orders:no_nulls'
    """

    __slots__ = ("asset_key", "name")

    def __init__(self, asset_key: CoercibleToAssetKey, name: str) -> None:
        self.asset_key: Final = AssetKey.of(asset_key)
        self.name: Final = name

    @classmethod
    def from_user_string(cls, text: str) -> AssetCheckKey:
        """The key whose `to_user_string()` is `text`."""
        asset, _, name = text.rpartition(":")
        return cls(AssetKey.from_user_string(asset), name)

    def to_user_string(self) -> str:
        return f"{self.asset_key}:{self.name}"

    def with_asset_key_prefix(self, prefix: str | Sequence[str]) -> AssetCheckKey:
        return AssetCheckKey(self.asset_key.with_prefix(prefix), self.name)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, AssetCheckKey):
            return NotImplemented
        return (self.asset_key, self.name) == (other.asset_key, other.name)

    def __lt__(self, other: AssetCheckKey) -> bool:
        return (self.asset_key, self.name) < (other.asset_key, other.name)

    def __hash__(self) -> int:
        return hash((self.asset_key, self.name))

    def __str__(self) -> str:
        return self.to_user_string()

    def __repr__(self) -> str:
        return f"AssetCheckKey(asset_key={self.asset_key!r}, name={self.name!r})"


CoercibleToAssetKey = AssetKey | str | Sequence[str] | Any
"""A key, a name, the parts of a key, or anything that has a `.key` (an asset, a spec)."""


def check_name(name: str, *, what: str) -> str:
    """`name` itself, if it can name what `what` says ("asset", "check", "group").

    Raises:
        InvalidDefinitionError: it has other characters than letters, digits, "_", "-" and ".".
    """
    if _NAME.fullmatch(name):
        return name
    hint = f" For a key of several parts write {name.split('/')!r}." if "/" in name.strip("/") else ""
    raise InvalidDefinitionError(
        f'{name!r} is no name for the {what}: use letters, digits, "_", "-" and "." only.{hint}'
    )
