"""Explain: what is pasted or uploaded is told, escaped, shared without what is private."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator

import pytest
from starlette.testclient import TestClient
from tests.web.tools.world import LISTED, World, events, live_of

from ulak.language import LANGUAGES
from ulak.web.words import say

BOUNCE = (
    b"From: MAILER-DAEMON@mx.sender.example\r\nTo: ada@well.example\r\n"
    b"Subject: Undelivered Mail Returned to Sender\r\nMIME-Version: 1.0\r\n"
    b'Content-Type: multipart/report; report-type=delivery-status; boundary="b"\r\n\r\n'
    b"--b\r\nContent-Type: text/plain\r\n\r\nThis is the mail system.\r\n"
    b"--b\r\nContent-Type: message/delivery-status\r\n\r\n"
    b"Reporting-MTA: dns; mx.sender.example\r\n\r\n"
    b"Final-Recipient: rfc822; eve@nomail.example\r\nAction: failed\r\nStatus: 5.1.10\r\n"
    b"Remote-MTA: dns; mx.nomail.example\r\n"
    b"Diagnostic-Code: smtp; 556 5.1.10 nomail.example does not accept mail (nullMX)\r\n\r\n"
    b"Final-Recipient: rfc822; bob@<script>alert(2)</script>.example\r\nAction: failed\r\n"
    b"Status: 5.2.2\r\nDiagnostic-Code: smtp; 552 5.2.2 mailbox <b>full</b>\r\n\r\n"
    b"--b\r\nContent-Type: text/rfc822-headers\r\n\r\n"
    b"From: Ada <ada@well.example>\r\nSubject: <img src=x onerror=alert(3)>\r\n"
    b"Message-ID: <1@well.example>\r\n\r\n--b--\r\n"
)


@pytest.fixture
def world() -> World:
    return World()


@pytest.fixture
def client(world: World) -> Iterator[TestClient]:
    with world.client() as made:
        yield made


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_form_is_there_in_every_language(client: TestClient, language: str) -> None:
    prefix = "" if language == "en" else f"/{language}"
    answer = client.get(f"{prefix}/explain")
    assert answer.status_code == 200
    assert f'action="{prefix}/explain"' in answer.text
    assert 'aria-current="page"' in answer.text
    assert "noindex" not in answer.text


def test_a_reply_is_told(client: TestClient) -> None:
    answer = client.post("/explain", data={"reply": LISTED})
    assert answer.status_code == 200
    assert "<h1" in answer.text
    assert "The sending address is on a blocklist" in answer.text
    assert 'href="/codes/550"' in answer.text
    assert 'href="/causes/listed-by-dnsbl"' in answer.text
    assert "This rests on the words of the reply" in answer.text
    assert "the operator of the sending server" in answer.text
    assert 'data-copy="r1-reply"' in answer.text
    assert "noindex" in answer.text
    assert answer.headers["cache-control"] == "no-store"


def test_what_is_not_known_is_said_to_be(client: TestClient) -> None:
    text = client.post("/explain", data={"reply": "550 Nope"}).text
    assert "This rests on the basic code alone" in text
    assert "Not recognised" in client.post("/explain", data={"reply": "hello there"}).text


def test_a_bounce_tells_each_failure(client: TestClient, world: World) -> None:
    files = {"mail": ("x.eml", BOUNCE, "message/rfc822")}
    text = client.post("/explain", files=files).text
    assert "eve@nomail.example" in text
    assert text.count("<article") == 2
    assert "mailbox &lt;b&gt;full&lt;/b&gt;" in text
    assert "Failed: nobody tries again." in text
    assert "&lt;img src=x onerror=alert(3)&gt;" in text
    assert "<script>" not in text.replace("<script src=", "")
    assert "<img src=x" not in text
    assert not world.asked


def test_a_bounce_that_is_pasted_is_one_too(client: TestClient) -> None:
    text = client.post("/explain", data={"reply": BOUNCE.decode()}).text
    assert text.count("<article") == 2
    visible = "Your message could not be delivered to one or more recipients.\n\n"
    visible = (
        "This is the mail system at host mx.sender.example.\n\n"
        "I'm sorry to have to inform you that your message could not\n"
        "be delivered to one or more recipients.\n\n"
        "<eve@nomail.example>: host mx.nomail.example[192.0.2.9] said: 550 5.1.1 User unknown\n"
        "    (in reply to RCPT TO command)\n"
    )
    text = client.post("/explain", data={"reply": visible}).text
    assert "eve@nomail.example" in text
    assert "no-such-mailbox" in text


def test_lines_of_a_log_are_told_one_by_one(client: TestClient) -> None:
    lines = (
        "Nov 27 10:00:00 mx postfix/smtp[1]: 4F2B: to=<a@b.example>,"
        " relay=mx.b.example[192.0.2.1]:25, dsn=5.1.1, status=bounced"
        " (host mx.b.example[192.0.2.1] said: 550 5.1.1 User unknown)\n"
        "Nov 27 10:00:01 mx postfix/smtp[1]: 4F2C: to=<c@d.example>,"
        " relay=mx.d.example[192.0.2.2]:25, dsn=4.2.2, status=deferred"
        " (host mx.d.example[192.0.2.2] said: 452 4.2.2 mailbox full)\n"
    )
    text = client.post("/explain", data={"reply": lines}).text
    assert text.count("<article") == 2
    assert "no-such-mailbox" in text
    assert "mailbox-full" in text


def test_several_lines_of_one_reply_are_one(client: TestClient) -> None:
    text = client.post("/explain", data={"reply": "550-5.1.1 no\r\n550 5.1.1 such user"}).text
    assert text.count("<article") == 1


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_mail_that_reports_nothing_is_said_to_be_none(client: TestClient, language: str) -> None:
    prefix = "" if language == "en" else f"/{language}"
    mail = b"From: a@b.example\r\nSubject: hello\r\n\r\nhi\r\n"
    answer = client.post(f"{prefix}/explain", files={"mail": ("x.eml", mail)})
    assert answer.status_code == 422
    assert 'role="alert"' in answer.text
    assert client.post(f"{prefix}/explain", data={"reply": " "}).status_code == 422


def test_a_link_tells_the_reply_of_its_address(client: TestClient) -> None:
    answer = client.get("/explain", params={"reply": LISTED})
    assert "The sending address is on a blocklist" in answer.text
    assert '<meta name="robots" content="noindex">' in answer.text


def test_a_link_holds_nothing_private_unless_it_is_asked_to(client: TestClient) -> None:
    private = "550 5.1.1 <ada@firma.com.tr> from [81.17.33.2]: User unknown (4F2B11A2C3D)"
    text = html.unescape(client.post("/explain", data={"reply": private}).text)
    links = re.findall(r'href="(/explain\?reply=[^"]+)"', text)
    assert len(links) == 2
    clean, whole = (client.get(link).text for link in links)
    for secret in ("firma.com.tr", "81.17.33.2", "4F2B11A2C3D"):
        assert secret not in links[0]
        assert secret not in clean
        assert secret in whole
    assert "no-such-mailbox" in clean


HOSTILE = [
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "'-alert(1)-'",
    "</textarea><script>alert(1)</script>",
    "{{ 7777*7777 }}{% raw %}",
    "javascript:alert(1)",
    "https://evil.example/phish?<b>",
    "\u202egnp.exe\u2066",
    "\x00\x1b[31m\x7f",
    "`<i>code</i>`",
]


@pytest.mark.parametrize("hostile", HOSTILE)
def test_a_hostile_reply_is_shown_and_never_obeyed(client: TestClient, hostile: str) -> None:
    reply = f"550 5.1.1 {hostile} <{hostile}@x.example>: User unknown {hostile}"
    for answer in (
        client.post("/explain", data={"reply": reply}),
        client.get("/explain", params={"reply": reply}),
        client.post("/explain/check", data={"reply": reply, "helo": hostile, "domain": hostile}),
        client.post("/explain", files={"mail": (f"{hostile}.eml", reply.encode())}),
    ):
        assert answer.status_code in (200, 422)
        tame(answer.text)


def tame(page: str) -> None:
    """Find nothing in a page that would run, load, or lead to a stranger's page."""
    assert not re.search(r"<script(?! src=\"/static/)", page)
    assert "<img src=x" not in page
    assert "<i>code" not in page
    own = r'(?s)<textarea.*?</textarea>| value="[^"]*"'  # what who asks has written themselves
    assert "\u202e" not in re.sub(own, "", page)
    assert "60481729" not in page  # a template would have made that of it
    for attribute in re.findall(r'(?:href|src|action|sse-connect)="([^"]*)"', page):
        assert attribute.startswith(("/", "#", "https://")), attribute
        assert "evil.example" not in attribute.partition("?")[0]
    for tag in re.findall(r"<[a-z][^>]*>", page):
        assert not re.search(r"\son[a-z]+\s*=\s*[a-z]", re.sub(r'"[^"]*"', '""', tag)), tag


