"""What a diagnosis says of an address, a domain, a sender and a message."""

from __future__ import annotations

import asyncio
import json
import re
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.diagnose.internet import FORGED, FORGER, HEADER, MX, NOW, forged, genuine, sealed, zone

from ulak.app.diagnosing import answer
from ulak.checks.dmarc.record import read
from ulak.checks.dnsbl import Blocklist
from ulak.diagnose import address, domain, message, zonefile
from ulak.diagnose.diagnosis import SEVERITIES, Advice, Check, Diagnosis, to_dict
from ulak.diagnose.message import Envelope, sources
from ulak.diagnose.patience import Patience
from ulak.diagnose.printed import printed
from ulak.diagnose.words import TEXTS
from ulak.dns import Status, Zone
from ulak.language import LANGUAGES
from ulak.replies import catalog

PLACE = re.compile(r"\{([a-z_]+)\}")


def examine(octets: bytes, given: Envelope | None = None, dns: Zone | None = None) -> Diagnosis:
    return asyncio.run(
        message.diagnose(
            dns or zone(),
            octets,
            name="a.eml",
            given=given or Envelope(),
            now=NOW,
            gather=asyncio.gather,
            answering=answer,
        )
    )


def published(dns: Zone, name: str, *selectors: str) -> Diagnosis:
    return asyncio.run(
        domain.diagnose(dns, domain=name, selectors=selectors, gather=asyncio.gather)
    )


def results(diagnosis: Diagnosis) -> dict[str, str]:
    return {check.check: check.result for check in diagnosis.checks}


def steps(diagnosis: Diagnosis) -> list[str]:
    return [step.name for step in diagnosis.advice]


# -- texts ----------------------------------------------------------------------------------------


def test_every_language_has_every_text_with_the_same_places() -> None:
    english = TEXTS.all("en")
    for language in LANGUAGES:
        other = TEXTS.all(language)
        assert other.keys() == english.keys()
        for name, text in english.items():
            assert Counter(PLACE.findall(text)) == Counter(PLACE.findall(other[name])), name
            if name.startswith(("verdict.", "do.")):
                assert text[-1] in ".:}", name
                assert other[name][-1] in ".:}", name


def test_a_check_says_how_much_it_matters_and_where_to_read_more() -> None:
    made = Diagnosis(
        "ip",
        "192.0.2.1",
        (),
        (Check("dnsbl", "bl.example", "listed", None, (), {}, "note", "listed-by-dnsbl"),),
        (Advice("try-later", link="https://bl.example/remove", reference="550"),),
    )
    found = to_dict(made, "en")
    assert found["checks"][0]["severity"] == "note"
    assert found["checks"][0]["reference"] == "listed-by-dnsbl"
    assert found["steps"][0]["link"] == "https://bl.example/remove"
    assert found["steps"][0]["reference"] == "550"
    for language in LANGUAGES:
        text = printed(made, language)
        assert "ulak codes listed-by-dnsbl" in text
        assert "ulak codes 550" in text
        assert "      https://bl.example/remove\n" in text
        for severity in SEVERITIES:
            assert TEXTS.find(language, f"severity.{severity}")


def test_the_same_facts_are_there_for_programs() -> None:
    found = to_dict(examine(forged()), "tr")
    assert json.loads(json.dumps(found)) == found
    assert found["good"] is False
    assert found["reply"].startswith("550 5.7.1 ")
    assert found["cause"] == "dmarc-reject"
    assert found["sources"]["ip"] == {"value": FORGER, "from": "received"}
    checks = {check["check"]: check for check in found["checks"]}
    assert checks["dmarc"]["result"] == "fail"
    assert checks["dmarc"]["facts"]["policy"] == "reject"
    reason = checks["dmarc"]["reasons"][0]
    assert reason["key"] == "dmarc.author"
    assert reason["facts"] == {"domain": "well.example"}
    assert reason["text"] == "Yazarın alan adı well.example."
    assert found["steps"][0]["record"].startswith("isp.example. IN TXT ")


# -- where things about a message come from --------------------------------------------------------


