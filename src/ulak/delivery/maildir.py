"""Final delivery into Maildirs: `root/<domain>/<local-part>/{tmp,new,cur}`.

A message is written to `tmp`, made durable, linked into `new`, and the folder made durable: at no
moment does a reader see half of it, and what was said to be delivered survives a power cut.

Its name is made from the message's id and nothing else, so a delivery repeated after a crash
finds the first one, in `new` or (with whatever flags a reader set) in `cur`, and adds none. Only
a message that a reader has moved to another folder meanwhile is delivered again.

Lines end in LF, as Maildir readers expect; only CRLF ends a line in a message that we accepted,
so nothing is lost: every LF stands for one CRLF. A BINARYMIME message may have any octets, and is
kept octet by octet, its lines ending in CRLF (RFC 3030 §3).

Mail that was put apart (`Wishes.quarantine`) goes into the folder `.Junk` of the mailbox, as
Maildir++ has folders: a Maildir of its own below, with a file `maildirfolder` in it. Mail to a
detail of a user (RFC 5233) may go into a folder named like it.
"""

from __future__ import annotations

import asyncio
import contextlib
import errno
import hashlib
import os
import re
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from ulak.delivery.final import LoopError, pieces
from ulak.delivery.outcome import Outcome, Result
from ulak.delivery.site.grant import ANYWHERE, Grant
from ulak.delivery.target import Target
from ulak.queue.item import Message
from ulak.replies import catalog
from ulak.replies.reply import Reply
from ulak.rosters.roster import RosterError
from ulak.smtp.grammar import GrammarError, parse_user

_LONGEST_PART = 200  # octets of one path part; file systems take 255
_SETTLED_IN = 30.0  # seconds after which an earlier delivery may have been seen by a reader
_JUNK = ".Junk"  # what quarantine is called in a mailbox

_SAFE = frozenset(b"abcdefghijklmnopqrstuvwxyz0123456789_+=@-.")
_UNSAFE_IN_NAME = re.compile(r"[^A-Za-z0-9_+=@.-]")


@dataclass(frozen=True, slots=True)
class Place:
    """Where a recipient's mail goes: a mailbox in wire form, and a folder in it.

    `folder` is a detail as the sender wrote it, `""` for none; unless it is to `make` one, only a
    folder that is there gets the mail.
    """

    mailbox: str
    folder: str = ""
    make: bool = False


Placing = Callable[[str], Awaitable[Place]]
"""Finds the place of a recipient. Raises RosterError where that cannot be known now."""


class MaildirCarrier:
    """Delivers into the Maildirs under `root`, in a few threads.

    `clock` gives seconds since the epoch; `hostname` stands in file names, as Maildir wants.
    `placing` is asked where recipients are not their mailboxes' own names.
    """

    def __init__(
        self,
        root: Path,
        hostname: str,
        clock: Callable[[], float],
        placing: Placing | None = None,
        *,
        threads: int = 4,
    ) -> None:
        self._placing = placing
        self._root = root
        self._hostname = _UNSAFE_IN_NAME.sub("_", hostname)
        self._clock = clock
        self._started = clock()
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix="maildir")

    async def carry(
        self,
        message: Message,
        recipients: Sequence[str],
        target: Target,
        grant: Grant = ANYWHERE,
    ) -> list[Outcome]:
        """Write the message into each recipient's Maildir."""
        del target, grant
        # Only a delivery of an earlier run, or one whose end was never noted, can be in `cur`.
        now = self._clock()
        again = message.received <= self._started or now - message.received > _SETTLED_IN
        places = {recipient: Place(recipient) for recipient in recipients}
        unplaced: list[Outcome] = []
        if self._placing is not None:
            for recipient in recipients:
                try:
                    places[recipient] = await self._placing(recipient)
                except RosterError as error:
                    del places[recipient]
                    unplaced.append(_unplaced(recipient, error))
        work = partial(self._deliver_all, message, places, again=again)
        done = await asyncio.get_running_loop().run_in_executor(self._pool, work)
        return [*unplaced, *done] if unplaced else done

    async def close(self) -> None:
        """Let deliveries under way end."""
        await asyncio.to_thread(self._pool.shutdown)

    def path(self, recipient: str) -> Path:
        """Give the Maildir of a recipient in wire form. One mailbox, one folder, in any case."""
        try:
            address = parse_user(recipient)
        except GrammarError:  # not from a session: still a name of its own
            return self._root / "-" / _part(recipient)
        return self._root / _part(address.domain or "-") / _part(address.local)

    def maildir(self, place: Place) -> Path:
        """Give the Maildir of a place; that of the mailbox where there is no folder for it."""
        maildir = self.path(place.mailbox)
        if place.folder:
            folder = maildir / f".{_part(place.folder).replace('.', '%2e')}"
            if place.make or folder.is_dir():
                return folder
        return maildir

    # -- in a thread ------------------------------------------------------------------------

    def _deliver_all(
        self, message: Message, places: Mapping[str, Place], *, again: bool
    ) -> list[Outcome]:
        return [
            self._deliver(message, recipient, place, again=again)
            for recipient, place in places.items()
        ]

    def _deliver(self, message: Message, recipient: str, place: Place, *, again: bool) -> Outcome:
        if message.envelope.wishes.quarantine:
            maildir = self.path(place.mailbox) / _JUNK
        else:
            maildir = self.maildir(place)
        name = f"{int(message.received)}.{_UNSAFE_IN_NAME.sub('_', message.id)}.{self._hostname}"
        try:
            if not (again and _seen(maildir / "cur", name)):
                _store(maildir, name, pieces(message, recipient, lf=True))
        except LoopError:
            reply = catalog.DELIVERED_BEFORE.reply(utf8=True, address=recipient)
            return _outcome(recipient, Result.FAILED, reply)
        except OSError as error:
            return _outcome(recipient, Result.DEFERRED, _trouble(recipient, error))
        reply = catalog.DELIVERED.reply(utf8=True, where=f"the mailbox of {recipient}")
        return _outcome(recipient, Result.DELIVERED, reply)


