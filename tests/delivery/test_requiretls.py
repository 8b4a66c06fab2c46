"""Messages that ask for REQUIRETLS go over proven TLS to who promises the same, or back."""

from __future__ import annotations

import functools
import ssl
from pathlib import Path

import pytest
from tests.delivery.carrying import ADA, BOB, PATIENT, QUICK, carrier, message, run, several, to

from ulak.delivery.directions import Directions
from ulak.delivery.line import Round
from ulak.delivery.outcome import Outcome, Result
from ulak.delivery.route import Route, Routes
from ulak.delivery.target import Host, Target, Told, Way
from ulak.delivery.tls import opportunistic, verifying
from ulak.dns import Zone
from ulak.lab.certificate import Certificate, authority, certificate, server_context
from ulak.lab.mx import CLOSE, SILENCE, Act, Behaviour, ScriptedServer
from ulak.mail.envelope import Wishes
from ulak.queue.item import Lease, Pending

KEEPING = ("PIPELINING", "REQUIRETLS")
STRICT = message(wishes=Wishes(require_tls=True))
REPORT = message(sender="", wishes=Wishes(require_tls=True))
AUTHORITY = authority()


@functools.cache
def issued(
    name: str, by: Certificate | None = AUTHORITY, *, expired: bool = False
) -> ssl.SSLContext:
    return server_context(certificate(name, issuer=by, expired=expired))


@pytest.fixture
def believed(tmp_path: Path) -> Path:
    file = tmp_path / "authorities.pem"
    file.write_bytes(AUTHORITY.certificate)
    return file


def proven(
    name: str = "mx1.example.net",
    extensions: tuple[str, ...] = KEEPING,
    at: dict[str, Act | str] | None = None,
) -> Behaviour:
    return Behaviour(extensions=extensions, tls=issued(name), at=at or {})


def strictly(
    believed: Path, *behaviours: Behaviour | None, told: Told = Told.DNSSEC, **settings: object
) -> tuple[Outcome, list[int]]:
    known: dict[str, object] = {"what": STRICT, "tls": opportunistic()}
    known["proven"] = lambda: verifying(believed)
    return several(*behaviours, told=told, **(known | settings))  # type: ignore[arg-type]  # fields by their names


def test_it_goes_over_proven_tls_and_asks_for_the_same(believed: Path) -> None:
    async def main() -> None:
        async with ScriptedServer(proven()) as mx:
            sender = carrier(proven=lambda: verifying(believed))
            (outcome,) = await sender.carry(STRICT, (ADA,), to(mx, told=Told.DNSSEC))
            assert outcome.result is Result.DELIVERED, outcome
            assert outcome.tls == "TLSv1.3"
            assert (mx.messages[0].parameters, mx.messages[0].tls) == ("REQUIRETLS", "TLSv1.3")
            await sender.close()

    run(main)


@pytest.mark.parametrize("told", [Told.OPERATOR, Told.ADDRESS, Told.DNSSEC])
def test_hosts_that_are_named_for_sure_are_asked(believed: Path, told: Told) -> None:
    assert strictly(believed, proven(), told=told)[1] == [1]


def test_unsigned_mx_records_prove_nothing(believed: Path) -> None:
    outcome, taken = strictly(believed, proven(), told=Told.DNS)
    assert (outcome.result, outcome.cause, taken) == (Result.FAILED, "tls-unproven", [0])
    assert outcome.reply.startswith("550 5.7.10")
    assert "DNSSEC" in outcome.reply
    assert outcome.dialogue == ()


UNPROVEN = {
    "another's certificate": Behaviour(extensions=KEEPING, tls=issued("mx9.example.net")),
    "an expired one": Behaviour(extensions=KEEPING, tls=issued("mx1.example.net", expired=True)),
    "nobody's": Behaviour(extensions=KEEPING, tls=issued("mx1.example.net", by=None)),
    "no TLS": Behaviour(extensions=KEEPING),
    "TLS refused": proven(at={"STARTTLS": "502 5.5.1 Not here"}),
}


@pytest.mark.parametrize("first", UNPROVEN.values(), ids=UNPROVEN)
def test_a_server_that_is_not_proven_gets_nothing_and_the_next_one_is_tried(
    believed: Path, first: Behaviour
) -> None:
    outcome, taken = strictly(believed, first, proven("mx2.example.net"))
    assert (outcome.result, taken) == (Result.DELIVERED, [0, 1])
    outcome, taken = strictly(believed, first)
    assert (outcome.result, outcome.cause, taken) == (Result.FAILED, "tls-unproven", [0])
    assert outcome.reply.startswith("550 5.7.10")
    assert not any(line.startswith("C: MAIL") for line in outcome.dialogue)


def test_a_server_without_requiretls_gets_nothing_and_the_next_one_is_tried(
    believed: Path,
) -> None:
    lacking = proven(extensions=("PIPELINING",))
    outcome, taken = strictly(believed, lacking, proven("mx2.example.net"))
    assert (outcome.result, taken) == (Result.DELIVERED, [0, 1])
    outcome, taken = strictly(believed, lacking)
    assert (outcome.result, outcome.cause, taken) == (Result.FAILED, "peer-lacks-requiretls", [0])
    assert outcome.reply.startswith("550 5.7.30")
    assert outcome.tls == "TLSv1.3"


