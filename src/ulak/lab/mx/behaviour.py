"""How a scripted server behaves, and what it has heard."""

from __future__ import annotations

import ssl
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:  # a habit is made of acts
    from ulak.lab.habits import Habit

_EXTENSIONS = ("PIPELINING", "SIZE 10240000", "8BITMIME", "SMTPUTF8", "ENHANCEDSTATUSCODES")


@dataclass(frozen=True, slots=True)
class Act:
    r"""What a server does at a stage. One that says nothing and does not close is silence for ever.

    `say` is a reply, its lines apart by `\n`; `raw` goes out as it is. `delay` is how many seconds
    it waits before that, `drip` how many between single octets, and after it it may `close`.
    `times` is how often it does so before it behaves as usual, 0 for ever.
    """

    say: str = ""
    raw: bytes = b""
    delay: float = 0.0
    drip: float = 0.0
    close: bool = False
    times: int = 0

    @property
    def octets(self) -> bytes:
        """What goes over the wire."""
        if self.raw or not self.say:
            return self.raw
        return b"".join(line.encode() + b"\r\n" for line in self.say.split("\n"))


CLOSE = Act(close=True)
SILENCE = Act()


@dataclass(frozen=True, slots=True)
class Behaviour:
    """How a server behaves.

    The keys of `at` are stages: `connect`, a command (`EHLO`, `HELO`, `LHLO`, `STARTTLS`, `MAIL`,
    `RCPT`, `DATA`, `BDAT` (a chunk before the last), `AUTH` (its replies), `RSET`, `NOOP`,
    `QUIT`), `TLS` (in place of the handshake), `body` (as soon as some of the message has come)
    and `message` (its end).
    `MAIL ada@example.org`, `RCPT …` and, with LMTP, `message …` mean one address. A text stands
    for an `Act` that says it. With `accounts` (passwords by name) nobody may send who has not
    logged in, by one of `mechanisms`. `implicit`: TLS begins with the first octet,
    of every connection where the first behaviour says so. Where the script says nothing, the
    `habits` are asked; servers may share them, as the hosts of one provider do.
    """

    name: str = "mx.example.net"
    extensions: tuple[str, ...] = _EXTENSIONS
    at: Mapping[str, Act | str] = field(default_factory=dict)
    tls: ssl.SSLContext | None = None
    implicit: bool = False
    lmtp: bool = False
    accounts: Mapping[str, str] = field(default_factory=dict)
    mechanisms: tuple[str, ...] = ("SCRAM-SHA-256", "PLAIN", "LOGIN")
    habits: Habit | None = None


@dataclass(slots=True, eq=False)
class Visit:
    """One session of a client. `source` is its IP; `clock` gives seconds, from any beginning."""

    source: str
    clock: Callable[[], float]
    sender: str = ""
    recipients: list[str] = field(default_factory=list)
    messages: int = 0  # that were taken in this session


@dataclass(slots=True)
class Taken:
    """A message that was taken.

    `body` is unstuffed; `bare` names a bare CR or LF in it. `asked` are the parameters of RCPT,
    for each of the recipients. `chunks` are the sizes of the chunks, where it came by BDAT.
    """

    sender: str
    recipients: tuple[str, ...]
    parameters: str
    body: bytes
    bare: str
    tls: str
    asked: tuple[str, ...] = ()
    chunks: tuple[int, ...] = ()


@dataclass(slots=True)
class Heard:
    """One session: its commands as they came, and whether the client ended it with QUIT.

    `peer` is the IP address that the client came from, `""` on a unix socket.
    """

    commands: list[str] = field(default_factory=list)
    taken: list[Taken] = field(default_factory=list)
    writes: list[bytes] = field(default_factory=list)  # what came before each reply went out
    login: str = ""
    quit: bool = False
    peer: str = ""
