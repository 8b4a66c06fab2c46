"""The checks of mail from strangers: what is told, what follows, and who is spared."""

from __future__ import annotations

import asyncio
import base64
import time
from collections.abc import Mapping, Sequence
from functools import partial
from ipaddress import ip_network
from pathlib import Path
from typing import Any

import dkim  # type: ignore[import-untyped] # it has none
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from ulak.checks import arc
from ulak.checks.dkim import Key, Signer
from ulak.checks.reason import unpacked
from ulak.checks.results import Property, Resinfo
from ulak.dns import Answer, Status, Zone
from ulak.journal.entry import Kind
from ulak.policy.authentication import Mode, Rules
from ulak.queue.store import StorageError
from ulak.reports.observation import Disposition, Observation, Override
from ulak.server.checks import Checks, Reach
from ulak.server.site import Rules as SiteRules
from ulak.smtp.offers import Offers

from .dialogue import Client, Server

IP = "192.0.2.9"
NOW = 1_000_000_000.0
PRIVATE = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
PUBLIC = base64.b64encode(PRIVATE.public_key().public_bytes_raw()).decode()
SIGNER = Signer((Key("good.example", "s1", PRIVATE),))
TABLE: Mapping[tuple[str, str], Sequence[Any] | Status] = {
    ("9.2.0.192.in-addr.arpa", "PTR"): ["mail.good.example"],
    ("mail.good.example", "A"): [IP],
    ("good.example", "TXT"): [f"v=spf1 ip4:{IP} -all"],
    ("s1._domainkey.good.example", "TXT"): [f"v=DKIM1; k=ed25519; p={PUBLIC}"],
    ("_dmarc.good.example", "TXT"): ["v=DMARC1; p=reject; rua=mailto:r@good.example"],
    ("strict.example", "TXT"): ["v=spf1 -all"],
    ("_dmarc.strict.example", "TXT"): ["v=DMARC1; p=reject; rua=mailto:r@strict.example"],
    ("_dmarc.careful.example", "TXT"): ["v=DMARC1; p=quarantine"],
    ("_dmarc.testing.example", "TXT"): ["v=DMARC1; p=reject; t=y"],
    ("_dmarc.watching.example", "TXT"): ["v=DMARC1; p=none"],
    ("_dmarc.servfail.example", "TXT"): Status.SERVFAIL,
    ("servfail.example", "TXT"): Status.SERVFAIL,
    ("fail.example", "TXT"): ["v=spf1 -all"],
}


class Collected(list[Observation]):
    def note(self, observation: Observation) -> None:
        self.append(observation)


class Slow:
    """A resolver that never answers."""

    def __init__(self) -> None:
        self.asked = 0

    async def resolve(self, name: str, kind: str) -> Answer:
        self.asked += 1
        await asyncio.Event().wait()
        return Answer(name, kind, Status.TIMEOUT)


class Broken:
    """A resolver with an error in it."""

    async def resolve(self, name: str, kind: str) -> Answer:
        raise RuntimeError(name + kind)


def checking(
    folder: Path,
    resolver: Any = None,
    *,
    threshold: int = 1_000_000,
    now: float = NOW,
    **rules: Any,
) -> Server:
    checks = Checks(
        Reach(resolver or Zone(TABLE)),
        Rules("mx.example.org", **rules),
        "mx.example.org",
        lambda: now,
        names=("mx.example.org", "example.org"),
    )
    site = SiteRules("mx.example.org", body_threshold=threshold)
    return Server(folder, site, checks=checks, collector=Collected())


def message(author: str = "ann@good.example", body: bytes = b"hello\r\n") -> bytes:
    return f"From: {author}\r\nSubject: hi\r\n\r\n".encode() + body


def signed(author: str = "ann@good.example", body: bytes = b"hello\r\n") -> bytes:
    what = message(author, body)
    header, _, rest = what.partition(b"\r\n\r\n")
    return SIGNER.sign(header + b"\r\n", rest, int(NOW)) + what


