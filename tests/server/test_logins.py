"""Logging in: who is let in and who is not, what is kept of it, and what nobody may read."""

from __future__ import annotations

import asyncio
import base64
from dataclasses import replace
from pathlib import Path

import pytest

from ulak.accounts.attempts import Rules as AttemptRules
from ulak.accounts.denied import Denied, Why
from ulak.accounts.store import AccountsError, BusyError
from ulak.journal.entry import Kind
from ulak.server.certified import Certified
from ulak.server.login import Login
from ulak.smtp.events import Auth
from ulak.smtp.offers import Offers, Standing
from ulak.smtp.sasl.table import MECHANISMS, Channel, Ways

from .dialogue import Client, Server
from .doors import SECRET, desk, doorkeeper

ALL = Ways(frozenset(MECHANISMS))


def coded(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


def plain(name: str, password: str = SECRET) -> str:
    return coded(f"\0{name}\0{password}")


def server(folder: Path, **what: object) -> Server:
    return Server(folder, tls="implicit", offers=Offers("submission", ways=ALL), **what)  # type: ignore[arg-type]  # fields by their names


async def opened(client: Client) -> None:
    await client.begin_tls()
    assert client.take()[0].startswith("220")
    assert (await client.ask("EHLO c.example"))[-1].startswith("250 ")


async def held_back(client: Client) -> None:
    """Wait until an answer is held back."""
    for _ in range(2000):
        if client.session._entrance._over is not None:
            return
        await asyncio.sleep(0.005)
    pytest.fail("no answer is held back")


@pytest.mark.parametrize(
    "lines",
    [
        [f"AUTH PLAIN {plain('ada@example.org')}"],
        ["AUTH PLAIN", plain("ada@example.org")],
        [f"auth  plain {plain('ada@example.org')}"],
        [f"AUTH {plain('ada@example.org')}"],
        [f"AUTH\tPLAIN {plain('ada@example.org')}"],
        [f"AUTH PLAIN {plain('ada@example.org')} x"],
        ["AUTH LOGIN", coded("ada@example.org"), coded(SECRET)],
        [f"AUTH LOGIN {coded('ada@example.org')}", coded(SECRET)],
        ["AUTH CRAM-MD5", coded("ada@example.org"), coded(SECRET)],
        [f"AUTH LOGIN {coded(SECRET)}", coded(SECRET)],
        [f"AUTH LOGIN {coded(SECRET)}", f"{coded(SECRET)}="],
        [f"AUTH PLAIN {plain(SECRET, SECRET)}"],
        [f"AUTH PLAIN {coded(SECRET)}", coded(SECRET)],
        [f"AUTH XOAUTH2 {coded(f'user=a@b.example{chr(1)}auth=Bearer {SECRET[8:]}')}"],
    ],
)
def test_nothing_of_a_secret_is_kept(lines: list[str], tmp_path: Path) -> None:
    made = server(tmp_path)

    async def talk(client: Client) -> None:
        await opened(client)
        for line in lines:
            await client.ask(line)
        await client.ask("NOOP", "XYZZY", "QUIT")

    made.play(talk)
    kept = repr(made.notes.entries) + repr(made.incidents)
    secrets = [SECRET, *(word for line in lines for word in line.split()[1:] or [line])]
    for secret in secrets:
        if secret.upper() not in (*MECHANISMS, "CRAM-MD5", "X"):
            assert secret not in kept
    assert "C: NOOP" in kept
    assert "C: QUIT" in kept


def test_the_dialogue_says_that_there_was_a_login(tmp_path: Path) -> None:
    made = server(tmp_path)

    async def talk(client: Client) -> None:
        await opened(client)
        await client.ask(f"AUTH PLAIN {plain('ada@example.org', 'wrong')}")
        await client.ask("auth LOGIN")
        await client.ask(coded("ada@example.org"))
        await client.ask(coded("wrong"))

    made.play(talk)
    dialogue = made.notes.entries[-1].dialogue
    assert dialogue[-8:] == (
        "C: AUTH PLAIN ***",
        "S: 535 5.7.8 The user name or the password is wrong",
        "C: auth LOGIN",
        "S: 334 (challenge)",
        "C: (credentials)",
        "S: 334 (challenge)",
        "C: (credentials)",
        "S: 535 5.7.8 The user name or the password is wrong",
    )


def test_an_error_while_a_password_is_tried_tells_nothing_of_it(tmp_path: Path) -> None:
    made = server(tmp_path)

    class Broken:
        async def password(self, ip: str, name: str, given: str) -> Denied:
            raise AccountsError(str(tmp_path), f"{ip} {name[:3]} {len(given)}")

    made.site.logins = Broken()  # type: ignore[assignment] # the others are not asked

    async def talk(client: Client) -> list[str]:
        await opened(client)
        return [
            *await client.ask(f"AUTH PLAIN {plain('ada@example.org')}"),
            *await client.ask("NOOP"),
        ]

    answers = made.play(talk)
    assert answers == [
        "454 4.7.0 Logins cannot be checked at the moment, try again later (incident INC1)",
        "250 2.0.0 Nothing done, as asked",
    ]
    ((error, session, _),) = made.incidents
    assert session == "id1"
    assert SECRET not in str(error)
    refused = made.notes.entries[-2]
    assert (refused.kind, refused.cause) == (Kind.REFUSED, "authentication-unavailable")


def test_who_is_one_too_many_is_asked_to_come_back(tmp_path: Path) -> None:
    made = server(tmp_path)

    class Busy:
        async def barred(self, _ip: str) -> None:
            return None

        async def password(self, *_: str) -> Denied:
            raise BusyError

    made.site.logins = Busy()  # type: ignore[assignment] # the others are not asked

    async def talk(client: Client) -> list[str]:
        await opened(client)
        return await client.ask(f"AUTH PLAIN {plain('ada@example.org')}")

    assert made.play(talk) == ["454 4.7.0 Too many log in at the moment, try again in a minute"]
    assert not made.incidents


def test_the_journal_knows_who_logged_in_and_who_did_not_and_why(tmp_path: Path) -> None:
    made = server(tmp_path)

    async def talk(client: Client) -> None:
        await opened(client)
        for name, password in (
            ("ada@example.org", "wrong"),
            ("nobody@example.org", "wrong"),
            ("locked@example.org", SECRET),
            (SECRET, "wrong"),
            ("Ada@EXAMPLE.org", SECRET),
        ):
            await client.ask(f"AUTH PLAIN {plain(name, password)}")
        await client.ask("MAIL FROM:<ada@example.org>", "RCPT TO:<x@example.net>", "DATA")
        await client.ask("Subject: x", "", ".")

    made.play(talk)
    refused = [e for e in made.notes.entries if e.kind is Kind.REFUSED]
    assert [e.facts["denied"] for e in refused] == [
        "wrong-secret",
        "unknown-name",
        "disabled",
        "unknown-name",
    ]
    assert {e.facts["mechanism"] for e in refused} == {"PLAIN"}
    assert [e.facts.get("account") for e in refused][2:] == ["locked@example.org", None]
    (login,) = [e for e in made.notes.entries if e.kind is Kind.LOGIN]
    assert login.facts["account"] == "ada@example.org"
    assert login.facts["mechanism"] == "PLAIN"
    assert login.facts["ip"] == "192.0.2.9"
    (accepted,) = [e for e in made.notes.entries if e.kind is Kind.ACCEPTED]
    assert accepted.facts["account"] == "ada@example.org"
    assert b" with ESMTPSA id " in made.store.bodies[0]
    assert b"ada" not in made.store.bodies[0].split(b";")[0].split(b"for ")[0]


@pytest.mark.parametrize(
    ("hello", "smtputf8", "word"), [("EHLO", "", b"ESMTPSA"), ("EHLO", " SMTPUTF8", b"UTF8SMTPSA")]
)
def test_the_trace_field_says_that_there_was_a_login(
    hello: str, smtputf8: str, word: bytes, tmp_path: Path
) -> None:
    made = server(tmp_path)

    async def talk(client: Client) -> None:
        await opened(client)
        await client.ask(f"{hello} c.example")
        await client.ask(f"AUTH PLAIN {plain('ada@example.org')}")
        await client.ask(
            f"MAIL FROM:<ada@example.org>{smtputf8}", "RCPT TO:<x@example.net>", "DATA"
        )
        await client.ask("Subject: x", "", ".")

    made.play(talk)
    assert b" with " + word + b" id " in made.store.bodies[0]


def test_a_failure_is_answered_late(tmp_path: Path) -> None:
    made = server(tmp_path, doorkeeper=doorkeeper(AttemptRules(first_delay=30.0)))

    async def talk(client: Client) -> None:
        await opened(client)
        said = f"AUTH PLAIN {plain('ada@example.org', 'wrong')}\r\nNOOP\r\n".encode()
        task = asyncio.ensure_future(client.send(said))
        await held_back(client)
        assert client.take() == []
        client.loop.ahead += 31
        await task
        assert client.take() == [
            "535 5.7.8 The user name or the password is wrong",
            "250 2.0.0 Nothing done, as asked",
        ]

    made.play(talk)


@pytest.mark.parametrize("how", ["drain", "gone"])
def test_who_leaves_or_stops_waits_for_no_late_answer(how: str, tmp_path: Path) -> None:
    made = server(
        tmp_path, doorkeeper=doorkeeper(AttemptRules(first_delay=3600.0, longest_delay=3600.0))
    )

    async def talk(client: Client) -> None:
        await opened(client)
        said = f"AUTH PLAIN {plain('ada@example.org', 'wrong')}\r\n".encode()
        task = asyncio.ensure_future(client.send(said))
        await held_back(client)
        if how == "drain":
            client.session.drain()
        else:
            client.transport.close()
        await task
        if how == "drain":
            client.session.drain()
            assert client.take()[-2:] == [
                "421 4.3.2 mx.example.org is shutting down, try again soon",
                "CLOSED",
            ]

    made.play(talk)


def test_a_binding_is_that_of_the_connection(tmp_path: Path) -> None:
    made = server(tmp_path)

    async def talk(client: Client) -> None:
        await opened(client)
        assert client.session.core.standing.channel == Channel(secure=True, binding=True)
        assert client.session.bindings.keys() == {"tls-exporter", "tls-server-end-point"}
        assert {len(octets) for octets in client.session.bindings.values()} == {32}

    made.play(talk)


CERTIFIED = Channel(secure=True, certificate=True)
BOTH = ("ada@example.org", "grace@example.org")


@pytest.mark.parametrize(
    ("mailboxes", "authzid", "who"),
    [
        (("ada@example.org",), "", "ada@example.org"),
        (("ADA@EXAMPLE.org",), "ada@example.org", "ada@example.org"),
        (BOTH, "grace@example.org", "grace@example.org"),
        (BOTH, "", None),  # nobody said who
        (("ada@example.org",), "grace@example.org", None),
        (("nobody@example.org",), "", None),
        (("locked@example.org",), "", None),
        ((), "", None),
        ((), "ada@example.org", None),
        (("no address",), "", None),
    ],
)
def test_a_certificate_lets_in_whom_it_names(
    mailboxes: tuple[str, ...], authzid: str, who: str | None
) -> None:
    async def ask() -> None:
        keeper = doorkeeper()
        standing = Standing(Offers(ways=ALL), 1000, CERTIFIED)
        login = Login(keeper, None, "192.0.2.9", Certified(mailboxes, ("x.example",), ""))
        initial = coded(authzid).encode() or b"="
        reply = await login.begin(Auth("EXTERNAL", initial), standing, "nonce", {})
        assert (login.account.address if login.account else None) == who
        assert reply.code == (235 if who else 535)
        assert who or login.denied or reply.cause == "certificate-refused"
        await keeper.close()

    asyncio.run(ask())


def test_no_name_can_be_told_from_another_by_what_is_answered(tmp_path: Path) -> None:
    made = server(tmp_path)
    made.rules = replace(made.rules, failed_logins=100)
    made.site.rules = made.rules

    async def talk(client: Client) -> set[str]:
        await opened(client)
        answers = set()
        for name in ("ada@example.org", "nobody@example.org", "locked@example.org", "x", "a@b@c"):
            answers.update(await client.ask(f"AUTH PLAIN {plain(name, 'wrong')}"))
        return answers

    assert made.play(talk) == {"535 5.7.8 The user name or the password is wrong"}


def test_the_reasons_of_the_doorkeeper_are_words() -> None:
    assert all(str(why) == why.value for why in Why)


@pytest.mark.parametrize(
    ("said", "kept"),
    [
        ("", ""),
        (" AUTH=ada@example.org", "ada@example.org"),
        (" AUTH=info@EXAMPLE.org", "info@example.org"),
        (" AUTH=grace@example.org", "<>"),
        (" AUTH=admin@example.net", "<>"),
        (" AUTH=<>", "<>"),
    ],
)
def test_an_account_submits_in_no_other_name(said: str, kept: str, tmp_path: Path) -> None:
    made = server(tmp_path, desk=desk({}))

    async def talk(client: Client) -> None:
        await opened(client)
        await client.ask(f"AUTH PLAIN {plain('ada@example.org')}")
        await client.ask(f"MAIL FROM:<ada@example.org>{said}", "RCPT TO:<x@example.net>", "DATA")
        await client.ask("From: ada@example.org", "", ".")

    made.play(talk)
    (message,) = made.store.messages
    assert message.envelope.wishes.auth.lower() == kept


def test_who_guesses_on_without_hearing_an_answer_is_sent_away(tmp_path: Path) -> None:
    made = server(tmp_path, doorkeeper=doorkeeper())
    guess = f"AUTH PLAIN {plain('ada@example.org', 'wrong')}"

    async def talk(client: Client) -> list[str]:
        await opened(client)
        return await client.ask(guess, guess, guess)

    said = made.play(talk)
    assert [line[:3] for line in said] == ["535", "421", "CLO"]


def test_who_waits_for_the_answer_may_guess_again(tmp_path: Path) -> None:
    made = server(tmp_path, doorkeeper=doorkeeper())

    async def talk(client: Client) -> list[str]:
        await opened(client)
        said = await client.ask(f"AUTH PLAIN {plain('ada@example.org', 'wrong')}")
        return said + await client.ask(f"AUTH PLAIN {plain('ada@example.org')}")

    assert [line[:3] for line in made.play(talk)] == ["535", "235"]
