"""EXTERNAL: the client is who its certificate in TLS says (RFC 4422 appendix A)."""

from __future__ import annotations

from ulak.replies import catalog
from ulak.smtp.sasl import prepare
from ulak.smtp.sasl.steps import CheckCertificate, Mechanism, Refusal, Step


class External(Mechanism):
    """The server's side of EXTERNAL."""

    name = "EXTERNAL"

    def respond(self, response: bytes) -> Step:
        """Take the name that the client wants to act as, or nothing."""
        try:
            return CheckCertificate(prepare.name(response) if response else "")
        except prepare.PreparationError as error:
            return Refusal(catalog.AUTHENTICATION_MALFORMED.reply(problem=error))