async def send(
    client: Client,
    what: bytes,
    sender: str = "ann@good.example",
    helo: str = "mail.good.example",
    bdat: str = "",
    to: str = "ada@example.org",
) -> str:
    await client.ask(f"EHLO {helo}")
    assert (await client.ask(f"MAIL FROM:<{sender}>{bdat}"))[-1].startswith("250")
    await client.ask(f"RCPT TO:<{to}>")
    if bdat:
        await client.send(f"BDAT {len(what)} LAST\r\n".encode() + what)
    else:
        await client.ask("DATA")
        await client.send(what.replace(b"\r\n.", b"\r\n.."), b".\r\n")
    return client.take()[-1]


def sent(server: Server, *what: bytes, peer: str = IP, **how: str) -> list[str]:
    async def talk(client: Client) -> list[str]:
        return [await send(client, one, **how) for one in what]

    return server.play(talk, peer)


def checked(server: Server) -> dict[str, str]:
    return {
        entry.facts["check"]: entry.facts["result"]
        for entry in server.notes.entries
        if entry.kind is Kind.CHECKED
    }


# -- what is told ----------------------------------------------------------------------------------


@pytest.mark.parametrize("bdat", ["", " BODY=BINARYMIME"])
@pytest.mark.parametrize("threshold", [1, 1_000_000])
def test_a_good_message_is_taken_with_its_results_on_top(
    tmp_path: Path, threshold: int, bdat: str
) -> None:
    server = checking(tmp_path, threshold=threshold)
    what = signed()
    assert sent(server, what, bdat=bdat)[0].startswith("250")
    (kept,) = server.store.bodies
    assert kept.startswith(b"Authentication-Results: mx.example.org;\r\n")
    top, received, rest = kept.partition(b"Received: from mail.good.example")
    assert received
    assert rest.endswith(what)
    told = b" ".join(top.split())
    for word in (b"iprev=pass", b"spf=pass", b"dkim=pass", b"dmarc=pass", b"header.d=good.example"):
        assert word in told
    assert checked(server) == {
        "helo": "pass", "iprev": "pass", "spf": "pass", "dkim": "pass", "dmarc": "pass",
    }  # fmt: skip
    spf = next(e for e in server.notes.entries if e.facts.get("check") == "spf")
    assert spf.message == server.store.messages[0].id
    assert "spf.pass" in [reason.key for reason in unpacked(spf.facts["reasons"])]
    assert server.store.messages[0].body.size == len(kept)
    assert server.store.messages[0].envelope.wishes.quarantine == ""
    assert not list(tmp_path.glob("*.new"))


@pytest.mark.parametrize("threshold", [1, 1_000_000])
def test_results_that_claim_to_be_ours_are_taken_away_and_others_stay(
    tmp_path: Path, threshold: int
) -> None:
    server = checking(tmp_path, threshold=threshold, received_spf=True)
    forged = (
        b"Authentication-Results: mx.example.org;\r\n\tdkim=pass header.d=bank.example\r\n"
        b"Authentication-Results: MX.Example.ORG; spf=pass\r\n"
        b"Received-SPF: pass (mx.example.org: all is well)\r\n"
        b"ulak-quarantine: virus\r\n"
    )
    honest = b"Authentication-Results: mx.elsewhere.example; spf=pass\r\n"
    assert sent(server, forged + honest + message())[0].startswith("250")
    (kept,) = server.store.bodies
    assert b"bank.example" not in kept
    assert kept.count(b"Authentication-Results: ") == 2
    assert kept.count(b"Received-SPF: ") == 1
    assert b"uarantine" not in kept
    assert kept.endswith(honest + message())


def test_what_is_verified_is_the_message_as_it_came(tmp_path: Path) -> None:
    """A signature over a field that is taken away holds, and one over another body does not."""
    server = checking(tmp_path, now=time.time())
    what = b"Authentication-Results: mx.example.org; spf=fail\r\n" + message()
    field = dkim.sign(
        what,
        b"s1",
        b"good.example",
        base64.b64encode(PRIVATE.private_bytes_raw()),
        signature_algorithm=b"ed25519-sha256",
        include_headers=[b"From", b"Authentication-Results"],
    )
    assert b"authentication-results" in field.lower()
    assert sent(server, field + what)[0].startswith("250")
    assert checked(server)["dkim"] == "pass"
    assert b"spf=fail" not in server.store.bodies[0]
    changed = checking(tmp_path)
    assert sent(changed, signed() + b"and more\r\n")[0].startswith("250")  # SPF holds it up
    assert checked(changed)["dkim"] == "fail"


