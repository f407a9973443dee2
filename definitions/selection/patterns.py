"""Patterns: how a value in a selection names one thing or many, and how values are quoted.

In a pattern `*` stands for any text, and a backslash takes the meaning from the character after it. Between double
quotes a backslash stands before a quote that does not end the value; whatever else it stands before is kept as it is.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import lru_cache

_ESCAPED = re.compile(r"\\(.)|\\$", re.DOTALL)
_PIECE = re.compile(r"\\(.)|(\*+)|([^\\*]+)", re.DOTALL)
_PLAIN_KEY = re.compile(r"[\w.-]+(?:/[\w.-]+)*")
_PLAIN_VALUE = re.compile(r"[\w.*/@:-]+")
_WORDS_OF_THE_GRAMMAR = {"and", "or", "not"}


def literal(text: str) -> str:
    """The pattern that matches `text` only."""
    return text.replace("\\", "\\\\").replace("*", "\\*")


def normal(pattern: str) -> str:
    """The same pattern with no more backslashes than it needs, so that equal patterns are equal strings."""
    return _ESCAPED.sub(lambda found: literal(found[1] or "\\"), pattern)


@lru_cache(maxsize=1024)
def matcher(pattern: str) -> Callable[[str], bool]:
    """Whether the whole of a text is what `pattern` says; upper and lower case differ."""
    pieces = [".*" if star else re.escape(escaped or plain) for escaped, star, plain in _PIECE.findall(normal(pattern))]
    whole = re.compile("".join(pieces), re.DOTALL)
    return lambda text: whole.fullmatch(text) is not None


def quoted(text: str) -> str:
    """`text` between quotes. Every backslash of it must stand before another character, as in patterns and keys."""
    return '"' + text.replace('"', '\\"') + '"'


def unquoted(token: str) -> str:
    """What stands between the quotes of `token`."""
    return re.sub(r"\\(.)", lambda found: '"' if found[1] == '"' else found[0], token[1:-1], flags=re.DOTALL)


def shown_key(user_string: str) -> str:
    """A key as it stands in a selection: quoted if it would be read as something else."""
    is_word = _PLAIN_KEY.fullmatch(user_string) and not user_string.isdecimal()
    return user_string if is_word and user_string.lower() not in _WORDS_OF_THE_GRAMMAR else quoted(user_string)


def shown_value(pattern: str | None) -> str:
    """A value as it stands behind an attribute's colon; None is `<null>`."""
    if pattern is None:
        return "<null>"
    return pattern if _PLAIN_VALUE.fullmatch(pattern) else quoted(pattern)
