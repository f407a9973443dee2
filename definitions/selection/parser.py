"""Selection strings, read by precedence: from the loosest to the tightest

    a, b    a b             both: the same as "or"
    a or b                  either
    a and b                 what is common
    not a                   everything else
    +a  a+  2+a+1           with all upstream, all downstream, or so many layers; it touches what it extends
    roots(a)  sinks(a)      those that read none of the others, that none of the others reads
    made_with(a)            with all that can only be made together with these
    (a)

and a name is one of

    orders  sales/orders  "or"              an asset, which must exist; quoted if it could be read as something else;
                                            or all that the function of this name makes
    key:"raw*"  group:sales  kind:dbt  owner:"team:sales"  tag:layer=bronze  partitions:daily
                                            with "*" for any text, and <null> for those that have none
    is:external  is:materializable          made elsewhere, made here
    *                                       everything
    checks(a)  check:orders=not_empty  without_checks(a)

`and`, `or` and `not` may be in any case. The older spellings mean the same as they did: `*a` and `a*` are all layers,
and two or more plus signs are as many layers. A single plus is all layers everywhere.
"""

from __future__ import annotations

import re

from ..errors import InvalidAssetSelection, did_you_mean
from ..keys import AssetCheckKey, AssetKey
from .base import AssetSelection
from .names import ATTRIBUTES, Check, Everything, Is, Key, Label, Tag
from .operators import FUNCTIONS, And, Not, Within, any_of
from .patterns import literal
from .tokens import Token, error, tokens_of

NESTED_MAX = 100

_NUMBER = re.compile(r"[0-9]+")
_OPERANDS = {"word", "quoted", "attribute", "("}
_STARTS = {*_OPERANDS, "*", "+", "not"}
_ONE_VALUE = {*ATTRIBUTES, "is"}
_KNOWN = [*ATTRIBUTES, "tag", "is", "check"]
_NOT_RESOLVABLE = {
    "status": "it changes with every run, and a selection is resolved from the definitions alone",
    "column": "columns are known from runs only, and a selection is resolved from the definitions alone",
    "column_tag": "columns are known from runs only, and a selection is resolved from the definitions alone",
    "table_name": "table names are known from runs only, and a selection is resolved from the definitions alone",
    "changed_in_branch": "there is nothing to compare the definitions with",
    "automation_type": "select by key, group, tag, kind or owner instead",
    "code_location": "all definitions are loaded together",
    "sensor": "select by key, group, tag, kind or owner instead",
    "schedule": "select by key, group, tag, kind or owner instead",
    "job": "select by key, group, tag, kind or owner instead",
}


def parse(text: str) -> AssetSelection:
    """See `AssetSelection.from_string`."""
    return _Parser(text).whole()


