"""What a mechanism of the server says: a challenge, a question, success or refusal (RFC 4422 §3).

A mechanism takes the octets of the client and knows nobody. Whatever it needs to know about names,
passwords, tokens and certificates it asks for with a question, and goes on with the answer.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from ulak.replies.reply import Reply
from ulak.smtp.sasl.keys import ScramKeys


@dataclass(frozen=True, slots=True)
class Challenge:
    """Octets for the client, which has to respond to them."""

    data: bytes


@dataclass(frozen=True, slots=True)
class CheckPassword:
    """Is this the password of this name? The name is prepared, the password is as it came.

    `authzid` is the name that the client wants to act as, `""` for the same one (RFC 4422 §3.4.1).
    """

    name: str
    password: str = field(repr=False)
    authzid: str = ""


@dataclass(frozen=True, slots=True)
class NeedScramKeys:
    """What are the keys of this name? For one who is not to get in: `ScramKeys.pretended`."""

    name: str
    authzid: str = ""


@dataclass(frozen=True, slots=True)
class CheckToken:
    """Is this a bearer token for this name? `""`: the client gave none, and the token says it."""

    name: str
    token: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class CheckCertificate:
    """Whose is the certificate that the client has shown in TLS? `authzid` as above."""

    authzid: str = ""


@dataclass(frozen=True, slots=True)
class Success:
    """The client has proved who it is."""

    identity: str


@dataclass(frozen=True, slots=True)
class Refusal:
    """The exchange is over, and this is why."""

    reply: Reply


Question = CheckPassword | NeedScramKeys | CheckToken | CheckCertificate
Step = Challenge | Question | Success | Refusal


class Mechanism:
    """The server's side of one exchange. `name` is that of the mechanism.

    `start` comes first, with the client's initial response if there was one. To a `Challenge`
    belongs `respond`, to `NeedScramKeys` `found`, to any other question `decided`. After `Success`
    or `Refusal` nothing follows.
    """

    name = ""

    def start(self, initial: bytes | None) -> Step:
        """Begin. Most mechanisms let the client speak first (RFC 4422 §5, 2a)."""
        return Challenge(b"") if initial is None else self.respond(initial)

    def respond(self, response: bytes) -> Step:
        """Take what the client responds to a challenge."""
        raise NotImplementedError

    def decided(self, answer: str | Reply) -> Step:
        """Take the answer to a question: an identity, or the reply that refuses it."""
        return Success(answer) if isinstance(answer, str) else Refusal(answer)

    def found(self, keys: ScramKeys) -> Step:
        """Take the keys that were asked for."""
        raise NotImplementedError