def test_a_stranger_s_link_is_no_link_here(client: TestClient) -> None:
    text = client.get("/explain", params={"reply": "550 see https://evil.example/login"}).text
    assert "<code>https://evil.example/login</code>" in text
    assert 'href="https://evil.example' not in text
    known = "550 5.7.1 https://support.google.com/mail/?p=UnsolicitedMessageError - gsmtp"
    text = client.get("/explain", params={"reply": known}).text
    assert 'href="https://support.google.com/mail/?p=UnsolicitedMessageError"' in text
    trick = "550 5.7.1 https://support.google.com.evil.example/ https://support.google.com@evil.example/"
    assert "evil.example" not in "".join(
        re.findall(r'href="https[^"]*"', client.get("/explain", params={"reply": trick}).text)
    )


# -- whether it is so now -----------------------------------------------------------------------


def test_without_scripts_the_checks_are_one_page(client: TestClient, world: World) -> None:
    answer = client.post("/explain/check", data={"reply": LISTED})
    assert answer.status_code == 200
    assert "Confirmed: what the reply says is so now" in answer.text
    assert "confirmed</span>" in answer.text
    assert "sse-connect" not in answer.text
    assert ("66.100.51.198.zen.spamhaus.org", "A") in world.asked


def test_with_scripts_they_are_told_one_by_one(client: TestClient, world: World) -> None:
    page = client.post("/explain/check", data={"reply": LISTED, "live": "1"}).text
    assert not world.asked
    assert "/static/htmx." in page
    stream = client.get(live_of(page))
    assert stream.headers["content-type"].startswith("text/event-stream")
    told = list(events(stream.text))
    names = [name for _, name, _ in told]
    assert names[0] == "progress"
    assert names[-2:] == ["result", "end"]
    findings = [data for _, name, data in told if name == "finding"]
    assert findings
    assert "zen.spamhaus.org" in findings[0]
    assert "Confirmed: what the reply says is so now" in told[-2][2]


