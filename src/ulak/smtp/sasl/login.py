"""LOGIN: name and password one after the other, asked for by words.

No RFC has it (it was the draft murchison-sasl-login); clients that know nothing else are many. What
stands in the challenges is what those clients wait for.
"""

from __future__ import annotations

from ulak.replies import catalog
from ulak.smtp.sasl import prepare
from ulak.smtp.sasl.steps import Challenge, CheckPassword, Mechanism, Refusal, Step


class Login(Mechanism):
    """The server's side of LOGIN. An initial response is the name, as clients have it."""

    name = "LOGIN"

    def __init__(self) -> None:
        self._user = ""

    def start(self, initial: bytes | None) -> Step:
        """Ask for the name, if it has not come."""
        return Challenge(b"Username:") if initial is None else self.respond(initial)

    def respond(self, response: bytes) -> Step:
        """Take the name, then the password."""
        try:
            if self._user:
                return CheckPassword(self._user, prepare.secret(response))
            self._user = prepare.name(response)
        except prepare.PreparationError as error:
            return Refusal(catalog.AUTHENTICATION_MALFORMED.reply(problem=error))
        return Challenge(b"Password:")
