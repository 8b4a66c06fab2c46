"""Check: one field knows what is in it; findings come one by one or as a whole page."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from starlette.testclient import TestClient
from tests.diagnose.internet import BODY, HEADER, MX, NOW, SIGNER
from tests.web.tools.test_explain import HOSTILE, tame
from tests.web.tools.world import World, events, live_of

from ulak.language import LANGUAGES
from ulak.web.words import say

SIGNED = SIGNER.sign(HEADER, BODY, NOW) + HEADER + b"\r\n" + BODY


@pytest.fixture
def world() -> World:
    return World()


@pytest.fixture
def client(world: World) -> Iterator[TestClient]:
    with world.client() as made:
        yield made


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("kind", ["", "/ip", "/domain", "/message"])
def test_the_forms_are_there_in_every_language(
    client: TestClient, language: str, kind: str
) -> None:
    prefix = "" if language == "en" else f"/{language}"
    answer = client.get(f"{prefix}/check{kind}")
    assert answer.status_code == 200
    assert f'action="{prefix}/check{kind}"' in answer.text
    assert "noindex" not in answer.text


@pytest.mark.parametrize(
    ("text", "target"),
    [
        ("198.51.100.66", "/check/ip?ip=198.51.100.66"),
        (" [198.51.100.66] ", "/check/ip?ip=198.51.100.66"),
        ("::ffff:192.0.2.1", "/check/ip?ip=192.0.2.1"),
        ("Well.Example.", "/check/domain?name=well.example"),
        ("Ada <ada@well.example>", "/check/domain?name=well.example"),
        ("https://well.example:8443/x?y", "/check/domain?name=well.example"),
        ("bücher.example", "/check/domain?name=xn--bcher-kva.example"),
    ],
)
def test_one_field_leads_to_what_is_in_it(client: TestClient, text: str, target: str) -> None:
    answer = client.post("/check", data={"what": text}, follow_redirects=False)
    assert (answer.status_code, answer.headers["location"]) == (303, target)
    data = {"what": text, "live": "1"}
    answer = client.post("/tr/check", data=data, follow_redirects=False)
    assert answer.headers["location"] == f"/tr{target}&live=1"


def test_a_message_in_the_field_is_checked_at_once(client: TestClient) -> None:
    text = client.post("/check", data={"what": SIGNED.decode()}).text
    assert "pasted message" in text
    assert "DMARC" in text


@pytest.mark.parametrize("text", ["", "?", "localhost", "a b c", "x" * 5000, "\n\n\n", "1.2.3"])
def test_what_is_nothing_is_said_to_be(client: TestClient, text: str) -> None:
    answer = client.post("/check", data={"what": text}, follow_redirects=False)
    assert answer.status_code == 422
    assert 'role="alert"' in answer.text


def test_an_ip_is_checked_as_one_page(client: TestClient, world: World) -> None:
    answer = client.get("/check/ip", params={"ip": "198.51.100.66"})
    assert answer.status_code == 200
    assert "198.51.100.66 is listed: zen.spamhaus.org" in answer.text
    assert 'id="record-' in answer.text
    assert "dsl66.isp.example. IN A 198.51.100.66" in answer.text
    assert 'href="/causes/listed-by-dnsbl"' in answer.text
    assert 'class="badge bad">critical' in answer.text
    assert "sse-connect" not in answer.text
    assert '<meta name="robots" content="noindex">' in answer.text
    count = len(world.asked)
    client.get("/check/ip", params={"ip": "198.51.100.66"})
    assert len(world.asked) == count  # what is known is not asked again


def test_a_domain_is_checked_as_one_page(client: TestClient, world: World) -> None:
    answer = client.get("/check/domain", params={"name": "ill.example"})
    assert "ill.example has something to mend" in answer.text
    assert "_dmarc.ill.example. IN TXT" in answer.text
    assert not world.shaken
    client.get("/check/domain", params={"name": "well.example", "selector": "s1", "connect": "1"})
    assert world.fetched == ["well.example"]
    assert ("mx.well.example", MX) in world.shaken
    assert ("s1._domainkey.well.example", "TXT") in world.asked


def test_a_message_is_checked_as_one_page(client: TestClient) -> None:
    files = {"mail": ("<b>x.eml", SIGNED, "message/rfc822")}
    data = {"ip": MX, "helo": "mx.well.example", "mail_from": "ada@well.example"}
    answer = client.post("/check/message", files=files, data=data)
    assert answer.status_code == 200
    assert "Ulak would take this message" in answer.text
    assert "Message: &lt;b&gt;x.eml" in answer.text
    tame(answer.text)
    text = client.post("/check/message", data={"text": SIGNED.decode(), **data}).text
    assert "Ulak would take this message" in text
    assert client.post("/check/message").status_code == 422
    # The walk of DMARC and the hash path of the signature; no server has written of its way.
    kinds = re.findall(
        r'<figure class="card"><figcaption>[^<]+</figcaption><svg[^>]*class="picture ([a-z]+)"',
        text,
    )
    assert kinds == ["dmarc", "dkim"]


@pytest.mark.parametrize("language", LANGUAGES)
def test_pictures_stand_beside_findings(client: TestClient, language: str) -> None:
    prefix = "" if language == "en" else f"/{language}"
    page = client.get(f"{prefix}/check/domain", params={"name": "well.example"}).text
    assert page.count("<figure") == 2
    assert "/static/pictures." in page
    received = b"Received: from mx.well.example ([192.0.2.25]) by x.example;\r\n"
    received += b" Fri, 27 Nov 2026 10:00:00 +0000\r\n"
    files = {"mail": ("x.eml", received + SIGNED)}
    page = client.post(f"{prefix}/check/message", files=files).text
    assert page.count("<figure") == 3
    tame(page)


@pytest.mark.parametrize("language", LANGUAGES)
def test_findings_come_one_by_one(client: TestClient, world: World, language: str) -> None:
    prefix = "" if language == "en" else f"/{language}"
    params = {"name": "well.example", "live": "1"}
    page = client.get(f"{prefix}/check/domain", params=params).text
    assert not world.asked
    assert "<noscript>" in page
    assert f'href="{prefix}/check/domain?name=well.example"' in page
    told = list(events(client.get(live_of(page)).text))
    numbers = [int(number) for number, name, _ in told if name == "finding"]
    assert numbers == list(range(1, len(numbers) + 1))
    assert len(numbers) > 10
    assert [name for _, name, _ in told][-2:] == ["result", "end"]
    whole = client.get(f"{prefix}/check/domain", params={"name": "well.example"}).text
    assert told[-2][2].strip() in whole  # the same page, whichever way it came


def test_who_comes_back_hears_only_what_is_new(client: TestClient) -> None:
    page = client.get("/check/ip", params={"ip": "192.0.2.25", "live": "1"}).text
    live = live_of(page)
    first = list(events(client.get(live).text))
    last = max(int(number) for number, _, _ in first if number)
    again = list(events(client.get(live, headers={"last-event-id": str(last - 2)}).text))
    assert [number for number, _, _ in again if number] == [str(last - 1), str(last)]
    for odd in ("x", "-1", "٣", "9" * 50):
        header = {b"last-event-id": odd.encode()}
        assert client.get(live, headers=header).status_code == 200


def test_a_run_that_is_over_is_said_to_be(client: TestClient, world: World) -> None:
    page = client.get("/check/ip", params={"ip": "192.0.2.25", "live": "1"}).text
    world.clock.now += 1000
    told = list(events(client.get(live_of(page)).text))
    assert [name for _, name, _ in told] == ["result", "end"]
    assert "not kept any more" in told[0][2]
    assert "not kept" in client.get("/check/live/<script>").text


def test_who_checks_too_often_waits(client: TestClient, world: World) -> None:
    answers = [client.get("/check/ip", params={"ip": f"192.0.2.{n}"}) for n in range(14)]
    assert [answer.status_code for answer in answers] == [200] * 12 + [429] * 2
    assert int(answers[-1].headers["retry-after"]) > 0
    assert "Wait a minute" in answers[-1].text
    assert client.get("/check/ip", params={"ip": "192.0.2.1"}).status_code == 200  # it is known
    world.clock.now += 6
    assert client.get("/check/ip", params={"ip": "192.0.2.99"}).status_code == 200


def test_all_visitors_together_may_ask_only_so_much(world: World) -> None:
    statuses = []
    app = world.app()
    for number in range(122):
        with TestClient(app, client=(f"192.0.2.{number}", 1)) as visitor:
            answer = visitor.get("/check/ip", params={"ip": f"203.0.113.{number}", "live": "1"})
            statuses.append(answer.status_code)
    assert statuses == [200] * 120 + [503] * 2
    for language in LANGUAGES:
        prefix = "" if language == "en" else f"/{language}"
        with TestClient(app, client=("198.51.100.9", 1)) as visitor:
            answer = visitor.get(f"{prefix}/check/ip", params={"ip": "203.0.113.250", "live": "1"})
        told = say(language, "frame.failure.503-checks.means")
        assert f'<p class="lead">{told}</p>' in answer.text
        assert int(answer.headers["retry-after"]) >= 1


@pytest.mark.parametrize("hostile", HOSTILE)
def test_hostile_input_is_shown_and_never_obeyed(client: TestClient, hostile: str) -> None:
    mail = f"From: {hostile} <a@well.example>\r\nReceived: from {hostile} ([192.0.2.7])\r\n"
    mail += f"DKIM-Signature: v=1; d={hostile}; s={hostile}; b=; bh=; h=from\r\nSubject: {hostile}"
    octets = mail.encode() + b"\r\n\r\nx"
    for answer in (
        client.post("/check", data={"what": hostile}),
        client.get("/check/ip", params={"ip": hostile}),
        client.get("/check/ip", params={"ip": "192.0.2.7", "helo": hostile}),
        client.get("/check/domain", params={"name": hostile}),
        client.get("/check/domain", params={"name": "well.example", "selector": hostile}),
        client.post("/check/message", files={"mail": (f"{hostile}.eml", octets)}),
        client.post("/check/message", data={"text": mail, "helo": hostile, "mail_from": hostile}),
    ):
        assert answer.status_code in (200, 422)
        tame(answer.text)
    for page in re.findall(r"<pre>.*?</pre>", client.get("/check").text):
        tame(page)


def test_hostile_records_are_shown_and_never_obeyed(client: TestClient, world: World) -> None:
    script = "<script>alert(1)</script><img src=x onerror=alert(1)>\"'`<i>code</i>`\u202e"
    world.zone.put("evil.example", "TXT", [f"v=spf1 include:{script} -all"])
    world.zone.put("_dmarc.evil.example", "TXT", [f"v=DMARC1; p=none; rua=mailto:{script}"])
    world.zone.put("_smtp._tls.evil.example", "TXT", [f"v=TLSRPTv1; rua={script}"])
    world.zone.put("_mta-sts.evil.example", "TXT", [f"v=STSv1; id={script}"])
    world.zone.put("default._bimi.evil.example", "TXT", [f"v=BIMI1; l={script}"])
    world.zone.put("evil.example", "MX", [(10, "<script>alert(1)</script>")])
    world.zone.put("7.2.0.192.in-addr.arpa", "PTR", ["<script>alert(1)</script>.evil.example"])
    world.zone.put("66.100.51.198.zen.spamhaus.org", "TXT", [script])
    for path, params in (
        ("/check/domain", {"name": "evil.example", "connect": "1"}),
        ("/check/ip", {"ip": "192.0.2.7"}),
        ("/ar/check/ip", {"ip": "198.51.100.66"}),
    ):
        page = client.get(path, params=params).text
        assert "&lt;script&gt;" in page
        tame(page)
        live = client.get(path, params={**params, "helo": "x.example", "live": "1"}).text
        if "sse-connect" in live:
            stream = client.get(live_of(live)).text
            tame(stream)
            assert {name for _, name, _ in events(stream)} <= {
                "progress",
                "finding",
                "result",
                "end",
            }
