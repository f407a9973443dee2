"""Group commit: concurrent appends share a transaction, and a lone one pays nothing for that.

Appends queue up. One thread at a time has the *lead*: it takes all that is queued, commits it and tells the callers.
What comes meanwhile forms the next group; when the leader is done it hands the lead to the first of them, or, where it
woke threads, the last of these does: by then all of them have queued up again, and the next commit has more of them.

- A thread that appends takes the lead itself when nobody has it.
- For tasks of an event loop a writer thread leads, so that the loop goes on during the commit. Handing over to a thread
  and back takes as long as a short commit, though (0.1 ms). So while commits are short the loop leads itself, at the
  end of its turn, when every task that was ready has queued up; after the first that was not, the writer thread does.
- Threads of one group are woken one by another. Woken all at once they would only queue up for the interpreter's lock
  (which costs half of the throughput of a hundred threads).

When nobody has appended for a while the writer thread lets the store tidy up, once.

If the transaction fails (a full disk), every caller of the group gets the error; whether its events were written is
unknown to it, as after a crash. The same holds for a task that is cancelled while it waits.
"""

from __future__ import annotations

import asyncio
import queue
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress

from .batch import Batch
from .errors import LogClosed, StorageError

IDLE_S = 5.0  # so long after the last append the store tidies up
SHORT_COMMIT_S = 0.001  # an event loop may stand still for so long

_LEAD, _LOOK, _END = range(3)  # what the writer thread is told: take the lead, see whether all is quiet, end


