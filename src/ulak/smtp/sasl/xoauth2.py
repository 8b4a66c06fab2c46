"""XOAUTH2: what OAUTHBEARER came from, and what many clients still speak.

No RFC has it: Google's page "OAuth 2.0 Mechanism" describes it.
"""

from __future__ import annotations

import re

from ulak.smtp.sasl import prepare
from ulak.smtp.sasl.bearer import KVSEP, Bearer, malformed, token_of
from ulak.smtp.sasl.steps import CheckToken, Step

_MESSAGE = re.compile(rb"user=([^\x01]+)\x01auth=([^\x01]+)\x01\x01")


class XOAuth2(Bearer):
    """The server's side of XOAUTH2."""

    name = "XOAUTH2"
    _status = "401"
    _dummies = (b"", KVSEP)

    def _first(self, message: bytes) -> Step:
        found = _MESSAGE.fullmatch(message)
        token = None if found is None else token_of(found[2])
        if found is None or token is None:
            return malformed("XOAUTH2 has user and auth, with a bearer token")
        try:
            return CheckToken(prepare.name(found[1]), token)
        except prepare.PreparationError as error:
            return malformed(str(error))