@pytest.mark.parametrize("language", LANGUAGES)
def test_they_speak_the_language_of_the_page(client: TestClient, language: str) -> None:
    prefix = "" if language == "en" else f"/{language}"
    page = client.post(f"{prefix}/explain/check", data={"reply": LISTED, "live": "1"}).text
    live = live_of(page)
    assert live.startswith(f"{prefix}/check/live/")
    stream = client.get(live).text
    word = {"en": "confirmed", "tr": "doğrulandı", "ar": "مؤكَّد"}[language]
    assert word in stream


def test_a_failure_of_a_bounce_is_checked_by_what_the_bounce_tells(
    client: TestClient, world: World
) -> None:
    page = client.post("/explain", files={"mail": ("x.eml", BOUNCE)}).text
    kept = re.findall(r'name="kept" value="([^"]+)"', page)
    assert len(kept) == 2
    answer = client.post("/explain/check", data={"kept": kept[0], "number": "0"})
    assert "Confirmed" in answer.text
    assert ("nomail.example", "MX") in world.asked
    answer = client.post("/explain/check", data={"kept": kept[0], "number": "1"})
    assert "mailbox &lt;b&gt;full" in answer.text
    for number in ("2", "-1", "999999999999", "٣", "x"):
        data = {"kept": kept[0], "number": number}
        assert client.post("/explain/check", data=data).status_code in (200, 410)


def bare(text: str) -> str:
    """Give a page without its marks of code and direction."""
    return html.unescape(re.sub(r"</?(?:code|bdi)[^>]*>", "", text))


@pytest.mark.parametrize("language", LANGUAGES)
def test_pages_name_fields_and_no_options_of_a_command(client: TestClient, language: str) -> None:
    prefix = "" if language == "en" else f"/{language}"
    for reply in (
        "550 5.7.1 SPF check failed",
        "550 5.7.1 blocked, your IP is on a blacklist",
        "550 5.7.20 DKIM signature is required",
        "550 5.7.1 DMARC policy of your domain",
        "550 5.7.25 reverse DNS does not exist",
    ):
        text = client.post(f"{prefix}/explain/check", data={"reply": reply}).text
        asked = say(language, "tools.step.reply.needs", options="")[:12]
        assert asked in text, reply
        assert not re.search(r"[ (>]--[a-z]", text), reply
    text = client.get(
        f"{prefix}/check/domain", params={"name": "well.example", "connect": "1"}
    ).text
    told = say(
        language, "tools.step.starttls.private", host="mx.well.example", address="192.0.2.25"
    )
    assert told in bare(text)
    assert not re.search(r"[ (>]--[a-z]", text)
    message = {"text": "From: a@well.example\r\n\r\nHello\r\n"}
    text = client.post(f"{prefix}/check/message", data=message).text
    assert say(language, "tools.given.title") in text
    assert not re.search(r"[ (>]--[a-z]", text)


def test_a_bounce_is_forgotten_after_ten_minutes(client: TestClient, world: World) -> None:
    page = client.post("/explain", files={"mail": ("x.eml", BOUNCE)}).text
    kept = re.findall(r'name="kept" value="([^"]+)"', page)[0]
    world.clock.now += 601
    answer = client.post("/explain/check", data={"kept": kept})
    assert answer.status_code == 410
    assert "ten minutes" in answer.text


def test_what_is_given_counts(client: TestClient) -> None:
    reply = "550 5.7.1 SPF check failed"
    data = {"reply": reply, "ip": "198.51.100.66", "mail_from": "<ada@well.example>"}
    answer = client.post("/explain/check", data=data)
    assert "Confirmed" in answer.text
    assert 'value="198.51.100.66"' in answer.text
    answer = client.post("/explain/check", data={**data, "ip": "<b>1.2.3"})
    assert answer.status_code == 422
    assert "no IP address" in answer.text
    tame(answer.text)


def test_an_error_inside_is_an_incident(client: TestClient, world: World) -> None:
    world.broken = True
    text = client.post("/explain/check", data={"reply": LISTED}).text
    assert "INC1" in text
    assert "secret" not in text
    data = {"reply": LISTED.replace(".66", ".67"), "live": "1"}
    stream = client.get(live_of(client.post("/explain/check", data=data).text)).text
    assert "INC1" in stream
    assert "secret" not in stream
    assert len(world.incidents) == 2
