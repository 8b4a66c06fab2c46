"""SCRAM-SHA-256: proof of a password, both ways, without saying it (RFC 5802, RFC 7677).

With `-PLUS` the proof holds only in the TLS connection in which it was made (RFC 5802 §6): by
`tls-exporter` (RFC 9266) or `tls-server-end-point` (RFC 5929 §4). `tls-unique` is not for TLS 1.3,
and unsafe before (RFC 9266 §1).
"""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Mapping

from ulak.replies import catalog
from ulak.smtp.sasl import coding, gs2
from ulak.smtp.sasl.keys import HASH, SIZE, ScramKeys, xor
from ulak.smtp.sasl.steps import Challenge, Mechanism, NeedScramKeys, Refusal, Step, Success

__all__ = ["Scram", "ScramKeys", "ScramPlus"]

_MAX_NONCE = 256  # octets of the client's; challenges stay short so
_FIRST = re.compile(rb"n=([^,\0]+),r=([\x21-\x2b\x2d-\x7e]+)((?:,[A-Za-z]=[^,\0]+)*)", re.DOTALL)
_FINAL = re.compile(
    rb"(c=([A-Za-z0-9/+=]+),r=([\x21-\x2b\x2d-\x7e]+)(?:,[A-Za-z]=[^,\0]+)*),p=([A-Za-z0-9/+=]+)",
    re.DOTALL,
)
_MANDATORY = b"m="  # begins an extension that has to be understood (RFC 5802 §5.1)


class Scram(Mechanism):
    """The server's side of SCRAM-SHA-256.

    `nonce` is the server's part of the nonce: printable ASCII without a comma, never used before.
    `bindings` are the octets of the channel by the names of bindings, and `offers_plus` whether
    SCRAM-SHA-256-PLUS was offered: a client that could bind and did not see it was deceived.
    """

    name = "SCRAM-SHA-256"
    _plus = False

    def __init__(
        self,
        nonce: str,
        *,
        bindings: Mapping[str, bytes] | None = None,
        offers_plus: bool = False,
    ) -> None:
        self._nonce = nonce.encode()
        self._bindings = bindings or {}
        self._offers_plus = offers_plus
        self._user = ""
        self._channel = b""  # what `c=` has to say, in base64
        self._messages = b""  # AuthMessage as far as it goes
        self._keys: ScramKeys | None = None
        self._proved = False

    def respond(self, response: bytes) -> Step:
        """Take the client's first message, its final one, and its nod to our proof."""
        if self._proved:
            if response:
                return _malformed("the last response is not empty")
            return Success(self._user)
        if self._keys is not None:
            return self._final(response, self._keys)
        return self._first(response)

    def _first(self, message: bytes) -> Step:
        try:
            head, bare = gs2.read(message)
            problem = self._wrong_binding(head)
            if problem:
                return _malformed(problem)
            found = _FIRST.fullmatch(bare)
            if found is None:
                if bare.startswith(_MANDATORY):
                    return _malformed("there is an extension that is not known here")
                return _malformed("the first message of SCRAM is malformed")
            self._user = gs2.name_of(found[1])
        except gs2.MessageError as error:
            return _malformed(str(error))
        if len(found[2]) > _MAX_NONCE:
            return _malformed(f"the nonce is longer than {_MAX_NONCE} octets")
        if b",m=" in found[3]:
            return _malformed("there is an extension that is not known here")
        self._nonce = found[2] + self._nonce
        self._channel = coding.encode(head.octets + self._bindings.get(head.binding, b""))
        self._messages = bare
        return NeedScramKeys(self._user, head.authzid)

    def _wrong_binding(self, head: gs2.Head) -> str:
        """Say what is wrong with the client's way to bind to the channel (RFC 5802 §6), if any."""
        if head.flag == "p":
            if not self._plus:
                return "channel binding goes with SCRAM-SHA-256-PLUS"
            if head.binding not in self._bindings:
                return f"there is no channel binding {head.binding[:40]} here"
        elif self._plus:
            return "SCRAM-SHA-256-PLUS goes with channel binding"
        elif head.flag == "y" and self._offers_plus:
            return "SCRAM-SHA-256-PLUS is offered, and somebody has hidden it"
        return ""

    def found(self, keys: ScramKeys) -> Step:
        """Take the keys; give salt and iterations to the client."""
        self._keys = keys
        first = b"r=%b,s=%b,i=%d" % (self._nonce, coding.encode(keys.salt), keys.iterations)
        self._messages += b"," + first
        return Challenge(first)

    def _final(self, message: bytes, keys: ScramKeys) -> Step:
        found = _FINAL.fullmatch(message)
        if found is None or b",m=" in found[1]:
            return _malformed("the final message of SCRAM is malformed")
        without_proof, channel, nonce, proof64 = found.groups()
        proof = coding.decode(proof64)
        if proof is None or len(proof) != SIZE:
            return _malformed("the proof is malformed")
        if not hmac.compare_digest(nonce, self._nonce):
            return _malformed("the nonce is another one")
        messages = self._messages + b"," + without_proof
        client_key = xor(proof, hmac.digest(keys.stored_key, messages, HASH))
        proved = hmac.compare_digest(hashlib.sha256(client_key).digest(), keys.stored_key)
        bound = hmac.compare_digest(channel, self._channel)
        if not (proved and bound):
            return Refusal(catalog.AUTHENTICATION_FAILED.reply())
        self._proved = True
        # SMTP has no place for data beside its 235: they go as a challenge (RFC 4954 §4).
        return Challenge(b"v=" + coding.encode(hmac.digest(keys.server_key, messages, HASH)))


class ScramPlus(Scram):
    """The server's side of SCRAM-SHA-256-PLUS."""

    name = "SCRAM-SHA-256-PLUS"
    _plus = True


def _malformed(problem: str) -> Refusal:
    return Refusal(catalog.AUTHENTICATION_MALFORMED.reply(problem=problem))
