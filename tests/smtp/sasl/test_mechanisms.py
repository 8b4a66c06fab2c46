"""PLAIN, LOGIN, EXTERNAL, OAUTHBEARER, XOAUTH2: what is taken, asked and refused."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ulak.replies import catalog
from ulak.replies.reply import Reply
from ulak.smtp.sasl import coding
from ulak.smtp.sasl.external import External
from ulak.smtp.sasl.login import Login
from ulak.smtp.sasl.oauthbearer import OAuthBearer
from ulak.smtp.sasl.plain import Plain
from ulak.smtp.sasl.scram import Scram, ScramKeys, ScramPlus
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
from ulak.smtp.sasl.table import MECHANISMS, Channel, Ways, make, mechanism_of, offered
from ulak.smtp.sasl.xoauth2 import XOAuth2

ALL = frozenset(MECHANISMS)
BOUND = Channel(secure=True, certificate=True, binding=True)


def malformed(step: Step) -> bool:
    return isinstance(step, Refusal) and step.reply.cause == catalog.AUTHENTICATION_MALFORMED.name


def test_plain_asks_about_the_password() -> None:
    assert Plain().start(None) == Challenge(b"")
    asked = Plain().start(b"\0ada@example.org\0pa ss")
    assert asked == CheckPassword("ada@example.org", "pa ss")
    assert Plain().start(b"grace\0ada\0x") == CheckPassword("ada", "x", "grace")


def test_the_answer_ends_plain() -> None:
    mechanism = Plain()
    mechanism.start(b"\0ada\0x")
    assert mechanism.decided("ada@example.org") == Success("ada@example.org")
    reply = catalog.AUTHENTICATION_FAILED.reply()
    assert mechanism.decided(reply) == Refusal(reply)


@pytest.mark.parametrize(
    "message",
    [
        b"",
        b"ada",
        b"\0ada",
        b"\0a\0b\0c",
        b"\0\0\0",
        b"\0\0x",
        b"\0ada\0",
        b"\0\xff\xfe\0\xff\xfe",
        b"\xff\0ada\0x",
        b"\0a\nb\0x",
        b"\0ada\0x\r\n",
        b"\0" + b"a" * 256 + b"\0x",
        b"\0a\0" + b"x" * 1025,
        b"\xe2\x80\x8e\0ada\0x",
    ],
)
def test_what_is_no_plain_is_refused(message: bytes) -> None:
    assert malformed(Plain().start(message))


def test_login_asks_twice() -> None:
    mechanism = Login()
    assert mechanism.start(None) == Challenge(b"Username:")
    assert mechanism.respond(b"ada") == Challenge(b"Password:")
    assert mechanism.respond(b"secret") == CheckPassword("ada", "secret")


def test_login_takes_the_name_at_once() -> None:
    mechanism = Login()
    assert mechanism.start(b"ada") == Challenge(b"Password:")
    assert mechanism.respond(b"secret") == CheckPassword("ada", "secret")


@pytest.mark.parametrize("words", [[b""], [b"ada", b""], [b"a\0b"], [b"ada", b"\xff"], [b"\xff"]])
def test_what_is_no_login_is_refused(words: list[bytes]) -> None:
    mechanism = Login()
    step = mechanism.start(None)
    for word in words:
        assert isinstance(step, Challenge)
        step = mechanism.respond(word)
    assert malformed(step)


def test_external_asks_whose_the_certificate_is() -> None:
    assert External().start(None) == Challenge(b"")
    assert External().start(b"") == CheckCertificate("")
    assert External().start(b"ada@example.org") == CheckCertificate("ada@example.org")
    assert malformed(External().start(b"a\0b"))


def test_no_secret_shows_in_what_is_asked() -> None:
    for asked in (Plain().start(b"\0ada\0hunter2"), XOAuth2().start(_xoauth2(b"hunter2"))):
        assert "hunter2" not in repr(asked)
        assert "hunter2" not in f"{asked}"


# RFC 7628 §4.1
BEARER = (
    b"n,a=user@example.com,\x01host=server.example.com\x01port=587\x01"
    b"auth=Bearer vF9dft4qmTc2Nvb3RlckBhbHRhdmlzdGEuY29tCg==\x01\x01"
)


def _xoauth2(token: bytes) -> bytes:
    return b"user=ada@example.org\x01auth=Bearer " + token + b"\x01\x01"


def test_oauthbearer_asks_about_the_token() -> None:
    token = "vF9dft4qmTc2Nvb3RlckBhbHRhdmlzdGEuY29tCg=="
    assert OAuthBearer().start(BEARER) == CheckToken("user@example.com", token)
    assert OAuthBearer().start(b"n,,\x01auth=bearer abc\x01\x01") == CheckToken("", "abc")
    assert OAuthBearer().start(b"y,,\x01x=\x01auth=BEARER  abc\x01\x01") == CheckToken("", "abc")
    named = OAuthBearer().start(b"n,a=a=2Cb=3Dc,\x01auth=Bearer t\x01\x01")
    assert named == CheckToken("a,b=c", "t")


@pytest.mark.parametrize(
    "message",
    [
        b"\x01",
        b"",
        b"n,,",
        b"n,,\x01\x01",
        b"n,,\x01auth=Bearer abc\x01",
        b"auth=Bearer abc\x01\x01",
        b"p=tls-exporter,,\x01auth=Bearer abc\x01\x01",
        b"n,a=x=2,\x01auth=Bearer abc\x01\x01",
        b"n,a=,\x01auth=Bearer abc\x01\x01",
        b"n,,\x01auth=Basic abc\x01\x01",
        b"n,,\x01auth=Bearer \x01\x01",
        b"n,,\x01auth=Bearer a b\x01\x01",
        b"n,,\x01auth=Bearer a\x01auth=Bearer b\x01\x01",
        b"n,,\x01port=0\x01auth=Bearer abc\x01\x01",
        b"n,,\x01port=1_0\x01auth=Bearer abc\x01\x01",
        b"n,,\x01host\x01auth=Bearer abc\x01\x01",
        b"n,,\x01auth=Bearer a\xff\x01\x01",
        b"n,,\x01auth=Bearer abc\x01\x01\x01",
    ],
)
def test_what_is_no_oauthbearer_is_refused(message: bytes) -> None:
    assert malformed(OAuthBearer().start(message))


def test_xoauth2_asks_about_the_token() -> None:
    assert XOAuth2().start(_xoauth2(b"abc")) == CheckToken("ada@example.org", "abc")


@pytest.mark.parametrize(
    "message",
    [
        b"",
        b"user=\x01auth=Bearer abc\x01\x01",
        b"user=ada\x01auth=Bearer abc\x01",
        b"user=ada\x01auth=Basic abc\x01\x01",
        b"auth=Bearer abc\x01user=ada\x01\x01",
        b"user=a\0b\x01auth=Bearer abc\x01\x01",
        b"user=ada\x01auth=Bearer abc\x01\x01x",
        b"user=\xff\x01auth=Bearer abc\x01\x01",
    ],
)
def test_what_is_no_xoauth2_is_refused(message: bytes) -> None:
    assert malformed(XOAuth2().start(message))


@pytest.mark.parametrize("dummy", [b"", b"\x01"])
@pytest.mark.parametrize(
    ("mechanism", "message", "status"),
    [
        (OAuthBearer("mail", "https://id.example/.well-known"), BEARER, "invalid_token"),
        (XOAuth2("mail", "https://id.example/.well-known"), _xoauth2(b"abc"), "401"),
    ],
)
def test_a_refused_token_is_explained_in_json_and_then_refused(
    mechanism: OAuthBearer, message: bytes, status: str, dummy: bytes
) -> None:
    mechanism = type(mechanism)("mail", "https://id.example/.well-known")
    mechanism.start(message)
    reply = catalog.TOKEN_REFUSED.reply(problem="it has expired")
    told = mechanism.decided(reply)
    assert isinstance(told, Challenge)
    assert json.loads(told.data) == {
        "status": status,
        "schemes": "bearer",
        "scope": "mail",
        "openid-configuration": "https://id.example/.well-known",
    }
    assert mechanism.respond(dummy) == Refusal(reply)


def test_something_else_in_place_of_the_dummy_response_is_refused() -> None:
    mechanism = OAuthBearer()
    mechanism.start(BEARER)
    mechanism.decided(catalog.TOKEN_REFUSED.reply(problem="x"))
    assert malformed(mechanism.respond(BEARER))


def test_an_error_of_ours_needs_no_explanation_in_json() -> None:
    mechanism = OAuthBearer()
    mechanism.start(BEARER)
    reply = catalog.AUTHENTICATION_UNAVAILABLE.reply(id="x")
    assert mechanism.decided(reply) == Refusal(reply)


@pytest.mark.parametrize(
    ("ways", "channel", "names"),
    [
        (Ways(ALL), BOUND, tuple(MECHANISMS)),
        (
            Ways(ALL),
            Channel(secure=True),
            ("SCRAM-SHA-256", "OAUTHBEARER", "XOAUTH2", "PLAIN", "LOGIN"),
        ),
        (Ways(ALL), Channel(), ()),
        (Ways(ALL, clear=True), Channel(), ("SCRAM-SHA-256",)),
        (Ways(frozenset({"PLAIN"}), clear=True), Channel(), ()),
        (Ways(), BOUND, ()),
    ],
)
def test_only_what_the_channel_can_bear_is_offered(
    ways: Ways, channel: Channel, names: tuple[str, ...]
) -> None:
    assert offered(ways, channel) == names
    for name in MECHANISMS:
        made = make(name, ways, channel, "nonce")
        assert isinstance(made, Mechanism) == (name in names)
        assert isinstance(made, Reply) or made.name == name


@pytest.mark.parametrize(
    ("name", "ways", "channel", "code"),
    [
        ("CRAM-MD5", Ways(ALL), BOUND, 504),
        ("CRAM-MD5", Ways(ALL), Channel(), 504),
        ("PLAIN", Ways(ALL), Channel(), 538),
        ("LOGIN", Ways(ALL, clear=True), Channel(), 538),
        ("SCRAM-SHA-256", Ways(ALL), Channel(), 538),
        ("PLAIN", Ways(frozenset({"SCRAM-SHA-256"})), BOUND, 534),
        ("OAUTHBEARER", Ways(frozenset({"SCRAM-SHA-256"})), BOUND, 504),
        ("SCRAM-SHA-256-PLUS", Ways(ALL), Channel(secure=True), 504),
        ("EXTERNAL", Ways(ALL), Channel(secure=True), 504),
    ],
)
def test_what_is_not_offered_is_refused_and_why(
    name: str, ways: Ways, channel: Channel, code: int
) -> None:
    made = make(name, ways, channel, "nonce")
    assert isinstance(made, Reply)
    assert made.code == code
    assert name in made.text


@pytest.mark.parametrize(
    "word", [b"", b"A B", b"PL\xc4\xb1N", b"A" * 21, b"PLAIN=", b"a+b", b"PLAIN\n"]
)
def test_what_can_be_no_name_of_a_mechanism_is_none(word: bytes) -> None:
    assert mechanism_of(word) == ""
    assert mechanism_of(b"Scram-sha-256_X") == "SCRAM-SHA-256_X"


@pytest.mark.parametrize(
    "text",
    [
        b"not_base64!!",
        b"=",
        b"====",
        b"=AAA",
        b"AAA=BBB=",
        b"AAA=BBB",
        b"AA",
        b"AAA",
        b"A",
        b"AA=",
        b"AA===",
        b"AAAA=",
        b"AAAA====",
        b" AAAA",
        b"AAAA ",
        b"AA AA",
        b"AA\nAA",
        b"AAAA\0",
        b"-_-_",
        b"AB==",  # another way to write AA==
        b"AAB=",
        b"\xff\xff\xff\xff",
    ],
)
def test_what_is_no_base64_is_nothing(text: bytes) -> None:
    assert coding.decode(text) is None


@given(st.binary(max_size=200))
def test_base64_is_read_as_it_was_written(octets: bytes) -> None:
    assert coding.decode(coding.encode(octets)) == octets


HOSTILE = st.one_of(
    st.binary(max_size=120),
    st.lists(
        st.sampled_from(
            [
                *(b"n,", b"y,", b"p=tls-exporter,", b"a=", b",", b"n=ada", b",r=", b"abc", b"m=x"),
                *(b"\0", b"\x01", b"\x01\x01", b"auth=", b"Bearer ", b"user=", b"c=biws"),
                *(b",p=", b"AAAA", b"=2C", b"=3D", b"=", b"\xff", b"\xc2\xad", b"i=1", b"ada"),
            ]
        ),
        max_size=12,
    ).map(b"".join),
)


@given(st.sampled_from([*MECHANISMS]), st.one_of(st.none(), HOSTILE), st.lists(HOSTILE, max_size=4))
def test_whatever_comes_the_outcome_is_a_step(
    name: str, initial: bytes | None, more: list[bytes]
) -> None:
    mechanism = make(name, Ways(ALL), BOUND, "nonce", {"tls-exporter": b"x" * 32})
    assert isinstance(mechanism, Mechanism)
    step = mechanism.start(initial)
    while more and not isinstance(step, Success | Refusal):
        match step:
            case Challenge():
                step = mechanism.respond(more.pop())
            case NeedScramKeys(user):
                assert isinstance(mechanism, Scram | ScramPlus)
                step = mechanism.found(ScramKeys.pretended(user, b"secret"))
            case _:
                step = mechanism.decided(catalog.AUTHENTICATION_FAILED.reply())
        assert not isinstance(step, Success)
        assert isinstance(step, Step)
