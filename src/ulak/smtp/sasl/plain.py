"""PLAIN: name and password in one message (RFC 4616)."""

from __future__ import annotations

from ulak.replies import catalog
from ulak.smtp.sasl import prepare
from ulak.smtp.sasl.steps import CheckPassword, Mechanism, Refusal, Step

_PARTS = 3  # authzid NUL authcid NUL passwd


class Plain(Mechanism):
    """The server's side of PLAIN."""

    name = "PLAIN"

    def respond(self, response: bytes) -> Step:
        """Take the one message there is."""
        parts = response.split(b"\0")
        if len(parts) != _PARTS:
            problem = "PLAIN has two NULs, around the name"
            return Refusal(catalog.AUTHENTICATION_MALFORMED.reply(problem=problem))
        authzid, name, password = parts
        try:
            return CheckPassword(
                prepare.name(name),
                prepare.secret(password),
                prepare.name(authzid) if authzid else "",
            )
        except prepare.PreparationError as error:
            return Refusal(catalog.AUTHENTICATION_MALFORMED.reply(problem=error))
