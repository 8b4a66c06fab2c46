"""Mail to hosts with signed TLSA records goes only to who shows the right certificate."""

from __future__ import annotations

import dataclasses
import ssl

import pytest
from cryptography import x509
from tests.delivery.carrying import QUICK, message, run
from tests.delivery.transporting import (
    AUTHORITY,
    DOMAIN,
    MX1,
    MX2,
    STRANGER,
    Known,
    deferred,
    shows,
    tlsa,
    valid,
    whole,
    world,
)

from ulak.checks.dane import Tlsa, read
from ulak.checks.mta_sts import Mode
from ulak.delivery.outcome import Outcome, Result
from ulak.delivery.transport.handshake import judge
from ulak.delivery.transport.policy import Dane, Sts
from ulak.delivery.transport.tlsa import find, strongest
from ulak.dns import Status, Zone
from ulak.dns.records import Answer
from ulak.lab.certificate import Certificate, authority, certificate, server_context
from ulak.lab.mx import CLOSE, Act, Behaviour
from ulak.mail.envelope import Wishes

OWN = certificate("anything.example")  # signed by itself, for another name
OLD = certificate(MX1, issuer=AUTHORITY, expired=True)


def sent(
    behaviour: Behaviour,
    *records: str | Status,
    authentic: bool = True,
    strict: bool = False,
    **settings: object,
) -> tuple[Outcome, int]:
    """Send one message to a host with such records; what came of it, and how many it took."""

    async def main() -> tuple[Outcome, int]:
        async with world(behaviour, authentic=authentic, **settings) as there:  # type: ignore[arg-type]  # fields by their names
            there.records(MX1, *records)
            what = message(wishes=Wishes(require_tls=True)) if strict else None
            outcome = await there.send(what=what)
            return outcome, sum(there.taken)

    return run(main)


# -- the certificate of the host itself (DANE-EE) -------------------------------------------------


@pytest.mark.parametrize("shown", [OWN, OLD, valid()], ids=["another's name", "expired", "valid"])
@pytest.mark.parametrize(("selector", "matching"), [(0, 0), (0, 1), (0, 2), (1, 0), (1, 1), (1, 2)])
def test_a_record_of_the_certificate_needs_no_authority_name_or_date(
    shown: Certificate, selector: int, matching: int
) -> None:
    outcome, taken = sent(shows(shown), tlsa(shown, 3, selector, matching))
    assert (outcome.result, outcome.tls, taken) == (Result.DELIVERED, "TLSv1.3", 1), outcome
    assert outcome.facts["tls-policy"] == "dane"
    assert outcome.facts["tlsa-host"] == MX1
    assert outcome.facts["tlsa-fit"] == tlsa(shown, 3, selector, matching)


def test_a_certificate_that_fits_no_record_gets_nothing() -> None:
    outcome, taken = sent(shows(valid()), tlsa(OWN), tlsa(OLD))
    deferred(outcome, "dane-failed")
    assert taken == 0
    assert "fits none of the TLSA records" in outcome.reply
    assert outcome.facts["tls-policy"] == "dane"
    assert tlsa(OWN) in outcome.facts["tlsa"]


def test_one_record_that_fits_is_enough() -> None:
    assert sent(shows(OWN), tlsa(OLD), "9 9 9 abcd", tlsa(OWN))[1] == 1


@pytest.mark.parametrize(
    ("at", "cause"),
    [
        (None, "dane-failed"),
        ({"STARTTLS": "502 5.5.1 Not here"}, "dane-failed"),
        ({"STARTTLS": "454 4.7.0 Not now"}, "dane-failed"),
        ({"STARTTLS": CLOSE}, "tls-failed"),
        ({"TLS": CLOSE}, "tls-failed"),
        ({"TLS": Act(raw=b"this is no TLS\r\n", close=True)}, "tls-failed"),
        ({}, "tls-failed"),
    ],
    ids=["stripped", "refused", "put off", "cut", "cut in TLS", "no TLS", "TLS 1.1"],
)
def test_whoever_strips_tls_wins_nothing(at: dict[str, str | Act] | None, cause: str) -> None:
    """Who offers no TLS breaks a promise; who breaks off a handshake may only be out of order."""
    behaviour = Behaviour() if at is None else Behaviour(tls=server_context(OWN, old=not at), at=at)
    outcome, taken = sent(behaviour, tlsa(OWN))
    deferred(outcome, cause)
    assert taken == 0
    assert outcome.facts["tls-policy"] == "dane"


