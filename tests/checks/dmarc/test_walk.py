"""The walk asks at most eight names and finds the organizational domain (RFC 9989 §4.10)."""

from __future__ import annotations

import asyncio
import itertools

import pytest
from tests.checks.dmarc.asking import Spf, Table, judge, keys, zone

from ulak.checks.dmarc import Walk, Walker
from ulak.checks.dmarc.walk import targets
from ulak.dns import Status

DMARC = "v=DMARC1; p=reject"


def walk(table: Table, domain: str) -> Walk:
    return asyncio.run(Walker(zone(table)).walk(domain))


def test_a_long_name_is_asked_itself_and_then_its_last_seven_labels() -> None:
    """§4.10's example, whole."""
    assert targets("a.b.c.d.e.f.g.h.i.j.mail.example.com") == (
        "a.b.c.d.e.f.g.h.i.j.mail.example.com",
        "g.h.i.j.mail.example.com",
        "h.i.j.mail.example.com",
        "i.j.mail.example.com",
        "j.mail.example.com",
        "mail.example.com",
        "example.com",
        "com",
    )


@pytest.mark.parametrize("labels", range(1, 120))
def test_no_walk_asks_more_than_eight_names(labels: int) -> None:
    domain = ".".join(f"l{i}" for i in range(labels))
    names = targets(domain)
    assert len(names) == min(labels, 8)
    assert names[0] == domain
    assert names[-1] == f"l{labels - 1}"
    for longer, shorter in itertools.pairwise(names[1:]):
        assert longer.split(".")[1:] == shorter.split(".")


@pytest.mark.parametrize(
    ("records", "domain", "organizational", "asked"),
    [
        # The three examples at the end of §4.10.2.
        (
            {"mail.example.com": DMARC, "example.com": DMARC},
            "a.mail.example.com",
            "example.com",
            4,
        ),
        (
            {"mail.example.com": DMARC + "; psd=n", "example.com": DMARC},
            "a.mail.example.com",
            "mail.example.com",
            2,
        ),
        ({"com": "v=DMARC1; p=none; psd=y"}, "a.mail.example.com", "example.com", 4),
        # And the one in rule 2.
        ({"example.com": DMARC + "; psd=y"}, "a.mail.example.com", "mail.example.com", 3),
        # Where the walk began, psd=y does not make a name of what is below.
        ({"example.com": DMARC + "; psd=y"}, "example.com", "example.com", 1),
        ({"example.com": DMARC + "; psd=n"}, "example.com", "example.com", 1),
        ({"example.com": DMARC + "; psd=u"}, "example.com", "example.com", 2),
        ({}, "a.example.com", "a.example.com", 3),
        # B.4.3
        (
            {"bank.example": DMARC + "; psd=y", "giant.bank.example": DMARC},
            "mail.giant.bank.example",
            "giant.bank.example",
            3,
        ),
        (
            {"bank.example": DMARC + "; psd=y", "giant.bank.example": DMARC},
            "mail.mega.bank.example",
            "mega.bank.example",
            3,
        ),
        # B.4.2: what the shortcut passes over is not seen.
        (
            {"example.com": DMARC, "f.g.h.i.j.k.example.com": DMARC + "; psd=n"},
            "a.b.c.d.e.f.g.h.i.j.k.example.com",
            "example.com",
            8,
        ),
        # Two records at a name are none (steps 2 and 6), and what is none does not stop the walk.
        (
            {"mail.example.com": [DMARC + "; psd=n", DMARC], "example.com": DMARC},
            "mail.example.com",
            "example.com",
            3,
        ),
        ({"mail.example.com": "psd=n; v=DMARC1", "com": "x"}, "mail.example.com", None, 3),
    ],
)
def test_the_organizational_domain(
    records: Table, domain: str, organizational: str | None, asked: int
) -> None:
    done = walk(records, domain)
    assert done.complete
    assert done.organizational == (organizational or domain)
    assert len(done.steps) == asked


@pytest.mark.parametrize(
    ("record", "domain", "why"),
    [
        ("psd=n", "a.example.com", "psd-n"),
        ("psd=y", "a.example.com", "psd-y"),
        ("psd=y", "example.com", "shortest"),
        ("psd=u", "a.example.com", "shortest"),
    ],
)
def test_the_rule_that_found_it_is_said(record: str, domain: str, why: str) -> None:
    done = walk({"example.com": f"{DMARC}; {record}"}, domain)
    assert done.why.key == f"dmarc.organizational-{why}"


def test_nobody_is_asked_about_a_domain_that_only_ends_alike() -> None:
    dns = zone({"example.com": DMARC})
    judge(dns, "example.com", spf=Spf("pass", "notexample.com"))
    assert [name for name, _ in dns.asked] == ["_dmarc.example.com", "_dmarc.com"]


def test_an_answer_that_does_not_come_ends_the_walk() -> None:
    done = walk({"example.com": Status.TIMEOUT, "com": DMARC}, "a.example.com")
    assert not done.complete
    assert [step.domain for step in done.steps] == ["a.example.com", "example.com"]


def test_a_walker_asks_no_name_twice() -> None:
    dns = zone({"example.com": DMARC})
    judge(dns, "a.example.com", spf=Spf("pass", "b.example.com"))
    assert sorted(dns.asked) == sorted(set(dns.asked))
    assert len(dns.asked) == 4


def test_every_question_is_in_the_reasons_and_in_the_trace() -> None:
    finding = judge(
        {"example.com": DMARC, "b.example.com": ["x", DMARC, DMARC]},
        "a.example.com",
        spf=Spf("pass", "b.example.com"),
    )
    assert [answer.name for answer in finding.trace] == [
        "_dmarc.a.example.com",
        "_dmarc.example.com",
        "_dmarc.com",
        "_dmarc.b.example.com",
    ]
    assert keys(finding) == [
        "author",
        "no-record-there",
        "found",
        "no-record-there",
        "organizational-shortest",
        "dkim-no-signature",
        "several",
        "organizational-shortest",
        "aligned",
        "asks",
        "pass",
    ]


def test_a_text_that_was_meant_to_be_a_record_is_told() -> None:
    finding = judge({"example.com": "v=dmarc1; p=reject"}, "example.com")
    assert keys(finding)[1:3] == ["misspelt", "no-record-there"]
    assert finding.result == "none"
