"""Reports, read by Python's own `email` and held against golden files.

`python tests/bounce/test_report.py` writes the golden files anew, to be read before a commit.
"""

from __future__ import annotations

import email
import email.policy
import quopri
import re
import string
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from email.message import EmailMessage
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ulak.bounce import notice
from ulak.bounce.frame import choose, frame, languages
from ulak.bounce.header import date, field
from ulak.bounce.notice import Action, Fate, Office, Original
from ulak.bounce.report import Report, write
from ulak.mail.envelope import DeliverBy, Wishes
from ulak.replies import catalog

GOLDEN = Path(__file__).parent / "golden"
NOON = 1_793_707_200.0  # 3 November 2026, 12:00 UTC
OFFICE = Office("mx.example.org")
MESSAGE = (
    b"Received: from a by b\r\nFrom: Ada <ada@example.org>\r\nTo: grace@example.net\r\n"
    b"Subject: Lunch on Friday\r\nMessage-ID: <1@example.org>\r\n\r\nAt noon?\r\n"
)


@dataclass(frozen=True)
class Words:
    title: str
    means: str
    fix_sender: tuple[str, ...]


TEXTS = {
    ("no-such-mailbox", "en"): Words(
        "There is no such mailbox",
        "The domain is right, but it has no mailbox of this name. The address is misspelt, or "
        "the mailbox was closed.",
        ("Check the address letter by letter.", "Ask the recipient for it in another way."),
    ),
    ("no-such-mailbox", "tr"): Words(
        "Böyle bir posta kutusu yok",
        "Alan adı doğru, ama bu adla bir posta kutusu bulunmuyor. Adres yanlış yazılmış ya da "
        "posta kutusu kapatılmış olabilir.",
        ("Adresi harf harf denetleyin.", "Alıcıya adresini başka bir yoldan sorun."),
    ),
    ("connection-failed", "en"): Words(
        "The server could not be reached", "Nobody answered at {host}; the message waits.", ()
    ),
    ("connection-failed", "tr"): Words(
        "Sunucuya ulaşılamadı", "{host} adresinde yanıt veren olmadı; ileti bekliyor.", ()
    ),
    ("expired", "en"): Words(
        "Too late", "Tried for {days} days, and given up now.", ("Look at the last answer.",)
    ),
    ("expired", "tr"): Words(
        "Çok geç", "{days} gün boyunca denendi, artık vazgeçildi.", ("Son yanıta bakın.",)
    ),
    ("deliver-by-passed", "en"): Words("Too late", "Wanted by {until}.", ("Send it again.",)),
    ("deliver-by-passed", "tr"): Words(
        "Çok geç", "En geç {until} istenmişti.", ("Yeniden gönderin.",)
    ),
}


def explain(name: str, language: str, facts: Mapping[str, str]) -> Words:
    words = TEXTS[name, language]
    known = {"host": "the server", **facts}
    return replace(words, means=words.means.format_map(known))


def original(data: bytes = MESSAGE, **other: object) -> Original:
    made = Original("M1", "ada@example.org", NOON, data, whole=True)
    return replace(made, **other)  # type: ignore[arg-type]  # the tests name real fields


UNKNOWN = Fate(
    "grace@example.net",
    "no-such-mailbox",
    "550 5.1.1 <grace@example.net>: Recipient address rejected: User unknown",
    NOON + 60,
    "a.example.net [192.0.2.1]:25",
    remote=True,
)
UNREACHED = Fate(
    "grace@example.net",
    "connection-failed",
    "451 4.4.1 a.example.net could not be reached: connection refused",
    NOON + 4 * 3600,
    facts={"host": "a.example.net"},
    until=NOON + 5 * 86400,
)


def report(*fates: Fate, about: Original | None = None, action: Action = Action.FAILED) -> Report:
    return write(
        OFFICE,
        about or original(),
        fates or (UNKNOWN,),
        action,
        identifier="R1",
        now=NOON + 61,
        explain=explain,
    )