def test_a_host_that_is_silent_in_its_handshake_is_given_up() -> None:
    quick = dataclasses.replace(QUICK, tls=0.3)
    outcome, _ = sent(
        Behaviour(at={"TLS": Act()}, tls=server_context(OWN)), tlsa(OWN), timeouts=quick
    )
    deferred(outcome, "tls-failed")
    assert "timed out" in outcome.reply


# Where the record has all of an authority, what is wrong can be said.
WITHOUT = dict.fromkeys([(0, 1), (1, 0), (1, 2)], "none of the TLSA records")
WITHOUT[0, 0] = "self-signed certificate in certificate chain"

# -- the certificate of who has signed it (DANE-TA) -----------------------------------------------


@pytest.mark.parametrize(("selector", "matching"), [(0, 0), (0, 1), (1, 0), (1, 2)])
def test_a_record_of_an_authority_wants_its_signature_and_the_name(
    selector: int, matching: int
) -> None:
    record = tlsa(STRANGER, 2, selector, matching)
    good = whole(certificate(MX1, issuer=STRANGER), STRANGER)
    assert sent(shows(good), record)[1] == 1
    for bad, why in (
        (whole(certificate("mx9.example.net", issuer=STRANGER), STRANGER), "is not for"),
        (whole(certificate(MX1, issuer=STRANGER, expired=True), STRANGER), "expired"),
        (whole(certificate(MX1, issuer=AUTHORITY), AUTHORITY), WITHOUT[selector, matching]),
        (whole(certificate(MX1), STRANGER), "self-signed"),
    ):
        outcome, taken = sent(shows(bad), record)
        deferred(outcome, "dane-failed")
        assert taken == 0
        assert why in outcome.reply, outcome.reply


@pytest.mark.parametrize("selector", [0, 1])
def test_a_record_with_all_of_the_authority_does_for_one_that_is_not_shown(selector: int) -> None:
    alone = certificate(MX1, issuer=STRANGER)
    assert sent(shows(alone), tlsa(STRANGER, 2, selector, 0))[1] == 1
    outcome, taken = sent(shows(alone), tlsa(AUTHORITY, 2, selector, 0))
    deferred(outcome, "dane-failed")
    assert taken == 0
    assert sent(shows(alone), tlsa(STRANGER, 2, selector, 1))[1] == 0  # a hash does not


@pytest.mark.parametrize("name", [DOMAIN, "*.example.net"])
def test_the_name_may_be_that_of_the_domain_or_have_a_wildcard(name: str) -> None:
    good = whole(certificate(name, issuer=STRANGER), STRANGER)
    assert sent(shows(good), tlsa(STRANGER, 2))[1] == 1


def test_an_authority_that_is_none_signs_nothing() -> None:
    """A certificate of a host must not vouch for others."""
    host = certificate("host.example", issuer=AUTHORITY)
    below = whole(certificate(MX1, issuer=host), host)
    assert sent(shows(below), tlsa(host, 2))[1] == 0


def test_nothing_shown_fits_nothing() -> None:
    assert judge((Tlsa(3, 1, 1, bytes(32)),), [], [MX1])[1] == "validation-failure"


def test_failures_have_the_names_that_reports_want() -> None:
    def chain(one: Certificate) -> list[x509.Certificate]:
        return x509.load_pem_x509_certificates(whole(one, STRANGER).certificate)

    record = read(tlsa(STRANGER, 2))
    assert record is not None
    for one, fault in (
        (certificate(MX1, issuer=STRANGER), ""),
        (certificate(MX1, issuer=STRANGER, expired=True), "certificate-expired"),
        (certificate(MX2, issuer=STRANGER), "certificate-host-mismatch"),
        (certificate(MX1), "certificate-not-trusted"),
        (certificate("ada@example.net", issuer=STRANGER), "certificate-host-mismatch"),
    ):
        assert judge([record], chain(one), [MX1])[1] == fault
    assert judge([record], chain(valid())[:1], [MX1])[1] == "validation-failure"