def test_a_large_message_is_hashed_from_its_file(tmp_path: Path) -> None:
    body = b"".join(b"%060d\r\n" % number for number in range(90_000))
    server = checking(tmp_path)
    assert len(body) > 5_000_000
    assert sent(server, signed(body=body))[0].startswith("250")
    assert checked(server)["dkim"] == "pass"
    assert server.store.bodies[0].endswith(b"\r\n\r\n" + body)
    server = checking(tmp_path / "other")
    server.folder.mkdir()
    assert sent(server, signed(body=body)[:-3] + b"x\r\n")[0].startswith("250")
    assert checked(server)["dkim"] == "fail"


# -- what follows ----------------------------------------------------------------------------------


def test_dmarc_refuses_as_its_owner_asks_and_says_why(tmp_path: Path) -> None:
    server = checking(tmp_path)
    (said,) = sent(server, message("boss@strict.example"))
    assert said == (
        "550 5.7.1 DMARC: the message did not pass, and strict.example asks for such mail to be "
        "refused"
    )
    assert server.store.messages == []
    refused = next(e for e in server.notes.entries if e.kind is Kind.REFUSED)
    assert (refused.cause, refused.message != "") == ("dmarc-reject", True)
    told = [e for e in server.notes.entries if e.facts.get("check") == "dmarc"]
    assert told[0].message == refused.message


@pytest.mark.parametrize("threshold", [1, 1_000_000])
def test_dmarc_puts_apart_as_its_owner_asks(tmp_path: Path, threshold: int) -> None:
    server = checking(tmp_path, threshold=threshold)
    for author in ("boss@careful.example", "boss@testing.example"):  # t=y: one level less
        assert sent(server, message(author))[0].startswith("250 2.0.0")
        kept, body = server.store.messages[-1], server.store.bodies[-1]
        assert kept.envelope.wishes.quarantine == "dmarc-quarantine"
        assert body.startswith(b"Ulak-Quarantine: dmarc-quarantine\r\nAuthentication-Results:")
    told = [e.facts for e in server.notes.entries if e.kind is Kind.ACCEPTED]
    assert [facts["quarantine"] for facts in told] == ["dmarc-quarantine"] * 2


def test_who_asks_for_nothing_gets_nothing_done(tmp_path: Path) -> None:
    server = checking(tmp_path)
    sent(server, message("boss@watching.example"), message("boss@nowhere.example"))
    assert [m.envelope.wishes.quarantine for m in server.store.messages] == ["", ""]


def test_dns_trouble_puts_off_what_might_be_refused(tmp_path: Path) -> None:
    server = checking(tmp_path)
    sent(server, message())  # DNS works
    (said,) = sent(server, message("x@servfail.example"))
    assert said == (
        "451 4.7.1 DMARC of servfail.example could not be looked up: "
        "DNS could not say what _dmarc.servfail.example has (TXT): servfail"
    )
    # What is only marked waits for nobody: the sender's SPF cannot be had, and DMARC passes.
    assert sent(server, signed(), sender="x@servfail.example")[0].startswith("250")
    spf = checking(tmp_path, spf=Mode.ENFORCE)
    assert sent(spf, message("a@nowhere.example"), sender="x@servfail.example")[0].startswith(
        "451 4.7.24 SPF of servfail.example could not be evaluated: "
    )


def test_an_spf_that_says_no_refuses_only_where_that_is_wanted(tmp_path: Path) -> None:
    how = {"sender": "x@fail.example"}
    assert sent(checking(tmp_path), message("a@nowhere.example"), **how)[0].startswith("250")
    strict = partial(checking, tmp_path, spf=Mode.ENFORCE)
    assert sent(strict(), message("a@nowhere.example"), **how)[0] == (
        "550 5.7.23 SPF: fail.example does not let 192.0.2.9 send its mail"
    )
    assert sent(strict(), signed(), **how)[0].startswith("250")  # forwarded