class _Parser:
    def __init__(self, text: str) -> None:
        self._text, self._tokens, self._at, self._nested = text, tokens_of(text), 0, 0

    def whole(self) -> AssetSelection:
        selection = self._union(inside="")
        if self._here.kind != "end":
            raise self._wrong(self._here, 'this ")" closes nothing.')
        return selection

    # ---- what binds loosely --------------------------------------------------------------------------------------

    def _union(self, *, inside: str) -> AssetSelection:
        operands: list[AssetSelection] = []
        while True:
            while self._here.kind == ",":
                self._next()
            if self._here.kind in ("end", ")"):
                break
            operands.append(self._or())
        if not operands:
            if self._here.kind == "end" and not inside:
                raise self._wrong(self._here, 'it is empty: name assets, as in "orders, revenue", or "*" for all.')
            raise self._wrong(self._here, f"expected a selection {inside or 'before it'}.")
        return any_of(operands)

    def _or(self) -> AssetSelection:
        operands = [self._and()]
        while self._take("or"):
            operands.append(self._and())
        return any_of(operands)

    def _and(self) -> AssetSelection:
        operands = [self._not()]
        while self._take("and"):
            operands.append(self._not())
        return operands[0] if len(operands) == 1 else And.of(operands)

    def _not(self) -> AssetSelection:
        token = self._here
        if self._take("not"):
            self._deeper(token)
            selection = Not(self._not())
            self._nested -= 1
            return selection
        return self._layers()

    # ---- layers: what touches is one ------------------------------------------------------------------------------

    def _layers(self) -> AssetSelection:
        up = self._above()
        selection = self._operand()
        down = self._below()
        here = self._here
        if self._touches_before(self._at) and here.kind in {*_OPERANDS, "*", "+"}:
            raise self._wrong(here, "this can be read in two ways. Put a space where one name ends, or a comma.")
        return Within.of(selection, up=up, down=down)

    def _above(self) -> int | None:
        """The layers that stand before a name: `+`, `2+`, `++` and `*`."""
        here = self._here
        if here.kind == "*" and self._touches_after(self._at) and self._peek(1).kind in _OPERANDS:
            self._next()
            return None
        number = here.kind == "word" and _NUMBER.fullmatch(here.text) is not None
        if number and self._peek(1).kind == "+" and self._touches_after(self._at):
            if self._touches_after(self._at + 1) and self._peek(2).kind in {*_OPERANDS, "*"}:
                self._at += 2
                return int(here.text)
            return 0
        if here.kind != "+":
            return 0
        count = self._pluses()
        if not self._touches_before(self._at) or self._here.kind not in {*_OPERANDS, "*"}:
            raise self._wrong(here, 'a "+" touches the name that it extends, as in +orders or orders+.')
        return None if count == 1 else count

    def _below(self) -> int | None:
        """The layers that stand behind a name: `+`, `+2`, `++` and `*`."""
        if not self._touches_before(self._at):
            return 0
        if self._take("*"):
            return None
        if self._here.kind != "+":
            return 0
        count = self._pluses()
        here = self._here
        if count == 1 and here.kind == "word" and self._touches_before(self._at) and _NUMBER.fullmatch(here.text):
            self._next()
            return int(here.text)
        return None if count == 1 else count

    def _pluses(self) -> int:
        """Take the plus signs that touch each other."""
        count = 0
        while self._here.kind == "+" and (count == 0 or self._touches_before(self._at)):
            self._next()
            count += 1
        return count

    # ---- names ---------------------------------------------------------------------------------------------------

    def _operand(self) -> AssetSelection:
        token = self._next()
        match token.kind:
            case "word" if self._here.kind == "(" and (token.text in FUNCTIONS or self._touches_before(self._at)):
                return self._function(token)
            case "word" | "quoted" if token.text:
                return Key(AssetKey.from_user_string(token.text))
            case "quoted":
                raise self._wrong(token, "the name between the quotes is empty.")
            case "attribute":
                return self._attribute(token)
            case "*":
                return Everything()
            case "(":
                return self._enclosed(token, f"between the parentheses opened at column {token.start + 1}")
            case _:
                there = "the end" if token.kind == "end" else repr(self._text[token.start : token.end])
                raise self._wrong(token, f"expected an asset, an attribute such as group:sales, or '(', not {there}.")

    def _function(self, name: Token) -> AssetSelection:
        if name.text not in FUNCTIONS:
            known = ", ".join(f"{function}(...)" for function in FUNCTIONS)
            raise self._wrong(name, f"there is no function {name.text!r}. There are {known}.")
        return FUNCTIONS[name.text](self._enclosed(self._next(), f"for {name.text}(...)"))

    def _enclosed(self, opening: Token, where: str) -> AssetSelection:
        self._deeper(opening)
        selection = self._union(inside=where)
        if not self._take(")"):
            raise self._wrong(opening, 'this "(" is never closed.')
        self._nested -= 1
        return selection

    def _attribute(self, token: Token) -> AssetSelection:
        name, values = token.text, token.values
        if name in _NOT_RESOLVABLE:
            raise self._wrong(token, f"{name}: is not supported: {_NOT_RESOLVABLE[name]}.")
        if name not in _KNOWN:
            hint = did_you_mean(name, _KNOWN, f"There are {', '.join(_KNOWN)}.")
            raise self._wrong(token, f"there is no attribute {name!r}. {hint}")
        if name in _ONE_VALUE and len(values) != 1:
            raise self._wrong(token, f"{name}: takes one value, without '='. Put a value that has one between quotes.")
        first, second = values[0], values[-1] or ""
        if name == "is":
            if first not in ("external", "materializable"):
                raise self._wrong(token, f"expected is:external or is:materializable, not {first or '<null>'!r}.")
            return Is(first)
        if name == "check":
            if not first or len(values) != 2 or not second:
                raise self._wrong(token, "expected an asset and the name of its check, as in check:orders=not_empty.")
            key, check = _exact(first), _exact(second)
            if key is None or check is None:
                raise self._wrong(
                    token, "check: takes one check, without '*'. Write checks(...) for those of many assets."
                )
            return Check(AssetCheckKey(AssetKey.from_user_string(key), check))
        if name == "tag":
            return Tag(first, second if len(values) == 2 else "")
        if name.startswith("key") and first is None:
            raise self._wrong(token, "every asset has a key: expected one, and not <null>.")
        return Label(name, first)

    # ---- tokens --------------------------------------------------------------------------------------------------

    @property
    def _here(self) -> Token:
        return self._tokens[self._at]

    def _peek(self, ahead: int) -> Token:
        return self._tokens[min(self._at + ahead, len(self._tokens) - 1)]

    def _next(self) -> Token:
        token = self._here
        self._at = min(self._at + 1, len(self._tokens) - 1)
        return token

    def _take(self, kind: str) -> bool:
        taken = self._here.kind == kind
        if taken:
            self._next()
        return taken

    def _touches_before(self, at: int) -> bool:
        """Whether the token at `at` follows the one before it without a space."""
        return at > 0 and self._tokens[at - 1].end == self._tokens[at].start and self._tokens[at].kind != "end"

    def _touches_after(self, at: int) -> bool:
        return at + 1 < len(self._tokens) and self._touches_before(at + 1)

    def _deeper(self, token: Token) -> None:
        self._nested += 1
        if self._nested > NESTED_MAX:
            raise self._wrong(token, f"it is nested more than {NESTED_MAX} deep.")

    def _wrong(self, token: Token, message: str) -> InvalidAssetSelection:
        return error(self._text, token.start, message)


def _exact(pattern: str) -> str | None:
    """The one text that a pattern matches; None if it matches several."""
    text = re.sub(r"\\(.)", r"\1", pattern, flags=re.DOTALL)
    return text if literal(text) == pattern or "*" not in pattern else None