# -- which records hold ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    "records",
    [("0 1 1 " + "ab" * 32,), ("1 0 1 " + "ab" * 32, "3 1 9 abcd"), ("3 1 1 abcd",), ("4 1 1 ab",)],
)
def test_records_that_cannot_be_used_want_tls_and_no_proof(records: tuple[str, ...]) -> None:
    outcome, taken = sent(shows(OWN), *records)
    assert (outcome.tls, taken) == ("TLSv1.3", 1)
    assert outcome.facts["tls-policy"] == "dane-unusable"
    outcome, taken = sent(Behaviour(), *records)
    deferred(outcome, "dane-failed")
    assert taken == 0


@pytest.mark.parametrize("status", [Status.SERVFAIL, Status.REFUSED, Status.MALFORMED])
def test_whoever_holds_back_the_records_wins_nothing(status: Status) -> None:
    outcome, taken = sent(shows(valid()), status)
    deferred(outcome, "dane-failed")
    assert taken == 0
    assert f"_tcp.{MX1}" in outcome.reply


def test_without_signatures_there_are_no_records() -> None:
    """An MX record, or a TLSA record, that anybody could have sent decides nothing."""
    outcome, taken = sent(Behaviour(), tlsa(OWN), authentic=False)
    assert (outcome.result, taken) == (Result.DELIVERED, 1)
    assert "tls-policy" not in outcome.facts


def test_without_signatures_nobody_asks_for_records() -> None:
    async def main() -> None:
        async with world(Behaviour(), authentic=False) as there:
            await there.send()
            assert there.asked("MX") == [DOMAIN]
            assert there.asked("TLSA", "CNAME") == []

    run(main)


def test_records_are_asked_for_once_in_their_lifetime() -> None:
    async def main() -> None:
        async with world(shows(OWN)) as there:
            there.records(MX1, tlsa(OWN))
            for _ in range(3):
                there.directions._kept.clear()  # as if a minute had passed
                assert (await there.send()).result is Result.DELIVERED
            assert there.taken == [3]
            assert there.asked("TLSA") == [f"_{there.port}._tcp.{MX1}"]

    run(main)


def test_a_target_is_kept_no_longer_than_its_records() -> None:
    async def main() -> None:
        async with world(shows(OWN)) as there:
            there.zone.ttl = 0
            there.records(MX1, tlsa(OLD))
            deferred(await there.send(), "dane-failed")
            there.records(MX1, tlsa(OWN))
            there.later[0] += 1.1
            assert (await there.send()).result is Result.DELIVERED

    run(main)


def test_the_next_host_is_tried_where_one_is_not_proven() -> None:
    async def main() -> None:
        good = certificate(MX2)
        async with world(shows(OWN), shows(good)) as there:
            there.records(MX1, tlsa(OLD))
            there.records(MX2, tlsa(good))
            outcome = await there.send()
            assert (outcome.result, there.taken) == (Result.DELIVERED, [0, 1]), outcome
            assert outcome.facts["tlsa-host"] == MX2

    run(main)


def test_a_host_whose_records_are_held_back_is_passed_over() -> None:
    async def main() -> None:
        async with world(Behaviour(), Behaviour()) as there:
            there.records(MX1, Status.SERVFAIL)
            outcome = await there.send()
            assert (outcome.result, there.taken) == (Result.DELIVERED, [0, 1]), outcome

    run(main)


def test_tls_that_failed_is_not_left_out_where_records_want_it() -> None:
    """That a host is spoken to in the clear for a while is for those who do not say otherwise."""

    async def main() -> None:
        broken = Behaviour(at={"TLS": Act(close=True, times=2)}, tls=server_context(OWN))
        async with world(broken, authentic=False) as there:
            assert (await there.send()).tls == ""
            there.zone.authentic = True
            there.records(MX1, tlsa(OWN))
            there.directions._kept.clear()
            there.resolver._cache._answers.clear()
            deferred(await there.send(), "tls-failed")
            assert (await there.send()).tls == "TLSv1.3"

    run(main)


