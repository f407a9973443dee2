from __future__ import annotations

import subprocess
import sys
import threading

import pytest

from headwater.daemon.host.fork_safety import unsafe_to_fork


def test_a_running_thread_makes_a_fork_unsafe_and_is_named() -> None:
    done = threading.Event()
    thread = threading.Thread(target=done.wait, name="metrics-pusher")
    thread.start()
    try:
        assert "metrics-pusher" in (unsafe_to_fork() or "")
    finally:
        done.set()
        thread.join()


@pytest.mark.skipif(sys.platform != "linux", reason="the names of native threads are read from /proc")
def test_a_native_pool_that_does_not_survive_forks_is_known_by_its_threads_name() -> None:
    script = """
import _thread, ctypes, os
from headwater.daemon.host.fork_safety import unsafe_to_fork
assert unsafe_to_fork() is None
named = _thread.allocate_lock(); named.acquire()
hold = _thread.allocate_lock(); hold.acquire()
def pool():
    ctypes.CDLL(None).prctl(15, b"polars-0", 0, 0, 0)
    named.release()
    hold.acquire()
_thread.start_new_thread(pool, ())
named.acquire()
print(unsafe_to_fork(), flush=True)
os._exit(0)
"""
    said = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True).stdout
    assert "Polars" in said