def read(made: Report) -> EmailMessage:
    policy = email.policy.default
    parsed = email.message_from_bytes(made.data, _class=EmailMessage, policy=policy)
    assert not parsed.defects
    return parsed


def parts(made: Report) -> list[EmailMessage]:
    found = list(read(made).iter_parts())
    assert all(isinstance(part, EmailMessage) for part in found)
    assert not any(part.defects for part in found)
    return found  # type: ignore[return-value]  # just looked at


def text(made: Report) -> str:
    return str(parts(made)[0].get_content()).replace("\r\n", "\n")


def groups(made: Report) -> list[EmailMessage]:
    payload = parts(made)[1].get_payload()
    assert isinstance(payload, list)
    return [group for group in payload if isinstance(group, EmailMessage)]


def recipients(made: Report) -> list[EmailMessage]:
    return groups(made)[1:]


DELIVERED = Fate(
    "grace@example.net",
    "delivered",
    "250 2.0.0 Delivered to the mailbox of grace@example.net",
    NOON + 60,
    original="rfc822;Grace@example.net",
)
RELAYED = Fate(
    "grace@example.net",
    "delivered",
    "250 2.0.0 Ok: queued as 4CA12",
    NOON + 60,
    "a.example.net [192.0.2.1]:25",
    remote=True,
    last=True,
)
EXPANDED = Fate("team@example.org", "expanded", "250 2.0.0 Sent on", NOON + 1)
OVERDUE = replace(UNREACHED, deadline=NOON + 7200)

CASES: dict[str, tuple[tuple[Fate, ...], Action, str]] = {
    f"{name}.{language}": (fates, action, language)
    for language in ("en", "tr")
    for name, fates, action in (
        ("failed", (UNKNOWN,), Action.FAILED),
        (
            "failed-many",
            (
                UNKNOWN,
                replace(UNKNOWN, recipient="b@example.net"),
                replace(UNREACHED, recipient="c@example.org", days=5),
            ),
            Action.FAILED,
        ),
        ("delayed", (UNREACHED,), Action.DELAYED),
        ("delivered", (DELIVERED,), Action.DELIVERED),
        (
            "delivered-many",
            (DELIVERED, replace(DELIVERED, recipient="b@example.net", original="")),
            Action.DELIVERED,
        ),
        ("relayed", (RELAYED,), Action.RELAYED),
        (
            "traced",
            (RELAYED, replace(RELAYED, recipient="b@x.example", last=False)),
            Action.RELAYED,
        ),
        ("expanded", (EXPANDED,), Action.EXPANDED),
        ("late", (OVERDUE,), Action.DELAYED),
        ("overdue", (OVERDUE,), Action.FAILED),
    )
}


LOST = Fate(
    "grace@example.net",
    "body-lost",
    "451 4.3.0 The text of the message is no longer where it was kept (a/1)",
    NOON + 60,
)


@pytest.mark.parametrize("language", languages())
def test_of_a_lost_message_there_is_no_third_part_and_the_text_says_so(language: str) -> None:
    """RFC 6522 §3: the third part may be left out."""
    wishes = Wishes(envid="QQ314")
    about = original(b"", lost=True, whole=False, language=language, wishes=wishes)
    made = write(
        replace(OFFICE, languages=languages()),
        about,
        (LOST,),
        Action.FAILED,
        identifier="R1",
        now=NOON + 61,
        explain=notice.explain,
    )
    assert [part.get_content_type() for part in parts(made)] == [
        "text/plain",
        "message/delivery-status",
    ]
    assert made.language == language
    words = frame(language)
    told = " ".join(text(made).split())
    assert words.text("attached_none") in told
    assert words.text("attached_header") not in told
    assert words.date(NOON) in told
    assert notice.explain("body-lost", language, {}).title in told
    message, recipient = groups(made)
    assert message["Original-Envelope-Id"] == "QQ314"
    assert (message["X-Ulak-Message"], message["Arrival-Date"]) == ("M1", date(NOON))
    assert (recipient["Status"], recipient["Action"]) == ("5.3.0", "failed")
    assert recipient["X-Ulak-Cause"] == "body-lost"