def test_a_message_may_be_larger_than_any_buffer() -> None:
    async def main() -> None:
        async with world(shows(OWN)) as there:
            there.records(MX1, tlsa(OWN))
            text = b"From: grace@example.org\r\n\r\n" + b"0123456789abcdef\r\n" * 200_000
            outcome = await there.send(what=message(text))
            assert outcome.result is Result.DELIVERED, outcome
            assert there.servers[0].messages[0].body == text

    run(main)


def test_mail_with_and_without_records_does_not_share_a_session() -> None:
    async def main() -> None:
        async with world(shows(OWN)) as there:
            there.records(MX1, tlsa(OWN))
            signed = await there.target()
            host = dataclasses.replace(signed.hosts[0], dane=None)
            unsigned = dataclasses.replace(signed, hosts=(host,), apart="")
            for target in (unsigned, signed, unsigned, signed):
                (outcome,) = await there.carrier.carry(message(), (f"ada@{DOMAIN}",), target)
                assert outcome.result is Result.DELIVERED
                assert outcome.facts.get("tls-policy", "") == ("dane" if target is signed else "")
            assert len(there.servers[0].sessions) == 2

    run(main)


def test_only_the_strongest_hash_of_a_kind_counts() -> None:
    kept = Tlsa(3, 1, 0, b"key")
    weak, strong = Tlsa(3, 1, 1, bytes(32)), Tlsa(3, 1, 2, bytes(64))
    other, anchor = Tlsa(3, 0, 1, bytes(32)), Tlsa(2, 1, 1, bytes(32))
    assert strongest((weak, kept, strong, other, anchor)) == (kept, strong, other, anchor)
    assert sent(shows(OWN), tlsa(OWN, 3, 1, 1), tlsa(OLD, 3, 1, 2))[1] == 0


# -- aliases --------------------------------------------------------------------------------------


class _Partly:
    """A resolver over two tables, of which one is signed."""

    def __init__(self, signed: Zone, others: Zone) -> None:
        self._signed, self._others = signed, others

    async def resolve(self, name: str, kind: str) -> Answer:
        answer = await self._signed.resolve(name, kind)
        return answer if answer.records or answer.failed else await self._others.resolve(name, kind)


RECORD = "3 1 1 " + "ab" * 32


@pytest.mark.parametrize(
    ("signed", "unsigned", "authentic", "base"),
    [
        ({"_25._tcp.end.example": RECORD, "_25._tcp.mx.example": RECORD}, {}, True, "end.example"),
        ({"_25._tcp.mx.example": RECORD}, {}, True, "mx.example"),
        ({"_25._tcp.mx.example": RECORD}, {"_25._tcp.end.example": RECORD}, True, "mx.example"),
        ({"_25._tcp.mx.example": RECORD, "mx.example": "end.example"}, {}, False, "mx.example"),
        ({"_25._tcp.mx.example": RECORD}, {"mx.example": "end.example"}, False, None),
        ({"_25._tcp.end.example": RECORD, "mx.example": "end.example"}, {}, False, None),
        ({}, {"_25._tcp.end.example": RECORD}, True, None),
    ],
)
def test_an_alias_has_its_records_where_it_ends_or_begins(
    signed: dict[str, str], unsigned: dict[str, str], *, authentic: bool, base: str | None
) -> None:
    def zone(table: dict[str, str], *, sure: bool) -> Zone:
        return Zone(
            {(name, "TLSA" if name[0] == "_" else "CNAME"): [text] for name, text in table.items()},
            authentic=sure,
        )

    async def main() -> Dane | None:
        resolver = _Partly(zone(signed, sure=True), zone(unsigned, sure=False))
        return await find(resolver, "mx.example", 25, end="end.example", authentic=authentic)

    found = run(main)
    assert (found and found.base) == base


@pytest.mark.parametrize("asked", [("mx.example", "CNAME"), ("_25._tcp.end.example", "TLSA")])
def test_an_alias_that_cannot_be_looked_up_is_trouble(asked: tuple[str, str]) -> None:
    async def main() -> Dane | None:
        zone = Zone({asked: Status.SERVFAIL}, authentic=True)
        return await find(zone, "mx.example", 25, end="end.example", authentic=asked[1] == "TLSA")

    found = run(main)
    assert found is not None
    assert asked[0] in found.problem


