"""How clients log in at a scripted server: by the mechanisms that Ulak has as a server."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from ulak.replies import catalog
from ulak.replies.reply import Reply
from ulak.smtp.sasl import coding
from ulak.smtp.sasl.keys import ScramKeys
from ulak.smtp.sasl.steps import (
    Challenge,
    CheckPassword,
    Mechanism,
    NeedScramKeys,
    Refusal,
    Step,
    Success,
)
from ulak.smtp.sasl.table import Channel, Ways, make

_SALT = b"sixteen octets.."
_ITERATIONS = 4096


class Exchange:
    """One exchange. `accounts` has passwords by name; `name` is who has logged in."""

    def __init__(
        self, accounts: Mapping[str, str], allowed: Sequence[str], *, secure: bool
    ) -> None:
        self.name = ""
        self._accounts = accounts
        self._ways = Ways(frozenset(allowed), clear=True)
        self._channel = Channel(secure=secure)
        self._mechanism: Mechanism | None = None

    @property
    def open(self) -> bool:
        """Whether the next line is a response."""
        return self._mechanism is not None

    def begin(self, argument: str) -> str:
        """Take what stands behind AUTH; give the reply."""
        word, _, initial = argument.partition(" ")
        mechanism = make(word.upper(), self._ways, self._channel, "ServerNonce")
        if isinstance(mechanism, Reply):
            return str(mechanism)
        self._mechanism = mechanism
        decoded = coding.decode(b"" if initial == "=" else initial.encode())
        return self._reply(mechanism.start(decoded if initial else None))

    def respond(self, line: str) -> str:
        """Take a response; give the reply."""
        mechanism, decoded = self._mechanism, coding.decode(line.encode())
        if mechanism is None or decoded is None:
            self._mechanism = None
            return "501 5.7.0 Cancelled"
        return self._reply(mechanism.respond(decoded))

    def _reply(self, step: Step) -> str:
        while True:
            match step:
                case Challenge(data):
                    return f"334 {coding.encode(data).decode()}"
                case CheckPassword(name, password) if self._mechanism is not None:
                    right = self._accounts.get(name) == password
                    answer = name if right else catalog.AUTHENTICATION_FAILED.reply()
                    step = self._mechanism.decided(answer)
                case NeedScramKeys(name) if self._mechanism is not None:
                    password = self._accounts.get(name, "nobody's")
                    step = self._mechanism.found(ScramKeys.of(password, _SALT, _ITERATIONS))
                case Success(identity):
                    self._mechanism, self.name = None, identity
                    return "235 2.7.0 Welcome"
                case Refusal(reply):
                    self._mechanism = None
                    return str(reply)
                case _:
                    self._mechanism = None
                    return "504 5.5.4 Not here"
