"""What extensions let a client ask for is in the envelope that is put into the queue."""

from __future__ import annotations

from ipaddress import ip_network
from pathlib import Path

import pytest

from ulak.mail.envelope import NO_WISHES, DeliverBy, Envelope, RecipientWishes, Wishes
from ulak.server.site import Rules
from ulak.smtp.offers import Offers

from .dialogue import Client, Server

NOW = 1_000_000_000.0
OWN = Rules("mx.example.org", relay=(ip_network("192.0.2.0/24"),))
MESSAGE = ("DATA", "From: g@example.net", "", ".")


def envelope(server: Server, *commands: str) -> Envelope:
    """Send a message with these commands and give its envelope."""

    async def talk(client: Client) -> None:
        client.take()
        replies = await client.ask("EHLO c.example", *commands, *MESSAGE)
        assert replies[-1].startswith("250 2.0.0 "), replies

    server.play(talk)
    return server.store.messages[-1].envelope


def mail(tmp_path: Path, parameters: str, *, own: bool = False, tls: bool = False) -> Wishes:
    """Give the wishes that come of MAIL with these parameters."""
    rules = OWN if own else Rules("mx.example.org")
    server = Server(tmp_path, rules, offers=Offers("submission", longest_hold=86_400))

    async def talk(client: Client) -> None:
        client.take()
        if tls:
            await client.ask("EHLO c.example", "STARTTLS")
            await client.begin_tls()
        commands = (f"MAIL FROM:<g@example.net>{parameters}", "RCPT TO:<ada@example.org>")
        replies = await client.ask("EHLO c.example", *commands, *MESSAGE)
        assert replies[-1].startswith("250 2.0.0 "), replies

    if tls:
        server.tls = "starttls"
        server.offers = Offers("submission", tls=True)
    server.play(talk)
    return server.store.messages[-1].envelope.wishes


@pytest.mark.parametrize(
    ("parameters", "wanted"),
    [
        ("", NO_WISHES),
        (" SIZE=10 BODY=8BITMIME SMTPUTF8", NO_WISHES),
        (" RET=hdrs ENVID=QQ+3D+20x", Wishes(ret="HDRS", envid="QQ= x")),
        (" BY=120;R", Wishes(deliver_by=DeliverBy(NOW + 120, "R"))),
        (" BY=-5;nt", Wishes(deliver_by=DeliverBy(NOW - 5, "N", trace=True))),
        (" MT-PRIORITY=-3", Wishes(priority=-3)),
        (" MT-PRIORITY=3", NO_WISHES),
    ],
)
def test_what_mail_asks_for_is_in_the_envelope(
    tmp_path: Path, parameters: str, wanted: Wishes
) -> None:
    assert mail(tmp_path, parameters) == wanted


@pytest.mark.parametrize(
    ("parameters", "wanted"),
    [
        (" MT-PRIORITY=9", Wishes(priority=9)),
        (" HOLDFOR=60", Wishes(hold_until=NOW + 60, hold="for;60")),
        (" HOLDFOR=0", NO_WISHES),
        (
            " HOLDUNTIL=2001-09-09T01:47:40.5Z",
            Wishes(hold_until=NOW + 60.5, hold="until;2001-09-09T01:47:40.5Z"),
        ),
        (
            " HOLDUNTIL=2001-09-09T03:47:40+02:00",
            Wishes(hold_until=NOW + 60, hold="until;2001-09-09T03:47:40+02:00"),
        ),
        (" HOLDUNTIL=2000-01-01T00:00:00Z", NO_WISHES),
    ],
)
def test_a_client_of_our_own_may_ask_for_more(
    tmp_path: Path, parameters: str, wanted: Wishes
) -> None:
    assert mail(tmp_path, parameters, own=True) == wanted


def test_tls_may_be_demanded_under_tls(tmp_path: Path) -> None:
    assert mail(tmp_path, " REQUIRETLS", tls=True) == Wishes(require_tls=True)