@pytest.mark.parametrize("name", CASES)
def test_a_report_is_as_it_was_last_read_by_a_person(name: str) -> None:
    fates, action, language = CASES[name]
    made = report(*fates, about=original(language=language), action=action)
    assert made.data == (GOLDEN / f"{name}.eml").read_bytes()


# -- the envelope and the top ---------------------------------------------------------------------


def test_the_top_says_what_rfc_3464_and_3834_ask() -> None:
    made = report()
    top = read(made)
    assert top.get_content_type() == "multipart/report"
    assert top["Content-Type"].params["report-type"] == "delivery-status"
    assert str(top["From"]) == "Mail Delivery System <postmaster@mx.example.org>"
    assert str(top["To"]) == "<ada@example.org>" or str(top["To"]) == "ada@example.org"
    assert top["Auto-Submitted"] == "auto-replied"
    assert top["Message-ID"] == "<R1@mx.example.org>"
    assert top["In-Reply-To"] == top["References"] == "<1@example.org>"
    assert top["Date"].datetime.timestamp() == NOON + 61
    assert (made.smtputf8, made.body, made.language) == (False, "7BIT", "en")


@pytest.mark.parametrize("name", CASES)
def test_every_line_keeps_to_78_and_ends_in_crlf(name: str) -> None:
    fates, action, language = CASES[name]
    data = report(*fates, about=original(language=language), action=action).data
    assert data.count(b"\n") == data.count(b"\r") == data.count(b"\r\n")
    header_and_status = data.split(b"--=_R1_0")
    for part in (header_and_status[0], header_and_status[2]):
        assert max(len(line) for line in part.split(b"\r\n")) <= 78


def test_the_language_is_that_of_the_message() -> None:
    data = b"Content-Language: tr-TR, en\r\n" + MESSAGE
    made = report(about=original(data))
    top = read(made)
    assert (made.language, top["Content-Language"]) == ("tr", "tr")
    assert str(top["Subject"]) == "İletilemedi: Lunch on Friday"
    assert top["From"].addresses[0].display_name == "Posta İletim Sistemi"
    assert parts(made)[0]["Content-Language"] == "tr"


def test_a_language_that_nobody_wrote_becomes_the_configured_one() -> None:
    office = replace(OFFICE, languages=("tr", "en"))
    for wish, expected in (("fi", "tr"), ("", "tr"), ("en-GB", "en"), ("EN", "en")):
        assert choose((wish,), office.languages) == expected
    assert choose(("tr",), ("en",)) == "en"  # not offered here
    assert choose(("fi", "tr"), ("en", "tr")) == "tr"


def test_a_message_without_subject_and_id_gets_a_report_all_the_same() -> None:
    top = read(report(about=original(b"From: a\r\n\r\nhi\r\n")))
    assert top["Subject"] == "Your message was not delivered"
    assert top["In-Reply-To"] is None


# -- the explanation ------------------------------------------------------------------------------


def test_the_words_of_the_server_stand_in_the_text_unwrapped() -> None:
    said = "550 5.7.1 " + "word " * 40 + "https://example.net/why?a=b"
    assert said in text(report(replace(UNKNOWN, reply=said)))


def test_one_cause_is_explained_once_for_all_its_recipients() -> None:
    many = [replace(UNKNOWN, recipient=f"u{i}@example.net") for i in range(30)]
    shown = text(report(*many))
    assert shown.count("There is no such mailbox\n") == 1
    assert "u19@example.net" in shown
    assert "u20@example.net" not in shown
    assert "and 10 more recipients" in shown
    assert len(recipients(report(*many))) == 30


def test_a_fact_is_told_only_where_it_holds_for_all() -> None:
    other = replace(UNREACHED, recipient="b@example.net", facts={"host": "b.example.net"})
    assert "Nobody answered at a.example.net;" in text(report(UNREACHED))
    assert "Nobody answered at the server;" in text(report(UNREACHED, other))