def _part(text: str) -> str:
    """Make one path part of an address's half: never `.` or `..`, never a slash, never empty."""
    octets = text.lower().encode("utf-8", "surrogatepass")
    part = "".join(
        chr(o) if o in _SAFE and not (i == 0 and o == ord(".")) else f"%{o:02x}"
        for i, o in enumerate(octets)
    )
    if len(part) > _LONGEST_PART:
        # A tilde is written %7e elsewhere, so that no other name can be this one.
        part = f"{part[:100]}~{hashlib.sha256(octets).hexdigest()}"
    return part or "%"


def _seen(cur: Path, name: str) -> bool:
    """Whether a reader has taken the file to `cur`, where flags follow the name."""
    try:
        with os.scandir(cur) as entries:
            return any(
                entry.name.startswith(name) and entry.name[len(name) : len(name) + 1] in ":;!"
                for entry in entries
            )
    except FileNotFoundError:
        return False


def _store(maildir: Path, name: str, pieces: Iterator[bytes]) -> None:
    """Write, make durable, show; a file of that name in `new` is an earlier delivery."""
    folders = tuple(maildir / part for part in ("tmp", "new", "cur"))
    if not all(folder.is_dir() for folder in folders):
        _make(maildir, folders)
    tmp, new = maildir / "tmp" / name, maildir / "new" / name
    if not new.exists():
        file = _create(tmp)
        try:
            with open(file, "wb") as out:  # noqa: PTH123 -- it is a descriptor
                out.writelines(pieces)
                out.flush()
                os.fsync(file)
            with contextlib.suppress(FileExistsError):
                _show(tmp, new)
        finally:
            tmp.unlink(missing_ok=True)
    _sync(maildir / "new")  # also for an earlier delivery: its crash may have come before this


def _create(tmp: Path) -> int:
    """Open the file anew. One that is there was left by a crash."""
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL
    try:
        return os.open(tmp, flags, 0o600)
    except FileExistsError:
        tmp.unlink(missing_ok=True)
        return os.open(tmp, flags, 0o600)


def _show(tmp: Path, new: Path) -> None:
    """Move into `new`, never over what is there; without hard links, by a name."""
    try:
        os.link(tmp, new)
    except OSError as error:
        if error.errno not in (errno.EPERM, errno.ENOTSUP, errno.EMLINK, errno.ENOSYS):
            raise
        tmp.rename(new)


def _make(maildir: Path, folders: Sequence[Path]) -> None:
    """Make the folders that are missing, each durable in the one above."""
    missing = list(folders)
    parent = maildir
    while not parent.exists():
        missing.insert(0, parent)
        parent = parent.parent
    for path in missing:
        path.mkdir(mode=0o700, exist_ok=True)
    if maildir.name.startswith("."):  # no mailbox has such a name
        (maildir / "maildirfolder").touch(0o600)
    for path in {folder.parent for folder in missing}:
        _sync(path)


def _sync(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _unplaced(recipient: str, error: RosterError) -> Outcome:
    reply = catalog.ROSTER_UNAVAILABLE.reply(utf8=True, address=recipient, id=error.incident)
    return _outcome(recipient, Result.DEFERRED, reply)


def _trouble(recipient: str, error: OSError) -> Reply:
    if error.errno == errno.EDQUOT:
        return catalog.MAILBOX_FULL.reply(utf8=True, address=recipient)
    problem = error.strerror or type(error).__name__
    return catalog.LOCAL_DELIVERY_FAILED.reply(problem=problem)


def _outcome(recipient: str, result: Result, reply: Reply) -> Outcome:
    return Outcome(recipient, result, reply.cause, str(reply), facts=reply.facts)
