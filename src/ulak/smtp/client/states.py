"""Where a client's session stands, what it asks for, and how it can end."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from ulak.smtp.client.reply import PeerReply


class Step(Enum):
    """What the caller has to do now."""

    WAIT = "feed more octets"
    TLS = "shake hands, then call `tls_started`"
    READY = "begin a transaction, or quit"
    BODY = "send the message to its end, then call `body_sent`"
    CHUNK = "the chunk was taken: send the next one"
    DONE = "look at `answers`; `usable` says whether another transaction may follow"
    OVER = "close the connection; `failure` says why, `answers` what was answered before"


class Stage(Enum):
    """Where the session stands: which reply is awaited. The value is what a person calls it."""

    GREETING = "greeting"
    HELLO = "EHLO"
    STARTTLS = "STARTTLS"
    HANDSHAKE = "TLS"
    AUTH = "AUTH"
    IDLE = "idle"
    RESET = "RSET"
    MAIL = "MAIL"
    RCPT = "RCPT"
    DATA = "DATA"
    BODY = "message"
    END = "end of data"
    NOTHING = "the dot of no message"
    QUIT = "QUIT"
    CLOSED = "closed"

    # A stage is looked up nine times a message; an enum's own hash is made in Python.
    __hash__ = object.__hash__


@dataclass(frozen=True, slots=True)
class Answer:
    """The reply that decided about a recipient, and to what it was given."""

    reply: PeerReply
    stage: Stage


@dataclass(frozen=True, slots=True)
class Failure:
    """Why a session ended before its time: what the server said, or what went wrong instead.

    `babble`: what came was no SMTP.
    """

    stage: Stage
    reply: PeerReply | None = None
    problem: str = ""
    babble: bool = False