@pytest.mark.parametrize("language", languages())
def test_every_cause_of_the_catalog_can_be_told(language: str) -> None:
    for name in (*catalog.CATALOG, "a-cause-that-a-newer-version-knew"):
        made = write(
            replace(OFFICE, languages=languages()),
            original(language=language),
            (replace(UNKNOWN, cause=name, facts={}),),
            Action.FAILED,
            identifier="R1",
            now=NOON,
        )
        shown = text(made)
        assert made.language == language
        assert "{" not in shown
        assert "[|" not in shown


# -- the status -----------------------------------------------------------------------------------


def test_the_status_has_the_fields_of_rfc_3464() -> None:
    message, recipient = groups(report())
    assert message["Reporting-MTA"] == "dns; mx.example.org"
    assert message["Arrival-Date"] == "Tue, 03 Nov 2026 12:00:00 +0000"
    assert recipient["Final-Recipient"] == "rfc822; grace@example.net"
    assert recipient["Action"] == "failed"
    assert recipient["Status"] == "5.1.1"
    assert recipient["Remote-MTA"] == "dns; a.example.net"
    assert recipient["Diagnostic-Code"].replace("\r\n", "") == f"smtp; {UNKNOWN.reply}"
    assert recipient["Last-Attempt-Date"] == "Tue, 03 Nov 2026 12:01:00 +0000"
    assert recipient["Will-Retry-Until"] is None


@pytest.mark.parametrize(
    ("host", "expected"),
    [
        ("mx.example.net [192.0.2.1]:25", "dns; mx.example.net"),
        ("[192.0.2.1]:25", "dns; [192.0.2.1]"),
        ("[2001:db8::1]:25", "dns; [IPv6:2001:db8::1]"),
        ("mx.örnek.example [192.0.2.1]:25", "dns; mx.?rnek.example"),
        ("[/run/lmtp]", None),
        ("", None),
    ],
)
def test_the_other_server_is_named_or_written_as_a_literal(host: str, expected: str) -> None:
    (recipient,) = recipients(report(replace(UNKNOWN, host=host)))
    assert recipient["Remote-MTA"] == expected


def test_a_delay_says_until_when_it_is_tried() -> None:
    (recipient,) = recipients(report(UNREACHED, action=Action.DELAYED))
    assert recipient["Action"] == "delayed"
    assert recipient["Status"] == "4.4.1"
    assert recipient["Will-Retry-Until"] == "Sun, 08 Nov 2026 12:00:00 +0000"
    assert recipient["Remote-MTA"] is None
    assert parts(report(UNREACHED, action=Action.DELAYED))[2].get_content_type() == (
        "text/rfc822-headers"
    )
    assert str(recipient["Diagnostic-Code"]).startswith("x-ulak; 451 4.4.1")


def test_days_of_trying_in_vain_are_expired_with_the_last_answer() -> None:
    given_up = report(replace(UNREACHED, days=5))
    (recipient,) = recipients(given_up)
    assert recipient["Status"] == "5.4.7"
    assert recipient["X-Ulak-Cause"] == "expired"
    assert recipient["X-Ulak-Last-Cause"] == "connection-failed"
    text = " ".join(parts(given_up)[0].get_content().split())
    assert "Tried for 5 days, and given up now." in text
    assert "the message waits" not in text


@pytest.mark.parametrize(
    ("reply", "status"),
    [
        ("550 5.1.1 no", "5.1.1"),
        ("550-5.7.26 no", "5.7.26"),
        ("550 4.1.1 two classes that disagree", "5.1.1"),
        ("550 no enhanced code", "5.1.1"),
        ("550 5.1.1.1 not a code", "5.1.1"),
        ("550 5.1234.1 not a code", "5.1.1"),
        ("", "5.1.1"),
    ],
)
def test_the_status_agrees_with_the_action(reply: str, status: str) -> None:
    (recipient,) = recipients(report(replace(UNKNOWN, reply=reply)))
    assert recipient["Status"] == status


