"""The tokens of selection strings: words, quoted names, attributes with their values, and signs.

An attribute and its value are one token, since other characters are allowed behind the colon: `owner:team:sales`,
`key:raw*`. Where a token begins and ends is kept, for errors and because `a+ b` and `a +b` are two things.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from ..errors import InvalidAssetSelection
from .patterns import unquoted

_SPACE = re.compile(r"\s*")
_ATTRIBUTE = re.compile(r"([A-Za-z_]+)\s*:\s*")
_EQUALS = re.compile(r"\s*=\s*")
_QUOTED = re.compile(r'"(?:[^"\\]|\\.)*"', re.DOTALL)
_VALUE = re.compile(r"[\w.*/@:-]+|<null>")
_WORD = re.compile(r"[\w.-]+(?:/[\w.-]+)*")
_KEYWORDS = {"and", "or", "not"}
_SIGNS = "+*(),"


@dataclass(frozen=True, slots=True)
class Token:
    """`kind` is a sign, "word", "quoted", "attribute", "and", "or", "not" or "end"; `start` and `end` count from 0.

    `text` is what the user wrote, or what stands between the quotes, or the attribute's name. The values of an
    attribute are patterns, None for `<null>`; a second one stands behind "=".
    """

    kind: str
    text: str
    start: int
    end: int
    values: tuple[str | None, ...] = ()


def tokens_of(text: str) -> list[Token]:
    """The tokens of `text`; the last one is its end."""
    return list(_tokens(text))


def error(text: str, at: int, message: str) -> InvalidAssetSelection:
    return InvalidAssetSelection(message, text=text, column=at + 1)


def _tokens(text: str) -> Iterator[Token]:
    at = _SPACE.match(text).end()  # type: ignore[union-attr]
    while at < len(text):
        token = _token(text, at)
        yield token
        at = _SPACE.match(text, token.end).end()  # type: ignore[union-attr]
    yield Token("end", "", at, at)


def _token(text: str, at: int) -> Token:
    if text[at] in _SIGNS:
        return Token(text[at], text[at], at, at + 1)
    if text[at] == '"':
        end = _quoted_end(text, at)
        return Token("quoted", unquoted(text[at:end]), at, end)
    if found := _ATTRIBUTE.match(text, at):
        values, end = _values(text, found.end(), found[1])
        return Token("attribute", found[1], at, end, values)
    if found := _WORD.match(text, at):
        word = found.group()
        kind = word.lower() if word.lower() in _KEYWORDS else "word"
        return Token(kind, word, at, found.end())
    if text[at] == "'":
        raise error(text, at, 'names are quoted with double quotes ("), not with single ones.')
    if text[at] == "=":
        raise error(text, at, '"=" stands in tags only, as in tag:layer=bronze.')
    if text[at] in "|&!":
        word = {"|": "or", "&": "and", "!": "not"}[text[at]]
        raise error(text, at, f"write {word!r} for {text[at]!r}.")
    raise error(text, at, f"expected an asset, an attribute such as group:sales, or a sign, not {text[at]!r}.")


def _values(text: str, at: int, attribute: str) -> tuple[tuple[str | None, ...], int]:
    first, end = _value(text, at, f"a value behind {attribute + ':'!r}")
    if not (found := _EQUALS.match(text, end)):
        return (first,), end
    second, end = _value(text, found.end(), 'a value behind "="')
    return (first, second), end


def _value(text: str, at: int, expected: str) -> tuple[str | None, int]:
    if text.startswith('"', at):
        end = _quoted_end(text, at)
        return unquoted(text[at:end]), end
    if found := _VALUE.match(text, at):
        return None if found.group() == "<null>" else found.group(), found.end()
    there = repr(text[at]) if at < len(text) else "the end"
    quotes = " Other characters go between double quotes." if at < len(text) and text[at] not in "'()+," else ""
    raise error(text, at, f"expected {expected}, not {there}.{quotes}")


def _quoted_end(text: str, at: int) -> int:
    found = _QUOTED.match(text, at)
    if found is None:
        raise error(text, at, "this quote is never closed.")
    return found.end()