@pytest.mark.parametrize(
    ("field", "ip", "helo"),
    [
        ("from a.example (b.example [192.0.2.1]) by c", "192.0.2.1", "a.example"),
        ("from a.example ([IPv6:2001:db8::1])\r\n\tby c", "2001:db8::1", "a.example"),
        ("from [192.0.2.1] ([192.0.2.1]) by c", "192.0.2.1", "[192.0.2.1]"),
        ("FROM a.example (HELO x) [192.0.2.1] by [192.0.2.9]", "192.0.2.1", "a.example"),
        ("from a.example by [192.0.2.9]", None, "a.example"),
        ("from a.example ([999.1.1.1] [192.0.2.1]) by c", "192.0.2.1", "a.example"),
        ("by c with LMTP", None, None),
        ("", None, None),
    ],
)
def test_a_received_field_names_the_client(field: str, ip: str | None, helo: str | None) -> None:
    octets = f"Received: {field}\r\nReceived: from z ([203.0.113.1]) by y\r\n\r\n".encode()
    envelope, told = sources(octets, Envelope())
    assert (envelope.ip, envelope.helo, envelope.mail_from) == (ip, helo, None)
    assert [source.where for source in told] == [
        "received" if ip else "",
        "received" if helo else "",
        "",
    ]


def test_what_is_given_counts_more_than_what_stands_in_the_message() -> None:
    envelope, told = sources(genuine(), Envelope("192.0.2.9", mail_from=""))
    assert envelope == Envelope("192.0.2.9", "mx.well.example", "")
    assert [source.where for source in told] == ["option", "received", "option"]
    envelope, _ = sources(b"Return-Path: <>\r\n\r\n", Envelope())
    assert envelope.mail_from == ""


@given(st.binary(max_size=300))
def test_any_received_field_is_read(value: bytes) -> None:
    envelope, _ = sources(b"Received: " + value + b"\r\nReturn-Path: " + value, Envelope())
    assert envelope.helo is None or len(envelope.helo) <= 255


# -- what follows ----------------------------------------------------------------------------------


def test_a_message_without_an_envelope_is_still_judged_by_its_signature() -> None:
    octets = genuine().partition(b"id 1; ")[2].partition(b"\r\n")[2]
    found = examine(octets)
    assert found.good
    assert results(found) == {"dkim": "pass", "dmarc": "pass"}
    assert steps(found) == ["message-ip"]


def test_a_broken_signature_beside_a_good_one_is_no_finding() -> None:
    octets = genuine()
    trace, signature = octets.split(b"DKIM-Signature:", 1)
    broken = b"DKIM-Signature:" + signature.partition(b"From:")[0].replace(b"b=", b"b=AAAA", 1)
    found = examine(trace + broken + b"DKIM-Signature:" + signature)
    assert [c.result for c in found.checks if c.check == "dkim"].count("pass") == 1
    assert found.good


def test_what_passed_for_somebody_else_is_advised_to_be_aligned() -> None:
    dns = zone()
    dns.put("isp.example", "TXT", [f"v=spf1 ip4:{FORGER} -all"])
    found = examine(forged(), dns=dns)
    assert results(found)["spf"] == "pass"
    assert "dmarc-align" in steps(found)


@pytest.mark.parametrize(
    ("record", "code"),
    [
        ("v=DMARC1; p=reject", 550),
        ("v=DMARC1; p=reject; t=y", 250),
        ("v=DMARC1; p=quarantine", 250),
        ("v=DMARC1; p=none", None),
        (Status.SERVFAIL, 451),
    ],
)
def test_the_answer_is_what_the_owner_asks_for(record: str | Status, code: int | None) -> None:
    dns = zone()
    entry = record if isinstance(record, Status) else [record]
    dns.put("_dmarc.well.example", "TXT", entry)
    found = examine(forged(), dns=dns)
    assert (found.reply.code if found.reply else None) == code
    assert not found.good


def test_a_chain_of_seals_is_told_and_its_breaking_takes_nothing_from_a_message() -> None:
    assert results(examine(sealed()))["arc"] == "pass"
    header, empty, body = sealed().partition(b"\r\n\r\n")
    broken = header.replace(b"cv=none", b"cv=pass", 1) + empty + body
    found = examine(broken)
    (check,) = (check for check in found.checks if check.check == "arc")
    assert (check.result, check.good) == ("fail", None)
    assert "arc" not in results(examine(genuine()))


def test_dns_that_is_silent_is_not_asked_for_ever() -> None:
    dns = Zone({("x", "*"): Status.TIMEOUT, ("example", "*"): Status.TIMEOUT})
    for name in ("well.example", "25.2.0.192.in-addr.arpa", "mx.well.example"):
        dns.put(name, "*", Status.TIMEOUT)
    dns.put("_dmarc.well.example", "*", Status.TIMEOUT)
    dns.put("s1._domainkey.well.example", "*", Status.TIMEOUT)
    patient = Patience(dns)
    found = asyncio.run(
        message.diagnose(
            patient,
            genuine(),
            name="a.eml",
            given=Envelope(),
            now=NOW,
            gather=asyncio.gather,
            answering=answer,
        )
    )
    assert patient.asked <= 6
    assert found.reply is not None
    assert found.reply.code == 451
    assert results(found)["dmarc"] == "temperror"
    assert "try-later" in steps(found)