def test_the_address_that_the_sender_wrote_is_told() -> None:
    (recipient,) = recipients(report(replace(UNKNOWN, original="rfc822;team@example.org")))
    assert recipient["Original-Recipient"] == "rfc822; team@example.org"


def test_a_time_limit_that_has_passed_has_the_code_for_it() -> None:
    (failed,) = recipients(report(OVERDUE))
    assert failed["Status"] == "5.4.7"
    assert failed["X-Ulak-Cause"] == "deliver-by-passed"
    assert failed["X-Ulak-Last-Cause"] == "connection-failed"
    (delayed,) = recipients(report(OVERDUE, action=Action.DELAYED))
    assert delayed["Status"] == "4.4.7"
    assert delayed["X-Ulak-Cause"] == "connection-failed"
    untried = replace(OVERDUE, cause="deliver-by-passed", reply="554 5.4.7 Not delivered by …")
    (failed,) = recipients(report(untried))
    assert failed["X-Ulak-Cause"] == "deliver-by-passed"
    assert failed["X-Ulak-Last-Cause"] is None


@pytest.mark.parametrize("action", [Action.DELIVERED, Action.RELAYED, Action.EXPANDED])
def test_success_is_told_with_its_action_and_class(action: Action) -> None:
    (recipient,) = recipients(report(RELAYED, action=action))
    assert recipient["Action"] == action.value
    assert recipient["Status"] == "2.0.0"
    assert recipient["Remote-MTA"] == "dns; a.example.net"
    assert recipient["Diagnostic-Code"] == "smtp; 250 2.0.0 Ok: queued as 4CA12"
    assert parts(report(RELAYED, action=action))[2].get_content_type() == "text/rfc822-headers"
    (ours,) = recipients(report(DELIVERED, action=action))
    assert ours["Remote-MTA"] is None
    assert ours["Diagnostic-Code"] is None


# -- what the sender asked for --------------------------------------------------------------------


def wishing(**wishes: Any) -> Original:
    return original(wishes=Wishes(**wishes))


def test_a_plain_message_has_no_fields_of_wishes() -> None:
    (message, recipient) = groups(report())
    for name in ("Original-Envelope-Id", "Deliver-By-Date", "Future-Release-Request"):
        assert message[name] is None
    assert recipient["Original-Recipient"] is None


def test_the_senders_own_name_of_the_message_comes_back_decoded() -> None:
    message = groups(report(about=wishing(envid="QQ+31=4 159")))[0]
    assert message["Original-Envelope-Id"] == "QQ+31=4 159"


def test_a_report_names_the_times_that_were_asked_for() -> None:
    wish = {"deliver_by": DeliverBy(NOON + 3600, "N"), "hold_until": NOON + 60}
    message = groups(report(about=wishing(**wish)))[0]
    assert message["Deliver-By-Date"] == "Tue, 03 Nov 2026 13:00:00 +0000"
    assert message["Future-Release-Request"] == "until;2026-11-03T12:01:00Z"
    message = groups(report(about=wishing(**wish, hold="for;60")))[0]
    assert message["Future-Release-Request"] == "for;60"
    assert message["Arrival-Date"] == "Tue, 03 Nov 2026 12:00:00 +0000"


@pytest.mark.parametrize(
    ("wishes", "body", "action", "whole"),
    [
        ({}, "8BITMIME", Action.FAILED, True),
        ({"ret": "FULL"}, "8BITMIME", Action.FAILED, True),
        ({"ret": "HDRS"}, "8BITMIME", Action.FAILED, False),
        ({"ret": "FULL"}, "8BITMIME", Action.DELAYED, False),
        ({"ret": "FULL"}, "8BITMIME", Action.DELIVERED, False),
        ({"ret": "FULL", "require_tls": True}, "8BITMIME", Action.FAILED, False),
        ({"require_tls": True}, "8BITMIME", Action.FAILED, False),
        ({"ret": "FULL"}, "BINARYMIME", Action.FAILED, False),
    ],
)
def test_as_much_comes_back_as_was_asked_for(
    wishes: dict[str, Any], body: str, action: Action, *, whole: bool
) -> None:
    about = replace(wishing(**wishes), binary=body == "BINARYMIME")
    made = report(about=about, action=action)
    assert (MESSAGE in made.data) == whole
    kind = "message/rfc822" if whole else "text/rfc822-headers"
    assert parts(made)[2].get_content_type() == kind
    assert ("is attached." in text(made)) == whole


