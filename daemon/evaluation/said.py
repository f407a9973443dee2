"""What a compiled node says at one partition, as expressions of the function that it becomes (`compiling.py`).

The same four as in a `Truth`: whether it is true lastingly, with the position of that in the log (0: none), and whether
only through what this tick requests, with its position. What is false has the position 0.
"""

from __future__ import annotations

from typing import NamedTuple

from .source import Source

NEVER, NOWHERE = "False", "0"


class Said(NamedTuple):
    lasting: str = NEVER
    position: str = NOWHERE
    passing: str = NEVER
    passing_position: str = NOWHERE
    is_named: bool = False
    """Whether it always has a position where it is lastingly true: a pulse, and not a level."""

    @property
    def is_true(self) -> str:
        """Where it is true, in whatever way."""
        return any_true([self.lasting, self.passing])

    @property
    def newest(self) -> str:
        return largest([self.position, self.passing_position])


def any_true(terms: list[str]) -> str:
    found = [term for term in terms if term != NEVER]
    return " or ".join(found) if found else NEVER


def all_true(terms: list[str]) -> str:
    if NEVER in terms:
        return NEVER
    return " and ".join(f"({term})" if " or " in term else term for term in terms) or "True"


def largest(terms: list[str]) -> str:
    """The largest of positions, of which 0 is the least."""
    found = [*dict.fromkeys(term for term in terms if term != NOWHERE)]
    return NOWHERE if not found else found[0] if len(found) == 1 else f"max({', '.join(found)})"


def all_of(source: Source, children: list[Said]) -> Said:
    """As `truth.all_of`."""
    lasting = source.let(all_true([child.lasting for child in children]))
    position = _where(source, lasting, largest([child.position for child in children]))
    some_passing = any_true([child.passing for child in children])
    is_named = any(child.is_named for child in children)
    if some_passing == NEVER:
        return Said(lasting, position, is_named=is_named)
    together = all_true([child.is_true for child in children])
    passing = source.let(f"({some_passing}) and {together}")
    newest = largest([at for child in children for at in (child.position, child.passing_position)])
    return Said(lasting, position, passing, _where(source, passing, newest), is_named)


def any_of(source: Source, children: list[Said]) -> Said:
    """As `truth.any_of`."""
    return Said(
        source.let(any_true([child.lasting for child in children])),
        source.let(largest([child.position for child in children])),
        source.let(any_true([child.passing for child in children])),
        source.let(largest([child.passing_position for child in children])),
        all(child.is_named or child.lasting == NEVER for child in children),
    )


def not_of(source: Source, child: Said) -> Said:
    return Said(source.let(f"not ({child.is_true})"))


def _where(source: Source, condition: str, position: str) -> str:
    return position if position == NOWHERE else source.let(f"{position} if {condition} else 0")


class Gathering:
    """What a node says at several places, one after the other: the lines that add up go into the loop over them."""

    def __init__(self, source: Source, *, is_any: bool) -> None:
        self._source = source
        start = NEVER if is_any else "True"
        self._lasting, self._passing = source.new(start), source.new(NEVER)
        self._position, self._passing_position = source.new(NOWHERE), source.new(NOWHERE)
        self._together = None if is_any else source.new("True")
        self._last = Said()

    def add(self, found: Said) -> None:
        """Within the loop: what it says at this place."""
        source, self._last = self._source, found
        if self._together is not None:
            with source.block(f"if not {found.lasting}:"):
                source.line(f"{self._lasting} = False")
            with source.block(f"if not ({found.is_true}):"):
                source.line(f"{self._together} = False")
        elif found.lasting != NEVER:
            with source.block(f"if {found.lasting}:"):
                source.line(f"{self._lasting} = True")
        if found.position != NOWHERE:
            with source.block(f"if {found.position} > {self._position}:"):
                source.line(f"{self._position} = {found.position}")
        if found.passing != NEVER:
            with source.block(f"if {found.passing}:"):
                source.line(f"{self._passing} = True")
                with source.block(f"if {found.passing_position} > {self._passing_position}:"):
                    source.line(f"{self._passing_position} = {found.passing_position}")

    def any_of(self) -> Said:
        """Behind the loop. Of positions that nothing was ever added to nothing is said."""
        last = self._last
        return Said(
            self._lasting if last.lasting != NEVER else NEVER,
            self._position if last.position != NOWHERE else NOWHERE,
            self._passing if last.passing != NEVER else NEVER,
            self._passing_position if last.passing != NEVER else NOWHERE,
            last.is_named,
        )

    def all_of(self) -> Said:
        """Behind the loop; of no place at all it is true."""
        source, last = self._source, self._last
        position = NOWHERE if last.position == NOWHERE else self._position
        lasting_position = _where(source, self._lasting, position)
        if last.passing == NEVER:
            return Said(self._lasting, lasting_position)
        passing = source.let(f"{self._passing} and {self._together}")
        newest = largest([position, self._passing_position])
        return Said(self._lasting, lasting_position, passing, _where(source, passing, newest))
