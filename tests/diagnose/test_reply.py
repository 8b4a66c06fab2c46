"""Each kind of check confirms a reply, refutes it, or says that nothing is known."""

from __future__ import annotations

import asyncio

import pytest
from tests.diagnose.internet import BODY, FORGER, HEADER, MX, NOW, SIGNER, zone

from ulak.diagnose.reply import Confirmation, Given, Verdict, confirm, evidence, returned
from ulak.diagnose.reply.verdict import in_all
from ulak.dns import Status, Zone

YES, NO = Verdict.CONFIRMED, Verdict.NOT_CONFIRMED
OPEN, SILENT = Verdict.UNKNOWABLE, Verdict.COULD_NOT_ASK
SIGNED = SIGNER.sign(HEADER, BODY, NOW) + HEADER + b"\r\n" + BODY
CHANGED = SIGNED + b"-- \r\nfooter\r\n"
ADA = "ada@well.example"


def internet() -> Zone:
    made = zone()
    made.put("servfail.example", "*", Status.SERVFAIL)
    made.put("_dmarc.servfail.example", "*", Status.SERVFAIL)
    made.put("s._domainkey.servfail.example", "*", Status.SERVFAIL)
    made.put("s._domainkey.silent.example", "*", Status.TIMEOUT)
    made.put("inside.example", "MX", [(10, "mx.inside.example")])
    made.put("mx.inside.example", "A", ["10.0.0.1"])
    made.put("gone.example", "MX", [(10, "mx.gone.example")])
    made.put("9.113.0.203.in-addr.arpa", "PTR", ["203-0-113-9.dsl.isp.example"])
    made.put("203-0-113-9.dsl.isp.example", "A", ["203.0.113.9"])
    return made


def checked(
    cause: str,
    given: Given = Given(),  # noqa: B008 -- frozen
    message: bytes = b"",
    recipient: str = "",
    **facts: str,
) -> Confirmation:
    mail = (
        b"--b\r\nContent-Type: message/rfc822\r\n\r\n" + message + b"\r\n--b--" if message else b""
    )
    known = evidence(facts, given, returned(mail), recipient=recipient, now=NOW)
    return asyncio.run(confirm(internet(), known, cause, now=NOW, gather=asyncio.gather))


