"""The page about a refusal: who sees what, in which language, how often, and how it is now."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest
from markupsafe import escape
from starlette.testclient import TestClient

from ulak.checks.reason import because
from ulak.diagnose.diagnosis import Advice, Check, Diagnosis
from ulak.diagnose.reply import Confirmation, Verdict
from ulak.journal.refusal import Look, Seen
from ulak.language import LANGUAGES
from ulak.replies import texts
from ulak.replies.catalog import CATALOG
from ulak.web.application import application
from ulak.web.rate import Rate
from ulak.web.refusals import Why, piece
from ulak.web.refusals.view import checkable, view
from ulak.web.site import Site
from ulak.web.words import say

ID, OTHER = "7k3m9q2xw4tz", "000000000000"
EVIL = '"><script>alert(1)</script><img src=x onerror=alert(2)>{{7*7}}'
SEEN = Seen(
    id=ID,
    cause="spf-fail",
    time=1_000_000_020.0,
    code=550,
    enhanced="5.7.23",
    facts={"ip": "192.0.2.1", "client": "mail.example.org", "domain": "example.org"},
    sender_domain="example.org",
    looks=(
        Look(
            "spf",
            "fail",
            {"domain": "example.org", "ip": "192.0.2.1"},
            (because("spf.record", domain="example.org", record="v=spf1 -all"),),
        ),
    ),
)
MADE = Confirmation(
    Verdict.NOT_CONFIRMED,
    Diagnosis(
        "reply",
        "spf-fail",
        (),
        (Check("spf", "example.org", "pass", good=True, reasons=(because("reply.refutes"),)),),
        (Advice("reply-again"), Advice("reply-give", {"options": "--ip"})),
    ),
    (Verdict.NOT_CONFIRMED,),
)


class World:
    """Who finds and checks, and a clock that stands still."""

    def __init__(self) -> None:
        self.seen: dict[str, Seen] = {ID: SEEN}
        self.made: Confirmation | None = MADE
        self.asked: list[str] = []
        self.checked: list[Seen] = []
        self.now = 0.0

    async def find(self, identifier: str, /) -> Seen | None:
        self.asked.append(identifier)
        return self.seen.get(identifier)

    async def check(self, seen: Seen, /) -> Confirmation | None:
        self.checked.append(seen)
        return self.made

    def why(self, requests: int = 1000, checks: int = 1000) -> Why:
        clock: Callable[[], float] = lambda: self.now  # noqa: E731 -- short
        return Why(self.find, self.check, Rate(requests, 60.0, clock), Rate(checks, 60.0, clock))


@pytest.fixture
def world() -> World:
    return World()


@pytest.fixture
def client(world: World) -> Iterator[TestClient]:
    with _client(world.why()) as made:
        yield made


def _client(why: Why) -> TestClient:
    def incident(error: BaseException) -> str:
        raise AssertionError from error

    site = Site("mx.example.org", "https://mx.example.org")
    return TestClient(application(site, [piece(why)], incident), raise_server_exceptions=True)


def test_a_refused_sender_reads_cause_evidence_and_steps(client: TestClient) -> None:
    answer = client.get(f"/why/{ID}")
    assert answer.status_code == 200
    written = texts.cause("spf-fail").with_facts(SEEN.facts)
    for part in (
        "<code>550</code> <code>5.7.23</code>",
        f"<h1>{written.title}</h1>",
        '<time datetime="2001-09-09T01:47Z"><bdi>2001-09-09 01:47 UTC</bdi></time>',
        "<dd><code>192.0.2.1</code></dd>",
        "<dd><code>mail.example.org</code></dd>",
        "v=spf1 -all",
        ID,
        "postmaster@mx.example.org",
        '<form method="post">',
    ):
        assert part in answer.text, part
    assert len(re.findall(r"<li>", answer.text)) >= len(written.fix_sender)


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("cause", [*CATALOG, "a-cause-of-tomorrow"])
def test_every_cause_can_be_shown_in_every_language(
    world: World, client: TestClient, cause: str, language: str
) -> None:
    world.seen[ID] = replace(SEEN, cause=cause, looks=())
    path = f"/en/why/{ID}" if language == "en" else f"/{language}/why/{ID}"
    answer = client.get(path)
    assert answer.status_code == 200
    assert f'<html lang="{language}"' in answer.text
    assert not re.search(r"\{[a-z_]+\}", answer.text)


def test_nobody_keeps_the_page_and_nobody_finds_it_by_searching(client: TestClient) -> None:
    for path in (f"/why/{ID}", f"/tr/why/{ID}", f"/en/why/{ID}", f"/why/{OTHER}"):
        answer = client.get(path)
        assert answer.headers["cache-control"] == "no-store"
        assert '<meta name="robots" content="noindex">' in answer.text
        assert answer.headers["referrer-policy"] == "no-referrer"


@pytest.mark.parametrize(
    ("accepted", "language"),
    [
        ("tr-TR,tr;q=0.9,en;q=0.8", "tr"),
        ("ar", "ar"),
        ("de,fr;q=0.5", "en"),
        ("de, tr;q=0.3, en;q=0.2", "tr"),
        ("", "en"),
    ],
)
def test_without_a_language_in_the_address_the_browser_says_which(
    client: TestClient, accepted: str, language: str
) -> None:
    answer = client.get(f"/why/{ID}", headers={"accept-language": accepted})
    assert f'<html lang="{language}"' in answer.text
    assert answer.headers["content-language"] == language
    assert answer.headers["vary"] == "Accept-Language"
    unknown = client.get(f"/why/{OTHER}", headers={"accept-language": accepted})
    assert f'<html lang="{language}"' in unknown.text


def test_a_language_in_the_address_is_the_one(client: TestClient) -> None:
    for path, language in (
        (f"/tr/why/{ID}", "tr"),
        (f"/ar/why/{ID}", "ar"),
        (f"/en/why/{ID}", "en"),
    ):
        answer = client.get(path, headers={"accept-language": "ar" if language != "ar" else "tr"})
        assert f'<html lang="{language}"' in answer.text
        assert "vary" not in answer.headers
    for other, path in (("en", f"/en/why/{ID}"), ("tr", f"/tr/why/{ID}"), ("ar", f"/ar/why/{ID}")):
        assert f'<a href="{path}" rel="nofollow" hreflang="{other}"' in answer.text


UNKNOWN = [
    OTHER,
    ID[:-1],
    ID + "0",
    "x",
    "%00",
    "..%2f..%2fetc%2fpasswd",
    "'%20OR%201=1--",
    "%F0%9F%92%A9" * 12,
    "a" * 2000,
]


@pytest.mark.parametrize("path", UNKNOWN)
def test_unknown_malformed_and_never_there_are_answered_alike(
    client: TestClient, path: str
) -> None:
    never = client.get(f"/why/{OTHER}")
    answer = client.get(f"/why/{path}")
    if answer.status_code == 404 and "<h1>There is no such page</h1>" in answer.text:
        assert "%" in path  # what is no path is refused before
        return
    assert (answer.status_code, answer.text) == (404, never.text)
    assert dict(answer.headers) == dict(never.headers)


def test_what_is_no_id_is_not_even_looked_for(world: World, client: TestClient) -> None:
    client.get("/why/nonsense")
    client.get(f"/why/{ID}x")
    assert world.asked == []


def test_an_id_is_found_however_it_is_typed(client: TestClient) -> None:
    assert client.get(f"/why/{ID.upper()}").status_code == 200
    assert client.get("/why/7K3M-9Q2X-W4TZ").status_code == 200


def test_the_field_leads_to_the_page(client: TestClient) -> None:
    for language in LANGUAGES:
        prefix = "" if language == "en" else f"/{language}"
        form = client.get(f"{prefix}/why")
        assert form.status_code == 200
        assert f'action="{prefix}/why" method="get"' in form.text
        for given in (ID, f" {ID.upper()} ", f"https://mx.example.org/why/{ID}"):
            answer = client.get(f"{prefix}/why", params={"id": given}, follow_redirects=False)
            assert answer.status_code == 303
            assert answer.headers["location"] == f"{prefix or '/en'}/why/{ID}"
    assert client.get("/why/", follow_redirects=False).headers["location"] == "/why"
    assert client.get("/tr/why/", follow_redirects=False).headers["location"] == "/tr/why"


def test_what_was_put_into_the_field_leads_nowhere_else_and_stands_there_escaped(
    client: TestClient,
) -> None:
    for given in (
        EVIL,
        "https://evil.example/",
        "//evil.example",
        "\r\nset-cookie: x=1",
        "x" * 400,
    ):
        answer = client.get("/why", params={"id": given}, follow_redirects=False)
        assert answer.status_code == 400
        assert "<script>alert" not in answer.text
        assert say("en", "refusals.ask.wrong") in answer.text


def test_hostile_words_of_a_client_are_shown_and_do_nothing(
    world: World, client: TestClient
) -> None:
    hostile = dict.fromkeys(("ip", "client", "tls", "domain", "zone", "reason", "problem"), EVIL)
    looks = tuple(
        Look(
            check,
            EVIL,
            {"domain": EVIL, "ip": EVIL},
            (because("spf.explanation", domain=EVIL, words=EVIL),),
        )
        for check in ("spf", "dkim", EVIL)
    )
    check = Check(EVIL, EVIL, EVIL, good=False, reasons=(because("reply.lists", ip=EVIL),))
    world.made = Confirmation(
        Verdict.CONFIRMED,
        Diagnosis(
            "reply", "", (), (check,), (Advice("listed", {"ip": EVIL, "lists": EVIL}, EVIL, EVIL),)
        ),
        (Verdict.CONFIRMED,),
    )
    for cause in CATALOG:
        world.seen[ID] = replace(SEEN, cause=cause, facts=hostile, sender_domain=EVIL, looks=looks)
        for answer in (client.get(f"/why/{ID}"), client.post(f"/ar/why/{ID}")):
            assert answer.status_code == 200
            assert "<script>alert" not in answer.text
            assert "<img src=x" not in answer.text
            assert "{{7*7}}" in answer.text
            assert "javascript:" not in answer.text


def test_what_turns_text_around_is_taken_out(world: World, client: TestClient) -> None:
    world.seen[ID] = replace(SEEN, facts={"ip": "192.0.2.1", "client": "a\u202eb\u2066c\x07\n\nd"})
    text = client.get(f"/why/{ID}").text
    assert "<code>a?b?c? d</code>" in text


@pytest.mark.parametrize(
    ("verdict", "tone"),
    [
        (Verdict.CONFIRMED, "bad"),
        (Verdict.NOT_CONFIRMED, "good"),
        (Verdict.UNKNOWABLE, "info"),
        (Verdict.COULD_NOT_ASK, "warn"),
        (Verdict.NEEDLESS, "info"),
    ],
)
@pytest.mark.parametrize("language", LANGUAGES)
def test_checking_again_says_what_came_of_it(
    world: World, client: TestClient, verdict: Verdict, tone: str, language: str
) -> None:
    world.made = replace(MADE, verdict=verdict)
    prefix = f"/{language}"
    answer = client.post(f"{prefix}/why/{ID}")
    assert answer.status_code == 200
    assert world.checked == [SEEN]
    told = escape(say(language, f"refusals.now.{verdict}"))
    assert f'<div class="notice {tone}" role="status"><p>{told}</p></div>' in answer.text
    assert "--ip" not in answer.text  # advice for who sits at a command line
    assert answer.headers["cache-control"] == "no-store"


def test_that_dns_was_too_slow_is_said(world: World, client: TestClient) -> None:
    world.made = None
    answer = client.post(f"/why/{ID}")
    assert say("en", "refusals.now.late") in answer.text


def test_looking_at_the_page_checks_nothing(world: World, client: TestClient) -> None:
    client.get(f"/why/{ID}")
    client.head(f"/why/{ID}")
    assert world.checked == []


def test_what_no_check_can_tell_has_no_button(world: World, client: TestClient) -> None:
    for cause, text in (("no-such-mailbox", "unknowable"), ("several-from", "needless")):
        world.seen[ID] = replace(SEEN, cause=cause)
        answer = client.get(f"/why/{ID}")
        assert '<form method="post">' not in answer.text
        assert say("en", f"refusals.again.{text}") in answer.text
        assert client.post(f"/why/{ID}").status_code == 200
    world.seen[ID] = replace(SEEN, facts={})  # over a unix socket
    assert '<form method="post">' not in client.get(f"/why/{ID}").text
    assert world.checked == []


@pytest.mark.parametrize("cause", CATALOG)
def test_what_can_be_checked_asks_about_the_sender_alone(cause: str) -> None:
    assert checkable(replace(SEEN, cause=cause)) in ("yes", "no", "needless")
    if CATALOG[cause].family == "recipient-unknown":
        assert checkable(replace(SEEN, cause=cause)) == "no"


def test_another_site_cannot_have_us_check(world: World, client: TestClient) -> None:
    for headers in (
        {"origin": "https://evil.example"},
        {"sec-fetch-site": "cross-site"},
        {"origin": "null"},
    ):
        assert client.post(f"/why/{ID}", headers=headers).status_code == 403
    assert client.post(f"/why/{ID}", content=b"x" * 5000).status_code == 413
    assert world.checked == []


def test_one_client_may_ask_only_so_often(world: World) -> None:
    with _client(world.why(requests=3)) as client:
        for _ in range(3):
            assert client.get(f"/why/{OTHER}").status_code == 404
        answer = client.get(f"/why/{ID}")
        assert answer.status_code == 429
        assert int(answer.headers["retry-after"]) == 20
        assert client.get("/why", params={"id": ID}).status_code == 429
        assert client.get("/why").status_code == 200  # the field alone asks nothing
        world.now = 20.0
        assert client.get(f"/why/{ID}").status_code == 200


def test_enumerating_ends_after_a_few(world: World) -> None:
    with _client(world.why(requests=30)) as client:
        answers = [client.get(f"/why/{number:012}").status_code for number in range(100)]
    assert answers == [404] * 30 + [429] * 70
    assert len(world.asked) == 30


def test_checks_are_counted_apart_and_can_be_switched_off(world: World) -> None:
    with _client(world.why(checks=2)) as client:
        codes = [client.post(f"/why/{ID}").status_code for _ in range(3)]
        assert codes == [200, 200, 429]
        assert client.get(f"/why/{ID}").status_code == 200
    with _client(world.why(checks=0)) as client:
        assert '<form method="post">' not in client.get(f"/why/{ID}").text
        assert client.post(f"/why/{ID}").status_code == 200
    assert len(world.checked) == 2


def test_texts_of_all_languages_have_the_same_names() -> None:
    folder = Path(__file__).parents[2] / "src" / "ulak" / "web" / "texts"
    names = {
        language: re.findall(
            r"(?m)^(?:\[(.*)\]|([a-z_-]+) =)",
            (folder / language / "refusals.toml").read_text("utf-8"),
        )
        for language in LANGUAGES
    }
    assert len({tuple(found) for found in names.values()}) == 1


def test_what_did_not_decide_stands_apart() -> None:
    looks = tuple(Look(check, "fail", {}) for check in ("helo", "iprev", "spf", "dkim", "dmarc"))
    for cause, decided in (
        ("spf-fail", ["SPF"]),
        ("dmarc-reject", ["SPF", "DKIM", "DMARC"]),
        ("reverse-dns-fail", ["Reverse DNS"]),
        ("spam-found", []),
        ("several-checks-failed", ["HELO", "Reverse DNS", "SPF", "DKIM", "DMARC"]),
        ("a-cause-of-tomorrow", []),
    ):
        shown = view(replace(SEEN, cause=cause, looks=looks), "en")
        assert [made.title for made in shown.looks] == decided
        assert len(shown.looks) + len(shown.beside) == len(looks)


def test_a_record_to_publish_can_be_copied(world: World, client: TestClient) -> None:
    step = Advice("spf-add", {"ip": "192.0.2.1", "domain": "example.org"}, "example.org. IN TXT x")
    world.made = replace(MADE, diagnosis=replace(MADE.diagnosis, advice=(step,)))
    text = client.post(f"/why/{ID}").text
    assert '<pre id="record-1"><code>example.org. IN TXT x</code></pre>' in text
    assert 'data-copy="record-1"' in text


def test_a_view_has_each_fact_once() -> None:
    shown = view(SEEN, "en")
    assert [row.label for row in shown.rows] == ["ip", "client", "sender_domain"]
    other = view(replace(SEEN, sender_domain=None), "en")
    assert [row.label for row in other.rows] == ["ip", "client", "domain"]


@pytest.mark.parametrize("language", LANGUAGES)
def test_where_a_server_that_may_know_does_not_answer_that_is_said(
    world: World, language: str
) -> None:
    sentence = str(escape(say(language, "refusals.unknown.unsure")))
    for unsure in (True, False):
        with _client(replace(world.why(), unsure=partial(bool, unsure))) as client:
            answer = client.get(f"/{language}/why/{OTHER}")
        assert answer.status_code == 404
        assert (sentence in answer.text) is unsure
