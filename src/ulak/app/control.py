"""How the command line speaks to a running worker: a unix socket in the data directory.

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
from pathlib import Path

from ulak.queue.item import Selection

_LONGEST = 1 << 20
_PATIENCE = 60.0

Answer = dict[str, object]
Handler = Callable[[str, Selection], Awaitable[Answer]]


class ControlError(Exception):
    """A running server did not do what it was asked; the text says why."""


def encode(verb: str, which: Selection) -> bytes:
    """Write a request."""
    return (
        json.dumps(
            {
                "verb": verb,
                "ids": which.ids,
                "domain": which.domain,
                "cause": which.cause,
                "everything": which.everything,
            }
        ).encode()
        + b"\n"
    )


def decode(line: bytes) -> tuple[str, Selection]:
    """Read a request. Raises ValueError where it is none."""
    request = json.loads(line)
    if not isinstance(request, dict):
        message = "a request is an object"
        raise ValueError(message)  # noqa: TRY004 -- one kind of error for all that is no request
    ids = request.get("ids", [])
    if not isinstance(ids, list) or not all(isinstance(i, str) for i in ids):
        message = "ids are a list of texts"
        raise ValueError(message)
    which = Selection(
        tuple(ids),
        str(request.get("domain", "")),
        str(request.get("cause", "")),
        everything=request.get("everything") is True,
    )
    return str(request.get("verb", "")), which


class Control:
    """The listening end of one worker."""

    def __init__(self, path: Path, handler: Handler) -> None:
        self._path = path
        self._handler = handler
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
            verb, which = decode(line)
            answer = await self._handler(verb, which)
        except (ValueError, TimeoutError) as error:
            answer = {"error": f"That is not a request: {error}."}
        except OSError:
            writer.close()
            return
        with contextlib.suppress(OSError):
            writer.write(json.dumps(answer).encode() + b"\n")
            await writer.drain()
            writer.close()
            await writer.wait_closed()


def ask(path: Path, verb: str, which: Selection) -> Mapping[str, object]:
    """Ask a running worker and wait for its answer. Raises ControlError."""
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as sock, _short(path) as name:
            sock.settimeout(_PATIENCE)
            sock.connect(name)
            sock.sendall(encode(verb, which))
            with sock.makefile("rb") as answers:
                line = answers.readline(_LONGEST)
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
    with _short(path) as name:
        Path(name).unlink(missing_ok=True)
        sock.bind(name)
        Path(name).chmod(0o600)
    sock.listen(16)
    sock.settimeout(0)
    return sock


@contextlib.contextmanager
def _short(path: Path) -> Iterator[str]:
    """Give a name of the path that is short enough for a unix socket (108 octets)."""
    folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
    try:
        yield f"/proc/self/fd/{folder}/{path.name}"
    finally:
        os.close(folder)
