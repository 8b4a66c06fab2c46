"""Every refusal says under which id it is found, and the journal has it under that id."""

from __future__ import annotations

import itertools
from dataclasses import replace
from pathlib import Path

import pytest

from ulak.dns import Zone
from ulak.journal.entry import Entry, Kind
from ulak.journal.refusal import refused_in
from ulak.policy.authentication import Mode
from ulak.policy.authentication import Rules as CheckRules
from ulak.replies import catalog
from ulak.replies.refusal import ALPHABET, Marking, parted
from ulak.replies.reply import Reply
from ulak.server.checks import Checks, Reach
from ulak.server.site import Rules
from ulak.smtp.offers import Offers

from .dialogue import Client, Server
from .doors import ways

PAGE = "https://mx.example.org/why/"
NOW = 1_000_000_000.0
MESSAGE = (b"From: g@fail.example\r\n\r\nhi\r\n.\r\n",)


def marking(address: str = "") -> Marking:
    """Ids that count, to be told apart."""
    numbers = itertools.count(1)
    return Marking(lambda: f"{next(numbers):012}", address)


async def denied(ip: str, _session: str) -> Reply:
    return catalog.CLIENT_DENIED.reply(ip=ip)


def refusals(server: Server) -> list[Entry]:
    return [entry for entry in server.notes.entries if entry.kind is Kind.REFUSED]


@pytest.mark.parametrize("address", ["", PAGE])
def test_a_refused_recipient_reads_the_id_under_which_it_is_found(
    tmp_path: Path, address: str
) -> None:
    server = Server(tmp_path, marking=marking(address))

    async def talk(client: Client) -> list[str]:
        client.take()
        await client.ask("EHLO client.example", "MAIL FROM:<g@fail.example>")
        return await client.ask("RCPT TO:<nobody@example.org>", "RCPT TO:<alan@elsewhere.example>")

    said = server.play(talk)
    assert [parted(line)[1:] for line in said] == [
        ("000000000001", f"{address}000000000001" if address else ""),
        ("000000000002", f"{address}000000000002" if address else ""),
    ]
    entries = refusals(server)
    assert [entry.facts["refusal"] for entry in entries] == ["000000000001", "000000000002"]
    assert [entry.facts["reply"] for entry in entries] == said


def test_without_ids_replies_are_as_they_were(tmp_path: Path) -> None:
    server = Server(tmp_path, admit=denied)

    async def talk(client: Client) -> list[str]:
        return [*client.take(), *await client.ask("EHLO client.example")]

    said = server.play(talk)
    assert [parted(line)[1] for line in said] == ["", ""]
    assert "refusal" not in refusals(server)[0].facts


def test_what_follows_a_refused_greeting_has_the_greeting_s_id(tmp_path: Path) -> None:
    server = Server(tmp_path, admit=denied, marking=marking())

    async def talk(client: Client) -> list[str]:
        return [*client.take(), *await client.ask("EHLO client.example", "MAIL FROM:<>", "QUIT")]

    said = server.play(talk)
    assert [line[:3] for line in said if line != "CLOSED"] == ["554", "503", "503", "221"]
    assert [parted(line)[1] for line in said[:4]] == ["000000000001"] * 3 + [""]
    assert [e.cause for e in refusals(server) if "refusal" in e.facts] == ["client-denied"]


def test_syntax_and_order_have_nothing_to_look_up(tmp_path: Path) -> None:
    server = Server(tmp_path, marking=marking())

    async def talk(client: Client) -> list[str]:
        client.take()
        return await client.ask("NONSENSE", "MAIL FROM:x", "DATA", "RCPT TO:<a@b>", "VRFY", "TURN")

    said = server.play(talk)
    assert all(line[0] == "5" for line in said)
    assert not any(parted(line)[1] for line in said)
    assert not any("refusal" in entry.facts for entry in refusals(server))


def test_nothing_that_is_accepted_draws_an_id(tmp_path: Path) -> None:
    def never() -> str:
        pytest.fail("an id was drawn for mail that is accepted")

    server = Server(tmp_path, marking=Marking(never, PAGE))

    async def talk(client: Client) -> list[str]:
        client.take()
        await client.ask("EHLO c.example", "MAIL FROM:<g@example.net>", "RCPT TO:<ada@example.org>")
        await client.ask("DATA")
        await client.send(*MESSAGE)
        return client.take()

    assert server.play(talk)[0].startswith("250 ")