def test_an_unsigned_message_is_refused_where_signatures_are_demanded(tmp_path: Path) -> None:
    said = sent(checking(tmp_path, dkim=Mode.ENFORCE), message(), signed())
    assert [line[:10] for line in said] == ["550 5.7.20", said[1][:10]]
    assert said[1].startswith("250")
    other = checking(tmp_path, dkim=Mode.ENFORCE, author_signs=True)
    (said_to_other,) = sent(other, signed("a@nowhere.example"))
    assert said_to_other.startswith("550 5.7.22")


def test_a_client_without_a_name_is_refused_where_that_is_wanted(tmp_path: Path) -> None:
    server = checking(tmp_path, iprev=Mode.ENFORCE)
    (said,) = sent(server, message("a@nowhere.example"), peer="192.0.2.77")
    assert said.startswith("550 5.7.25 The reverse DNS of 192.0.2.77")


def test_a_client_that_greets_with_our_name_is_refused_where_that_is_wanted(tmp_path: Path) -> None:
    server = checking(tmp_path, helo=Mode.ENFORCE)
    (said,) = sent(server, message("a@nowhere.example"), helo="mx.example.org")
    assert said.startswith("550 5.7.1 The name mx.example.org that you gave yourself cannot be")


def test_mail_that_nothing_vouches_for_is_refused_where_that_is_wanted(tmp_path: Path) -> None:
    server = checking(tmp_path, one_pass=True)
    (said,) = sent(server, message("a@nowhere.example"), sender="a@nowhere.example")
    assert said.startswith("550 5.7.26 The message passed none of the checks")


def test_the_null_sender_is_judged_by_the_name_of_its_client(tmp_path: Path) -> None:
    server = checking(tmp_path)
    assert sent(server, message("mailer@nowhere.example"), sender="")[0].startswith("250")
    spf = next(e for e in server.notes.entries if e.facts.get("check") == "spf")
    assert spf.facts["domain"] == "mail.good.example"


def test_an_author_beyond_ascii_is_told_in_a_message_that_may_have_it(tmp_path: Path) -> None:
    server = checking(tmp_path)

    async def talk(client: Client) -> str:
        await client.ask("EHLO mail.good.example")
        await client.ask("MAIL FROM:<çağrı@good.example> SMTPUTF8", "RCPT TO:<ada@example.org>")
        await client.ask("DATA")
        await client.send(message("çağrı@good.example"), b".\r\n")
        return client.take()[-1]

    assert server.play(talk, IP).startswith("250")
    assert "smtp.mailfrom=çağrı@good.example".encode() in b" ".join(server.store.bodies[0].split())


def test_dmarc_uses_what_is_off_for_itself_and_nobody_is_told(tmp_path: Path) -> None:
    server = checking(tmp_path, spf=Mode.OFF)
    assert sent(server, message())[0].startswith("250")
    assert checked(server)["dmarc"] == "pass"
    assert b" spf=" not in server.store.bodies[0]


@pytest.mark.parametrize("threshold", [1, 1_000_000])
def test_a_chain_of_seals_by_forwarders_that_are_trusted_takes_the_place_of_dmarc(
    tmp_path: Path, threshold: int
) -> None:
    """A list that changes the body and seals what it has found before."""
    table = {
        **TABLE,
        ("s1._domainkey.list.example", "TXT"): TABLE["s1._domainkey.good.example", "TXT"],
    }
    sealer = arc.Sealer(Key("list.example", "s1", PRIVATE), "mx.list.example")
    header, _, body = message("boss@strict.example").partition(b"\r\n\r\n")
    header += b"\r\n"

    def sealed(result: str) -> bytes:
        seen = (Resinfo("dmarc", result, (Property("header", "from", "strict.example"),)),)
        none = arc.Finding(arc.Result.NONE)
        return sealer.seal(header, body, none, seen, NOW) + header + b"\r\n" + body

    def replies(what: bytes, **rules: Any) -> str:
        folder = tmp_path / str(len(servers))
        folder.mkdir()
        server = checking(folder, Zone(table), threshold=threshold, **rules)
        (said,) = sent(server, what)
        servers.append(server)
        return " ".join(said.split()[:2])

    servers: list[Server] = []
    assert replies(sealed("pass")) == "550 5.7.1"
    trusted = {"trusted": frozenset({"list.example"})}
    assert replies(sealed("fail"), **trusted) == "550 5.7.1"
    assert replies(sealed("pass") + b"and more\r\n", **trusted) == "550 5.7.1"
    assert replies(sealed("pass"), **trusted) == "250 2.0.0"
    assert b"arc=pass" in b" ".join(servers[-1].store.bodies[0].split())
    assert checked(servers[-1])["arc"] == "pass"
    assert isinstance(servers[-1].collector, Collected)
    (told,) = servers[-1].collector
    assert told.disposition is Disposition.NONE
    assert [one.why for one in told.deviations] == [Override.TRUSTED_FORWARDER]
    assert replies(sealed("pass") + b"and more\r\n", arc=Mode.ENFORCE) == "550 5.7.26"