@pytest.mark.parametrize(
    ("cause", "given", "verdict"),
    [
        ("reverse-dns-fail", Given(ip=FORGER), YES),
        ("reverse-dns-fail", Given(ip=MX), NO),
        ("reverse-dns-fail", Given(), SILENT),
        ("dynamic-address", Given(ip="203.0.113.9"), YES),
        ("dynamic-address", Given(ip="203.0.113.10"), YES),
        ("dynamic-address", Given(ip=MX), NO),
        ("helo-refused", Given(ip=MX, helo="localhost"), YES),
        ("helo-refused", Given(ip=MX, helo="mx.well.example"), NO),
        ("helo-error", Given(ip=MX, helo="servfail.example"), YES),
        ("helo-error", Given(ip=MX, helo="silent.example"), SILENT),
        ("spf-fail", Given(ip=FORGER, mail_from=ADA), YES),
        ("spf-fail", Given(ip=MX, mail_from=ADA), NO),
        ("spf-fail", Given(ip=MX, mail_from="a@servfail.example"), SILENT),
        ("spf-error", Given(ip=MX, mail_from="a@servfail.example"), YES),
        ("spf-error", Given(ip=MX, mail_from="a@silent.example"), SILENT),
        ("spf-error", Given(ip=MX, mail_from="a@ill.example"), YES),
        ("spf-error", Given(ip=FORGER, mail_from=ADA), NO),
        ("no-dmarc-record", Given(from_domain="bare.example"), YES),
        ("no-dmarc-record", Given(from_domain="well.example"), NO),
        ("no-dmarc-record", Given(from_domain="servfail.example"), SILENT),
        ("dkim-fail", Given(from_domain="ill.example", selectors=("old",)), YES),
        ("dkim-fail", Given(from_domain="well.example", selectors=("s1",)), OPEN),
        ("dkim-error", Given(from_domain="well.example", selectors=("s1",)), NO),
        ("dkim-error", Given(from_domain="servfail.example", selectors=("s",)), YES),
        ("dkim-error", Given(from_domain="silent.example", selectors=("s",)), SILENT),
        ("domain-not-found", Given(domain="bare.example"), YES),
        ("domain-not-found", Given(domain="well.example"), NO),
        ("domain-not-found", Given(domain="nomail.example"), NO),
        ("domain-not-found", Given(domain="servfail.example"), SILENT),
        ("null-mx", Given(domain="nomail.example"), YES),
        ("null-mx", Given(domain="well.example"), NO),
        ("no-mail-host", Given(domain="gone.example"), YES),
        ("no-mail-host", Given(domain="well.example"), NO),
        ("address-unreachable", Given(domain="inside.example"), YES),
        ("dns-failed", Given(domain="servfail.example"), YES),
        ("dns-failed", Given(domain="silent.example"), SILENT),
        ("dns-failed", Given(domain="well.example"), NO),
        ("sender-domain-unknown", Given(mail_from="a@bare.example"), YES),
        ("sender-null-mx", Given(mail_from="a@nomail.example"), YES),
        ("sender-null-mx", Given(mail_from=ADA), NO),
        ("greylisted", Given(ip=FORGER), OPEN),
        ("low-reputation-ip", Given(ip=FORGER), OPEN),
        ("mailbox-full", Given(), OPEN),
        ("ready", Given(), Verdict.NEEDLESS),
        ("unauthenticated", Given(ip=MX, mail_from=ADA), NO),
        ("unauthenticated", Given(ip=FORGER, mail_from=ADA), SILENT),
    ],
)
def test_a_cause_is_checked(cause: str, given: Given, verdict: Verdict) -> None:
    assert checked(cause, given).verdict is verdict


@pytest.mark.parametrize(
    ("cause", "message", "given", "verdict"),
    [
        ("dkim-fail", SIGNED, Given(), NO),
        ("dkim-fail", CHANGED, Given(), YES),
        ("dkim-fail", HEADER + b"\r\n" + BODY, Given(), YES),
        ("dmarc-reject", SIGNED, Given(ip=FORGER, mail_from="a@isp.example"), NO),
        ("dmarc-reject", CHANGED, Given(ip=FORGER, mail_from="a@isp.example"), YES),
        ("dmarc-reject", CHANGED, Given(ip=MX, mail_from=ADA), NO),
        ("dmarc-reject", CHANGED, Given(), SILENT),
        ("unauthenticated", CHANGED, Given(ip=FORGER, mail_from=ADA), YES),
        ("unauthenticated", SIGNED, Given(ip=FORGER, mail_from=ADA), NO),
    ],
)
def test_a_message_that_came_back_whole_is_verified(
    cause: str, message: bytes, given: Given, verdict: Verdict
) -> None:
    assert checked(cause, given, message).verdict is verdict


def test_silence_is_never_taken_for_an_answer() -> None:
    assert in_all([NO, SILENT], every=False) is SILENT
    assert in_all([YES, SILENT], every=False) is YES
    assert in_all([YES, SILENT], every=True) is SILENT
    assert in_all([NO, SILENT], every=True) is NO
    assert in_all([OPEN, NO], every=False) is NO
    assert in_all([], every=False) is OPEN


@pytest.mark.parametrize("address", ["a;reboot@b.example", "$(x)@b.example", "-a@b.example"])
def test_no_command_is_made_of_what_a_shell_would_obey(address: str) -> None:
    made = checked("no-such-mailbox", recipient=address)
    assert [step.record for step in made.diagnosis.advice if "ulak" in step.record] == []
