"""What each listener offers where: every keyword of EHLO, before TLS, under it, and after a login.

RFC 5321 §2.2: what is not offered cannot be used either.
"""

from __future__ import annotations

import base64
import smtplib
import socket
import ssl
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from tests.conftest import free_port

import ulak
from ulak.lab.certificate import authority, certificate

from .client import Client
from .test_submission import SECRET

ADA = "ada@example.org"
LOGIN = base64.b64encode(f"\0{ADA}\0{SECRET}".encode()).decode()
ALWAYS = [
    *("PIPELINING", "SIZE", "8BITMIME", "SMTPUTF8", "CHUNKING", "BINARYMIME", "DSN", "LIMITS"),
    *("MT-PRIORITY", "DELIVERBY", "ENHANCEDSTATUSCODES", "VRFY", "EXPN", "HELP"),
]
WAYS = "SCRAM-SHA-256-PLUS SCRAM-SHA-256 PLAIN LOGIN"


def keywords(reply: str) -> dict[str, str]:
    """Give the keywords of an answer to EHLO, with what stands behind each."""
    first, *lines = reply.split("\n")
    assert first.startswith(("250-", "250 ")), reply
    words = [line[4:].partition(" ")[::2] for line in lines]
    assert len({word for word, _ in words}) == len(words), "each once"
    return dict(words)


class Place:
    """A server with a listener of each kind, and who trusts its certificate."""

    def __init__(self, served: Callable[..., Any], folder: Path) -> None:
        issuer = authority("Test")
        chain, key = certificate("mx.example.org", issuer=issuer).write(folder)
        self.trusting = ssl.create_default_context(cadata=issuer.certificate.decode())
        self.socket = folder / "lmtp.sock"
        self.ports = {name: free_port() for name in ("starttls", "implicit", "lmtp", "kept back")}
        files = f'certificate = "{chain}", key = "{key}"'
        starttls, implicit, lmtp, kept_back = self.ports.values()
        self.server = served(
            f"""
[[listener]]
address = "127.0.0.1:{starttls}"
kind = "submission"
tls = {{ {files} }}
[[listener]]
address = "127.0.0.1:{implicit}"
kind = "submission"
tls = {{ mode = "implicit", {files} }}
[[listener]]
address = "127.0.0.1:{lmtp}"
kind = "lmtp"
[[listener]]
address = "unix:{self.socket}"
kind = "lmtp"
[[listener]]
address = "127.0.0.1:{kept_back}"
withhold = ["CHUNKING", "8BITMIME", "DSN", "REQUIRETLS"]
xclient = ["127.0.0.8"]
[domains."example.org"]
mailboxes = ["ada"]
[relay]
networks = ["127.0.0.7"]
[policy]
min_deliver_by = "90s"
max_hold = "1d"
max_recipients = 150
vrfy = "refuse"
expn = "refuse"
""",
            tls=f"tls = {{ {files} }}",
        )
        self.server.start()
        self.ports["mx"] = self.server.port

    def account(self) -> None:
        added = self.server.ulak("account", "add", ADA, given=SECRET + "\n")
        assert added.returncode == 0, added.stderr

    def client(self, name: str, *, source: str = "") -> Client:
        trusting = self.trusting if name == "implicit" else None
        made = Client(self.ports[name], source=source, trusting=trusting)
        assert made.hear().startswith("220 ")
        return made


@pytest.fixture
def place(served: Callable[..., Any], tmp_path: Path) -> Place:
    return Place(served, tmp_path)


def hello(client: Client, verb: str = "EHLO") -> dict[str, str]:
    return keywords(client.say(f"{verb} c.example.net"))


def secure(client: Client, place: Place) -> dict[str, str]:
    assert client.say("STARTTLS").startswith("220 2.0.0")
    client.start_tls(place.trusting)
    return hello(client)


def test_a_listener_for_other_servers(place: Place) -> None:
    everywhere = [word for word in ALWAYS if word not in ("VRFY", "EXPN")]  # refused here
    with place.client("mx") as client:
        clear = hello(client)
        assert sorted(clear) == sorted([*everywhere, "STARTTLS"])
        assert clear["SIZE"] == "50000000"
        assert clear["LIMITS"] == "RCPTMAX=150"
        assert clear["DELIVERBY"] == "90"
        assert clear["MT-PRIORITY"] == clear["DSN"] == clear["CHUNKING"] == ""
        assert sorted(secure(client, place)) == sorted([*everywhere, "REQUIRETLS"])
    place.account()
    with place.client("mx") as client:  # from now on one may log in, under TLS
        assert "AUTH" not in hello(client)
        assert secure(client, place)["AUTH"] == WAYS
    with place.client("mx", source="127.0.0.7") as client:
        assert sorted(hello(client)) == sorted(clear)