@pytest.mark.parametrize(
    ("orcpt", "ascii_form", "utf8_form"),
    [
        ("rfc822;Bob@example.org", "rfc822; Bob@example.org", None),
        ("rfc822;bob smith@example.org", "rfc822; bob smith@example.org", None),
        ("X-Fax;+90 212", "X-Fax; +90 212", None),
        ("utf-8;çağrı@example.org", r"utf-8; \x{E7}a\x{11F}r\x{131}@example.org", "çağrı"),
        ("UTF-8;a+b@example.org", r"UTF-8; a\x{2B}b@example.org", "a+b"),
        ("rfc822;çay@example.org", "rfc822; +C3+A7ay@example.org", "çay"),
        ("no type at all", "rfc822; no type at all", None),
    ],
)
def test_the_original_recipient_is_told_with_its_type(
    orcpt: str, ascii_form: str, utf8_form: str | None
) -> None:
    """RFC 6533 §3: in ASCII for whoever wrote without SMTPUTF8, else as people write it."""
    made = report(replace(UNKNOWN, original=orcpt))
    assert (made.smtputf8, made.body) == (False, "7BIT")
    assert parts(made)[1].get_content_type() == "message/delivery-status"
    assert str(recipients(made)[0]["Original-Recipient"]).startswith(ascii_form)
    beyond = UNKNOWN.recipient.replace("grace", "güneş")
    made = report(replace(UNKNOWN, original=orcpt, recipient=beyond), about=original(smtputf8=True))
    assert (made.smtputf8, made.body) == (False, "7BIT")  # its sender reads ASCII
    assert parts(made)[1].get_content_type() == "message/global-delivery-status"
    shown = quopri.decodestring(made.data.split(b"--=_R1_0")[2]).decode()
    assert f"Final-Recipient: utf-8; {beyond}\r\n" in shown
    kind = orcpt.partition(";")[0] if ";" in orcpt else "rfc822"
    expected = f"{kind}; {utf8_form}" if utf8_form else ascii_form
    assert f"\r\nOriginal-Recipient: {expected}" in shown


@pytest.mark.parametrize("action", list(Action))
@pytest.mark.parametrize("count", [1, 2])
def test_an_alias_is_named_to_people_and_is_no_original_recipient(
    action: Action, count: int
) -> None:
    """RFC 3461 §6.3 (d): there is none where the sender gave none."""
    fate = replace(UNKNOWN, through="team@example.org")
    made = report(
        *[replace(fate, recipient=f"g{n}@example.net") for n in range(count)], action=action
    )
    assert all(one["Original-Recipient"] is None for one in recipients(made))
    told = " ".join(text(made).split())
    assert told.count("You wrote to team@example.org, whose mail goes to this address.") == count
    assert "You wrote to" not in text(report(action=action))


def test_a_member_beyond_ascii_is_told_in_ascii_to_who_knows_no_other() -> None:
    made = report(replace(UNKNOWN, recipient="çağrı@örnek.example", original="rfc822;t@x.example"))
    assert made.data.isascii()
    (recipient,) = recipients(made)
    assert recipient["Final-Recipient"] == (r"utf-8; \x{E7}a\x{11F}r\x{131}@\x{F6}rnek.example")


