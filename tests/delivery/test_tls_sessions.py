"""Each session with another server tells what became of its TLS, in the words of RFC 8460."""

from __future__ import annotations

import pytest
from tests.delivery.carrying import message, run
from tests.delivery.transporting import (
    AUTHORITY,
    DOMAIN,
    MX1,
    STRANGER,
    Known,
    shows,
    tlsa,
    valid,
    world,
)

from ulak.checks.mta_sts import Mode
from ulak.delivery.demands import Demands
from ulak.delivery.outcome import Outcome, Result
from ulak.delivery.target import Host, Target, Way
from ulak.delivery.tls import opportunistic
from ulak.delivery.transport.policy import Sts
from ulak.delivery.transport.seen import session_of
from ulak.dns import Status
from ulak.lab.certificate import certificate
from ulak.lab.mx import CLOSE, Behaviour
from ulak.mail.envelope import Wishes
from ulak.reports.tls.counting import Session

ENFORCE = Sts(DOMAIN, Mode.ENFORCE, "1", (MX1,), 86_400)
TESTING = Sts(DOMAIN, Mode.TESTING, "1", (MX1,), 86_400)
ELSEWHERE = Sts(DOMAIN, Mode.ENFORCE, "1", ("mx9.example.net",), 86_400)
UNKNOWN = Sts(DOMAIN, Mode.NONE, "1", problem="HTTP status 404", fault="sts-policy-fetch-error")
EXPIRED = shows(certificate(MX1, issuer=AUTHORITY, expired=True))
OTHER = shows(certificate("mx9.example.net", issuer=AUTHORITY))
NOBODYS = shows(certificate(MX1, issuer=STRANGER))
CUT = shows(valid(), at={"TLS": CLOSE})


def seen(
    behaviour: Behaviour,
    sts: Sts | None = None,
    *records: str | Status,
    times: int = 1,
    text: bytes = b"From: grace@example.org\r\n\r\nhello\r\n",
    **settings: object,
) -> tuple[list[Session], list[Outcome]]:
    """Send messages to one host; what is told of the sessions, and what came of the messages."""
    told: list[Session] = []

    async def main() -> list[Outcome]:
        known = Known({} if sts is None else {DOMAIN: sts})
        async with world(
            behaviour,
            authentic=bool(records),
            policies=known,
            sessions=told.append,
            **settings,  # type: ignore[arg-type]  # fields by their names
        ) as there:
            if records:
                there.records(MX1, *records)
            return [await there.send(what=message(text)) for _ in range(times)]

    outcomes = run(main)
    return told, outcomes


@pytest.mark.parametrize(
    ("behaviour", "sts", "kind", "result"),
    [
        (shows(valid()), None, "no-policy-found", ""),
        (Behaviour(), None, "no-policy-found", "starttls-not-supported"),
        (CUT, None, "no-policy-found", "validation-failure"),
        (shows(valid()), ENFORCE, "sts", ""),
        (Behaviour(), ENFORCE, "sts", "starttls-not-supported"),
        (EXPIRED, ENFORCE, "sts", "certificate-expired"),
        (OTHER, ENFORCE, "sts", "certificate-host-mismatch"),
        (NOBODYS, ENFORCE, "sts", "certificate-not-trusted"),
        (CUT, ENFORCE, "sts", "validation-failure"),
        (shows(valid()), ELSEWHERE, "sts", "validation-failure"),
        (shows(valid()), TESTING, "sts", ""),
        (EXPIRED, TESTING, "sts", "certificate-expired"),
        (Behaviour(), TESTING, "sts", "starttls-not-supported"),
        (shows(valid()), UNKNOWN, "sts", "sts-policy-fetch-error"),
    ],
)
def test_a_session_has_a_policy_and_a_result(
    behaviour: Behaviour, sts: Sts | None, kind: str, result: str
) -> None:
    (session,), _ = seen(behaviour, sts)
    assert (session.domain, session.host) == (DOMAIN, MX1)
    assert (session.policy.kind, session.result) == (kind, result), session
    if sts is ENFORCE:
        assert session.policy.hosts == (MX1,)
        assert session.policy.strings == (
            "version: STSv1", "mode: enforce", f"mx: {MX1}", "max_age: 86400",
        )  # fmt: skip
    if result and sts is not ELSEWHERE:
        assert (session.ip, session.own_ip) == ("127.0.0.1", "127.0.0.1")


