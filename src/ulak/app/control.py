"""How the command line and the console speak to a running worker: a unix socket of its own.

One request, one answer, each a JSON object on one line. The socket is the server's user's alone
(mode 0600); a line that is no request is answered with an error and closes only its own
connection.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import socket
from collections.abc import Awaitable, Callable, Iterator, Mapping
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any

from ulak.journal.deed import NOBODY, By
from ulak.queue.item import Selection, State

_LONGEST = 1 << 20  # octets of a request
_LONGEST_ANSWER = 1 << 23
_PATIENCE = 60.0
_WITH_OCTETS = b'{"verb": "submit", "octets": '
MOST_OCTETS = 1 << 27  # of a message that is handed in

Answer = dict[str, object]


class ControlError(Exception):
    """A running server did not do what it was asked; the text says why.

    `unasked`: nobody was there to be asked.
    """

    unasked = False


@dataclass(frozen=True, slots=True)
class Request:
    """What a worker is asked: a verb, for which recipients, and by whom.

    `limit` is how many of something are wanted at most, where there may be many; `site` names one
    to which mail goes; `facts` are what is to be noted of a deed that a command has done itself.
    """

    verb: str
    which: Selection = field(default_factory=Selection)
    by: By = NOBODY
    limit: int = 0
    site: str = ""
    facts: Mapping[str, str] = field(default_factory=dict)


Handler = Callable[[Request], Awaitable[Answer]]
Taker = Callable[[Mapping[str, Any], bytes], Awaitable[Answer]]
"""Takes what comes with octets behind its line."""


def encode(request: Request) -> bytes:
    """Write a request."""
    return json.dumps(asdict(request)).encode() + b"\n"


def decode(line: bytes) -> Request:
    """Read a request. Raises ValueError where it is none."""
    read = json.loads(line)
    if not isinstance(read, dict):
        message = "a request is an object"
        raise ValueError(message)  # noqa: TRY004 -- one kind of error for all that is no request
    limit = read.get("limit", 0)
    if type(limit) is not int or limit < 0:
        message = "a limit is a number"
        raise ValueError(message)
    by = _object(read, "by")
    return Request(
        str(read.get("verb", "")),
        _selection(_object(read, "which")),
        By(str(by.get("who", "")), str(by.get("via", "")), str(by.get("ip", ""))),
        limit,
        str(read.get("site", "")),
        {name: str(value) for name, value in _object(read, "facts").items()},
    )


def _with_octets(line: bytes) -> tuple[Mapping[str, Any], int]:
    """Read a line that says how many octets come behind it. Raises ValueError."""
    read = json.loads(line)
    size = read.get("octets")
    if type(size) is not int or not 0 <= size <= MOST_OCTETS:
        message = "octets are a number"
        raise ValueError(message)
    return read, size


def _object(read: Mapping[str, object], name: str) -> Mapping[str, object]:
    part = read.get(name, {})
    if not isinstance(part, dict):
        message = f"{name} is an object"
        raise ValueError(message)  # noqa: TRY004 -- as above
    return part


def _selection(read: Mapping[str, object]) -> Selection:
    # A condition that is not known means less mail than is selected without it.
    if unknown := set(read) - {one.name for one in fields(Selection)}:
        message = f"{', '.join(sorted(unknown))}: no such condition"
        raise ValueError(message)
    state = read.get("state")
    return Selection(
        _texts(read, "ids"),
        _texts(read, "domains"),
        str(read.get("cause", "")),
        everything=read.get("everything") is True,
        state=None if state is None else State(str(state)),
        before=_time(read.get("before")),
        after=_time(read.get("after")),
        address=str(read.get("address", "")),
    )


def _texts(read: Mapping[str, object], name: str) -> tuple[str, ...]:
    given = read.get(name, [])
    if not isinstance(given, list) or not all(isinstance(one, str) for one in given):
        message = f"{name} are a list of texts"
        raise ValueError(message)
    return tuple(given)


def _time(given: object) -> float | None:
    # A condition that were left out would mean more mail than was meant.
    if given is None or type(given) in (int, float):
        return None if given is None else float(str(given))
    message = "a time is a number of seconds"
    raise ValueError(message)


class Control:
    """The listening end of one worker."""

    def __init__(self, path: Path, handler: Handler, taker: Taker | None = None) -> None:
        self._path = path
        self._handler = handler
        self._taker = taker
        self._server: asyncio.Server | None = None

    async def start(self) -> None:
        """Listen; a socket that a dead worker left is replaced."""
        sock = _bound(self._path)
        self._server = await asyncio.start_unix_server(self._serve, sock=sock, limit=_LONGEST)

    async def stop(self) -> None:
        """Stop listening."""
        if self._server is not None:
            self._server.close()
        self._path.unlink(missing_ok=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            line = await asyncio.wait_for(reader.readline(), _PATIENCE)
            if self._taker is not None and line.startswith(_WITH_OCTETS):
                asked, size = _with_octets(line)
                octets = await asyncio.wait_for(reader.readexactly(size), _PATIENCE)
                answer = await self._taker(asked, octets)
            else:
                answer = await self._handler(decode(line))
        except (ValueError, TimeoutError, asyncio.IncompleteReadError) as error:
            answer = {"error": f"That is not a request: {error}."}
        except OSError:
            writer.close()
            return
        with contextlib.suppress(OSError):
            writer.write(json.dumps(answer).encode() + b"\n")
            await writer.drain()
            writer.close()
            await writer.wait_closed()


def ask(path: Path, request: Request, patience: float = _PATIENCE) -> Mapping[str, object]:
    """Ask a running worker and wait for its answer, so many seconds. Raises ControlError."""
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as sock, short(path) as name:
            sock.settimeout(patience)
            sock.connect(name)
            sock.sendall(encode(request))
            with sock.makefile("rb") as answers:
                line = answers.readline(_LONGEST_ANSWER)
        answer = json.loads(line)
    except (OSError, ValueError) as error:
        message = f"The running server did not answer at {path}: {error}."
        raise ControlError(message) from error
    if not isinstance(answer, dict):
        message = f"The running server gave an answer at {path} that is none."
        raise ControlError(message)
    if "error" in answer:
        raise ControlError(str(answer["error"]))
    return answer


def _bound(path: Path) -> socket.socket:
    path.parent.mkdir(parents=True, exist_ok=True)
    sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    with short(path) as name:
        Path(name).unlink(missing_ok=True)
        sock.bind(name)
        Path(name).chmod(0o600)
    sock.listen(16)
    sock.settimeout(0)
    return sock


@contextlib.contextmanager
def short(path: Path) -> Iterator[str]:
    """Give a name of the path that is short enough for a unix socket (108 octets)."""
    folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
    try:
        yield f"/proc/self/fd/{folder}/{path.name}"
    finally:
        os.close(folder)
