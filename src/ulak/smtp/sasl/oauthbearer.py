"""OAUTHBEARER: a bearer token of OAuth 2 (RFC 7628)."""

from __future__ import annotations

import re

from ulak.smtp.sasl import gs2
from ulak.smtp.sasl.bearer import KVSEP, Bearer, malformed, token_of
from ulak.smtp.sasl.steps import CheckToken, Step

# RFC 7628 §3.1, between the head and the last kvsep
_PAIR = re.compile(rb"([A-Za-z]+)=([\x20-\x7e\t\r\n]*)")
_PORT = re.compile(rb"[1-9][0-9]{0,4}")


class OAuthBearer(Bearer):
    """The server's side of OAUTHBEARER.

    `host` and `port` are read and not compared: behind a proxy or under an alias they are not
    what this server knows of itself (RFC 7628 §3.2 asks for it where they are known).
    """

    name = "OAUTHBEARER"
    _status = "invalid_token"  # RFC 6750 §3.1
    _dummies = (KVSEP, b"")

    def _first(self, message: bytes) -> Step:
        try:
            head, rest = gs2.read(message)
        except gs2.MessageError as error:
            return malformed(str(error))
        if head.flag == "p":
            return malformed("OAUTHBEARER has no channel binding")
        if not rest.startswith(KVSEP) or not rest.endswith(KVSEP + KVSEP):
            return malformed("OAUTHBEARER has its pairs between separators")
        pairs: dict[bytes, bytes] = {}
        for pair in rest[1:-2].split(KVSEP):
            found = _PAIR.fullmatch(pair)
            if found is None or found[1] in pairs:
                return malformed("OAUTHBEARER has a pair that is malformed, or comes twice")
            pairs[found[1]] = found[2]
        if not _PORT.fullmatch(pairs.get(b"port", b"25")):
            return malformed("OAUTHBEARER has a port that is none")
        token = token_of(pairs.get(b"auth", b""))
        if token is None:
            return malformed("OAUTHBEARER has no bearer token in auth")
        return CheckToken(head.authzid, token)
