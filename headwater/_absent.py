"""Names that users of the field look for and that headwater does not offer yet, each with what to use today.

Read only when an import has failed. A name that headwater gains is taken out here: tests/test_front_door.py says so.
"""

from __future__ import annotations

from collections.abc import Sequence
from difflib import get_close_matches

_BY_INSTEAD = {
    "the daemon evaluates every automation_condition by itself: nothing has to be declared or turned on": (
        "AutoMaterializePolicy AutoMaterializeRule"
    ),
    "use EventLogEntry: a record and its entry are one": "EventLogRecord",
    "use PipesSubprocessClient or open_pipes_session, and `from headwater.pipes import open_pipes` in the program": (
        "PipesClient PipesContext PipesEnvContextInjector PipesFileContextInjector"
        " PipesFileMessageReader PipesTempFileContextInjector PipesTempFileMessageReader open_pipes"
    ),
    "write a Python function that makes the assets, and call it in a module below the folder `defs`": (
        "Component ComponentLoadContext Model Resolvable Resolver components"
    ),
    "annotate the parameter or the return with a plain Python type: what is returned is held against it": (
        "HeadwaterType PythonObjectHeadwaterType PythonObjectType TypeCheck usable_as_type"
    ),
    "log through context.log, or get_logger() anywhere, and set up the logging of the standard library": (
        "LoggerDefinition colored_console_logger json_console_logger logger"
    ),
    "use link_code_references_to_git(...)": "link_code_references_to_git_if_cloud",
    "use Instance.local(home) in Python, or the command `headwater`": "GraphQLClient GraphQLClientError",
}

INSTEAD = {name: instead for instead, names in _BY_INSTEAD.items() for name in names.split()}


def why_absent(name: str, public: Sequence[str]) -> str:
    """What to tell a user who asked `headwater` for `name`, which is none of its `public` names."""
    if name in INSTEAD:
        return f"headwater does not have {name!r} yet. Today: {INSTEAD[name]}."
    near = next((known for known in public if len(known) > 4 and name.endswith(known)), None)
    near = near or next(iter(get_close_matches(name, public, n=1)), None)
    hint = f"Did you mean {near!r}?" if near else "dir(headwater) lists the names that it has."
    return f"headwater has no name {name!r}. {hint}"
