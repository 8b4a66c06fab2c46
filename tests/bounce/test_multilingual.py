"""A report to a sender whose language nobody knows is in all of them, each complete (RFC 8255)."""

from __future__ import annotations

import email
import email.policy
from dataclasses import replace
from email.message import EmailMessage

import pytest

from ulak.bounce.notice import Action, Fate, Office, Original
from ulak.bounce.report import Report, write
from ulak.replies.bounces import bounce

NOON = 1_793_707_200.0
OFFICE = Office("mx.example.org", ("tr", "en", "ar"), multilingual=True)
MESSAGE = (
    b"From: Ada <ada@example.org>\r\nSubject: Lunch=?\r\nMessage-ID: <1@example.org>\r\n\r\n"
    b"=_R1languages_0 --=_R1_0\r\n"
)
UNKNOWN = Fate(
    "grace@example.net",
    "no-such-mailbox",
    "550 5.1.1 <grace@example.net>: User unknown",
    NOON + 60,
    "a.example.net [192.0.2.1]:25",
    remote=True,
)


def report(
    office: Office = OFFICE, language: str = "", action: Action = Action.FAILED
) -> tuple[Report, EmailMessage]:
    about = Original("M1", "ada@example.org", NOON, MESSAGE, whole=True, language=language)
    made = write(office, about, [UNKNOWN], action, identifier="R1", now=NOON + 60)
    parsed = email.message_from_bytes(made.data, policy=email.policy.SMTP)
    assert isinstance(parsed, EmailMessage)
    return made, parsed


def test_each_language_has_a_message_of_its_own_after_a_preface_in_all() -> None:
    made, parsed = report()
    assert parsed["Content-Language"] == "tr, en, ar"
    assert made.language == "tr"
    people, status, returned = parsed.iter_parts()
    assert people.get_content_type() == "multipart/multilingual"
    assert status.get_content_type() == "message/delivery-status"
    assert returned.get_content_type() == "message/rfc822"
    preface, *versions = people.iter_parts()
    assert preface.get_content_type() == "text/plain"
    words = preface.get_content()
    assert words.index("Türkçe") < words.index("English") < words.index("العربية")
    assert [one["Content-Language"] for one in versions] == ["tr", "en", "ar"]
    assert {one.get_content_type() for one in versions} == {"message/rfc822"}
    assert {one["Content-Translation-Type"] for one in versions} == {"human"}


@pytest.mark.parametrize(("place", "language"), list(enumerate(OFFICE.languages)))
def test_each_message_says_everything_that_one_in_its_language_alone_would(
    place: int, language: str
) -> None:
    people = next(report()[1].iter_parts())
    inner = list(people.iter_parts())[1 + place].get_content()
    _, alone = report(replace(OFFICE, languages=(language,)))
    text = next(alone.iter_parts())
    assert inner.get_content() == text.get_content()
    assert inner["Subject"] == alone["Subject"]
    assert inner["From"] == alone["From"]


@pytest.mark.parametrize("office", [OFFICE, replace(OFFICE, multilingual=False)])
def test_whose_language_is_known_gets_that_one(office: Office) -> None:
    _, parsed = report(office, language="en")
    assert parsed["Content-Language"] == "en"
    assert next(parsed.iter_parts()).get_content_type() == "text/plain"


def test_where_it_is_off_the_first_language_is_taken() -> None:
    _, parsed = report(replace(OFFICE, multilingual=False))
    assert parsed["Content-Language"] == "tr"
    assert next(parsed.iter_parts()).get_content_type() == "text/plain"


@pytest.mark.parametrize("action", list(Action))
def test_every_report_can_be_in_all_languages_and_goes_in_seven_bits(action: Action) -> None:
    made, parsed = report(action=action)
    assert made.body == "7BIT"
    assert max(map(len, made.data.split(b"\r\n"))) <= 998
    assert not parsed.defects
    assert not any(part.defects for part in parsed.walk())


def test_our_own_reading_takes_no_translation_for_the_message() -> None:
    made, _ = report()
    found = bounce(made.data)
    assert found.returned.message_id == "<1@example.org>"
    assert [one.recipient for one in found.failures] == ["grace@example.net"]
