"""Logging in at a server as its client: AUTH, its challenges and its end (RFC 4954 §4)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from ulak.smtp.client.extensions import Offer
from ulak.smtp.client.reply import PeerReply
from ulak.smtp.sasl import coding
from ulak.smtp.sasl.client import ClientMechanism, Credentials, Wrong, start
from ulak.smtp.sasl.prepare import PreparationError

_COMMAND = 510  # octets of a command without its CRLF, RFC 5321 §4.5.3.1.4
_CHALLENGE = 334
_LOGGED_IN = 235
_NOTHING: Mapping[str, bytes] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Login:
    """With what, and how, a session is to log in.

    `nonce` is printable ASCII without a comma, new for every session. `readable`: whether what
    can be read on the wire (a password, a token) may be sent under TLS; in the clear it never is,
    and nothing is unless `clear`.
    """

    credentials: Credentials
    nonce: str
    readable: bool
    clear: bool = False
    bindings: Mapping[str, bytes] = field(default_factory=lambda: _NOTHING)


@dataclass(frozen=True, slots=True)
class Say:
    """A line for the server, and what may be shown of it."""

    line: str
    shown: str


@dataclass(frozen=True, slots=True)
class LoggedIn:
    """The server let us in."""


@dataclass(frozen=True, slots=True)
class Locked:
    """It did not, or must not be believed; `problem` says why where the server does not."""

    problem: str = ""


class LoggingIn:
    """One exchange."""

    def __init__(self, mechanism: ClientMechanism) -> None:
        self._mechanism = mechanism
        self._kept: bytes | None = None  # the initial response, where AUTH has no room for it
        self._cancelled = ""

    def command(self) -> Say:
        """Give the command AUTH."""
        name, initial = self._mechanism.name, self._mechanism.next(None)
        alone = f"AUTH {name}"
        if not isinstance(initial, bytes):
            return Say(alone, alone)
        line = f"{alone} {coding.encode(initial).decode() or '='}"
        if len(line) <= _COMMAND:
            return Say(line, f"{alone} ***")
        self._kept = initial
        return Say(alone, alone)

    def answer(self, reply: PeerReply) -> Say | LoggedIn | Locked:
        """Take a reply of the server's."""
        if self._cancelled:
            return Locked(self._cancelled)
        if reply.code == _CHALLENGE:
            return self._respond(reply)
        if reply.code != _LOGGED_IN:
            return Locked()
        if self._mechanism.done:
            return LoggedIn()
        return Locked("it let this server in without showing that it knows the password")

    def _respond(self, reply: PeerReply) -> Say:
        challenge = coding.decode(reply.text.strip(" ").encode())
        if challenge is None:
            return self._cancel("its challenge is no base64")
        if self._kept is not None and not challenge:
            response, self._kept = self._kept, None
        else:
            answer = self._mechanism.next(challenge)
            if not isinstance(answer, bytes):
                return self._cancel(answer.problem if isinstance(answer, Wrong) else "it is lost")
            response = answer
        return Say(coding.encode(response).decode(), "***")

    def _cancel(self, problem: str) -> Say:
        self._cancelled = problem
        return Say("*", "*")


def log_in(login: Login, offer: Offer, *, secure: bool) -> LoggingIn | Locked:
    """Begin with the best mechanism that the server offers and that may be used."""
    if not (secure or login.clear):
        return Locked("there is no TLS")
    offered = offer.keywords.get("AUTH", "").split(" ")
    try:
        mechanism = start(
            offered,
            login.credentials,
            nonce=login.nonce,
            secure=secure and login.readable,
            bindings=login.bindings,
        )
    except PreparationError as error:
        return Locked(str(error))
    if mechanism is not None:
        return LoggingIn(mechanism)
    if "AUTH" not in offer:
        return Locked("it offers no login (AUTH)")
    words = " ".join(offered) or "nothing"
    return Locked(f"none of the ways of logging in that it offers ({words}) may be used here")
