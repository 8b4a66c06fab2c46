"""The client's side of SASL: how Ulak logs in to another server (RFC 4954, RFC 4422).

exchange = start(offered, credentials, secure=True, nonce=…, bindings=…)
AUTH {exchange.name}, with `exchange.next(None)` in base64 where that is not None
334: `exchange.next(challenge)` in base64, or `*` where it is Wrong
235: only if `exchange.done`; otherwise the server has not shown that it knows the password
"""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from ulak.language.case import upper
from ulak.smtp.sasl import coding, gs2, prepare
from ulak.smtp.sasl.bearer import KVSEP
from ulak.smtp.sasl.keys import HASH, client_key, salted_password, server_key, xor

_NO_BINDINGS: Mapping[str, bytes] = MappingProxyType({})
_MOST_ITERATIONS = 1_000_000  # half a second; a hostile server could ask for a year (RFC 5802 §9)
_FEWEST_ITERATIONS = 4096  # RFC 7677 §4
_SERVER_FIRST = re.compile(
    rb"r=([\x21-\x2b\x2d-\x7e]+),s=([A-Za-z0-9/+=]+),i=([1-9][0-9]{0,9})(?:,[A-Za-z]=[^,\0]+)*"
)
_SERVER_FINAL = re.compile(rb"v=([A-Za-z0-9/+=]+)(?:,[A-Za-z]=[^,\0]+)*")
_SCRAM = "SCRAM-SHA-256"
# The bindings that are tried, the better one first (RFC 9266 §3).
_BINDINGS = ("tls-exporter", "tls-server-end-point")


@dataclass(frozen=True, slots=True)
class Credentials:
    """With what to log in: a name, and a password or a bearer token."""

    name: str
    password: str = field(default="", repr=False)
    token: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True)
class Wrong:
    """What the server says is not what the mechanism allows: cancel, and do not go on."""

    problem: str


class ClientMechanism:
    """The client's side of one exchange. `done`: all is said, and 235 may be believed.

    SCRAM takes up to half a second of one processor in `next`, by intent.
    """

    name = ""

    def __init__(self) -> None:
        self.done = False

    def next(self, challenge: bytes | None) -> bytes | Wrong | None:
        """Give the response to a challenge.

        `None` stands for no challenge yet: then what is given is the initial response, or None
        where the server has to speak first. Where the initial response makes AUTH longer than a
        command may be, it is left out, and given to the empty challenge that comes (RFC 4954 §4).
        """
        raise NotImplementedError


class _Once(ClientMechanism):
    """All is in the initial response. An error in JSON may follow, once, and `nod` answers it."""

    def __init__(self, name: str, message: bytes, nod: bytes | None = None) -> None:
        super().__init__()
        self.name = name
        self._message: bytes | None = message
        self._nod = nod

    def next(self, challenge: bytes | None) -> bytes | Wrong | None:
        message, self._message = self._message, None
        if message is not None and not challenge:
            self.done = True
            return message
        nod, self._nod = self._nod, None
        if nod is not None and message is None:
            self.done = False
            return nod
        return Wrong(f"{self.name} has no place for this challenge")


class _Login(ClientMechanism):
    """LOGIN: the words of the challenges differ from server to server, their order does not."""

    name = "LOGIN"

    def __init__(self, credentials: Credentials) -> None:
        super().__init__()
        self._answers = [credentials.password, credentials.name]

    def next(self, challenge: bytes | None) -> bytes | Wrong | None:
        if challenge is None:
            return None
        if not self._answers:
            return Wrong("LOGIN asks for a name and a password, and this server for more")
        answer = self._answers.pop().encode()
        self.done = not self._answers
        return answer


