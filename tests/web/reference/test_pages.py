"""The pages of codes, causes and pairs, as a visitor meets them."""

from __future__ import annotations

import json
import re

import pytest
from starlette.testclient import TestClient
from tests.web.reference.reader import BASE, Reader, visitor

from ulak.language import LANGUAGES
from ulak.replies import texts
from ulak.replies.compare import compare
from ulak.replies.sides.finding import order, side
from ulak.web.reference import keys
from ulak.web.reference.linking import Linker


@pytest.fixture(scope="module")
def client() -> TestClient:
    return visitor()


def test_the_page_of_a_code_tells_all_that_is_known_of_it(client: TestClient) -> None:
    for language in LANGUAGES:
        prefix = "" if language == "en" else f"/{language}"
        read = Reader(client.get(f"{prefix}/codes/554").text)
        half = side("554", language)
        for told in (half.title, half.means, half.seen_when, half.queue, half.matters, half.acts):
            assert _plain(told) in _spaced(read.text), (language, told)
        for step in (*half.fix_sender, *half.fix_operator):
            assert _plain(step) in _spaced(read.text), (language, step)
        assert f"{prefix}/causes/listed-by-dnsbl" in read.links


def test_what_stands_in_a_row_is_parted_as_its_language_does(client: TestClient) -> None:
    assert "RFC 5321 §4.2.3, RFC 5321 §3.1" in _spaced(Reader(client.get("/codes/554").text).text)
    arabic = _spaced(Reader(client.get("/ar/codes/554").text).text)
    assert "RFC 5321 §4.2.3، RFC 5321 §3.1" in arabic


def test_a_pair_is_told_section_by_section_and_nothing_is_left_out(client: TestClient) -> None:
    for language in LANGUAGES:
        prefix = "" if language == "en" else f"/{language}"
        read = Reader(client.get(f"{prefix}/compare/252-vs-554").text)
        found = compare("252", "554", language)
        seen = _spaced(read.text)
        told = [found.title, found.summary, *found.which]
        for half in (found.a, found.b):
            told += [half.means, half.seen_when, *half.fix_sender, *half.fix_operator]
        for difference in found.differences:
            told += difference.each or (difference.text,)
        for sentence in told:
            assert seen.count(_plain(sentence)) == 1, (language, sentence)
        assert "…" not in seen.replace("550 5.7.1 …", "")


def test_what_both_sides_say_alike_is_said_once(client: TestClient) -> None:
    text = _spaced(Reader(client.get("/compare/4.7.1-vs-5.7.1").text).text)
    assert text.count(_plain(side("5.7.1").means)) == 1


@pytest.mark.parametrize(
    ("path", "target"),
    [
        ("/compare/554-vs-252", "/compare/252-vs-554"),
        ("/tr/compare/554-vs-252", "/tr/compare/252-vs-554"),
        ("/compare/5.7.1-vs-550", "/compare/550-vs-5.7.1"),
        ("/compare/X.7.1-vs-550", "/compare/550-vs-5.7.1"),
        ("/compare/spf-fail-vs-dkim-fail", "/compare/dkim-fail-vs-spf-fail"),
        ("/compare/252-vs-252", "/codes/252"),
        ("/codes/X.7.1", "/codes/5.7.1"),
        ("/codes/x.2.2", "/codes/4.2.2"),
        ("/codes/5.7.617", "/codes/5.7.606"),
        ("/codes/X.7.515", "/codes/5.7.515"),
        ("/codes/mailbox-full", "/causes/mailbox-full"),
        ("/ar/causes/252", "/ar/codes/252"),
        ("/codes/", "/codes"),
        ("/tr/codes/252/", "/tr/codes/252"),
        ("/compare/252-vs-554/", "/compare/252-vs-554"),
    ],
)
def test_a_page_has_one_address_and_others_lead_to_it(
    client: TestClient, path: str, target: str
) -> None:
    answer = client.get(path)
    assert (answer.status_code, answer.headers["location"]) == (301, target)
    assert client.get(target).status_code == 200


def test_the_order_of_a_pair_is_that_of_the_command_line() -> None:
    some = [*keys.basic()[::9], *keys.enhanced()[::7], *keys.causes()[::20]]
    for a in some:
        for b in some:
            by_sides = tuple(half.key for half in sorted((side(a), side(b)), key=order))
            assert keys.in_order(a, b) == by_sides, (a, b)


@pytest.mark.parametrize(
    ("path", "near"),
    [
        ("/codes/559", "/codes/550"),
        ("/codes/2.7.1", "/codes/5.7.1"),
        ("/tr/codes/5.7.99", "/tr/codes/5.7.9"),
        ("/causes/mailbox-fool", "/causes/mailbox-full"),
        ("/compare/252-vs-559", "/codes/550"),
        ("/compare/nonsense", None),
        ("/codes/252/x", None),
        ("/codes/%3Cscript%3Ealert(1)%3C%2Fscript%3E", None),
        ("/codes/" + "9" * 3000, None),
    ],
)
def test_what_is_not_known_is_said_with_what_may_be_meant(
    client: TestClient, path: str, near: str | None
) -> None:
    answer = client.get(path)
    assert answer.status_code == 404
    read = Reader(answer.text)
    assert not read.faults
    assert "<script>alert" not in answer.text
    assert '<meta name="robots" content="noindex">' in answer.text
    assert near is None or near in read.links