def test_a_domain_without_mx_records_is_its_own_host() -> None:
    async def main() -> None:
        async with world(shows(OWN)) as there:
            there.zone.put("bare.example", "A", ["127.0.0.1"])
            there.records("bare.example", tlsa(OWN))
            outcome = await there.send("bare.example")
            assert outcome.facts["tlsa-host"] == "bare.example", outcome
            there.zone.put("worse.example", "A", ["127.0.0.1"])
            there.records("worse.example", tlsa(OLD))
            deferred(await there.send("worse.example"), "dane-failed")

    run(main)


# -- with the other policies ----------------------------------------------------------------------

ENFORCED = Known({DOMAIN: Sts(DOMAIN, Mode.ENFORCE, "1", ("mx9.example.net",), 86_400)})


def test_mta_sts_never_stands_over_dane() -> None:
    """RFC 8461 §2: a policy that would do does not help, one that would not is no bar."""
    outcome, taken = sent(shows(OWN), tlsa(OWN), policies=ENFORCED)
    assert (taken, outcome.facts["tls-policy"]) == (1, "dane")
    fitting = Known({DOMAIN: Sts(DOMAIN, Mode.ENFORCE, "1", (MX1,), 86_400)})
    outcome, taken = sent(shows(valid()), tlsa(OWN), policies=fitting)
    deferred(outcome, "dane-failed")
    assert taken == 0


def test_mta_sts_holds_where_no_record_can_be_used() -> None:
    outcome, taken = sent(shows(OWN), "0 1 1 " + "ab" * 32, policies=ENFORCED)
    deferred(outcome, "mta-sts-failed")
    assert (taken, outcome.facts["tls-policy"]) == (0, "mta-sts-enforce")


def test_requiretls_is_satisfied_by_a_record() -> None:
    keeping = ("PIPELINING", "REQUIRETLS")
    outcome, taken = sent(shows(OWN, extensions=keeping), tlsa(OWN), strict=True)
    assert (outcome.result, taken) == (Result.DELIVERED, 1), outcome
    outcome, taken = sent(shows(valid(), extensions=keeping), tlsa(OWN), strict=True)
    assert (outcome.result, outcome.cause, taken) == (Result.FAILED, "tls-unproven", 0)
    deferred(
        sent(shows(valid(), extensions=keeping), Status.SERVFAIL, strict=True)[0], "dane-failed"
    )


def test_what_the_operator_says_stands_over_records() -> None:
    outcome, taken = sent(Behaviour(), tlsa(OWN), wishes={DOMAIN: "opportunistic"})
    assert (taken, outcome.tls) == (1, "")
    assert outcome.facts["tls-policy"] == "destination"
    assert sent(Behaviour(), tlsa(OWN), dane=False)[1] == 1
    assert sent(Behaviour(), tlsa(OWN), tls=None)[1] == 1


def test_the_context_is_no_older_than_tls_1_2() -> None:
    modern = server_context(OWN)
    modern.maximum_version = ssl.TLSVersion.TLSv1_2
    assert sent(Behaviour(tls=modern), tlsa(OWN))[0].tls == "TLSv1.2"


def test_an_intermediate_authority_may_be_named() -> None:
    middle = authority("Middle")
    leaf = whole(certificate(MX1, issuer=middle), middle)
    assert sent(shows(leaf), tlsa(middle, 2, 1, 1))[1] == 1


@pytest.mark.parametrize("kind", ["MX", "TLSA"])
def test_senders_do_not_read_which_servers_answer_us(kind: str) -> None:
    """What a resolver says goes into the journal, and the reply, which a report has, without it."""

    async def main() -> None:
        async with world(shows(OWN)) as there:
            if kind == "MX":
                there.zone.put(DOMAIN, "MX", Status.SERVFAIL)
            else:
                there.records(MX1, Status.SERVFAIL)
            outcome = await there.send()
            assert outcome.result is Result.DEFERRED
            assert "127.0.0.1" not in outcome.reply.replace("[127.0.0.1]", ""), outcome
            assert "servfail" in outcome.reply
            assert str(there.names.port) in outcome.facts["resolver"]

    run(main)