def test_where_nobody_answers_the_rest_is_not_asked() -> None:
    async def ask(dns: Zone, first: str) -> int:
        patient = Patience(dns)
        await patient.resolve(first, "MX")
        answers = [await patient.resolve("silent.example", "A") for _ in range(600)]
        assert {answer.status for answer in answers} == {Status.TIMEOUT}
        return patient.asked

    assert asyncio.run(ask(zone(), "silent.example")) == 4
    assert asyncio.run(ask(zone(), "well.example")) == 500


@pytest.mark.parametrize(
    ("records", "mx"),
    [
        ({("d.example", "MX"): [(0, ""), (10, "mx.d.example")]}, ("permerror", False)),
        ({("d.example", "A"): [MX]}, ("implicit", None)),
        ({("d.example", "MX"): [(10, "a.example")], ("a.example", "A"): [MX]}, ("published", True)),
        ({("d.example", "MX"): [(10, "a.example")]}, ("published", False)),
        (
            {("d.example", "MX"): [(5, "a.example"), (6, "a.example")], ("a.example", "A"): [MX]},
            ("published", False),
        ),
        (
            {
                ("d.example", "MX"): [(n, f"h{n}.example") for n in range(30)],
                ("h1.example", "A"): [MX],
            },
            ("published", True),
        ),
    ],
)
def test_where_mail_goes(
    records: dict[tuple[str, str], object], mx: tuple[str, bool | None]
) -> None:
    found = published(Zone(records), "d.example")  # type: ignore[arg-type] # a table of several kinds
    (check,) = (check for check in found.checks if check.check == "mx")
    assert (check.result, check.good) == mx
    assert len(check.reasons) <= 21
    assert sum(check.check == "mx-host" for check in found.checks) <= 10


@pytest.mark.parametrize(
    ("record", "result", "good", "step"),
    [
        ("v=spf1 +all", "too-wide", False, "spf-too-wide"),
        ("v=spf1 ?all", "published", None, ""),
        (
            "v=spf1 " + " ".join(f"a:h{n}.example" for n in range(12)),
            "permerror",
            False,
            "spf-mend",
        ),
        ("v=spf1 " + "a:d.example " * 9 + "-all", "published", True, "spf-lookups"),
    ],
)
def test_spf_of_a_domain(record: str, result: str, good: bool | None, step: str) -> None:  # noqa: FBT001 -- a table's column
    dns = Zone({("d.example", "TXT"): [record], ("d.example", "A"): [MX]})
    found = published(dns, "d.example")
    (check,) = (check for check in found.checks if check.check == "spf")
    assert (check.result, check.good) == (result, good)
    assert not step or step in steps(found)


@pytest.mark.parametrize(
    ("record", "good", "advised"),
    [
        ("v=DMARC1; p=reject; rua=mailto:a@d.example", True, []),
        ("v=DMARC1; p=reject; pct=100; rua=mailto:a@d.example", True, ["dmarc-mend"]),
        ("v=DMARC1; p=none; rua=mailto:a@d.example", None, ["dmarc-enforce"]),
        ("v=DMARC1; p=reject", True, ["dmarc-reports"]),
        ("v=DMARC1; p=x", False, ["dmarc-mend", "dmarc-reports"]),
        ("v=DMARC1; sp=reject; rua=mailto:a@d.example", False, ["dmarc-mend"]),
        ("v=DMARC1; p=reject; sp=x; rua=mailto:a@d.example", False, ["dmarc-mend"]),
    ],
)
def test_dmarc_of_a_domain(record: str, good: bool | None, advised: list[str]) -> None:  # noqa: FBT001 -- a table's column
    found = published(Zone({("_dmarc.d.example", "TXT"): [record]}), "d.example")
    (check,) = (check for check in found.checks if check.check == "dmarc")
    assert (check.result, check.good) == ("published", good)
    assert [name for name in steps(found) if name.startswith("dmarc")] == advised


def test_who_gets_reports_about_others_has_to_want_them() -> None:
    """RFC 9989 §11.6."""
    record = (
        "v=DMARC1; p=reject; rua=mailto:a@mail.d.example,mailto:b@yes.example,mailto:c@no.example"
    )
    dns = Zone(
        {
            ("_dmarc.d.example", "TXT"): [record],
            ("d.example._report._dmarc.yes.example", "TXT"): ["v=DMARC1"],
        }
    )
    found = published(dns, "d.example")
    (check,) = (check for check in found.checks if check.check == "dmarc")
    assert check.good is False
    said = [(r.key, r.facts["host"]) for r in check.reasons if r.key.startswith("domain.")]
    assert said == [
        ("domain.reports-unwanted", "no.example"),
        ("domain.reports-wanted", "yes.example"),
    ]
    (step,) = (step for step in found.advice if step.name == "dmarc-elsewhere")
    assert step.record == 'd.example._report._dmarc.no.example. IN TXT "v=DMARC1"'
    dns.put("d.example._report._dmarc.no.example", "TXT", Status.TIMEOUT)
    (check,) = (c for c in published(dns, "d.example").checks if c.check == "dmarc")
    assert check.good