@pytest.mark.parametrize(
    ("behaviour", "record", "result"),
    [
        (shows(valid()), tlsa(valid()), "validation-failure"),
        (shows(valid()), Status.SERVFAIL, "dnssec-invalid"),
        (Behaviour(), tlsa(valid()), "starttls-not-supported"),
        (NOBODYS, tlsa(STRANGER, 2, 0, 0), ""),
        (EXPIRED, tlsa(AUTHORITY, 2, 0, 0), "certificate-expired"),
        (OTHER, tlsa(AUTHORITY, 2, 0, 0), "certificate-host-mismatch"),
        (shows(valid()), "3 1 1 abcd", "tlsa-invalid"),
    ],
    ids=["other", "held back", "stripped", "anchored", "expired", "other name", "unusable"],
)
def test_a_session_with_records_tells_how_they_fit(
    behaviour: Behaviour, record: str | Status, result: str
) -> None:
    (session,), _ = seen(behaviour, None, record)
    assert (session.policy.kind, session.result) == ("tlsa", result), session


def test_a_session_is_told_of_once_however_many_messages_go_over_it() -> None:
    sessions, outcomes = seen(shows(valid()), ENFORCE, times=5)
    assert (len(sessions), {each.result for each in outcomes}) == (1, {Result.DELIVERED})
    sessions, outcomes = seen(EXPIRED, TESTING, times=2)
    assert (len(sessions), {each.result for each in outcomes}) == (1, {Result.DELIVERED})


def test_nothing_is_told_where_the_operator_wants_no_tls() -> None:
    assert seen(shows(valid()), ENFORCE, wishes={DOMAIN: "off"})[0] == []
    assert seen(shows(valid()), tls=None)[0] == []


# -- messages that say that TLS is no condition ---------------------------------------------------

REPORT = b"From: tls@example.org\r\nTLS-Required: No\r\n\r\nhello\r\n"
NO_REPORT = b"From: tls@example.org\r\n\r\nTLS-Required: No\r\n"


@pytest.mark.parametrize("behaviour", [EXPIRED, Behaviour(), CUT])
@pytest.mark.parametrize("sts", [ENFORCE, ELSEWHERE])
def test_a_message_may_say_that_tls_is_no_condition(behaviour: Behaviour, sts: Sts) -> None:
    """RFC 8689 §3; and RFC 8460 §5.3: a report of TLS that fails does not fail by it."""
    sessions, (outcome,) = seen(behaviour, sts, text=REPORT)
    assert outcome.result is Result.DELIVERED, outcome
    assert outcome.facts["tls-policy"] == "tls-required-no"
    assert outcome.facts["tls-set-aside"] == "mta-sts-enforce"
    assert sessions == [], "a report begets no report"
    assert seen(behaviour, sts, text=NO_REPORT)[1][0].result is Result.DEFERRED


@pytest.mark.parametrize("sts", [None, TESTING])
@pytest.mark.parametrize("behaviour", [shows(valid()), EXPIRED, Behaviour()])
def test_a_report_about_tls_is_no_reason_for_the_next(
    behaviour: Behaviour, sts: Sts | None
) -> None:
    """RFC 8460 §3: its session is not counted, also where no policy had to be set aside."""
    text = b"From: tls@example.org\r\nTLS-Report-Domain: example.net\r\n\r\nhello\r\n"
    sessions, (outcome,) = seen(behaviour, sts, text=text)
    assert (outcome.result, sessions) == (Result.DELIVERED, [])
    sessions, _ = seen(behaviour, sts, text=b"From: a@example.org\r\n\r\n" + text)
    assert len(sessions) == 1


def test_records_belong_to_the_host_and_names_are_in_ascii() -> None:
    (session,), _ = seen(shows(valid()), None, tlsa(valid()))
    assert (session.domain, session.policy.domain) == (DOMAIN, MX1)
    target = Target(Way.SMTP, "mx:x", domain="bücher.example")
    host = Host("mx.example", ("192.0.2.1",))
    told = session_of(0.0, target, host, Demands(tls=opportunistic()))
    assert told is not None
    assert told.domain == "xn--bcher-kva.example"


@pytest.mark.parametrize("record", [tlsa(valid()), Status.SERVFAIL], ids=["other", "held back"])
def test_records_are_no_condition_either(record: str | Status) -> None:
    assert seen(Behaviour(), None, record, text=REPORT)[1][0].result is Result.DELIVERED


def test_requiretls_stands_over_the_field() -> None:
    async def main() -> None:
        async with world(EXPIRED, policies=Known({DOMAIN: ENFORCE})) as there:
            outcome = await there.send(what=message(REPORT, wishes=Wishes(require_tls=True)))
            assert outcome.cause == "tls-unproven"

    run(main)


def test_the_operator_stands_over_the_field() -> None:
    outcomes = seen(Behaviour(), None, text=REPORT, wishes={DOMAIN: "encrypt"})[1]
    assert outcomes[0].result is Result.DEFERRED
