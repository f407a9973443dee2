"""Loading the user's definitions from a file or a module, with all errors at once.

A file is imported under its own name with its folder first on `sys.path`, as Python does with a script; a file inside a
package is imported as part of that package. A module is found from the working directory first. Either must hold one
`Definitions` at its top level; one that holds none stands for all assets, checks, jobs, schedules and
sensors at its top level.

The import runs the user's code, once, in this process: a reload is a new process (the code host's business).
"""

from __future__ import annotations

import importlib
import importlib.util
import os
import sys
import traceback
from collections.abc import Callable
from pathlib import Path
from types import FrameType, ModuleType, TracebackType
from typing import TypeVar

from .collecting import collecting
from .deferred import DeferredDefinitions
from .definitions import Definitions
from .errors import DefinitionError, DefinitionErrors, DefinitionsNotLoadable
from .modules import load_definitions_from_modules
from .source import SourceLine

T = TypeVar("T")

_OURS = __name__.rpartition(".")[0].rpartition(".")[0]  # the package that holds the rooms


def load_definitions(file: Path | str | None = None, module: str | None = None) -> Definitions:
    """The valid definitions of one file or one module.

    Raises:
        DefinitionsNotLoadable: it cannot be imported (the traceback is in the error), or it defines nothing.
        DefinitionErrors: it was imported, and what it defines is wrong; all errors are in it.
    """
    if (file is None) == (module is None):
        raise DefinitionsNotLoadable("name what to load: either a file (-f) or a module (-m)")
    with collecting() as errors:
        try:
            loaded = _import_file(Path(file)) if file is not None else _import_module(module or "")
            definitions = _definitions_of(loaded)
        except DefinitionErrors as error:  # raised by the user's own validate()
            raise DefinitionErrors(_distinct([*errors, *error.errors])) from error
        except DefinitionsNotLoadable:
            raise
        except DefinitionError as error:
            raise DefinitionErrors([*errors, _located(error)]) from error
    if errors := _distinct([*errors, *definitions.errors()]):
        raise DefinitionErrors(errors)
    return definitions


def _import_file(path: Path) -> ModuleType:
    path = path.absolute()
    if not path.is_file():
        raise DefinitionsNotLoadable(f"there is no file {str(path)!r} to load definitions from")
    root, name = path.parent, path.stem
    while (root / "__init__.py").is_file():
        root, name = root.parent, f"{root.name}.{name}"
    _put_first(root)
    if root != path.parent:
        name = name.removesuffix(".__init__")
        return _importing(str(path), lambda: importlib.import_module(name))
    return _importing(str(path), lambda: _execute(path, _module_name(path)))


def _import_module(name: str) -> ModuleType:
    _put_first(Path.cwd())
    return _importing(name, lambda: importlib.import_module(name))


def _importing(what: str, load: Callable[[], T]) -> T:
    """Run `load`, the border to the user's code: whatever it raises becomes an error with its traceback."""
    try:
        return load()
    except DefinitionError:
        raise
    except (Exception, SystemExit) as error:
        if (
            isinstance(error, ModuleNotFoundError)
            and error.name is not None
            and f"{what}.".startswith(f"{error.name}.")
        ):
            raise DefinitionsNotLoadable(
                f"there is no module {what!r} in {os.getcwd()!r} or on the Python path. "
                "Start in the folder of your project, or name a file with -f."
            ) from error
        at = _user_line(error.__traceback__)
        if isinstance(error, SyntaxError) and error.filename:
            at = SourceLine(error.filename, error.lineno or 0)
        words = f"{type(error).__name__}: {error.msg if isinstance(error, SyntaxError) else error}"
        raise DefinitionsNotLoadable(
            f"{at or what}: cannot import {what}: {words}", traceback=_user_traceback(error)
        ) from error


def _execute(path: Path, name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(name, path)
    if spec is None or spec.loader is None:
        raise DefinitionsNotLoadable(f"{str(path)!r} is no Python file: name one that ends in .py")
    module = importlib.util.module_from_spec(spec)
    before = sys.modules.get(name)
    sys.modules[name] = module  # before it runs: dataclasses and pickle look a class's module up
    try:
        spec.loader.exec_module(module)
    except BaseException:
        if before is None:
            del sys.modules[name]
        else:
            sys.modules[name] = before
        raise
    return module


def _module_name(path: Path) -> str:
    """The file's own name, under which stored values find their classes again, unless it would hide another module."""
    name = path.stem
    taken = sys.modules.get(name)
    if taken is not None and getattr(taken, "__file__", None) == str(path):
        return name
    if taken is None and name not in sys.stdlib_module_names and name != _OURS:
        return name
    return f"{name}__definitions"


def _definitions_of(module: ModuleType) -> Definitions:
    found = {
        name: value for name, value in vars(module).items() if isinstance(value, (Definitions, DeferredDefinitions))
    }
    if len({id(value) for value in found.values()}) > 1:
        names = " and ".join(found)
        first = next(iter(found.values()))
        raise DefinitionErrors(
            [
                DefinitionError(
                    f"{_place_of(first)}: {module.__name__} has several Definitions at its top level: {names}. "
                    f"Join them with Definitions.merge({', '.join(found)}) and keep only that one."
                )
            ]
        )
    if found:
        one = next(iter(found.values()))
        return one if isinstance(one, Definitions) else _importing(module.__name__, one.load)
    loaded = load_definitions_from_modules([module])
    if loaded.is_empty:
        raise DefinitionsNotLoadable(
            f"{module.__name__} defines no assets. "
            "Decorate a function with @asset, or set defs = Definitions(assets=[...])."
        )
    return loaded


def _place_of(found: Definitions | DeferredDefinitions) -> SourceLine:
    return found.source if isinstance(found, Definitions) else SourceLine.of(found.fn)


def _put_first(folder: Path) -> None:
    if str(folder) in sys.path:
        sys.path.remove(str(folder))
    sys.path.insert(0, str(folder))


def _located(error: DefinitionError) -> DefinitionError:
    """`error` with the user's line before it, where its maker did not know one."""
    at = _user_line(error.__traceback__)
    if at is None or error.source is not None or str(at.file) in str(error):
        return error
    located = DefinitionError(f"{at}: {error}")
    located.source = at
    return located


def _distinct(errors: list[DefinitionError]) -> list[DefinitionError]:
    return list({str(error): error for error in errors}.values())


def _user_line(trace: TracebackType | None) -> SourceLine | None:
    """The innermost line of the traceback that is the user's."""
    at: SourceLine | None = None
    for frame, line in traceback.walk_tb(trace):
        if not _is_ours(frame):
            at = SourceLine(frame.f_code.co_filename, line)
    return at


def _user_traceback(error: BaseException) -> str:
    """The traceback from the user's first line on: the way through the import machinery tells nobody anything."""
    trace = error.__traceback__
    while trace is not None and _is_ours(trace.tb_frame):
        trace = trace.tb_next
    return "".join(traceback.format_exception(type(error), error, trace))


def _is_ours(frame: FrameType) -> bool:
    module = frame.f_globals.get("__name__", "")
    return module.split(".")[0] in (_OURS, "importlib") or frame.f_code.co_filename.startswith("<frozen importlib")
