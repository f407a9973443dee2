"""A package whose names are imported when they are first used (PEP 562), as its own `TYPE_CHECKING` block says.

The block is read from the source with the compiler's own parser, which takes about a millisecond. Where there is no
source (a distribution of bytecode alone) `offer` says so, and the block is executed as it stands.
"""

from __future__ import annotations

import _ast
from importlib import import_module
from sys import _getframe
from typing import Any


def offer(package: dict[str, Any]) -> bool:
    """Give `package` (its globals) the names of its block, `__all__` and `__dir__`. False: no source to read."""
    origins = _origins(package)
    if not origins:
        return False
    public = sorted(name for name in origins if not name.startswith("_"))

    def __getattr__(name: str) -> Any:
        if name not in origins:
            raise _unknown(name, package["__name__"], public, _getframe(1).f_code.co_name)
        module, attribute = origins[name]
        package[name] = value = getattr(import_module(module, package["__name__"]), attribute)
        return value

    def __dir__() -> list[str]:
        return sorted({*public, *(name for name in package if name.startswith("__"))})

    package.update(__getattr__=__getattr__, __dir__=__dir__, __all__=public)
    return True


def _origins(package: dict[str, Any]) -> dict[str, tuple[str, str]]:
    """The names of the block, each with the module that it comes from and its name there."""
    file: str = package["__file__"]
    if not file.endswith(".py"):
        return {}
    source = package["__loader__"].get_data(file)
    tree: Any = compile(source, file, "exec", _ast.PyCF_ONLY_AST)
    block = next(node for node in tree.body if isinstance(node, _ast.If))
    return {
        alias.asname or alias.name: ("." * statement.level + (statement.module or ""), alias.name)
        for statement in block.body
        if isinstance(statement, _ast.ImportFrom)
        for alias in statement.names
    }


def _unknown(name: str, package: str, public: list[str], caller: str) -> AttributeError | ImportError:
    """The error for a name that is not offered.

    For `from headwater import name` Python would replace the text of an AttributeError with its own. It first looks the
    name up from `_handle_fromlist`; there an ImportError reaches the user as it is. All others (`hasattr`, `getattr`
    with a default, the search for a module of this package) get the AttributeError that they count on.
    """
    from importlib.util import find_spec

    from ._absent import why_absent

    text = why_absent(name, public)
    if caller == "_handle_fromlist" and find_spec(f"{package}.{name}") is None:
        return ImportError(text, name=package)
    return AttributeError(text, name=name)
