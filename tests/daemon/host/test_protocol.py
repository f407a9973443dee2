from __future__ import annotations

import struct

import pytest

from headwater.daemon.host.protocol import Frame, FrameReader, ProtocolError, pack


def test_frames_come_out_as_they_went_in_however_the_stream_is_cut() -> None:
    sent = [
        Frame({"loaded": "abc"}, b"\x00" * 1000),
        Frame({"exited": "r1", "status": -9}),
        Frame({"launch": "ü"}, b"{}"),
    ]
    stream = b"".join(pack(*frame) for frame in sent)
    for size in (1, 7, len(stream)):
        reader = FrameReader()
        pieces = [stream[at : at + size] for at in range(0, len(stream), size)]
        assert [frame for piece in pieces for frame in reader.feed(piece)] == sent


def test_a_length_that_no_frame_can_have_is_refused_instead_of_waited_for() -> None:
    with pytest.raises(ProtocolError):
        list(FrameReader().feed(struct.pack("!II", 1 << 31, 0)))