@given(st.text(), st.text(), st.text(max_size=40), st.booleans())
def test_no_wish_starts_a_line_of_its_own(
    orcpt: str,
    envid: str,
    kind: str,
    smtputf8: bool,  # noqa: FBT001 -- drawn
) -> None:
    fate = replace(UNKNOWN, original=f"{kind};{orcpt}\r\nX-Evil: yes\r\n\r\n--=_R1_0")
    about = replace(
        original(smtputf8=smtputf8),
        wishes=Wishes(envid=f"{envid}\nX-Evil: yes", hold=f"for;{envid}\rX-Evil: yes"),
    )
    made = report(fate, about=about)
    names = {"final-recipient", "original-recipient", "action", "status", "remote-mta"}
    names |= {"original-envelope-id", "reporting-mta", "arrival-date", "x-ulak-message"}
    names |= {"diagnostic-code", "last-attempt-date", "x-ulak-cause", "future-release-request"}
    mark = b"--" + str(read(made).get_boundary()).encode()
    part = made.data.split(mark)[2].partition(b"\r\n\r\n")[2]
    if smtputf8:
        part = quopri.decodestring(part)
    assert part.count(b"\n") == part.count(b"\r\n") == part.count(b"\r")
    for line in part.split(b"\r\n"):
        assert not line or line[:1] == b" " or line.partition(b":")[0].decode().lower() in names


# -- what goes back -------------------------------------------------------------------------------


def test_a_small_message_goes_back_whole() -> None:
    made = report()
    (_, _, back) = parts(made)
    assert back.get_content_type() == "message/rfc822"
    assert MESSAGE in made.data


@pytest.mark.parametrize(
    "data",
    [
        MESSAGE + b"x" * 60_000 + b"\r\n",
        MESSAGE + b"x" * 999 + b"\r\n",
        MESSAGE + b"\0\r\n",
        MESSAGE + b"bare\nline\r\n",
    ],
)
def test_of_a_large_or_unsound_message_the_header_goes_back(data: bytes) -> None:
    (_, _, back) = parts(report(about=original(data)))
    assert back.get_content_type() == "text/rfc822-headers"
    assert back.get_content().splitlines() == (
        MESSAGE.partition(b"\r\n\r\n")[0].decode().splitlines()
    )


def test_of_a_message_in_a_file_the_header_goes_back() -> None:
    (_, _, back) = parts(report(about=original(MESSAGE[:-3], whole=False)))
    assert back.get_content_type() == "text/rfc822-headers"


def test_an_endless_header_is_cut_between_lines() -> None:
    data = b"From: a\r\n" + b"X-Long: " + b"y" * 80 + b"\r\n" + b" z\r\n" * 20_000 + b"\r\nhi\r\n"
    made = report(about=original(data))
    assert len(made.data) < 40_000
    assert made.data.count(b"\n") == made.data.count(b"\r\n")


def test_a_header_without_a_line_end_goes_back_without_a_bare_one() -> None:
    made = report(about=original(b"From: " + b"\xff" * 60, whole=False))
    assert made.data.count(b"\n") == made.data.count(b"\r\n")


def test_eight_bits_go_back_as_eight_bits() -> None:
    data = MESSAGE + "çağrı\r\n".encode()
    made = report(about=original(data))
    assert made.body == "8BITMIME"
    assert data in made.data
    assert parts(made)[2]["Content-Transfer-Encoding"] == "8bit"


def test_an_international_message_goes_back_in_seven_bits() -> None:
    data = "From: ada@example.org\r\nSubject: çağrı\r\n\r\nşu\r\n".encode()
    fates = replace(UNKNOWN, recipient="çağrı@example.net", reply="550 5.1.1 <çağrı> yok")
    made = report(fates, about=original(data, smtputf8=True))
    assert (made.body, made.smtputf8) == ("7BIT", False)
    (human, status, back) = parts(made)
    assert status.get_content_type() == "message/global-delivery-status"
    assert status["Content-Transfer-Encoding"] == "quoted-printable"
    shown = quopri.decodestring(made.data.split(b"--=_R1_0")[2]).decode()
    assert "Final-Recipient: utf-8; çağrı@example.net\r\n" in shown
    assert "Diagnostic-Code: smtp; 550 5.1.1 <çağrı> yok\r\n" in shown
    assert back.get_content_type() == "message/global"
    assert back["Content-Transfer-Encoding"] == "quoted-printable"
    assert "çağrı@example.net" in human.get_content()


