"""The log of one process: events with facts become lines on a file descriptor.

Own code rather than the standard library's logging, for three promises that it does not make: the
one who logs never waits for the disk or the terminal, a full disk or a closed pipe costs lines
(counted, and told when writing goes on) and nothing else, and a line can only be made from the
list of events. What libraries say by the standard logging comes in by `Records`.
"""

from __future__ import annotations

import functools
import logging
import os
import select
import stat
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Self

from ulak.log.backlog import Backlog
from ulak.log.events import Event, Level
from ulak.log.lines import Form, Render, to_json, to_pretty

if TYPE_CHECKING:
    from types import TracebackType

_MOST = 10_000  # lines that may wait
_INTERVAL = 0.05  # seconds in which lines come together
_CLOSE = 2.0  # seconds that a slow reader of the log may hold up the end
_PIECE = 65_536  # octets of one write

_Line = tuple[float, Level, Event, Mapping[str, object]]


class Log:
    """Where events are logged.

    `clock` gives seconds since the epoch. `form` None: pretty on a terminal, else JSON. `least`
    is the lowest level that is written. `always` are facts that stand on every line (`worker`).
    Made in the process that uses it, after any fork.
    """

    def __init__(
        self,
        descriptor: int,
        *,
        clock: Callable[[], float],
        form: Form | None = None,
        least: Level = Level.INFO,
        colour: bool | None = None,
        always: Mapping[str, object] | None = None,
    ) -> None:
        self._descriptor = descriptor
        self._piece = _piece(descriptor)
        self._clock = clock
        self._least = least
        self._always = dict(always or {})
        terminal = _is_terminal(descriptor)
        form = form or (Form.PRETTY if terminal else Form.JSON)
        colour = terminal and not os.environ.get("NO_COLOR") if colour is None else colour
        self._render: Render = (
            to_json if form is Form.JSON else functools.partial(to_pretty, colour=colour)
        )
        self._backlog: Backlog[_Line] = Backlog(
            self._write, most=_MOST, interval=_INTERVAL, name="ulak-log"
        )

    def emit(self, event: Event, level: Level | None = None, /, **facts: object) -> None:
        """Log an event, at its own level unless another is given. Never waits and never raises.

        A fact's text is made later, in the writer's thread: give values that do not change.
        """
        if level is None:
            level = event.level
        if level >= self._least:
            self._backlog.put((self._clock(), level, event, facts))

    def flush(self, timeout: float = _CLOSE) -> bool:
        """Wait until what was logged before is written; whether it was in time."""
        return self._backlog.flush(timeout)

    def close(self) -> None:
        """Write what waits, within two seconds; later events are dropped. The descriptor stays."""
        self._backlog.close(_CLOSE)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    # -- the thread ---------------------------------------------------------------------------

    def _write(self, batch: list[_Line], lost: int) -> bool:
        if lost:
            batch = [
                (self._clock(), Event.LOG_LOST.level, Event.LOG_LOST, {"count": lost}),
                *batch,
            ]
        piece: list[bytes] = []
        size = 0
        for line in batch:
            octets = self._line(line)
            size += len(octets)
            if piece and size > self._piece:
                self._send(b"".join(piece))
                piece.clear()
                size = len(octets)
            piece.append(octets)
        self._send(b"".join(piece))
        return True

    def _line(self, line: _Line) -> bytes:
        time, level, event, facts = line
        if self._always:
            facts = {**self._always, **facts}
        return (self._render(time, level, event, facts) + "\n").encode("utf-8", "replace")

    def _send(self, octets: bytes) -> None:
        """Write all of it. An OSError goes up: the batch counts as lost."""
        view = memoryview(octets)
        while view:
            try:
                view = view[os.write(self._descriptor, view) :]
            except BlockingIOError:  # somebody made our standard output non-blocking
                select.select([], [self._descriptor], [], 1.0)


class Records(logging.Handler):
    """Brings what libraries log by the standard library into the log, as `library` events."""

    def __init__(self, log: Log, least: Level = Level.WARNING) -> None:
        super().__init__(int(least))
        self._log = log

    def emit(self, record: logging.LogRecord) -> None:
        """Log a record; a record that cannot be formatted is told as it is."""
        try:
            text = self.format(record)
        except Exception:  # noqa: BLE001 -- the mistake is the library's, the line is still news
            text = str(record.msg)
        level = max((lv for lv in Level if lv <= record.levelno), default=Level.DEBUG)
        self._log.emit(Event.LIBRARY, level, logger=record.name, said=text)


def _piece(descriptor: int) -> int:
    """Give how much may be written at once so that it is not mixed with another process's."""
    try:
        mode = os.fstat(descriptor).st_mode
    except OSError:
        return _PIECE
    return _PIECE if stat.S_ISREG(mode) or stat.S_ISCHR(mode) else select.PIPE_BUF


def _is_terminal(descriptor: int) -> bool:
    try:
        return stat.S_ISCHR(os.fstat(descriptor).st_mode) and os.isatty(descriptor)
    except OSError:
        return False