@pytest.mark.parametrize("threshold", [1, 1_000_000])
def test_what_is_passed_on_is_sealed_with_what_was_found_where_that_is_wanted(
    tmp_path: Path, threshold: int
) -> None:
    table = {**TABLE}
    table["s1._domainkey.example.org", "TXT"] = TABLE["s1._domainkey.good.example", "TXT"]
    key = Key("example.org", "s1", PRIVATE)

    def passed_on(to: str, *, seals: bool = True) -> bytes:
        folder = tmp_path / f"{to}{seals}"
        folder.mkdir()
        server = checking(folder, Zone(table), threshold=threshold, seals=seals)
        assert server.checks is not None
        server.checks.sealer = {"example.org": arc.Sealer(key, "mx.example.org")}.get
        assert sent(server, signed(), to=to)[0].startswith("250")
        return server.store.bodies[0]

    sealed = passed_on("away@example.org")
    assert sealed.startswith(b"ARC-Seal: i=1;")
    found = asyncio.run(arc.verify(Zone(table), sealed, now=NOW))
    assert found.passed, [str(reason) for reason in found.reasons]
    assert found.vouched("good.example")
    assert b"ARC-Seal" not in passed_on("ada@example.org")
    assert b"ARC-Seal" not in passed_on("away@example.org", seals=False)


# -- who is spared ---------------------------------------------------------------------------------


def test_mail_of_our_own_is_not_checked(tmp_path: Path) -> None:
    bad = message("boss@strict.example")
    relay = checking(tmp_path)
    relay.site.rules = SiteRules("mx.example.org", relay=(ip_network("192.0.2.0/24"),))
    exempt = checking(tmp_path, exempt=(ip_network("192.0.2.0/24"),))
    submission = checking(tmp_path)
    submission.offers = Offers(kind="submission")
    for server in (relay, exempt, submission):
        assert sent(server, bad)[0].startswith("250")
        assert checked(server) == {}
        assert server.store.bodies[0].startswith(b"Received:")


def test_what_our_own_hosts_say_of_checks_is_believed_and_nobody_else_s(tmp_path: Path) -> None:
    what = b"Authentication-Results: mx.example.org; spf=pass\r\n" + message()
    relay = checking(tmp_path)
    relay.site.rules = SiteRules("mx.example.org", relay=(ip_network("192.0.2.0/24"),))
    submission = checking(tmp_path)
    submission.offers = Offers(kind="submission")
    sent(relay, what)
    sent(submission, what)
    assert b"spf=pass" in relay.store.bodies[0]
    assert b"spf=pass" not in submission.store.bodies[0]


def test_without_any_dns_this_machine_is_not_kept_waiting_and_others_are_put_off(
    tmp_path: Path,
) -> None:
    slow = Slow()
    server = checking(tmp_path, slow, patience=3.0)
    bad = message("boss@strict.example")
    loop_time: list[float] = []

    async def talk(client: Client) -> list[str]:
        said = []
        for _ in range(2):
            begun = client.loop.time()
            said.append(await send(client, bad))
            loop_time.append(client.loop.time() - begun)
            asked.append(slow.asked)
        return said

    asked: list[int] = []
    said = server.play(talk, "127.0.0.1")
    assert [line[:3] for line in said] == ["250", "250"]
    assert loop_time[0] < 3 < loop_time[0] + 2
    assert asked[0] == asked[1] > 0
    told = [e.facts.get("unchecked") for e in server.notes.entries if e.kind is Kind.ACCEPTED]
    assert told == ["dns-unavailable"] * 2
    assert checked(server) == {}
    assert sent(server, bad)[0].startswith("451 4.7.1 DMARC of strict.example")


