"""The client's side of SASL: what it chooses, what it says, what it does not say in clear."""

from __future__ import annotations

import pytest

from ulak.replies import catalog
from ulak.smtp.sasl.client import ClientMechanism, Credentials, Wrong, start
from ulak.smtp.sasl.login import Login
from ulak.smtp.sasl.oauthbearer import OAuthBearer
from ulak.smtp.sasl.plain import Plain
from ulak.smtp.sasl.steps import Challenge, CheckPassword, CheckToken, Mechanism, Refusal
from ulak.smtp.sasl.xoauth2 import XOAuth2

PASSWORD = Credentials("ada@example.org", "pencil")
TOKEN = Credentials("ada@example.org", token="abc.def")
EVERYTHING = ("LOGIN", "PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-256-PLUS", "XOAUTH2", "OAUTHBEARER")


def chosen(
    offered: tuple[str, ...],
    credentials: Credentials = PASSWORD,
    *,
    secure: bool = True,
    bound: bool = False,
) -> ClientMechanism | None:
    bindings = {"tls-exporter": b"x" * 32} if bound else {}
    return start(offered, credentials, nonce="nonce", secure=secure, bindings=bindings)


@pytest.mark.parametrize(
    ("offered", "what", "name"),
    [
        (EVERYTHING, {"bound": True}, "SCRAM-SHA-256-PLUS"),
        (EVERYTHING, {}, "SCRAM-SHA-256"),
        (("LOGIN", "PLAIN"), {}, "PLAIN"),
        (("login",), {}, "LOGIN"),
        (EVERYTHING, {"secure": False}, "SCRAM-SHA-256"),
        (("LOGIN", "PLAIN"), {"secure": False}, None),
        (("SCRAM-SHA-256-PLUS",), {}, None),
        (("SCRAM-SHA-256-PLUS",), {"bound": True}, "SCRAM-SHA-256-PLUS"),
        (("GSSAPI", "NTLM", "plaın"), {}, None),
        ((), {}, None),
    ],
)
def test_the_best_that_both_know_is_chosen(
    offered: tuple[str, ...], what: dict[str, bool], name: str | None
) -> None:
    made = chosen(offered, PASSWORD, **what)
    assert (made.name if made else None) == name


@pytest.mark.parametrize(
    ("offered", "secure", "name"),
    [
        (EVERYTHING, True, "OAUTHBEARER"),
        (("PLAIN", "XOAUTH2"), True, "XOAUTH2"),
        (("PLAIN",), True, None),
        (EVERYTHING, False, None),
    ],
)
def test_a_token_goes_only_with_a_mechanism_of_tokens(
    offered: tuple[str, ...],
    secure: bool,  # noqa: FBT001 -- a column of the table
    name: str | None,
) -> None:
    made = chosen(offered, TOKEN, secure=secure)
    assert (made.name if made else None) == name


def said(made: ClientMechanism | None, challenge: bytes | None = None) -> bytes:
    assert made is not None
    response = made.next(challenge)
    assert isinstance(response, bytes)
    return response


def test_what_the_client_says_the_server_understands() -> None:
    asked = CheckPassword("ada@example.org", "pencil")
    assert Plain().start(said(chosen(("PLAIN",)))) == asked
    assert Plain().start(said(chosen(("PLAIN",)), b"")) == asked
    wanted = CheckToken("ada@example.org", "abc.def")
    assert OAuthBearer().start(said(chosen(("OAUTHBEARER",), TOKEN))) == wanted
    assert XOAuth2().start(said(chosen(("XOAUTH2",), TOKEN))) == wanted


def test_login_waits_for_the_server() -> None:
    client, server = chosen(("LOGIN",)), Login()
    assert client is not None
    assert client.next(None) is None
    step = server.start(None)
    assert isinstance(step, Challenge)
    step = server.respond(said(client, step.data))
    assert not client.done
    assert isinstance(step, Challenge)
    assert server.respond(said(client, step.data)) == CheckPassword("ada@example.org", "pencil")
    assert client.done
    assert isinstance(client.next(b"PIN:"), Wrong)


@pytest.mark.parametrize("name", ["OAUTHBEARER", "XOAUTH2"])
def test_a_refused_token_is_acknowledged(name: str) -> None:
    client = chosen((name,), TOKEN)
    server: Mechanism = OAuthBearer() if name == "OAUTHBEARER" else XOAuth2()
    server.start(said(client))
    reply = catalog.TOKEN_REFUSED.reply(problem="x")
    told = server.decided(reply)
    assert isinstance(told, Challenge)
    assert server.respond(said(client, told.data)) == Refusal(reply)
    assert client is not None
    assert not client.done


@pytest.mark.parametrize("name", ["OAUTHBEARER", "XOAUTH2"])
def test_a_server_that_challenges_for_ever_is_left(name: str) -> None:
    client = chosen((name,), TOKEN)
    assert client is not None
    assert client.next(None)
    assert isinstance(client.next(b'{"status":"401"}'), bytes)
    assert isinstance(client.next(b'{"status":"401"}'), Wrong)
    assert not client.done


def test_plain_has_no_second_message() -> None:
    client = chosen(("PLAIN",))
    said(client)
    assert client is not None
    assert isinstance(client.next(b""), Wrong)


def test_credentials_show_no_secret() -> None:
    assert "pencil" not in repr(PASSWORD)
    assert "abc.def" not in repr(TOKEN)
