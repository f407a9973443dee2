"""The modules of a package, all the way down, in the order of their names."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Iterator
from types import ModuleType

from .errors import InvalidInvocationError


def modules_of_package(package: ModuleType) -> Iterator[ModuleType]:
    """The package itself and every module below it; importing them is part of it.

    Raises:
        InvalidInvocationError: it is a module without modules below it.
    """
    if not hasattr(package, "__path__"):
        raise InvalidInvocationError(
            f"{package.__name__} is a module and no package: use the function for modules in place of this one."
        )
    yield package
    for found in pkgutil.iter_modules(package.__path__, f"{package.__name__}."):
        module = importlib.import_module(found.name)
        if found.ispkg:
            yield from modules_of_package(module)
        else:
            yield module


def package_of_name(name: str) -> ModuleType:
    return importlib.import_module(name)
