"""What we report is what the schema allows, and what we read back."""

from __future__ import annotations

import gzip
import re
from dataclasses import replace
from email import message_from_bytes
from email.message import Message
from email.policy import default

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.reports import schema
from tests.reports.days import AUTHOR, FORGED, MORNING, NOON, SEEN, counted

from ulak.reports.aggregate import Aggregate
from ulak.reports.letter import filename, letter, packed, subject
from ulak.reports.making import report_of
from ulak.reports.observation import (
    Deviation,
    Disposition,
    Observation,
    Override,
    Sender,
    Signature,
)
from ulak.reports.reading import read_file, read_mail
from ulak.reports.reading.aggregate import read
from ulak.reports.writing import write


def made(*observations: Observation) -> Aggregate:
    (day,) = counted(*observations).take()
    return report_of(day, AUTHOR)


TESTED = replace(
    FORGED,
    record=SEEN.record + "; t=y; sp=none; adkim=s; ruf=mailto:a@example.org; fo=1:d:s",
    disposition=Disposition.NONE,
    deviations=(Deviation(Override.POLICY_TEST_MODE), Deviation(Override.OTHER, '<&> "x"')),
    envelope_from="",
    sender=None,
    signatures=(Signature("a.example", "s", "permerror", "no key"),),
)


@pytest.mark.parametrize("observations", [(SEEN,), (FORGED, SEEN, SEEN), (TESTED, SEEN)])
def test_what_we_write_is_valid_and_we_read_it_back(observations: tuple[Observation, ...]) -> None:
    report = made(*observations)
    document = write(report)
    assert schema.mistakes(document) == []
    assert read(document) == report
    assert read_file(packed(report)) == (report,)


def test_a_report_says_what_was_published() -> None:
    published = made(TESTED).published
    assert (published.domain, published.p, published.sp, published.np) == (
        "example.org",
        "reject",
        "none",
        "quarantine",
    )
    assert (published.adkim, published.aspf, published.fo) == ("s", "r", "1:d:s")
    assert (published.testing, published.discovery) == ("y", "treewalk")


def test_a_report_covers_a_day_of_utc() -> None:
    report = made(SEEN)
    assert (report.begin, report.end) == (MORNING, MORNING + 86_399)


def test_mistakes_in_a_record_are_told_to_its_owner() -> None:
    report = made(replace(SEEN, record=SEEN.record + "; pct=50; sp=nonsense"))
    assert any("pct" in error for error in report.errors)
    assert report.published.p == "none", "an unsound record stands for p=none"
    assert schema.mistakes(write(report)) == []


def test_what_had_no_room_is_told() -> None:
    (day,) = counted(SEEN).take()
    day.left_out = 7
    assert report_of(day, AUTHOR).errors == ("7 more messages were seen, and not kept apart.",)


words = st.text(max_size=40)
results = st.sampled_from(["none", "pass", "fail", "neutral", "temperror", "permerror"])
names = st.text(alphabet=st.characters(exclude_categories=["Cs"]), max_size=30)


@given(
    st.builds(
        replace,
        st.just(SEEN),
        from_domain=names,
        envelope_from=names,
        ip=st.ip_addresses().map(str),
        disposition=st.sampled_from(Disposition),
        signatures=st.lists(st.builds(Signature, names, words, results, words), max_size=3).map(
            tuple
        ),
        sender=st.none() | st.builds(Sender, names, results, words),
        deviations=st.lists(st.builds(Deviation, st.sampled_from(Override), words), max_size=3).map(
            tuple
        ),
    )
)
def test_whatever_was_seen_the_report_is_valid_and_can_be_read(observation: Observation) -> None:
    report = made(observation)
    document = write(report)
    assert schema.mistakes(document) == []
    again = read(document)
    assert again.messages == 1
    assert again.rows[0].ip == report.rows[0].ip
    assert len(again.rows[0].signatures) == len(observation.signatures)


# -- the mail ---------------------------------------------------------------------------------


def parsed(octets: bytes) -> Message:
    return message_from_bytes(octets, policy=default)


def test_the_mail_is_named_as_the_rfc_wants_it() -> None:
    report = made(SEEN, FORGED)
    octets = letter(report, packed(report), AUTHOR, "dmarc@example.org", NOON)
    mail = parsed(octets)
    begin, end = int(MORNING), int(MORNING) + 86_399
    assert mail["From"] == "DMARC reports <dmarc@mx.example.net>"
    assert mail["To"] == "dmarc@example.org"
    rid = f"{begin}-example.org@mx.example.net"
    assert mail["Subject"] == (
        f"Report Domain: example.org Submitter: mx.example.net Report-ID: <{rid}>"
    )
    assert mail["Message-ID"] == f"<{rid}>"
    assert mail["Auto-Submitted"] == "auto-generated"
    text, attached = mail.iter_parts()  # type: ignore[attr-defined] # of the new policy
    assert "2 messages" in text.get_content()
    assert attached.get_content_type() == "application/gzip"
    assert attached.get_filename() == f"mx.example.net!example.org!{begin}!{end}.xml.gz"
    assert gzip.decompress(attached.get_content()) == write(report)
    assert read_mail(octets) == (report,)


def test_the_mail_has_lines_that_can_go_anywhere() -> None:
    report = made(*(replace(SEEN, ip=f"192.0.2.{n}") for n in range(200)))
    octets = letter(report, packed(report), AUTHOR, "dmarc@example.org", NOON)
    assert octets.isascii()
    assert not re.search(rb"(?<!\r)\n|\r(?!\n)", octets)
    assert max(map(len, octets.split(b"\r\n"))) < 100


def test_the_same_report_is_the_same_octets() -> None:
    report = made(SEEN, FORGED)
    assert packed(report) == packed(made(FORGED, SEEN))
    assert filename(report, AUTHOR) == filename(made(SEEN), AUTHOR)


def test_the_subject_follows_the_grammar() -> None:
    grammar = re.compile(
        r"Report[ \r\n]+Domain:[ \r\n]+[\w.-]+[ \r\n]+Submitter:[ \r\n]+[\w.-]+[ \r\n]+"
        r"Report-ID:[ \r\n]+<[\w.-]+@[\w.-]+>"
    )
    report = made(SEEN)
    assert grammar.fullmatch(subject("example.org", "mx.example.net", report.report_id))