def test_a_sender_beyond_ascii_asks_for_smtputf8() -> None:
    made = report(about=original(sender="çağrı@example.org"))
    assert (made.smtputf8, made.body) == (True, "8BITMIME")
    assert "To: <çağrı@example.org>\r\n".encode() in made.data


# -- hostile words --------------------------------------------------------------------------------

EVIL = (
    "550 5.1.1 no\r\nX-Evil: yes\r\n\r\n--=_R1_0\r\nContent-Type: text/html\r\n\r\n<b>\x1b[2J\u202e"
)


def test_nothing_that_a_peer_says_starts_a_line_of_its_own() -> None:
    evil = Fate(EVIL, EVIL, EVIL, NOON, EVIL, remote=True, original=EVIL, facts={"host": EVIL})
    texts = {(EVIL, "en"): TEXTS["no-such-mailbox", "en"]}
    made = write(
        OFFICE,
        original(b"Subject: " + EVIL.encode() + b"\r\n\r\n", sender=EVIL),
        (evil,),
        Action.FAILED,
        identifier="R1",
        now=NOON,
        explain=lambda name, language, _facts: texts[name, language],
    )
    assert len(parts(made)) == 3
    assert made.data.count(b"\nX-Evil") == made.data.partition(b"rfc822")[2].count(b"\nX-Evil")
    assert b"\x1b" not in made.data.partition(b"Content-Description: Your message")[0]
    assert "\u202e" not in text(made)


def test_a_message_that_has_the_boundary_in_it_gets_another() -> None:
    data = MESSAGE + b"--=_R1_0\r\nContent-Type: text/html\r\n\r\n--=_R1_1--\r\n"
    made = report(about=original(data))
    assert len(parts(made)) == 3
    assert read(made).get_boundary() == "=_R1_2"


def test_a_word_without_end_is_cut_to_lines_that_may_be_sent() -> None:
    made = report(replace(UNKNOWN, reply="550 5.1.1 " + "x" * 5000))
    assert max(len(line) for line in made.data.split(b"\r\n")) <= 998


def test_a_word_without_end_is_cut_by_octets_where_lines_are_utf_8() -> None:
    cut = field("Diagnostic-Code", "smtp; " + "ığ€😀" * 500)
    assert max(len(line.encode()) for line in cut.split("\r\n")) <= 998
    assert cut.replace("\r\n ", "") == f"Diagnostic-Code: smtp;{'ığ€😀' * 500}\r\n"


def test_a_long_subject_beyond_ascii_is_folded_between_characters() -> None:
    subject = "ığüşöç " * 30
    data = b"Subject: " + subject.encode() + b"\r\n\r\n"
    made = report(about=original(data))
    top = made.data.partition(b"\r\n\r\n")[0]
    assert max(len(line) for line in top.split(b"\r\n")) <= 78
    shown = str(read(made)["Subject"])
    assert shown.startswith("Not delivered: ığüşöç ığüşöç")
    assert shown.endswith("…")


# -- the texts ------------------------------------------------------------------------------------


def places(template: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(template) if name}


@pytest.mark.parametrize("language", languages())
def test_every_language_has_every_text_with_the_same_places(language: str) -> None:
    folder = files("ulak.bounce").joinpath("texts")
    english = tomllib.loads(folder.joinpath("en.toml").read_text("utf-8"))
    table = tomllib.loads(folder.joinpath(f"{language}.toml").read_text("utf-8"))
    assert table.keys() == english.keys()
    for key, words in english.items():
        if isinstance(words, str):
            assert places(table[key]) == places(words), key
            assert table[key].strip()
        else:
            assert len(table[key]) == len(words) == 12
    assert re.search(r"\b3\b.*\b2026\b", frame(language).date(NOON))


if __name__ == "__main__":
    for name, (fates, action, language) in CASES.items():
        made = report(*fates, about=original(language=language), action=action)
        (GOLDEN / f"{name}.eml").write_bytes(made.data)
