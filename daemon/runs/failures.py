"""Exceptions of user code as text for the log: the class, the message, and the traceback as far as it is the user's.

The frames of headwater that lead to the user's function say nothing to its author and are cut off; an error that never
reached the user's code keeps them all. Whatever an exception does when it is asked for its text, here it becomes text
that can be stored. Values that were looked up in the environment are taken out of it.
"""

from __future__ import annotations

import traceback
from types import TracebackType

from ...definitions.env import redacted
from ...definitions.errors import ExecutionError, Failure
from ...storage.events import ErrorInfo, Event, encode

MESSAGE_LIMIT = 4_000  # characters: an exception may quote the whole table that it choked on
TRACEBACK_LIMIT = 20_000

_OWN_PACKAGE = __name__.partition(".")[0]
_CARRIERS = frozenset({_OWN_PACKAGE, "asyncio", "concurrent", "threading"})


def error_info(error: BaseException) -> ErrorInfo:
    """What the log keeps of an exception."""
    cls = type(error)
    name = cls.__qualname__ if cls.__module__ == "builtins" else f"{cls.__module__}.{cls.__qualname__}"
    return ErrorInfo(
        cls="Failure" if cls is Failure else name,
        message=_storable(redacted(_message(error)), MESSAGE_LIMIT),
        traceback=_storable(redacted(_traceback(error)), TRACEBACK_LIMIT),
    )


def check_storable(event: Event, what: str) -> None:
    """Find out now, inside the step, whether `event` can be written: later it would be the machinery that fails.

    Raises:
        ExecutionError: it holds text that is no Unicode, such as the name of a file in another encoding.
    """
    try:
        encode(event)
    except ValueError as error:
        raise ExecutionError(
            f"{what} gave a value (metadata, tags, a description or a data version) that cannot be stored: {error}. "
            "Text must be valid Unicode."
        ) from error


def _message(error: BaseException) -> str:
    if isinstance(error, SystemExit):
        return f"The code ended with SystemExit({error.code!r}); a step has to return or raise an exception."
    try:
        message = str(error)
    except Exception as broken:  # user code: the __str__ of its exception
        return f"<its message cannot be shown: {type(broken).__name__}>"
    if isinstance(error, Failure) and error.metadata:
        message += f" ({', '.join(f'{key}: {_plain(value)}' for key, value in error.metadata.items())})"
    return message


def _plain(value: object) -> object:
    return getattr(value, "value", value)


def _traceback(error: BaseException) -> str:
    try:
        return "".join(traceback.format_exception(type(error), error, _users_part(error.__traceback__)))
    except Exception as broken:  # user code again: __str__, or a __cause__ that is none
        return f"<the traceback cannot be shown: {type(broken).__name__}>"


def _users_part(trace: TracebackType | None) -> TracebackType | None:
    """`trace` from its first frame outside of the machinery on; whole where there is none."""
    part = trace
    while part is not None and part.tb_frame.f_globals.get("__name__", "").partition(".")[0] in _CARRIERS:
        part = part.tb_next
    return part or trace


def _storable(text: str, limit: int) -> str:
    if len(text) > limit:
        kept = limit // 2
        text = f"{text[:kept]}\n[... {len(text) - 2 * kept} characters left out ...]\n{text[-kept:]}"
    return text.encode("utf-8", "replace").decode()