@pytest.mark.parametrize(
    ("asked", "target"),
    [
        ({"a": "554", "b": "252"}, "/compare/252-vs-554"),
        ({"a": " X.7.1", "b": "mailbox-full "}, "/compare/5.7.1-vs-mailbox-full"),
        (
            {"a": "550 5.1.1 User unknown", "b": "552 5.2.2 Mailbox full"},
            "/compare/mailbox-full-vs-no-such-mailbox",
        ),
    ],
)
def test_two_that_are_chosen_lead_to_their_page(
    client: TestClient, asked: dict[str, str], target: str
) -> None:
    answer = client.get("/compare", params=asked)
    assert (answer.status_code, answer.headers["location"]) == (303, target)
    assert client.get(target).status_code == 200


@pytest.mark.parametrize(
    ("a", "b"),
    [("252", ""), ("252", "252"), ("252", "<b>x</b>"), ("\u202e'\"><script>", "252")],
)
def test_a_choice_of_which_nothing_comes_says_why(client: TestClient, a: str, b: str) -> None:
    answer = client.get("/tr/compare", params={"a": a, "b": b})
    assert answer.status_code == 400
    assert 'role="alert"' in answer.text
    assert not Reader(answer.text).faults
    assert "<b>x" not in answer.text
    assert "<script>" not in answer.text


def test_a_text_leads_where_it_can_mean_nothing_else() -> None:
    def linked(text: str, language: str = "en", *here: str) -> str:
        return str(Linker(language, ("explain",), here)(text))

    assert linked("answer 550, not 554.", "en", "554") == (
        'answer <a href="/codes/550">550</a>, not 554.'
    )
    assert linked("X.7.1") == '<a href="/codes/5.7.1">X.7.1</a>'
    assert linked("`mailbox-full`", "tr") == (
        '<a href="/tr/causes/mailbox-full"><code>mailbox-full</code></a>'
    )
    assert linked("RFC 5321 §7.3.") == (
        '<a href="https://www.rfc-editor.org/rfc/rfc5321#section-7.3">RFC 5321 §7.3</a>.'
    )
    assert linked("at https://a.example/b/.") == (
        'at <a href="https://a.example/b/">https://a.example/b/</a>.'
    )
    assert linked("`ulak explain`") == '<a href="/explain"><code>ulak explain</code></a>'
    assert linked("`ulak check ip`") == "<code>ulak check ip</code>"
    for plain in (
        "512 octets", "port 587", "192.0.2.1", "12,288", "5.7.1.2", "RFC5321", "§4.250", "a-550-1",
        "mailbox-full", "550@example.org", "5500", "x550",
    ):  # fmt: skip
        assert linked(plain) == plain
    assert linked("<b>`<i>`") == "&lt;b&gt;<code>&lt;i&gt;</code>"
    assert linked("الرمز 550 5.7.1.", "ar") == (
        'الرمز <bdi dir="ltr"><a href="/ar/codes/550">550</a> '
        '<a href="/ar/codes/5.7.1">5.7.1</a></bdi>.'
    )


def test_structured_data_says_what_the_page_says(client: TestClient) -> None:
    read = Reader(client.get("/tr/codes/252").text)
    term, way = (json.loads(text) for text in read.data)
    half = side("252", "tr")
    assert (term["@type"], term["termCode"]) == ("DefinedTerm", "252")
    assert term["description"] == half.means
    assert term["url"] == f"{BASE}/tr/codes/252"
    assert way["@type"] == "BreadcrumbList"
    assert [step["position"] for step in way["itemListElement"]] == [1, 2, 3]
    article, _ = (json.loads(t) for t in Reader(client.get("/compare/252-vs-554").text).data)
    assert article["@type"] == "TechArticle"
    assert [about["termCode"] for about in article["about"]] == ["252", "554"]


def test_where_nobody_has_said_the_address_none_is_named() -> None:
    text = visitor("").get("/codes/252").text
    assert "https://mx.example.org" not in text
    assert "canonical" not in text


def test_a_page_is_compressed_where_that_is_taken_and_not_sent_again(client: TestClient) -> None:
    path = "/codes/252"
    plain = client.get(path, headers={"accept-encoding": "identity"})
    assert "content-encoding" not in plain.headers
    for coding in ("gzip", "br, gzip;q=0.5", "*"):
        small = client.get(path, headers={"accept-encoding": coding})
        assert small.headers["content-encoding"] == "gzip"
        assert int(small.headers["content-length"]) < len(plain.content) / 2
        assert small.content == plain.content
    for coding in ("br", "gzip;q=0", "gzip; q=0.000"):
        answer = client.get(path, headers={"accept-encoding": coding})
        assert "content-encoding" not in answer.headers
    assert plain.headers["vary"] == "accept-encoding"
    assert "max-age" in plain.headers["cache-control"]
    tag = plain.headers["etag"]
    for same in (tag, f'"x", {tag}', "*", tag.removeprefix("W/")):
        again = client.get(path, headers={"if-none-match": same})
        assert (again.status_code, again.content, again.headers["etag"]) == (304, b"", tag)
        assert "default-src 'none'" in again.headers["content-security-policy"]
    assert client.get("/codes/554", headers={"if-none-match": tag}).status_code == 200
    head = client.head(path, headers={"accept-encoding": "identity"})
    assert (head.status_code, head.content) == (200, b"")
    assert head.headers["content-length"] == str(len(plain.content))
    assert client.post(path).status_code == 405


def test_what_is_asked_for_with_a_page_does_not_change_it(client: TestClient) -> None:
    assert client.get("/codes/252?x=<b>").text == client.get("/codes/252").text


def _plain(text: str) -> str:
    return _spaced(re.sub("`([^`]*)`", r"\1", text))


def _spaced(text: str) -> str:
    return " ".join(text.split())


def test_pairs_with_sentences_of_their_own_are_all_found() -> None:
    assert len(keys.written_pairs()) == len(set(keys.written_pairs())) == len(texts.pair_names())
