"""Mechanisms of SASL (RFC 4422): whatever a client says, nobody gets in who did not prove it."""

from __future__ import annotations

import json
import re

from tests.fuzz.octets import Octets

from ulak.replies import catalog
from ulak.replies.catalog import CATALOG
from ulak.smtp.sasl import coding, gs2, prepare
from ulak.smtp.sasl.client import ClientMechanism, Credentials, Wrong, start
from ulak.smtp.sasl.keys import ScramKeys
from ulak.smtp.sasl.steps import (
    Challenge,
    CheckCertificate,
    CheckPassword,
    CheckToken,
    Mechanism,
    NeedScramKeys,
    Refusal,
    Step,
    Success,
)
from ulak.smtp.sasl.table import MECHANISMS, Channel, Ways, make

_NAMES = tuple(MECHANISMS)
_CHANNEL = Channel(secure=True, certificate=True, binding=True)
_BINDINGS = {"tls-exporter": b"\x07" * 32}
_WAYS = Ways(frozenset(_NAMES), scope="mail", discovery="https://issuer.example/")
_KEYS = ScramKeys.of("pencil", b"0123456789abcdef", 4096)
_REFUSED = catalog.AUTHENTICATION_FAILED.reply()
_ITERATIONS = re.compile(rb",i=[0-9]+")
_LONGEST = 12_288  # octets of a challenge (RFC 4954 §4)


def one(data: bytes) -> None:
    given = Octets(data)
    name = given.choice(_NAMES)
    by_client, in_base64 = given.flag(), given.flag()
    said = given.rest().split(b"\x1e")
    if in_base64:
        decoded = [coding.decode(part) for part in said]
        for part, octets in zip(said, decoded, strict=True):
            assert octets is None or coding.encode(octets) == part
        said = [octets for octets in decoded if octets is not None]
    if by_client:
        client(name, said)
    else:
        server(name, said)
    for part in said:
        prepared(part)


def server(name: str, said: list[bytes]) -> None:
    """Let a client that knows no secret talk to a mechanism."""
    mechanism = make(name, _WAYS, _CHANNEL, "nonce", _BINDINGS)
    assert isinstance(mechanism, Mechanism)
    first, *others = said or [b""]
    step = settled(mechanism.start(first if others else None), name)
    responses = iter(others or [first])
    for _ in range(10):
        match step:
            case Challenge(octets):
                assert len(octets) <= _LONGEST
                response = next(responses, None)
                if response is None:
                    return
                step = mechanism.respond(response)
            case NeedScramKeys():
                step = mechanism.found(_KEYS)
            case CheckPassword() | CheckToken() | CheckCertificate():
                step = mechanism.decided(_REFUSED)
            case Refusal(reply):
                assert reply.cause in CATALOG
                assert not reply.positive
                assert reply.to_wire().isascii()
                return
            case Success():
                message = "nobody has proved anything"
                raise AssertionError(message)
        step = settled(step, name)
    message = "the exchange does not end"
    raise AssertionError(message)


def settled(step: Step, name: str) -> Step:
    """Hold what a mechanism asks against what it may ask: about names that are prepared."""
    match step:
        case CheckPassword(user, password, authzid):
            names = (user, authzid)
            assert password
            assert "\0" not in password
        case NeedScramKeys(user, authzid):
            names = (user, authzid)
        case CheckToken(user, token):
            names = (user, "")
            assert token.isascii()
            assert token.isprintable()
            assert " " not in token
        case CheckCertificate(authzid):
            names = (authzid, "")
        case Challenge(octets) if octets.startswith(b"{"):
            assert name in ("OAUTHBEARER", "XOAUTH2")
            json.loads(octets)
            return step
        case _:
            return step
    assert all(n.isprintable() or not n.isascii() for n in names)
    assert not any(c in n for n in names for c in "\0\r\n")
    return step


def client(name: str, said: list[bytes]) -> None:
    """Let our own client log in to a server that says anything."""
    credentials = (
        Credentials("ada@example.org", token="token")
        if name in ("OAUTHBEARER", "XOAUTH2")
        else Credentials("ada@example.org", "pencil")
    )
    exchange: ClientMechanism | None = start(
        {name, "PLAIN"}, credentials, nonce="abc", secure=True, bindings=_BINDINGS
    )
    if exchange is None:
        return
    got = exchange.next(None)
    assert not isinstance(got, Wrong)
    for challenge in said:
        # Half a second of work is what a server may ask for, but not of a fuzzer.
        got = exchange.next(_ITERATIONS.sub(b",i=4096", challenge))
        if isinstance(got, Wrong):
            assert got.problem.isprintable()
            assert not exchange.name.startswith("SCRAM") or not exchange.done
            return
    # Only the right proof makes a server one that is to be believed.
    assert not exchange.name.startswith("SCRAM") or not exchange.done


def prepared(octets: bytes) -> None:
    """Prepare anything as a name: what is prepared is prepared for good."""
    try:
        name = prepare.name(octets)
    except prepare.PreparationError as error:
        if not str(error).isascii():
            raise
        return
    if len(name.encode()) <= prepare.MAX_NAME:
        assert prepare.name(name) == name
        assert gs2.name_of(gs2.saslname(name)) == name
