"""What the user's code raised, as data: it is a result like any other."""

from __future__ import annotations

import traceback

LONGEST = 20_000  # characters of a traceback that are kept, its end


def told(error: BaseException) -> dict[str, str]:
    """The class, the message and the traceback."""
    message = f"the function ended its process: {error!r}" if isinstance(error, SystemExit) else str(error)
    return {
        "cls": type(error).__name__,
        "message": message,
        "traceback": "".join(traceback.format_exception(error))[-LONGEST:],
    }
