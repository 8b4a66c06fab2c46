"""What one's own users hand in is signed once it is in order; what strangers bring never is."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from dataclasses import replace
from pathlib import Path

import pytest

from ulak.checks.dkim import Result, verify
from ulak.dns.zone import Zone
from ulak.journal.printed import printed
from ulak.journal.story import tell
from ulak.journal.trace import Trace, What
from ulak.keys.folder import KeyFolder
from ulak.keys.key import Algorithm, Stage
from ulak.keys.ring import KeyRing
from ulak.keys.signatory import Signatory
from ulak.policy.authentication import Rules
from ulak.server.checks import Checks, Reach
from ulak.server.incoming import Incoming
from ulak.server.sealing import Sealing, Signing

from .dialogue import Client, Server, configured
from .test_desk import FULL, hand_in, opened, ready

NOW = 1_000_000_000.0
BOTH = ["s1-ed25519", "s1-rsa"]
Talk = Callable[[Client], Coroutine[None, None, list[str]]]


@pytest.fixture(scope="module")
def keys(tmp_path_factory: pytest.TempPathFactory) -> KeyFolder:
    folder = KeyFolder(tmp_path_factory.mktemp("keys") / "dkim")
    folder.make("example.org", "s1", (Algorithm.RSA, Algorithm.ED25519), NOW, exact=True)
    for selector in BOTH:
        folder.change("example.org", selector, Stage.SIGNING, NOW)
    return folder


def server(folder: Path, keys: KeyFolder, **settings: str) -> Server:
    settings = {"login": "PLAIN", "tls": "implicit", "size": "9000000", **settings}
    return signing(configured(folder, settings), keys)


def signing(made: Server, keys: KeyFolder) -> Server:
    ring = KeyRing(keys)
    ring.look()
    made.site.sign = Signatory(ring, lambda: NOW).begin
    return made


def selectors(made: Server, keys: KeyFolder) -> list[str]:
    """Give the selectors of the one message that was kept; all its signatures verify."""
    (body,) = made.store.bodies
    assert len(body) == made.store.messages[0].body.size
    zone = Zone({(key.name, "TXT"): [key.record] for key in keys.every()[0]})
    found = asyncio.run(verify(zone, body, now=NOW))
    assert all(each.result is Result.PASS for each in found), found
    assert {each.domain for each in found} <= {"example.org"}
    if not found:
        assert body.startswith(b"Received: ")
        return []
    assert body.startswith(b"DKIM-Signature: ")
    return [each.selector for each in found]


@pytest.mark.parametrize("threshold", ["10", "1000000"])
@pytest.mark.parametrize(
    "body",
    [
        ["hello"],
        [],
        ["hello \r\n\r\n", "\r\n"],
        ["x" * 900 + "\r\n"] * 600,
        ["\r\n"] * 700,
        ["ğüş" * 50 + "\r\n"],
    ],
)
def test_a_message_of_an_account_has_a_valid_signature_of_each_key(
    tmp_path: Path, keys: KeyFolder, threshold: str, body: list[str]
) -> None:
    made = server(tmp_path, keys, threshold=threshold)
    assert hand_in(made, FULL, *body)[0].startswith("250")
    assert selectors(made, keys) == BOTH
    assert b"Bcc:" not in made.store.bodies[0], "it was put in order before"
    trace = Trace(What.MESSAGE, "id1", tuple(made.notes.entries))
    assert "example.org (s1-ed25519, s1-rsa)" in printed(tell(trace, "en"))
    assert not made.site.held


@pytest.mark.parametrize("cut", range(1, len(FULL) + 6, 7))
def test_so_it_has_wherever_it_is_cut(tmp_path: Path, keys: KeyFolder, cut: int) -> None:
    made = server(tmp_path, keys, threshold="10")
    whole = FULL + "hello\r\n" + "x" * 200
    assert hand_in(made, whole[:cut], whole[cut:])[0].startswith("250")
    assert selectors(made, keys) == BOTH


@pytest.mark.parametrize("threshold", ["10", "1000000"])
def test_so_has_a_binary_one_in_chunks(tmp_path: Path, keys: KeyFolder, threshold: str) -> None:
    made = server(tmp_path, keys, threshold=threshold)
    header = b"From: ada@example.org\r\nContent-Transfer-Encoding: binary\r\n\r\n"
    pieces = [header[:30], header[30:], bytes(range(256)) * 9, b"\r\n\n\r\0.\r\n.\r\n \r"]

    async def talk(client: Client) -> list[str]:
        await opened(client)
        await client.ask("MAIL FROM:<ada@example.org> BODY=BINARYMIME", "RCPT TO:<far@example.net>")
        for piece in pieces:
            await client.send(b"BDAT %d\r\n" % len(piece) + piece)
        return await client.ask("BDAT 0 LAST")

    assert made.play(talk)[-1].startswith("250 2.0.0 Message")
    assert selectors(made, keys) == BOTH


@pytest.mark.parametrize("threshold", ["10", "1000000"])
def test_what_claims_to_be_ours_is_taken_out_and_the_signatures_hold(
    tmp_path: Path, keys: KeyFolder, threshold: str
) -> None:
    made = server(tmp_path, keys, threshold=threshold)
    rules = Rules("mx.example.org")
    made.site.checks = Checks(Reach(Zone({})), rules, "mx.example.org", lambda: NOW)
    forged = "Authentication-Results: mx.example.org; spf=pass\r\n"
    assert hand_in(made, forged + FULL, "x" * 70_000)[0].startswith("250")
    assert b"spf=pass" not in made.store.bodies[0]
    assert selectors(made, keys) == BOTH


def test_in_a_file_nothing_is_left_before_the_signatures(tmp_path: Path, keys: KeyFolder) -> None:
    made = server(tmp_path, keys, threshold="10")
    assert hand_in(made, FULL, "x" * 70_000)[0].startswith("250")
    path = made.store.messages[0].body.path
    assert path is not None
    assert b"\0" not in made.store.bodies[0]


async def relayed(client: Client) -> list[str]:
    await client.ask("EHLO client.example")
    await client.ask("MAIL FROM:<x@example.org>", "RCPT TO:<ada@example.org>", "DATA")
    return await client.ask("From: x@example.org", "To: y@example.net", "", "hello", ".")


@pytest.mark.parametrize("threshold", ["10", "1000000"])
@pytest.mark.parametrize(
    ("settings", "those", "signed"),
    [
        ({"relay": "192.0.2.0/24"}, "all", BOTH),
        ({"relay": "192.0.2.0/24"}, "none", []),
        ({"relay": "198.51.100.0/24"}, "all", []),
        ({}, "all", []),
        ({"kind": "submission"}, "all", []),
        ({"kind": "submission", "relay": "192.0.2.0/24"}, "all", BOTH),
    ],
)
def test_without_a_login_only_who_may_relay_has_mail_signed(
    tmp_path: Path,
    keys: KeyFolder,
    settings: dict[str, str],
    those: str,
    signed: list[str],
    threshold: str,
) -> None:
    made = signing(configured(tmp_path, {**settings, "threshold": threshold}), keys)
    made.site.rules = replace(made.site.rules, sign_relayed=those == "all")
    assert made.play(relayed)[0].startswith("250")
    assert selectors(made, keys) == signed


def test_a_stranger_on_a_listener_with_logins_has_nothing_signed(
    tmp_path: Path, keys: KeyFolder
) -> None:
    made = server(tmp_path, keys)

    async def talk(client: Client) -> list[str]:
        await client.begin_tls()
        return await relayed(client)

    assert made.play(talk)[0].startswith("250")
    assert selectors(made, keys) == []


def test_what_is_refused_is_not_signed_nor_left(tmp_path: Path, keys: KeyFolder) -> None:
    made = server(tmp_path, keys, threshold="10")
    (said,) = hand_in(made, "From: grace@example.org\r\n\r\n", "y" * 5000)
    assert said.startswith("550 5.7.1")
    assert not list(tmp_path.iterdir())


class Broken:
    """Fails where it is told to."""

    def __init__(self, at: str, size: int = 5) -> None:
        self.at = at
        self.domain, self.selectors, self.size = "example.org", ("s1",), size

    def begin(self, _header: bytes) -> Signing | None:
        self._do("begin")
        return self

    def _do(self, what: str) -> None:
        if what == self.at:
            message = "the secret key is out of ink"
            raise RuntimeError(message)

    def feed(self, _chunk: bytes) -> None:
        self._do("feed")

    def finish(self) -> bytes:
        self._do("finish")
        return b"four"


@pytest.mark.parametrize("threshold", ["10", "1000000"])
@pytest.mark.parametrize("at", ["begin", "feed", "finish"])
def test_a_message_that_cannot_be_signed_is_to_come_again(
    tmp_path: Path, threshold: str, at: str
) -> None:
    made = configured(
        tmp_path, {"login": "PLAIN", "tls": "implicit", "size": "9000000", "threshold": threshold}
    )
    made.site.sign = Broken(at).begin
    (said,) = hand_in(made, FULL, "hello\r\n", "hello")
    assert said == "451 4.7.5 The message could not be signed, try again later (incident INC1)"
    assert [str(error) for error, _, _ in made.incidents] == ["the secret key is out of ink"]
    assert not made.store.messages
    assert not list(tmp_path.iterdir())
    assert not made.site.held


def test_fields_of_another_length_than_was_said_are_a_failure(tmp_path: Path) -> None:
    made = configured(
        tmp_path, {"login": "PLAIN", "tls": "implicit", "size": "9000000", "threshold": "10"}
    )
    made.site.sign = Broken("").begin
    assert hand_in(made, FULL, "hello", "x" * 100)[0].startswith("451 4.7.5")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("threshold", ["10", "1000000"])
def test_or_goes_without_a_signature_if_that_is_wanted(tmp_path: Path, threshold: str) -> None:
    made = configured(
        tmp_path, {"login": "PLAIN", "tls": "implicit", "size": "9000000", "threshold": threshold}
    )
    made.site.sign = Broken("begin").begin
    made.site.rules = replace(made.site.rules, send_unsigned=True)
    assert hand_in(made, FULL, "hello")[0].startswith("250")
    assert made.incidents
    assert made.store.bodies[0].startswith(b"Received: ")


@pytest.mark.parametrize("threshold", [10, 1_000_000])
def test_what_we_say_of_a_message_stands_above_its_signatures(
    tmp_path: Path, keys: KeyFolder, threshold: int
) -> None:
    made = configured(tmp_path, {"threshold": str(threshold)})
    ring = KeyRing(keys)
    ring.look()
    seal = Sealing(Signatory(ring, lambda: NOW).begin)
    incoming = Incoming("id1", b"Received: here\r\n", made.site, None, seal)
    if incoming.take(b"From: ada@example.org\r\nTo: x@example.net\r\n\r\nhello\r\n"):
        incoming.write()
    if incoming.take(b"there\r\n"):
        incoming.write()
    incoming.finish() if incoming.in_file else incoming.sign()
    incoming.put_on_top(b"Ulak-Quarantine: it\r\n")
    assert b"".join(incoming.pieces()) == b"hello\r\nthere\r\n"
    assert incoming.body_size == len(b"hello\r\nthere\r\n")
    body = incoming.body()
    octets = body.data if body.path is None else body.path.read_bytes()
    assert octets is not None
    assert len(octets) == body.size
    assert octets.startswith(b"Ulak-Quarantine: it\r\nDKIM-Signature: ")
    assert b"\r\nReceived: here\r\nFrom: ada@example.org\r\n" in octets
    zone = Zone({(key.name, "TXT"): [key.record] for key in keys.every()[0]})
    found = asyncio.run(verify(zone, octets, now=NOW))
    assert [each.result for each in found] == [Result.PASS, Result.PASS]
    incoming.forget()


@pytest.mark.parametrize("at", ["feed", "finish"])
def test_but_not_where_room_was_left_for_one(tmp_path: Path, at: str) -> None:
    made = configured(
        tmp_path, {"login": "PLAIN", "tls": "implicit", "size": "9000000", "threshold": "10"}
    )
    made.site.sign = Broken(at).begin
    made.site.rules = replace(made.site.rules, send_unsigned=True)
    assert hand_in(made, FULL, "x" * 100, "hello")[0].startswith("451 4.7.5")
    assert not list(tmp_path.iterdir())


def test_what_does_not_count_as_sent_is_what_could_not_be_signed(
    tmp_path: Path,
) -> None:
    made = configured(
        tmp_path, {"login": "PLAIN", "tls": "implicit", "size": "9000000", "messages": "1"}
    )
    made.site.sign = Broken("begin").begin

    async def talk(client: Client) -> list[str]:
        await opened(client)
        said = []
        for _ in range(2):
            await ready(client)
            await client.send(FULL.encode(), b"hello\r\n.\r\n")
            said += client.take()
            made.site.sign = None
        return said

    assert [line[:3] for line in made.play(talk)] == ["451", "250"]