def test_without_a_name_server_this_machine_is_not_put_off(tmp_path: Path) -> None:
    nothing = Zone({("", "*"): Status.SERVFAIL, ("*", "*"): Status.SERVFAIL})
    server = checking(tmp_path, nothing)
    assert sent(server, message("a@b.example"), peer="127.0.0.1")[0].startswith("250")
    assert checked(server) == {}
    assert sent(server, message("a@b.example"))[0].startswith("451")


def test_a_resolver_that_only_knows_this_machine_is_no_dns(tmp_path: Path) -> None:
    table: dict[tuple[str, str], Any] = {("", "*"): Status.SERVFAIL, ("*", "*"): Status.SERVFAIL}
    table["1.0.0.127.in-addr.arpa", "PTR"] = ["localhost"]
    server = checking(tmp_path, Zone(table))
    assert sent(server, message("a@b.example"), peer="127.0.0.1")[0].startswith("250")
    assert checked(server) == {}


def test_one_domain_in_trouble_is_trouble_for_this_machine_too(tmp_path: Path) -> None:
    server = checking(tmp_path)
    what = message("x@servfail.example")
    how = {"sender": "x@servfail.example", "helo": "[127.0.0.1]", "peer": "127.0.0.1"}
    assert sent(server, what, **how)[0].startswith("451 4.7.1")


# -- what goes wrong -------------------------------------------------------------------------------


def test_an_error_in_a_check_is_an_incident_and_the_message_comes_again(tmp_path: Path) -> None:
    server = checking(tmp_path, Broken())
    said = sent(server, message(), signed())
    assert [line[:9] for line in said] == ["451 4.3.0"] * 2
    assert "INC1" in said[0]
    assert server.store.messages == []


def test_a_client_that_leaves_takes_its_checks_along(tmp_path: Path) -> None:
    slow = Slow()
    server = checking(tmp_path, slow)

    async def talk(client: Client) -> int:
        await client.ask("EHLO mail.good.example", "MAIL FROM:<a@good.example>")
        await asyncio.sleep(0)
        under_way = len(asyncio.all_tasks())
        await client.ask("RSET")
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        return under_way - len(asyncio.all_tasks())

    assert server.play(talk, IP) > 0


def test_a_disk_that_takes_no_second_copy_keeps_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    server = checking(tmp_path, threshold=1)

    def full(*_args: Any) -> None:
        raise OSError(28, "no space left on device")

    monkeypatch.setattr("ulak.server.incoming._copy", full)
    assert sent(server, message())[0].startswith("452 4.3.1")
    assert list(tmp_path.iterdir()) == []


# -- what owners are told --------------------------------------------------------------------------


def test_the_owners_of_domains_are_told_what_became_of_their_mail(tmp_path: Path) -> None:
    server = checking(tmp_path)
    sent(server, signed(), message("boss@strict.example"), message("boss@testing.example"))
    sent(server, message("x@servfail.example"), message("a@nowhere.example"))
    assert isinstance(server.collector, Collected)
    told = {one.from_domain: one for one in server.collector}
    assert list(told) == ["good.example", "strict.example", "testing.example"]
    good, strict, testing = told.values()
    assert (good.disposition, good.dkim_aligned, good.spf_aligned) == (
        Disposition.PASS, True, True,
    )  # fmt: skip
    assert strict.disposition is Disposition.REJECT
    assert testing.disposition is Disposition.QUARANTINE
    assert [each.why for each in testing.deviations] == [Override.POLICY_TEST_MODE]
    assert (good.ip, good.envelope_from) == (IP, "good.example")
    assert [(one.domain, one.selector, one.result) for one in good.signatures] == [
        ("good.example", "s1", "pass")
    ]


def test_a_message_that_comes_again_is_told_of_once(tmp_path: Path) -> None:
    server = checking(tmp_path)
    server.store.error = StorageError("no")
    assert sent(server, signed())[0].startswith("451")
    server.store.error = None
    assert sent(server, signed())[0].startswith("250")
    assert isinstance(server.collector, Collected)
    assert [one.message for one in server.collector] == [server.store.messages[0].id]