def test_what_rcpt_asks_for_is_in_the_envelope(tmp_path: Path) -> None:
    made = envelope(
        Server(tmp_path),
        "MAIL FROM:<g@example.net>",
        "RCPT TO:<Ada@example.org> NOTIFY=SUCCESS,DELAY ORCPT=RFC822;A+2BB@example.org",
        "RCPT TO:<both@example.com>",
    )
    notify = frozenset({"SUCCESS", "DELAY"})
    assert made.recipients == ("ada@example.org", "both@example.com")
    assert made.asked == {"ada@example.org": RecipientWishes(notify, "rfc822;A+B@example.org")}


def test_the_members_of_an_alias_have_its_wishes_and_the_name_that_was_used(
    tmp_path: Path,
) -> None:
    made = envelope(
        Server(tmp_path),
        "MAIL FROM:<g@example.net> SMTPUTF8",
        "RCPT TO:<Team@example.org> NOTIFY=NEVER",
    )
    wishes = RecipientWishes(frozenset({"NEVER"}), through="Team@example.org")
    assert made.asked == {"ada@example.org": wishes, "far@example.net": wishes}
    made = envelope(
        Server(tmp_path), "MAIL FROM:<g@example.net> SMTPUTF8", "RCPT TO:<dünya@example.org>"
    )
    assert made.asked == {"ada@example.org": RecipientWishes(through="dünya@example.org")}


def test_of_an_alias_with_members_its_expansion_is_told_where_success_was_to_be(
    tmp_path: Path,
) -> None:
    made = envelope(
        Server(tmp_path),
        "MAIL FROM:<g@example.net>",
        "RCPT TO:<Team@EXAMPLE.org> NOTIFY=SUCCESS,FAILURE ORCPT=rfc822;list@example.net",
    )
    assert made.recipients == ("ada@example.org", "far@example.net", "team@example.org")
    orcpt = "rfc822;list@example.net"
    team = "Team@EXAMPLE.org"
    quiet = RecipientWishes(frozenset({"FAILURE"}), orcpt, through=team)
    told = RecipientWishes(frozenset({"SUCCESS"}), orcpt, expanded=True)
    assert dict(made.asked) == dict(zip(made.recipients, (quiet, quiet, told), strict=True))


@pytest.mark.parametrize(
    ("first", "second", "wanted"),
    [
        ("NOTIFY=NEVER", "NOTIFY=NEVER", {"NEVER"}),
        ("NOTIFY=NEVER", "NOTIFY=SUCCESS", {"SUCCESS"}),
        ("NOTIFY=DELAY", "NOTIFY=SUCCESS", {"DELAY", "SUCCESS"}),
        ("", "NOTIFY=NEVER", {"FAILURE", "DELAY"}),
        ("NOTIFY=SUCCESS", "", {"SUCCESS", "FAILURE", "DELAY"}),
        ("ORCPT=rfc822;x@y", "", set()),
    ],
)
def test_a_mailbox_that_is_named_twice_has_what_either_asks_for(
    tmp_path: Path, first: str, second: str, wanted: set[str]
) -> None:
    made = envelope(
        Server(tmp_path),
        "MAIL FROM:<g@example.net>",
        f"RCPT TO:<ada@example.org> {first}",
        f"RCPT TO:<ada@example.org> {second}",
    )
    assert made.recipients == ("ada@example.org",)
    assert made.asked_for("ada@example.org").notify == wanted


def test_the_wishes_of_one_message_are_not_those_of_the_next(tmp_path: Path) -> None:
    server = Server(tmp_path)

    async def talk(client: Client) -> None:
        client.take()
        asked = ("MAIL FROM:<g@example.net> RET=FULL", "RCPT TO:<ada@example.org> NOTIFY=NEVER")
        plain = ("MAIL FROM:<g@example.net>", "RCPT TO:<ada@example.org>")
        await client.ask("EHLO c.example", *asked, *MESSAGE, *plain, *MESSAGE)

    server.play(talk)
    one, other = (message.envelope for message in server.store.messages)
    assert one.wishes.ret == "FULL"
    assert one.asked
    assert other.wishes == NO_WISHES
    assert not other.asked
