"""A backlog: what a busy thread hands to a slow writer without ever waiting for it.

The one who puts pays for an append to a list. A thread of its own takes what has come together
every `interval` seconds and gives it to `flush` in one piece. When the writer falls behind, the
backlog fills to its bound and what comes after is counted and dropped: nobody waits.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Generic, TypeVar

T = TypeVar("T")

_IDLE = 60.0  # seconds after which `flush` is called even when there is nothing
_PAUSE = 1.0  # seconds before a failed flush is tried again


class Backlog(Generic[T]):
    """Things that wait to be written by a thread.

    `flush(batch, lost)` writes a batch, oldest first, and is told how many things were dropped
    since it last said True. It returns False to have the same batch again after a second (at
    the end at once, and only once). What it raises costs the batch, which then counts as lost.
    The thread is a daemon: it must be made in the process that uses it, after any fork.
    """

    def __init__(
        self,
        flush: Callable[[list[T], int], bool],
        *,
        most: int,
        interval: float,
        name: str,
    ) -> None:
        self._flush = flush
        self._most = most
        self._interval = interval
        self._waiting: list[T] = []
        self._lost = 0  # ever dropped by `put`; only grows
        self._spoiled = 0  # ever dropped by the thread; only grows
        self._told = 0  # how much of both `flush` knows
        self._awake = False
        self._wake = threading.Event()
        self._hurry = threading.Event()
        self._closing = False
        self._rounds = threading.Condition()
        self._round = 0
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)
        self._thread.start()

    def put(self, thing: T) -> None:
        """Leave a thing to be written. Never waits and never raises."""
        waiting = self._waiting
        if len(waiting) >= self._most or self._closing:
            self._lost += 1
            return
        waiting.append(thing)  # atomic, as are the thread's slice and its deletion
        if not self._awake:
            self._awake = True
            self._wake.set()

    def flush(self, timeout: float) -> bool:
        """Wait until what was put before has been given to the writer; whether it was in time."""
        with self._rounds:
            # The round under way may have taken its batch already: wait for the one after it.
            wanted = self._round + 2
            while self._round < wanted and self._thread.is_alive():
                self._hurry.set()
                self._wake.set()
                if not self._rounds.wait(timeout):
                    return False
        return not self._waiting

    def close(self, timeout: float) -> bool:
        """Write what waits, then end the thread; whether it ended within `timeout` seconds."""
        self._closing = True
        self._hurry.set()
        self._wake.set()
        self._thread.join(timeout)
        return not self._thread.is_alive()

    # -- the thread ---------------------------------------------------------------------------

    def _run(self) -> None:
        while True:
            self._wake.wait(_IDLE)
            if not self._closing:
                self._hurry.wait(self._interval)
                self._hurry.clear()
            closing = self._closing
            # Before the batch is taken: what is put from here on wakes the thread again.
            self._awake = False
            self._wake.clear()
            written = self._write() or (closing and self._write())
            with self._rounds:
                self._round += 1
                self._rounds.notify_all()
            if closing:
                return
            if self._closing:
                self._wake.set()
            elif not written:
                self._hurry.wait(_PAUSE)
                self._wake.set()

    def _write(self) -> bool:
        count = len(self._waiting)
        batch = self._waiting[:count]
        lost = self._lost + self._spoiled
        try:
            written = self._flush(batch, lost - self._told)
        except Exception:  # noqa: BLE001 -- a thread that dies would lose all that comes after
            self._spoiled += count
            del self._waiting[:count]
            return True
        if written:
            self._told = lost
            del self._waiting[:count]
        return written