class _Scram(ClientMechanism):
    """SCRAM-SHA-256, bound to the channel or not (RFC 5802 §5, RFC 7677).

    `head` is the GS2 header, `bound` the octets of the channel binding.
    """

    def __init__(
        self, name: str, credentials: Credentials, nonce: str, head: bytes, bound: bytes
    ) -> None:
        super().__init__()
        self.name = name
        prepare.password(credentials.password)  # tell now, and not in the midst of it
        self._password = credentials.password
        self._nonce = nonce.encode()
        self._head = head
        self._channel = coding.encode(head + bound)
        self._bare = b"n=%b,r=%b" % (gs2.saslname(prepare.name(credentials.name)), self._nonce)
        self._started = False
        self._signature: bytes | None = None  # which the server has to show

    def next(self, challenge: bytes | None) -> bytes | Wrong | None:
        if not self._started:
            self._started = True
            if challenge:
                return Wrong("SCRAM is begun by the client, and this server begins it")
            return self._head + self._bare
        if challenge is None or self.done:
            return Wrong("SCRAM is over, and the server asks for more")
        if self._signature is not None:
            return self._check(challenge, self._signature)
        return self._prove(challenge)

    def _prove(self, first: bytes) -> bytes | Wrong:
        found = _SERVER_FIRST.fullmatch(first)
        salt = None if found is None else coding.decode(found[2])
        if found is None or not salt or b",m=" in first:
            return Wrong("the server's first message of SCRAM is malformed")
        if not found[1].startswith(self._nonce) or len(found[1]) == len(self._nonce):
            return Wrong("the server's nonce does not go on from ours")
        iterations = int(found[3])
        if not _FEWEST_ITERATIONS <= iterations <= _MOST_ITERATIONS:
            return Wrong(f"the server asks for {iterations} iterations")
        without_proof = b"c=%b,r=%b" % (self._channel, found[1])
        messages = b",".join((self._bare, first, without_proof))
        salted = salted_password(self._password, salt, iterations)
        key = client_key(salted)
        stored = hashlib.sha256(key).digest()
        proof = xor(key, hmac.digest(stored, messages, HASH))
        self._signature = hmac.digest(server_key(salted), messages, HASH)
        return without_proof + b",p=" + coding.encode(proof)

    def _check(self, final: bytes, signature: bytes) -> bytes | Wrong:
        found = _SERVER_FINAL.fullmatch(final)
        shown = None if found is None else coding.decode(found[1])
        if shown is None or not hmac.compare_digest(shown, signature):
            return Wrong("the server does not know the password: it may not be the right one")
        self.done = True
        return b""


def start(
    offered: Collection[str],
    credentials: Credentials,
    *,
    nonce: str,
    secure: bool,
    bindings: Mapping[str, bytes] = _NO_BINDINGS,
) -> ClientMechanism | None:
    """Choose the best of the mechanisms that a server offers; None where there is none.

    What can be read on the wire (PLAIN, LOGIN, tokens) goes only where `secure`. `nonce` is
    printable ASCII without a comma, new each time. `bindings` has the channel's octets by the
    names of channel bindings. Raises `prepare.PreparationError` for a name or password that no
    server could take.
    """
    names = {upper(name) for name in offered}
    if credentials.token:
        return _bearer(names, credentials) if secure else None
    binding = next((name for name in _BINDINGS if bindings.get(name)), "")
    if binding and f"{_SCRAM}-PLUS" in names:
        head = f"p={binding},,".encode()
        return _Scram(f"{_SCRAM}-PLUS", credentials, nonce, head, bindings[binding])
    if _SCRAM in names:
        # RFC 5802 §6: `y` tells the server that we would have bound; one that can sees through it.
        return _Scram(_SCRAM, credentials, nonce, b"y,," if binding else b"n,,", b"")
    if not secure:
        return None
    if "PLAIN" in names:
        return _Once("PLAIN", f"\0{credentials.name}\0{credentials.password}".encode())
    return _Login(credentials) if "LOGIN" in names else None


def _bearer(names: set[str], credentials: Credentials) -> ClientMechanism | None:
    token = b"Bearer " + credentials.token.encode()
    if "OAUTHBEARER" in names:
        parts = (b"n,a=%b," % gs2.saslname(credentials.name), b"auth=" + token, b"", b"")
        return _Once("OAUTHBEARER", KVSEP.join(parts), nod=KVSEP)
    if "XOAUTH2" in names:
        parts = (b"user=" + credentials.name.encode(), b"auth=" + token, b"", b"")
        return _Once("XOAUTH2", KVSEP.join(parts), nod=b"")
    return None