def test_several_dmarc_records_are_to_become_one() -> None:
    dns = Zone({("_dmarc.d.example", "TXT"): ["v=DMARC1; p=none", "v=DMARC1; p=reject"]})
    assert "dmarc-one" in steps(published(dns, "d.example"))


@pytest.mark.parametrize(
    ("selector", "records", "result", "good"),
    [
        ("a", ["v=DKIM1; k=rsa; p=AAAA"], "permerror", False),
        ("a", ["hello"], "permerror", False),
        ("a", Status.SERVFAIL, "temperror", False),
        ("a b..c", [], "permerror", False),
        ("x" * 70, [], "permerror", False),
    ],
)
def test_keys_of_a_domain(
    selector: str,
    records: list[str] | Status,
    result: str,
    good: bool,  # noqa: FBT001 -- a table's column
) -> None:
    dns = Zone({("a._domainkey.d.example", "TXT"): records})
    found = published(dns, "d.example", selector)
    (check,) = (check for check in found.checks if check.check == "dkim")
    assert (check.result, check.good) == (result, good)
    assert "dkim-selectors" not in steps(found)


def test_a_thousand_selectors_are_not_all_asked() -> None:
    dns = zone()
    published(dns, "well.example", *(f"s{n}" for n in range(1000)))
    assert len(dns.asked) < 60


def test_a_list_is_only_believed_when_its_test_entries_are_right() -> None:
    dead = Zone({})
    found = asyncio.run(
        address.diagnose(dead, ip=MX, zones=[Blocklist("dead.example")], gather=asyncio.gather)
    )
    assert results(found)["dnsbl"] == "could-not-ask"
    assert "list-silent" in steps(found)


# -- lines to publish ----------------------------------------------------------------------------


def test_a_line_is_cut_into_strings_that_fit() -> None:
    long = zonefile.line("a.example", "TXT", "x" * 300 + '"')
    assert long == f'a.example. IN TXT "{"x" * 255}" "{"x" * 45}\\""'
    assert zonefile.line("a.example", "MX", "10 b.") == "a.example. IN MX 10 b."


@given(
    st.text(
        "v=DMARC1;p=rejectnonequarantinespnptyadkimaspffo01:ds rua=mailto:a@b.example,!5m;x",
        max_size=120,
    )
)
def test_a_record_that_is_written_anew_means_the_same_and_has_no_mistake(text: str) -> None:
    record = read(b"v=DMARC1;" + text.encode())
    assert record is not None
    again = read(zonefile.dmarc(record).encode())
    assert again is not None
    if record.sound:
        for exists in (True, False):
            assert again.asks(below=True, exists=exists) == record.asks(below=True, exists=exists)
    assert (again.rua != (), again.psd, again.testing) == (
        record.rua != (),
        record.psd,
        record.testing,
    )
    assert {m.key for m in again.mistakes} <= {"dmarc.uri-scheme"}


def test_an_address_is_put_in_front_of_what_ends_a_record() -> None:
    assert zonefile.spf_with("v=spf1 mx -all", "ip4:192.0.2.1") == "v=spf1 ip4:192.0.2.1 mx -all"
    assert zonefile.spf_with("v=spf1", "ip4:192.0.2.1") == "v=spf1 ip4:192.0.2.1"


# -- hostile ---------------------------------------------------------------------------------------


def test_a_refusal_is_a_finding_whatever_the_checks_say() -> None:
    reply = catalog.SPF_FAIL.reply(domain="well.example", ip=MX)
    found = asyncio.run(
        message.diagnose(
            zone(),
            genuine(),
            name="a.eml",
            given=Envelope(),
            now=NOW,
            gather=asyncio.gather,
            answering=lambda _judged: reply,
        )
    )
    assert all(check.good is not False for check in found.checks)
    assert not found.good


def test_a_strangers_text_controls_no_terminal() -> None:
    made = Diagnosis("spf", "x", (), (), (Advice("try-later", record="\x1b[31m"),))
    assert "\x1b" not in printed(made, "en")
    octets = FORGED.replace(b"well.example (", b"\x1b[31mx\xe2\x80\xae (") + HEADER + b"\r\n"
    shown = printed(examine(octets), "en")
    assert "\x1b" not in shown
    assert "\u202e" not in shown
