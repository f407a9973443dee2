"""What the daemon and a code host say to each other: frames on a Unix stream socket.

A frame is two lengths, a small JSON message and bytes that ride behind it unread (a snapshot, a plan):

    daemon -> host   {"launch": run_id} + the plan            start a worker for this run
                     {"evaluate": id, "limit_s": s} + the order    evaluate a schedule or a sensor (`orders.py`)
    host -> daemon   {"loaded": hash, "fork_unsafe": why} + the snapshot    once, after a good import
                     {"failed": [errors], "traceback": text}  once, after a bad one; the host then ends
                     {"exited": run_id, "status": n}          the run's worker is gone
                     {"evaluated": id, "problem": text} + the results, one JSON a line; why it did not end by itself
                     {"launch_failed": run_id, "message": m}  no worker of this run ever came as far as its claim

Either side may shut down its writing end. For the host that means: launch nothing more, end when the workers have.
Nothing here is stored, so the two sides are always of the same version.
"""

from __future__ import annotations

import json
import struct
from collections.abc import Iterator
from typing import Any, NamedTuple

Message = dict[str, Any]

_LENGTHS = struct.Struct("!II")
_LENGTH_LIMIT = 1 << 30  # a length beyond this is a stray write into the socket, not a snapshot


class Frame(NamedTuple):
    """One message and the bytes that came with it."""

    message: Message
    blob: bytes = b""


class ProtocolError(RuntimeError):
    """The other side sent something that is not a frame: the connection is of no more use."""


def pack(message: Message, blob: bytes = b"") -> bytes:
    """The bytes of one frame."""
    head = json.dumps(message).encode()
    return _LENGTHS.pack(len(head), len(blob)) + head + blob


class FrameReader:
    """Cuts a stream into frames; holds what has come of the next one."""

    def __init__(self) -> None:
        self._held = bytearray()

    def feed(self, data: bytes) -> Iterator[Frame]:
        """The frames that `data` completes, in order."""
        self._held += data
        while len(self._held) >= _LENGTHS.size:
            head_length, blob_length = _LENGTHS.unpack_from(self._held)
            if max(head_length, blob_length) > _LENGTH_LIMIT:
                raise ProtocolError(f"a frame of {head_length} + {blob_length} bytes was announced")
            head_end = _LENGTHS.size + head_length
            end = head_end + blob_length
            if len(self._held) < end:
                return
            head, blob = bytes(self._held[_LENGTHS.size : head_end]), bytes(self._held[head_end:end])
            del self._held[:end]
            yield Frame(json.loads(head), blob)
