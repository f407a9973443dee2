"""Definitions that a function makes when they are loaded: `@definitions`, and `@repository`, its older spelling.

>>> @definitions
... def defs():
...     return Definitions(assets=[orders, revenue])

Importing the module runs nothing of it. `headwater dev -m MODULE` finds what the decorator left at the top level, as it
finds a `Definitions`.

`definitions` is the name of this room as well, so the room itself can be called: that is all that `Room` is for.
"""

from __future__ import annotations

import inspect
import sys
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .definitions import Definitions


@dataclass(frozen=True, slots=True)
class DefinitionsLoadContext:
    """What a function under `@definitions` may know of the load: the folder that its file is in."""

    path: Path


class DeferredDefinitions:
    """A function that returns `Definitions`. It runs once, when somebody first asks."""

    def __init__(self, fn: Callable[..., Definitions]) -> None:
        self.fn = fn
        self.__name__: Any | str = getattr(fn, "__name__", "definitions")
        self.__doc__ = fn.__doc__
        self.__wrapped__ = fn
        self._made: Definitions | None = None

    def load(self) -> Definitions:
        """What the function returns.

        Raises:
            DefinitionError: it is no Definitions.
        """
        if self._made is None:
            takes_context = bool(inspect.signature(self.fn).parameters)
            context = DefinitionsLoadContext(Path(inspect.getfile(self.fn)).parent)
            self._made = _checked(self.fn(context) if takes_context else self.fn(), self)
        return self._made

    def __call__(self, context: Any = None) -> Definitions:
        return self.load()

    def __repr__(self) -> str:
        return f"<definitions of {self.__name__!r}>"


class Room(ModuleType):
    """The module `headwater.definitions`, which is the decorator `definitions` when it is called."""

    def __call__(self, fn: Callable[..., Definitions]) -> DeferredDefinitions:
        return DeferredDefinitions(fn)


if TYPE_CHECKING:

    def definitions(fn: Callable[..., Definitions]) -> DeferredDefinitions:
        """Make definitions of a function that returns them; it may take a `context`."""
        ...

else:
    definitions = sys.modules[__package__]


def repository(fn: Any = None, *, name: str | None = None, description: str | None = None) -> Any:
    """Make definitions of a function that returns a list of them: assets, checks, jobs, schedules and sensors.

    The older spelling of a `Definitions` at the top level of a module.
    """

    def decorate(fn: Callable[[], Any]) -> DeferredDefinitions:
        def made() -> Definitions:
            listed = fn()
            return listed if not isinstance(listed, Iterable) else definitions_of_list(listed)

        deferred = DeferredDefinitions(made)
        deferred.__name__, deferred.__doc__ = name or fn.__name__, description or fn.__doc__
        return deferred

    return decorate if fn is None else decorate(fn)


def definitions_of_list(listed: Iterable[Any]) -> Definitions:
    """One `Definitions` of all that is listed, by what each thing is."""
    from .assets_definition import AssetsDefinition
    from .checks import AssetChecksDefinition
    from .definitions import Definitions
    from .spec import AssetSpec

    things = [thing for one in listed for thing in (one if isinstance(one, (list, tuple)) else [one])]
    whole = [thing for thing in things if isinstance(thing, Definitions)]
    rest = [thing for thing in things if not isinstance(thing, Definitions)]
    sections: dict[str, Any] = {}
    for thing in rest:
        if isinstance(thing, (AssetsDefinition, AssetSpec, AssetChecksDefinition)):
            sections.setdefault("assets", []).append(thing)
        else:
            sections.setdefault(_section_of(thing), []).append(thing)
    return Definitions.merge(*whole, Definitions(**sections))


def _section_of(thing: Any) -> str:
    from .modules import SECTIONS

    found = (section for section, kinds in SECTIONS.items() if isinstance(thing, kinds))
    return next(found, "assets")  # where it will be said what it is not


def _checked(made: Any, owner: DeferredDefinitions) -> Definitions:
    from .definitions import Definitions
    from .errors import DefinitionError
    from .source import SourceLine

    if isinstance(made, Definitions):
        return made
    raise DefinitionError(
        f"{SourceLine.of(owner.fn)}: {owner.__name__}() returned {made!r}. Return Definitions(assets=[...])."
    )