def test_a_refused_message_is_found_with_the_checks_that_were_made_of_it(tmp_path: Path) -> None:
    table = {("fail.example", "TXT"): ["v=spf1 -all"], ("good.example", "TXT"): ["v=spf1 +all"]}
    rules = CheckRules("mx.example.org", spf=Mode.ENFORCE, dmarc=Mode.OFF)
    checks = Checks(Reach(Zone(table)), rules, "mx.example.org", lambda: NOW)
    server = Server(tmp_path, checks=checks, marking=marking(PAGE))

    async def talk(client: Client) -> list[str]:
        client.take()
        await client.ask("EHLO client.example")
        said: list[str] = []
        for sender in ("good.example", "fail.example"):
            to = "RCPT TO:<ada@example.org>"
            await client.ask(f"MAIL FROM:<g@{sender}>", to, "DATA")
            await client.send(*MESSAGE)
            said += client.take()
        return said

    taken, refused = server.play(talk)
    assert taken.startswith("250 ")
    assert refused.startswith("550 5.7.23 ")
    found = refused_in(server.notes.entries, parted(refused)[1])
    assert found is not None
    assert found.entry.message
    domains = {check.facts["domain"] for check in found.checks if check.facts["check"] == "spf"}
    assert domains == {"fail.example"}  # and not that of the message before
    assert {check.message for check in found.checks} == {found.entry.message}


def test_of_very_many_refusals_those_of_one_cause_share_an_entry(tmp_path: Path) -> None:
    rules = replace(Rules("mx.example.org"), max_recipients=3)
    limits = replace(rules.limits, errors=1000)
    server = Server(tmp_path, rules=replace(rules, limits=limits), marking=marking())

    async def talk(client: Client) -> list[str]:
        client.take()
        await client.ask("EHLO client.example", "MAIL FROM:<>")
        lines = [f"RCPT TO:<no{number}@example.org>" for number in range(60)]
        return await client.ask(*lines, "RCPT TO:<x@elsewhere.example>", lines[0])

    ids = [parted(line)[1] for line in server.play(talk)]
    assert ids[:50] == [f"{number:012}" for number in range(1, 51)]
    assert ids[50:] == ["000000000050"] * 10 + ["000000000051", "000000000050"]
    assert [e.facts.get("refusal") for e in refusals(server)] == [*ids[:50], "000000000051"]


def test_in_lmtp_all_recipients_of_a_message_read_one_id(tmp_path: Path) -> None:
    server = Server(tmp_path, offers=Offers(kind="lmtp"), marking=marking())

    async def talk(client: Client) -> list[str]:
        client.take()
        await client.ask("LHLO front.example", "MAIL FROM:<g@example.net>")
        await client.ask("RCPT TO:<ada@example.org>", "RCPT TO:<team@example.org>", "DATA")
        await client.send(b"From: a@b\r\nFrom: a@b\r\n\r\nhi\r\nNUL\0\r\n.\r\n")
        return client.take()

    server.site.judge = lambda _message, binary=False: catalog.SEVERAL_FROM.reply(count=2)  # noqa: ARG005 -- the name is Judge's
    said = server.play(talk)
    assert [line[:3] for line in said] == ["554", "554"]
    assert [parted(line)[1] for line in said] == ["000000000001"] * 2
    assert [e.facts["refusal"] for e in refusals(server)] == ["000000000001"]


def test_a_refused_login_has_an_id_and_a_cancelled_one_has_not(tmp_path: Path) -> None:
    offers = Offers(kind="submission", ways=ways({"login": "PLAIN,SCRAM-SHA-256", "clear": "yes"}))
    server = Server(tmp_path, offers=offers, marking=marking())

    async def talk(client: Client) -> list[str]:
        client.take()
        await client.ask("EHLO client.example")
        return await client.ask("AUTH PLAIN AGEAYg==", "AUTH SCRAM-SHA-256", "*")

    said = server.play(talk)
    assert [line[:3] for line in said] == ["538", "334", "501"]
    assert [parted(line)[1] for line in said] == ["000000000001", "", ""]


def test_an_error_of_ours_has_the_incident_s_id_and_no_other(tmp_path: Path) -> None:
    server = Server(tmp_path, marking=marking(PAGE))
    server.store.error = RuntimeError("secret")

    async def talk(client: Client) -> list[str]:
        client.take()
        await client.ask("EHLO c.example", "MAIL FROM:<>", "RCPT TO:<ada@example.org>", "DATA")
        await client.send(*MESSAGE)
        return client.take()

    (said,) = server.play(talk)
    assert said.endswith("(incident INC1)")


def test_the_greeting_of_a_full_server_has_one_too(tmp_path: Path) -> None:
    rules = replace(Rules("mx.example.org"), max_connections=0)
    server = Server(tmp_path, rules=rules, marking=marking())

    async def talk(client: Client) -> list[str]:
        return client.take()

    said = server.play(talk)
    assert said[0].startswith("421 4.3.2 ")
    assert parted(said[0])[1] == "000000000001"
    assert set(parted(said[0])[1]) <= set(ALPHABET)
