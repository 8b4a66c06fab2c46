"""One message while it comes in: in memory first, in a file when it is large.

A large message never lies in memory whole, and the file is written by a thread, a piece at a
time, while the session does not read: a slow disk slows its sender and nobody else.
"""

from __future__ import annotations

import errno
import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import suppress
from io import FileIO
from pathlib import Path
from typing import BinaryIO

from ulak.policy.submission import Mended
from ulak.queue.item import Body
from ulak.replies import catalog
from ulak.replies.reply import Reply
from ulak.server.sealing import Sealing
from ulak.server.site import Site

_PIECE = 262_144  # octets that are written at once
_CROWDED = 65_536  # octets that a message may have in memory when memory is short
_HEAD = 1_048_576  # octets of the beginning that are kept for the one who judges the header
_NO_COPY = (errno.EXDEV, errno.EINVAL, errno.ENOSYS, errno.ENOTSUP, errno.EPERM)
_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)

Mend = Callable[[bytes], Mended | Reply]


class Incoming:
    """The octets of one message, with the trace field that goes on top of it.

    `mend` gives a message another header, or refuses it, as soon as its header is there whole.
    `seal` signs it. `failure` is the first error of the file; after it nothing more is kept.
    """

    __slots__ = (
        "_above",
        "_chunks",
        "_file",
        "_head",
        "_head_ends",
        "_held",
        "_mend",
        "_refusal",
        "_site",
        "_written",
        "failure",
        "identifier",
        "in_file",
        "seal",
        "trace",
    )

    def __init__(
        self,
        identifier: str,
        trace: bytes,
        site: Site,
        mend: Mend | None = None,
        seal: Sealing | None = None,
    ) -> None:
        self.identifier = identifier
        self.trace = trace
        self.failure: OSError | None = None
        self.in_file = False
        self.seal = seal
        self._site = site
        self._mend = mend
        self._refusal: Reply | None = None
        self._chunks: list[bytes] = []
        self._held = 0
        self._file = -1
        self._written = 0
        self._above = 0  # octets of the file before the message
        self._head = b""
        self._head_ends = False

    def take(self, data: bytes) -> bool:
        """Take octets of the message; say whether `write` is to be called before the next."""
        if self.failure is not None or self._refusal is not None:
            return False
        self._chunks.append(data)
        self._held += len(data)
        self._site.held += len(data)
        if self.in_file:
            return self._held >= _PIECE
        rules = self._site.rules
        return self._held > rules.body_threshold or (
            self._held > _CROWDED and self._site.held > rules.memory
        )

    @property
    def held(self) -> int:
        """How many octets of it are in memory."""
        return self._held

    @property
    def _path(self) -> Path:
        return self._site.incoming / self.identifier

    @property
    def full(self) -> bool:
        """Whether the disk had no room."""
        return self.failure is not None and self.failure.errno in _FULL

    def write(self) -> None:
        """Write what is held into the file. Blocks: call it in a thread, and wait for it."""
        data = b"".join(self._chunks)
        seal = self.seal
        if not self.in_file and (self._mend is not None or seal is not None):
            if not _has_header(data):
                self._chunks = [data]
                return
            if self._mend is not None:
                data = self._in_order(data)
        self._let_go()
        if self._refusal is not None:
            return
        self._keep_head(data)
        if seal is not None and self.in_file:
            seal.feed(data)
        elif seal is not None:
            seal.begin(data, leave_room=True)
        try:
            if not self.in_file:
                flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
                self._file = os.open(self._path, flags, 0o600)
                self.in_file = True
                room = bytes(seal.room) if seal is not None else b""
                self._above = len(room) + len(self.trace)
                data = room + self.trace + data
            view = memoryview(data)
            while view:
                done = os.write(self._file, view)
                self._written += done
                view = view[done:]
        except OSError as error:
            self.failure = error
            self._remove()

    def finish(self) -> None:
        """Write what is left and close the file. Blocks as `write` does."""
        self.write()
        if self._file >= 0:
            file, self._file = self._file, -1
            try:
                self._seal(file)
                os.close(file)
            except OSError as error:
                self.failure = error
                self._remove()

    def _seal(self, file: int) -> None:
        """Fill the room that was left for signatures."""
        fields = memoryview(self.seal.finish() if self.seal is not None else b"")
        done = 0
        while done < len(fields):
            done += os.pwrite(file, fields[done:], done)
        self.trace = bytes(fields) + self.trace

    def sign(self) -> None:
        """Sign a message that is in memory, its header in order; one in a file has been."""
        if self.seal is not None and not self.in_file:
            self.seal.begin(self._beginning(), leave_room=False)
            self.trace = self.seal.finish() + self.trace

    def verdict(self, *, binary: bool) -> Reply | None:
        """Judge the message, all of which is there, and put its header in order.

        `binary` as `BODY=BINARYMIME` says.
        """
        if self._refusal is not None:
            return self._refusal
        if self._mend is None:
            return self._site.judge(self._beginning(), binary=binary)
        if not self.in_file:  # else that was done before it was written
            self._chunks = [self._in_order(self._beginning())]
        return self._refusal

    def _beginning(self) -> bytes:
        """Give the message, or of a large one the beginning with its whole header."""
        if self.in_file:
            return self._head
        if len(self._chunks) > 1:
            self._chunks = [b"".join(self._chunks)]
        return self._chunks[0] if self._chunks else b""

    def header(self) -> bytes:
        """Give the header as it is now, with the CRLF of its last line. All has come."""
        beginning = self._beginning()
        return beginning[: _header_end(beginning)]

    @property
    def body_size(self) -> int:
        """How many octets the body has, which begins after the empty line."""
        whole = self._written - self._above if self.in_file else len(self._beginning())
        return whole - self._body_start()

    def pieces(self) -> Iterator[bytes]:
        """Give the body. Reads the file where there is one, and blocks as `write` does."""
        start = self._body_start()
        if not self.in_file:
            yield self._beginning()[start:]
            return
        with self._path.open("rb") as file:
            file.seek(self._above + start)
            while piece := file.read(_PIECE):
                yield piece

    def _body_start(self) -> int:
        beginning = self._beginning()
        end = _header_end(beginning)
        return min(end + len(b"\r\n"), len(beginning))

    def put_on_top(self, fields: bytes, header: bytes | None = None) -> None:
        """Put fields above the trace field, and another header in the place of the old one.

        A file is written anew, without its octets passing through here where the system can copy
        them. Blocks where `in_file`, as `write` does; `failure` says whether it came to nothing.
        """
        old = self.header()
        new = old if header is None else header
        if not self.in_file:
            if header is not None:
                self._chunks = [new + self._beginning()[len(old) :]]
            self.trace = fields + self.trace
            return
        try:
            self._rewrite(fields, new, len(old))
        except OSError as error:
            self.failure = error
            self._remove()
            return
        self._head = new + self._head[len(old) :]

    def _rewrite(self, fields: bytes, header: bytes, old: int) -> None:
        """Write the file anew, with fields on top, and a header in the place of `old` octets."""
        fresh = self._path.with_name(f"{self.identifier}.new")
        try:
            with (
                self._path.open("rb", buffering=0) as source,
                open(fresh, "xb", opener=_private) as target,
            ):
                above = source.read(self._above)  # signatures, and the trace field
                target.write(fields + above + header)
                target.flush()
                source.seek(len(above) + old)
                rest = self._written - len(above) - old
                _copy(source, target, rest)
            fresh.replace(self._path)
        except OSError:
            with suppress(OSError):
                fresh.unlink()
            raise
        self._above += len(fields)
        self._written = self._above + len(header) + rest

    def body(self) -> Body:
        """Give the message with its trace field, and the signatures above it."""
        if self.in_file:
            return Body(self._written, path=self._path)
        data = b"".join((self.trace, *self._chunks))
        return Body(len(data), data)

    def kept(self) -> None:
        """Let go of a message that has been put into the queue: its file is the queue's."""
        self._let_go()
        self.in_file = False

    def forget(self) -> None:
        """Let go of a message that nobody has taken over."""
        self._let_go()
        self._remove()

    def _let_go(self) -> None:
        self._site.held -= self._held
        self._held = 0
        self._chunks = []

    def _in_order(self, data: bytes) -> bytes:
        """Give the message with the header that it is to have, unless it is refused."""
        assert self._mend is not None  # noqa: S101 -- as all who call it have seen
        if len(data) >= _HEAD and not _has_header(data[:_HEAD], whole=True):
            self._refusal = catalog.HEADER_TOO_LARGE.reply(limit=_HEAD)
            return data
        answer = self._mend(data)
        if isinstance(answer, Reply):
            self._refusal = answer
            return data
        return answer.header + data[answer.old :]

    def _keep_head(self, data: bytes) -> None:
        if self._head_ends or len(self._head) >= _HEAD:
            return
        self._head = (self._head + data)[:_HEAD]
        end = self._head.find(b"\r\n\r\n")
        if end >= 0:
            self._head_ends = True
            self._head = self._head[: end + 4]

    def _remove(self) -> None:
        if self._file >= 0:
            with suppress(OSError):
                os.close(self._file)
            self._file = -1
        if self.in_file:
            self.in_file = False
            with suppress(OSError):
                self._path.unlink()


def _header_end(data: bytes) -> int:
    """Say where the header ends, with the CRLF of its last line."""
    if data[:2] == b"\r\n":
        return 0
    end = data.find(b"\r\n\r\n")
    return len(data) if end < 0 else end + 2


def _private(path: str, flags: int) -> int:
    return os.open(path, flags | os.O_CLOEXEC, 0o600)


def _copy(source: FileIO, target: BinaryIO, size: int) -> None:
    """Copy octets between files, from where they stand: in the kernel, where it knows how."""
    copy = getattr(os, "copy_file_range", None)  # Linux has it
    while size and copy is not None:
        try:
            done = copy(source.fileno(), target.fileno(), size)
        except OSError as error:
            if error.errno not in _NO_COPY:
                raise
            break
        if not done:
            break
        size -= done
    if size:
        shutil.copyfileobj(source, target, _PIECE)


def _has_header(data: bytes, *, whole: bool = False) -> bool:
    """Whether the header ends in this, or will not: it is longer than is looked at."""
    return data[:2] == b"\r\n" or b"\r\n\r\n" in data or (not whole and len(data) >= _HEAD)
