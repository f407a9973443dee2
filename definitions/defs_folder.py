"""A project whose definitions lie in a folder `defs`, one or several modules for each subject.

>>> @definitions
... def defs():
...     return load_from_defs_folder(path_within_project=Path(__file__).parent)

Every module below the folder is loaded: its `Definitions`, its functions under `@definitions`, or else all that stands
at its top level.
"""

from __future__ import annotations

import importlib
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

from .collecting import report
from .deferred import DeferredDefinitions
from .definitions import Definitions
from .errors import DefinitionError, InvalidInvocationError
from .modules import load_definitions_from_modules
from .packages import modules_of_package

FOLDER = "defs"


def load_from_defs_folder(*, path_within_project: Path | str) -> Definitions:
    """All that is defined in the folder `defs`, which is found from any path in the project.

    It is the one in the given folder or in one above it, up to that of pyproject.toml; or the only one in a package of
    the project, in its root or in its folder `src`.

    Raises:
        InvalidInvocationError: there is no such folder, or there are several.
    """
    folder = _defs_folder(Path(path_within_project).absolute())
    for file in sorted([*folder.rglob("defs.yaml"), *folder.rglob("component.yaml")]):
        report(
            DefinitionError(
                f"{file}: definitions in YAML are not read. Write a module {file.parent.name}/definitions.py with a "
                "function that makes the assets."
            )
        )
    return definitions_of_modules(list(_modules(folder)))


def definitions_of_modules(modules: list[ModuleType]) -> Definitions:
    """What each module offers: its own Definitions where it has some, else all at its top level. All of it, merged."""
    whole: dict[int, Definitions | DeferredDefinitions] = {}
    bare: list[ModuleType] = []
    for module in modules:
        own = [one for one in vars(module).values() if isinstance(one, (Definitions, DeferredDefinitions))]
        whole.update((id(one), one) for one in own)
        if not own:
            bare.append(module)
    made = [one if isinstance(one, Definitions) else one.load() for one in whole.values()]
    return Definitions.merge(*made, load_definitions_from_modules(bare))


def _defs_folder(start: Path) -> Path:
    root = start
    for root in [start, *start.parents]:
        if (root / FOLDER).is_dir():
            return root / FOLDER
        if (root / "pyproject.toml").is_file():
            break
    found = [place for top in (root, root / "src") for place in sorted(top.glob(f"*/{FOLDER}")) if place.is_dir()]
    if len(found) == 1:
        return found[0]
    what = f"several folders {FOLDER!r}: {', '.join(map(str, found))}" if found else f"no folder {FOLDER!r}"
    raise InvalidInvocationError(
        f"load_from_defs_folder: there is {what} in the project of {start}. "
        "Pass the folder that holds it: path_within_project=Path(__file__).parent."
    )


def _modules(folder: Path) -> Iterator[ModuleType]:
    """The package `folder` and all below it, imported under the name that the rest of the project knows it by.

    A folder inside it needs no `__init__.py`.
    """
    top, name = folder.parent, folder.name
    while (top / "__init__.py").is_file():
        top, name = top.parent, f"{top.name}.{name}"
    if str(top) not in sys.path:
        sys.path.insert(0, str(top))
    package = importlib.import_module(name)
    seen = {module.__name__: module for module in modules_of_package(package)}
    for file in sorted(folder.rglob("*.py")):
        parts = file.relative_to(folder).with_suffix("").parts
        if any(part.startswith(".") or not part.isidentifier() for part in parts):
            continue
        full = ".".join([name, *(parts[:-1] if parts[-1] == "__init__" else parts)])
        if full not in seen:
            seen[full] = importlib.import_module(full)
    yield from seen.values()