class GroupCommit:
    def __init__(self, commit: Callable[[Sequence[Batch]], None], *, tidy: Callable[[], None]) -> None:
        """`commit` writes batches and sets their outcome; `tidy` is called when all is quiet. Never both at once."""
        self._commit, self._tidy = commit, tidy
        self._mutex = threading.Lock()  # guards all below
        self._queue: list[Batch] = []
        self._has_leader = False
        self._commits_are_short = False
        self._commit_count = 0
        self._is_closed = self._is_forked = False
        self._orders: queue.SimpleQueue[int] = queue.SimpleQueue()
        self._writer: threading.Thread | None = None
        self._is_watched = False  # the writer thread looks from time to time whether all is quiet

    def submit(self, batch: Batch) -> None:
        """Return once `batch` is durable, or raise what kept it from being so."""
        group: list[Batch] | None = None
        wake = threading.Lock()
        with self._mutex:
            self._enter(batch)
            if self._has_leader:
                batch.wake = wake
                wake.acquire()
            else:
                self._has_leader = True
                group = self._take()
        if group is None:
            self._wait(batch, wake)
        else:
            self._lead(group)
        if batch.error is not None:
            raise batch.error

    async def submit_async(self, batch: Batch) -> None:
        """`submit` for an event loop."""
        loop = asyncio.get_running_loop()
        future = batch.future = loop.create_future()
        with self._mutex:
            self._enter(batch)
            is_first = len(self._queue) == 1 and not self._has_leader
            in_loop = self._commits_are_short
            if is_first and not in_loop:
                self._has_leader = True
            self._watch()
        if is_first and in_loop:
            loop.call_soon(self._lead_in_loop)
        elif is_first:
            self._orders.put(_LEAD)
        await future
        if batch.error is not None:
            raise batch.error

    def close(self) -> None:
        """Finish what is queued, refuse what comes later, and end the writer thread."""
        try:
            self.submit(Batch((), closes=True))
        finally:
            if self._writer is not None:
                self._orders.put(_END)
                self._writer.join()

    def forked(self) -> None:
        """In a forked child: no thread is left that could lead, so that nothing may wait for one."""
        self._mutex = threading.Lock()  # a thread of the parent may have held it
        self._is_closed = self._is_forked = True

    # ---- under the mutex ----

    def _enter(self, batch: Batch) -> None:
        if self._is_closed:
            raise LogClosed(forked=self._is_forked)
        self._is_closed = batch.closes
        self._queue.append(batch)

    def _take(self) -> list[Batch]:
        group, self._queue = self._queue, []
        return group

    def _watch(self) -> None:
        if self._writer is None:
            self._writer = threading.Thread(target=self._write, name="headwater-log-writer", daemon=True)
            self._writer.start()
        if not self._is_watched:
            self._is_watched = True
            self._orders.put(_LOOK)

    # ---- leading ----

    def _lead(self, group: list[Batch]) -> None:
        started_at = time.perf_counter()
        try:
            self._commit(group)
        except Exception as error:
            for batch in group:
                batch.error = error
        except BaseException:
            for batch in group:
                batch.error = StorageError("The commit that this append shared was interrupted.")
            raise
        finally:
            self._hand_over(time.perf_counter() - started_at, group)

    def _hand_over(self, took_s: float, group: Sequence[Batch] = ()) -> None:
        with self._mutex:
            self._commit_count += 1
            self._commits_are_short = took_s < SHORT_COMMIT_S
            heir = self._queue[0] if self._queue else None
            self._has_leader = heir is not None
        if heir is not None and heir.wake is None:
            self._orders.put(_LEAD)
        _tell(group, None if heir is None else heir.wake)

    def _lead_in_loop(self) -> None:
        with self._mutex:
            if self._has_leader or not self._queue:
                return  # a thread was faster: it took what was queued, or will hand over the lead
            self._has_leader = True
            group = self._take()
        self._lead(group)

    def _wait(self, batch: Batch, wake: threading.Lock) -> None:
        interrupt: BaseException | None = None
        while True:
            try:
                wake.acquire()
                break
            except BaseException as error:  # ctrl-C has to wait: others rely on what this thread does when it is woken
                interrupt = error
        if not batch.is_done:  # woken to lead
            batch.wake = None
            with self._mutex:
                group = self._take()
            self._lead(group)
        elif batch.wakes is not None:
            batch.wakes.release()
        if interrupt is not None:
            raise interrupt

    def _write(self) -> None:
        """The writer thread: leads for tasks, and tidies up once after each busy spell."""
        seen = 0
        while True:
            try:
                order = self._orders.get(timeout=IDLE_S if self._is_watched else None)
            except queue.Empty:
                if self._commit_count == seen:
                    self._tidy_alone()
                seen = self._commit_count
                continue
            if order == _END:
                return
            if order == _LEAD:
                with self._mutex:
                    group = self._take()
                self._lead(group)

    def _tidy_alone(self) -> None:
        with self._mutex:
            if self._has_leader:
                return
            self._has_leader, self._is_watched = True, False
        started_at = time.perf_counter()
        try:
            with suppress(StorageError):  # the next busy spell tries again; who appends is told if the store is gone
                self._tidy()
        finally:
            self._hand_over(time.perf_counter() - started_at)


def _tell(group: Sequence[Batch], heir: threading.Lock | None) -> None:
    """Wake the callers of a group: its tasks with one call of their loop, its threads as a chain, the heir last."""
    futures: dict[asyncio.AbstractEventLoop, list[asyncio.Future[None]]] = {}
    first: threading.Lock | None = None
    before: Batch | None = None
    for batch in group:
        if batch.future is not None:
            futures.setdefault(batch.future.get_loop(), []).append(batch.future)
        elif batch.wake is not None:
            batch.is_done = True
            if before is None:
                first = batch.wake
            else:
                before.wakes = batch.wake
            before = batch
    if before is not None:
        before.wakes = heir
    else:
        first = heir
    if first is not None:
        first.release()
    for loop, waiting in futures.items():
        if loop is asyncio._get_running_loop():
            _resolve(waiting)
        else:
            with suppress(RuntimeError):  # the loop was closed: nobody waits any more
                loop.call_soon_threadsafe(_resolve, waiting)


def _resolve(futures: list[asyncio.Future[None]]) -> None:
    for future in futures:
        if not future.done():
            future.set_result(None)
