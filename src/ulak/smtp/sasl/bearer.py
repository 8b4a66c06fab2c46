"""What OAUTHBEARER and XOAUTH2 share: a token in place of a password (RFC 6750, RFC 7628)."""

from __future__ import annotations

import json
import re

from ulak.replies import catalog
from ulak.replies.reply import Reply
from ulak.smtp.sasl.steps import Challenge, Mechanism, Refusal, Step

# RFC 6750 §2.1; the scheme's name is taken in any case (RFC 7628 §4).
_BEARER = re.compile(rb"[Bb][Ee][Aa][Rr][Ee][Rr] +([A-Za-z0-9._~+/-]+=*)")
KVSEP = b"\x01"


class Bearer(Mechanism):
    """A mechanism in which the client is told in JSON why its token is refused.

    The exchange ends only after the client has responded to that (RFC 7628 §3.2.3). `scope` is
    one that a token needs, `discovery` the URL of the issuer's description; both may be `""`.
    """

    _status = ""
    _dummies: tuple[bytes, ...] = ()  # what the client may say to it

    def __init__(self, scope: str = "", discovery: str = "") -> None:
        self._scope = scope
        self._discovery = discovery
        self._refusal: Reply | None = None

    def respond(self, response: bytes) -> Step:
        """Take the token, or the response to the refusal of it."""
        if self._refusal is None:
            return self._first(response)
        if response not in self._dummies:
            return malformed("only an empty response can follow the refusal of a token")
        return Refusal(self._refusal)

    def _first(self, message: bytes) -> Step:
        raise NotImplementedError

    def decided(self, answer: str | Reply) -> Step:
        """Tell the client in JSON what its token lacks."""
        if isinstance(answer, str) or not answer.permanent:
            return super().decided(answer)
        self._refusal = answer
        told = {"status": self._status, "schemes": "bearer"}
        if self._scope:
            told["scope"] = self._scope
        if self._discovery:
            told["openid-configuration"] = self._discovery
        return Challenge(json.dumps(told, separators=(",", ":")).encode())


def token_of(authorization: bytes) -> str | None:
    """Give the token in an Authorization header's value; None where it is none."""
    found = _BEARER.fullmatch(authorization)
    return None if found is None else found[1].decode()


def malformed(problem: str) -> Refusal:
    """Refuse a message that is none of the mechanism's."""
    return Refusal(catalog.AUTHENTICATION_MALFORMED.reply(problem=problem))
