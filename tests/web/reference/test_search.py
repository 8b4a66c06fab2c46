"""The search: what is meant by what somebody types, and that nothing typed is obeyed."""

from __future__ import annotations

import gzip

import pytest
from starlette.testclient import TestClient
from tests.web.reference.reader import Reader, visitor

from ulak.language import LANGUAGES, read
from ulak.web.reference import keys
from ulak.web.reference.finding import LONGEST, find
from ulak.web.reference.folding import fold, near, words
from ulak.web.words import FOLDER

LISTED = "550 5.7.1 Service unavailable; Client host [192.0.2.1] blocked using zen.spamhaus.org"


@pytest.fixture(scope="module")
def client() -> TestClient:
    return visitor()


@pytest.mark.parametrize(
    ("language", "asked", "first"),
    [
        ("en", "mailbox full", "mailbox-full"),
        ("en", "mailbx ful", "4.2.2"),
        ("en", "blacklisted", "listed-by-dnsbl"),
        ("en", "greylist", "greylisted"),
        ("en", "user unknown", "no-such-mailbox"),
        ("en", "SPF", "spf-fail"),
        ("en", "too many recpients", "too-many-recipients"),
        ("en", "55", "550"),
        ("en", "5.7.2", "5.7.2"),
        ("en", "5.7.", "5.7.0"),
        ("en", "SMTP error 550 5.1.1", "5.1.1"),
        ("tr", "İLETİ ÇOK BÜYÜK", "message-too-large"),
        ("tr", "iletı cok buyuk", "message-too-large"),
        ("tr", "POSTA KUTUSU DOLU", "mailbox-full"),
        ("tr", "spam", "spam-found"),
        ("tr", "mailbox full", "mailbox-full"),
        ("ar", "صندوق بريد ممتلئ", "mailbox-full"),
        ("en", "wrong password", "authentication-failed"),
        ("en", "PTR", "reverse-dns-fail"),
        ("tr", "şifre yanlış", "authentication-failed"),
        ("tr", "kara liste", "listed-by-dnsbl"),
        ("ar", "قائمة سوداء", "listed-by-dnsbl"),
        ("ar", "قائمة حظر", "listed-by-dnsbl"),
    ],
)
def test_words_find_what_they_mean(language: str, asked: str, first: str) -> None:
    hits = find(asked, language).hits
    assert first in [key for hit in hits[:3] for key in hit.keys[:1]]
    assert all(hit.title and hit.means for hit in hits)


@pytest.mark.parametrize(
    ("asked", "target"),
    [
        ("550", "/codes/550"),
        ("smtp 550", "/codes/550"),
        ("SMTP error code 550", "/codes/550"),
        ("X.7.1", "/codes/5.7.1"),
        ("5.7.617", "/codes/5.7.606"),
        ("mailbox-full", "/causes/mailbox-full"),
        ("554 vs 252", "/compare/252-vs-554"),
        ("252, 554", "/compare/252-vs-554"),
        ("5.7.1 or 550", "/compare/550-vs-5.7.1"),
        ("252-vs-554", "/compare/252-vs-554"),
        ("what does 554 mean?", "/codes/554"),
        ("554 hatası nedir", "/codes/554"),
        ("ما معنى 554؟", "/codes/554"),
        ("difference between 252 and 554", "/compare/252-vs-554"),
        ("252 ile 554 arasındaki fark", "/compare/252-vs-554"),
    ],
)
def test_who_names_a_page_is_led_there(client: TestClient, asked: str, target: str) -> None:
    answer = client.get("/tr/search", params={"q": asked})
    assert (answer.status_code, answer.headers["location"]) == (303, f"/tr{target}")


def test_a_whole_reply_is_read_at_once_and_leads_to_its_cause(client: TestClient) -> None:
    for path in ("/search", "/search/found"):
        text = client.get(path, params={"q": LISTED}).text
        assert "The receiving server takes no mail from 192.0.2.1" in text
        assert 'href="/causes/listed-by-dnsbl"' in text
        assert "/explain" not in text  # this site has no tools


def test_a_whole_reply_leads_to_explain_where_that_is_there() -> None:
    with_tools = visitor(tools=True)
    answer = with_tools.get("/tr/search", params={"q": LISTED})
    assert answer.status_code == 303
    assert answer.headers["location"].startswith("/tr/explain?reply=550%205.7.1%20Service")
    part = with_tools.get("/search/found", params={"q": LISTED}).text
    assert '<form action="/explain" method="post">' in part
    assert with_tools.get("/search", params={"q": "mailbox full"}).status_code == 200