def test_a_listener_for_ones_own_users(place: Place) -> None:
    place.account()
    for name in ("starttls", "implicit"):
        with place.client(name) as client:
            if name == "starttls":
                assert "AUTH" not in (clear := hello(client))
                assert "STARTTLS" in clear
                before = secure(client, place)
            else:
                before = hello(client)
            assert before["AUTH"] == WAYS
            assert "REQUIRETLS" in before
            assert not {"STARTTLS", "FUTURERELEASE"} & set(before)
            assert client.say(f"AUTH PLAIN {LOGIN}").startswith("235 2.7.0")
            after = hello(client)
            longest, until = after.pop("FUTURERELEASE").split(" ")
            assert (longest, until[-1]) == ("86400", "Z")
            assert after == before


def test_a_listener_for_mail_servers_in_front(place: Place) -> None:
    wanted = sorted(word for word in ALWAYS if word not in ("VRFY", "EXPN"))
    with place.client("lmtp") as client:
        assert sorted(hello(client, "LHLO")) == wanted
        assert client.say("EHLO c.example.net").startswith("500 LMTP is spoken here")
        assert client.say(f"AUTH PLAIN {LOGIN}").startswith("502 5.5.1")
    with smtplib.LMTP(str(place.socket)) as lmtp:
        lmtp.ehlo()
        assert sorted(lmtp.esmtp_features) == sorted(word.lower() for word in wanted)


def test_what_is_withheld_is_gone_with_all_that_needs_it_and_a_front_may_speak_for_others(
    place: Place,
) -> None:
    gone = {"CHUNKING", "BINARYMIME", "8BITMIME", "SMTPUTF8", "DSN", "VRFY", "EXPN"}
    with place.client("kept back") as client:
        assert sorted(hello(client)) == sorted(set(ALWAYS) - gone)
        assert client.say("BDAT 3").startswith("502 5.5.1")
        assert client.say("XCLIENT ADDR=192.0.2.1").startswith("550 5.7.0")
        for parameter in ("BODY=8BITMIME", "SMTPUTF8", "RET=FULL", "ENVID=x", "REQUIRETLS"):
            assert client.say(f"MAIL FROM:<> {parameter}").startswith("555 5.5.4"), parameter
    with place.client("kept back", source="127.0.0.8") as client:
        assert hello(client)["XCLIENT"].startswith("NAME ADDR PORT PROTO HELO LOGIN")
        assert client.say("XCLIENT ADDR=127.0.0.7").startswith("220 ")
        hello(client)
        assert client.say("MAIL FROM:<>").startswith("250")
        assert client.say("RCPT TO:<far@example.net>").startswith("250")  # as who it speaks for


def test_what_is_not_offered_is_refused_where_it_is_not_and_explained(place: Place) -> None:
    heard = {}
    with place.client("mx") as client:
        hello(client)
        for command in (
            "ETRN example.org",
            "TURN",
            "ATRN",
            "BURL imap://x",
            "XCLIENT ADDR=1.2.3.4",
            "AUTH PLAIN",
            "MAIL FROM:<g@example.net> HOLDFOR=60",
            "MAIL FROM:<g@example.net> REQUIRETLS",
            "VRFY ada",
            "EXPN team",
        ):
            heard[command] = client.say(command)
    codes = {command: reply[:9] for command, reply in heard.items()}
    assert codes == {
        "ETRN example.org": "502 5.5.1",
        "TURN": "502 5.5.1",
        "ATRN": "502 5.5.1",
        "BURL imap://x": "502 5.5.1",
        "XCLIENT ADDR=1.2.3.4": "502 5.5.1",
        "AUTH PLAIN": "502 5.5.1",  # there is no account yet
        "MAIL FROM:<g@example.net> HOLDFOR=60": "555 5.5.4",
        "MAIL FROM:<g@example.net> REQUIRETLS": "555 5.5.4",
        "VRFY ada": "502 5.5.1",
        "EXPN team": "502 5.5.1",
    }
    for command, reply in heard.items():
        for language in ("en", "tr"):
            told = ulak.explain(reply, lang=language)
            assert told.decided_by == "text", (command, reply)
            assert told.means


def test_after_helo_there_is_nothing_that_belongs_to_an_extension(place: Place) -> None:
    with place.client("starttls") as client:
        assert client.say("HELO c.example.net").startswith("250 ")
        assert client.say("STARTTLS").startswith("220 ")  # asked for all the same, and harmless
        client.start_tls(place.trusting)
        client.say("HELO c.example.net")
        assert client.say("MAIL FROM:<> SIZE=10").startswith(("530", "555"))


def test_a_client_that_speaks_tls_at_once_to_a_starttls_port_is_not_kept_waiting(
    place: Place,
) -> None:
    with (
        socket.create_connection(("127.0.0.1", place.ports["starttls"]), 10) as sock,
        pytest.raises(ssl.SSLError),
    ):
        place.trusting.wrap_socket(sock, server_hostname="mx.example.org")
