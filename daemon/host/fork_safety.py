"""When a process may fork and go on in the child, and when it may not.

A fork copies memory, but of the threads only the one that called it. A lock that another thread held stays locked for
ever in the child, and a pool whose threads are gone waits for them for ever. So the code host has one thread, runs no
user code after the import, and asks here before each fork.

Safe, tried: numpy (OpenBLAS restarts its pool in the child), pandas, pyarrow and DuckDB imported; connections that are
opened inside an asset or a resource. Modules that log, open files or read settings at import.

Not safe, and found here: Python threads that the import started and that still run; the native pools of libraries
which do not restart them (Polars *used* at import, gRPC channels, Tokio runtimes), known by the names of their threads.

Not safe, and not seen from here: a database connection or an HTTP session that was opened at import and is then used by
several children at once (open it in a resource), CUDA initialised at import, Apple's frameworks; and NumPy's global
generator, which starts alike in every child (make one in the step instead: `numpy.random.default_rng()`).

A child that hangs because of such a thing misses the deadline for its claim, is killed, and its run goes to a fresh
interpreter; what cannot live with forks at all is served by the start method "spawn", which never forks.
"""

from __future__ import annotations

import os
import threading

_UNSAFE_THREADS = {
    "polars": "Polars was used while the definitions were imported",
    "rayon": "a Rayon thread pool was started while the definitions were imported",
    "tokio": "a Tokio runtime was started while the definitions were imported",
    "grpc_": "gRPC was started while the definitions were imported",
    "event_engine": "gRPC was started while the definitions were imported",
}


def unsafe_to_fork() -> str | None:
    """Why this process must not fork now, in words for the user; None where it may. Costs some 20 µs."""
    if threading.active_count() > 1:
        names = ", ".join(sorted(t.name for t in threading.enumerate() if t is not threading.main_thread()))
        return f"threads are running that the import of the definitions started: {names}"
    return unsafe_native_threads()


def unsafe_native_threads() -> str | None:
    """As `unsafe_to_fork`, of the pools of native libraries alone."""
    for name in _native_thread_names():
        for prefix, reason in _UNSAFE_THREADS.items():
            if name.startswith(prefix):
                return reason
    return None


def _native_thread_names() -> list[str]:
    """The names of all threads of this process, those of native libraries too; empty where there is no /proc."""
    try:
        threads = os.listdir("/proc/self/task")
    except OSError:
        return []
    if len(threads) == 1:
        return []
    names: list[str] = []
    for thread in threads:
        try:
            with open(f"/proc/self/task/{thread}/comm") as comm:
                names.append(comm.read().strip())
        except OSError:  # it ended meanwhile
            continue
    return names