def test_what_is_typed_is_shown_and_never_obeyed(client: TestClient) -> None:
    for asked in (
        "<script>alert(1)</script>",
        '"><img src=x onerror=alert(1)>',
        "550 5.1.1 <script>alert(1)</script> user unknown at https://evil.example/?<b>",
        "javascript:alert(1)",
        "{{ 7*7 }} {% raw %}",
        "\u202e\u2066 550 \x00\x01 x y",
        "%0d%0aset-cookie: a=b",
        "'; drop table --",
        "`<b>` `x`",
    ):
        for path in ("/search", "/ar/search", "/search/found"):
            answer = client.get(path, params={"q": asked})
            assert answer.status_code == 200, asked
            for bad in ("<script>alert", "<img src=x", "<b>", "49", 'href="javascript'):
                assert bad not in answer.text, (path, asked, bad)
            assert answer.headers["cache-control"] == "no-store"
            assert "set-cookie" not in answer.headers
            if path != "/search/found":
                assert not Reader(answer.text).faults
                assert '<meta name="robots" content="noindex">' in answer.text


def test_what_is_not_found_is_said(client: TestClient) -> None:
    text = client.get("/search/found", params={"q": "qqqqqq zzzzzz"}).text
    assert "Nothing was found for “qqqqqq zzzzzz”" in text
    assert not client.get("/search/found", params={"q": "  "}).text.strip()
    assert not client.get("/search/found").text.strip()


@pytest.mark.parametrize(
    "path", ["/search?q=mailbox+full", "/search/found?q=mailbox", "/compare?a=252&b=nonsense"]
)
def test_an_answer_is_as_small_as_the_browser_takes_it(client: TestClient, path: str) -> None:
    with client.stream("GET", path, headers={"accept-encoding": "gzip"}) as small:
        octets = b"".join(small.iter_raw())
    whole = client.get(path, headers={"accept-encoding": "identity"})
    assert (small.headers["content-encoding"], small.headers["vary"]) == ("gzip", "accept-encoding")
    assert int(small.headers["content-length"]) == len(octets)
    assert gzip.decompress(octets) == whole.content
    assert len(octets) < len(whole.content) / 2
    assert "content-encoding" not in whole.headers
    assert whole.headers["vary"] == "accept-encoding"


def test_no_search_takes_long_or_says_much(client: TestClient) -> None:
    for asked in (
        "a " * 5000,
        "x" * 60_000,
        "5.7." * 5000,
        "550 " * 3000,
        "-vs-" * 3000,
        "ä" * 9000,
    ):
        found = find(asked, "en")
        assert len(found.asked) <= LONGEST
        assert len(client.get("/search/found", params={"q": asked}).text) < 20_000


def test_words_are_compared_without_case_marks_and_what_a_keyboard_lacks() -> None:
    assert fold("İLETİ ışık Çöp") == "ileti isik cop"
    assert words("ILETI") == words("ileti") == words("İleti") == ["ileti"]
    assert words("الأسباب") == words("أسباب") == ["اسباب"]
    assert words("«صُندوق» البريد") == ["صندوق", "بريد"]
    assert words("K\u212a") == ["kk"]


def test_words_by_which_a_cause_is_looked_for_are_of_causes() -> None:
    for language in LANGUAGES:
        named = [n for n in read(FOLDER / language / "reference.toml") if n.startswith("also.")]
        assert named
        assert {name.removeprefix("also.") for name in named} <= set(keys.causes())


def test_a_slip_is_one_letter_and_in_long_words_two() -> None:
    assert near("mailbox", "mailbx", 1)
    assert near("mailbox", "amilbox", 1)
    assert near("recipient", "recpeint", 2)
    assert not near("mailbox", "mailing", 1)
    assert not near("spf", "spfxx", 1)


def test_the_first_page_leads_each_visitor_on(client: TestClient) -> None:
    for language in LANGUAGES:
        prefix = "" if language == "en" else f"/{language}"
        read = Reader(client.get(f"{prefix}/").text)
        assert not read.faults
        for path in (
            "/codes",
            "/causes",
            "/compare",
            "/search",
            "/codes/554",
            "/compare/252-vs-554",
        ):
            assert prefix + path in read.links
        assert f"{prefix}/explain" not in read.links
    with_tools = Reader(visitor(tools=True).get("/").text)
    assert {"/explain", "/check"} <= set(with_tools.links)
