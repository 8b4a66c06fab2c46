"""One run of a program: its argv as it is, no shell, a process group that ends with it.

What a stranger wrote gets to it as an argument behind `--`, by standard input or in its
environment, never as a command. Of its output so much is kept, and the rest is read and dropped,
so that it neither waits nor fills our memory.
"""

from __future__ import annotations

import asyncio
import contextlib
import errno
import os
import signal
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
_PIECE = 65_536
_LINGERS = 1.0  # seconds for its output to end after it has ended itself


@dataclass(frozen=True, slots=True)
class Ended:
    """How a program ended. `code` is its exit code, None where a signal ended it.

    `late`: it was ended because its time was over. `output` and `errors` are cut short.
    """

    code: int | None
    signal: int = 0
    output: bytes = b""
    errors: bytes = b""
    late: bool = False
    cut: bool = False  # whether there was more output


async def run(
    argv: Sequence[str],
    *,
    data: Iterator[bytes],
    environment: Mapping[str, str],
    timeout: float,  # noqa: ASYNC109 -- ending it is more than a cancellation
    most: int = 65_536,
) -> Ended:
    """Run a program with `data` on its standard input, read piece by piece in a thread.

    Raises OSError where it cannot be started, and what comes out of `data`.
    """
    named = {"PATH": PATH, "LANG": "C.UTF-8", **environment}
    if any("\0" in text for text in (*argv, *named.values())):
        raise OSError(errno.EINVAL, "a NUL octet in an argument or in the environment")
    loop = asyncio.get_running_loop()
    transport, protocol = await loop.subprocess_exec(
        lambda: _Watched(loop),
        *argv,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        cwd="/",
        env=named,
        start_new_session=True,
    )
    process = asyncio.subprocess.Process(transport, protocol, loop)
    try:
        return await _attend(process, protocol.exited, data, timeout, most)
    finally:
        transport.close()  # whoever else holds its output open: nobody reads it any more


class _Watched(asyncio.subprocess.SubprocessStreamProtocol):
    """Tells when the process itself has ended, whoever still holds its output open."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        super().__init__(limit=_PIECE, loop=loop)
        self.exited: asyncio.Future[None] = loop.create_future()

    def process_exited(self) -> None:
        super().process_exited()
        if not self.exited.done():
            self.exited.set_result(None)


async def _attend(
    process: asyncio.subprocess.Process,
    exited: asyncio.Future[None],
    data: Iterator[bytes],
    timeout: float,  # noqa: ASYNC109 -- as above
    most: int,
) -> Ended:
    loop = asyncio.get_running_loop()
    assert process.stdout is not None  # noqa: S101 -- as it was started
    assert process.stderr is not None  # noqa: S101 -- as above
    output, errors = _Kept(most), _Kept(most)
    work = [
        loop.create_task(output.read(process.stdout)),
        loop.create_task(errors.read(process.stderr)),
    ]
    writing = loop.create_task(_write(process, data))
    work.append(writing)
    late = False
    try:
        try:
            async with asyncio.timeout(timeout):
                await asyncio.shield(exited)
        except TimeoutError:
            late = True
            _end_group(process)
            await exited
        await asyncio.wait(work, timeout=_LINGERS)
    finally:
        if process.returncode is None or any(not task.done() for task in work):
            _end_group(process)  # also what it has left behind, which holds its output open
        for task in work:
            task.cancel()
        await asyncio.gather(*work, return_exceptions=True)
        await exited
    if writing.done() and not writing.cancelled() and (error := writing.exception()) is not None:
        raise error
    code = process.returncode
    assert code is not None  # noqa: S101 -- it was waited for
    return Ended(
        code if code >= 0 else None,
        -code if code < 0 else 0,
        output.octets,
        errors.octets,
        late=late,
        cut=output.cut or errors.cut,
    )


class _Kept:
    """The beginning of an output."""

    def __init__(self, most: int) -> None:
        self.octets = b""
        self.cut = False
        self._most = most

    async def read(self, reader: asyncio.StreamReader) -> None:
        while piece := await reader.read(_PIECE):
            room = self._most - len(self.octets)
            self.octets += piece[:room]
            self.cut = self.cut or len(piece) > room


async def _write(process: asyncio.subprocess.Process, data: Iterator[bytes]) -> None:
    """Write its standard input; one that does not read it is no error, one half written is none."""
    assert process.stdin is not None  # noqa: S101 -- as it was started
    try:
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):
            while piece := await asyncio.to_thread(_next, data):
                process.stdin.write(piece)
                await process.stdin.drain()
    except BaseException:
        _end_group(process)  # it must not take half of it for the whole
        raise
    with contextlib.suppress(BrokenPipeError, ConnectionResetError):
        process.stdin.close()
        await process.stdin.wait_closed()


def _next(data: Iterator[bytes]) -> bytes:
    """Give the next piece that is not empty; `b""` at the end."""
    return next((piece for piece in data if piece), b"")


def _end_group(process: asyncio.subprocess.Process) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)