@pytest.mark.parametrize(
    ("at", "cause"),
    [
        ({"STARTTLS": "454 4.7.0 TLS not available"}, "tls-failed"),
        ({"STARTTLS": CLOSE}, "tls-failed"),
        ({"TLS": CLOSE}, "tls-failed"),
        ({"TLS": Act(raw=b"this is no TLS\r\n", close=True)}, "tls-failed"),
        ({"connect": "450 4.7.0 Not you"}, "policy-deferred"),
        ({"connect": SILENCE}, "peer-timed-out"),
    ],
)
def test_what_may_be_right_another_time_puts_it_off_and_never_goes_in_the_clear(
    believed: Path, at: dict[str, Act | str], cause: str
) -> None:
    timeouts = QUICK if SILENCE in at.values() else PATIENT
    outcome, taken = strictly(believed, proven(at=at), timeouts=timeouts)
    assert (outcome.result, outcome.cause, taken) == (Result.DEFERRED, cause, [0])
    assert not any(line.startswith("C: MAIL") for line in outcome.dialogue)


def test_strict_and_other_mail_never_share_a_session(believed: Path) -> None:
    """Neither in turn, nor because TLS with the host has failed for others before."""

    async def main() -> None:
        broken = proven(at={"TLS": Act(close=True, times=1)})
        async with ScriptedServer(broken) as mx:
            sender = carrier(tls=opportunistic(), proven=lambda: verifying(believed))
            target = to(mx, told=Told.DNSSEC)
            for what in (message(), STRICT, message(), STRICT):
                (outcome,) = await sender.carry(what, (ADA,), target)
                assert outcome.result is Result.DELIVERED, outcome
            said = [(t.tls, t.parameters) for s in mx.sessions for t in s.taken]
            assert said == [("", "")] * 2 + [("TLSv1.3", "REQUIRETLS")] * 2
            await sender.close()

    run(main)


def test_an_address_literal_is_proven_by_its_address(believed: Path) -> None:
    async def main() -> None:
        behaviour = Behaviour(extensions=KEEPING, tls=issued("127.0.0.1"))
        async with ScriptedServer(behaviour) as mx:
            sender = carrier(proven=lambda: verifying(believed))
            host = Host("[127.0.0.1]", ("127.0.0.1",), mx.port)
            target = Target(Way.SMTP, "k", (host,), told=Told.ADDRESS)
            (outcome,) = await sender.carry(STRICT, (ADA,), target)
            assert outcome.result is Result.DELIVERED, outcome
            await sender.close()

    run(main)


def test_a_host_with_an_impossible_name_is_never_proven(believed: Path) -> None:
    async def main() -> None:
        async with ScriptedServer(proven()) as mx:
            sender = carrier(proven=lambda: verifying(believed))
            host = Host(".mx1.example.net", ("127.0.0.1",), mx.port)
            target = Target(Way.SMTP, "k", (host,), told=Told.DNSSEC)
            (outcome,) = await sender.carry(STRICT, (ADA,), target)
            assert (outcome.result, outcome.cause) == (Result.FAILED, "tls-unproven")
            await sender.close()

    run(main)


def test_a_report_goes_without_where_it_cannot_go_with(believed: Path) -> None:
    """RFC 8689 §5: it has only the header of the message in it."""
    plain = Behaviour(extensions=("PIPELINING",))
    for told in (Told.DNS, Told.DNSSEC):
        outcome, taken = strictly(believed, plain, what=REPORT, told=told)
        assert (outcome.result, taken) == (Result.DELIVERED, [1])
    outcome, taken = strictly(believed, plain, proven("mx2.example.net"), what=REPORT)
    assert (outcome.tls, taken) == ("TLSv1.3", [0, 1])


def test_a_report_without_does_not_claim_to_be_with(believed: Path) -> None:
    async def main() -> None:
        behaviour = Behaviour(extensions=KEEPING, tls=issued("mx9.example.net"))
        async with ScriptedServer(behaviour) as mx:
            sender = carrier(tls=opportunistic(), proven=lambda: verifying(believed))
            (outcome,) = await sender.carry(REPORT, (ADA,), to(mx, told=Told.DNSSEC))
            assert outcome.result is Result.DELIVERED
            assert mx.messages[0].parameters == ""
            await sender.close()

    run(main)


def test_the_mailboxes_behind_lmtp_are_where_it_arrives() -> None:
    async def main() -> None:
        async with ScriptedServer(Behaviour(lmtp=True)) as mx:
            sender = carrier()
            (outcome,) = await sender.carry(STRICT, (ADA,), to(mx, way=Way.LMTP))
            assert outcome.result is Result.DELIVERED
            await sender.close()

    run(main)


def test_recipients_whose_hosts_are_only_said_by_dns_do_not_ride_with_the_proven() -> None:
    sure = Target(Way.SMTP, "mx:mx.example.net:25", told=Told.DNSSEC)
    said = Target(Way.SMTP, "mx:mx.example.net:25", told=Told.DNS)
    pending = (Pending(ADA, "example.net"), Pending(BOB, "example.net"))
    ways = Directions(Route(Routes("mx"), lambda: 0.0), Zone({}), lambda: 0.0, str, 100)
    for what, jobs in ((STRICT, 2), (message(), 1)):
        around = Round(Lease(what, pending, 1))
        found = ways.jobs(around, list(zip(pending, (sure, said), strict=True)))
        assert len(found) == jobs
