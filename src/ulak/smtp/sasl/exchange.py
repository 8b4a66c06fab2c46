"""One AUTH, from its command to its end: lines of base64 in, steps out (RFC 4954 §4)."""

from __future__ import annotations

from ulak.replies import catalog
from ulak.replies.reply import Reply
from ulak.smtp.sasl import coding
from ulak.smtp.sasl.keys import ScramKeys
from ulak.smtp.sasl.steps import Mechanism, Refusal, Step

LONGEST_LINE = 12_288  # octets of one response; RFC 4954 §4 has it for sufficient


class Exchange:
    """A mechanism under way. What each method gives is what comes next."""

    __slots__ = ("_mechanism",)

    def __init__(self, mechanism: Mechanism) -> None:
        self._mechanism = mechanism

    @property
    def mechanism(self) -> str:
        """The name of the mechanism."""
        return self._mechanism.name

    def begin(self, initial: bytes) -> Step:
        """Begin. `initial` is what stands behind the mechanism's name: `=` is an empty response."""
        if not initial:
            return self._mechanism.start(None)
        response = b"" if initial == b"=" else coding.decode(initial)
        return _no_base64() if response is None else self._mechanism.start(response)

    def line(self, line: bytes) -> Step:
        """Take a line of the client's, without its CRLF."""
        if line == b"*":
            return Refusal(catalog.AUTHENTICATION_CANCELLED.reply())
        response = coding.decode(line)
        return _no_base64() if response is None else self._mechanism.respond(response)

    def answered(self, answer: str | Reply | ScramKeys) -> Step:
        """Take the answer to a question."""
        if isinstance(answer, ScramKeys):
            return self._mechanism.found(answer)
        return self._mechanism.decided(answer)


def challenge(octets: bytes) -> Reply:
    """Make the reply that gives the client a challenge."""
    return catalog.AUTHENTICATION_CONTINUES.challenge(coding.encode(octets))


def _no_base64() -> Refusal:
    return Refusal(catalog.AUTHENTICATION_MALFORMED.reply(problem="that is no base64"))
