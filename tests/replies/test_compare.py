"""A comparison tells two replies apart in whole sentences, whichever is named first."""

from __future__ import annotations

import itertools
import json
import re
from collections import Counter
from html.parser import HTMLParser

import pytest

from ulak.language import direction
from ulak.replies import codes, composing, texts
from ulak.replies.catalog import CATALOG
from ulak.replies.compare import Comparison, UnknownReplyError, compare
from ulak.replies.document import Block, Facts, Heading, Items, Links, Paragraph, Table
from ulak.replies.enhanced import ENHANCED
from ulak.replies.sides import page_of, side, stage_list

LANGUAGES = texts.languages()
_SPAN = re.compile(r"`[^`]*`")
_SLIP = re.compile(r"\s\s|\s[,.;:!?](\s|$)|\.\.|[\[\]{}|]|\b([^\W\d_]+) \2\b")
TWICE = {"tekrar", "harf", "sık", "ağır"}


def sentences(found: Comparison) -> list[str]:
    every = [found.title]
    for block in found.to_document().blocks:
        match block:
            case Heading(text) | Paragraph(text):
                every.append(text)
            case Items(items, title):
                every += [title, *items]
            case Facts(rows):
                every += [text for row in rows for text in row]
            case Table(_, rows):
                every += [cell for row in rows for cell in row]
            case Links():
                pass
    return every


def assert_reads_well(found: Comparison) -> None:
    for text in sentences(found):
        bare = _SPAN.sub("`", text)
        slips = [m for m in _SLIP.finditer(bare) if m[2] not in TWICE]
        assert not slips, text
    for text in (
        found.summary,
        *(d.text for d in found.differences),
        *found.which,
        *found.next_steps,
    ):
        assert text[-1] in ".!?", text


def test_252_and_554_can_never_answer_the_same_command() -> None:
    found = compare("252", "554")
    assert found.common == ()
    assert (found.a.answers, found.b.answers) == (("VRFY", "EXPN"), ("CONNECT", "DATA", "END"))
    assert found.b.in_practice == ("MAIL", "RCPT")
    stage = next(d.text for d in found.differences if d.about == "stage")
    assert "252 may answer VRFY and EXPN." in stage
    assert "no command in common" in stage
    assert "In practice 554 is also seen in answer to MAIL and RCPT" in stage
    assert [d.about for d in found.differences] == ["class", "stage", "queue", "acts"]


def test_252_and_554_are_told_apart_in_turkish() -> None:
    found = compare("554", "252", lang="tr")
    assert found.title == "252 ile 554 arasındaki fark"
    stage = next(d.text for d in found.differences if d.about == "stage")
    assert "252 şunlara verilebilir: VRFY ve EXPN." in stage
    assert "ortak bir komutu yoktur" in stage
    assert not set(re.findall(r"\b(the|and|when|server)\b", found.to_text()))


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_order_makes_no_difference(language: str) -> None:
    pairs = (
        ("252", "554"),
        ("5.1.1", "450"),
        ("null-mx", "5.7.1"),
        ("mailbox-full", "bad-address"),
    )
    for a, b in pairs:
        assert compare(a, b, language) == compare(b, a, language)


KEYS = [
    *(str(code) for code in codes.CODES),
    *(f"{c}.{e.detail}" for e in ENHANCED.values() for c in (*e.classes, *e.seen)),
    "5.7.515",
    "4.7.40",
    *CATALOG,
]


def assert_pair_reads_well(a: str, b: str, language: str) -> None:
    found = compare(a, b, language)
    assert found.common == tuple(s for s in found.a.answers if s in found.b.answers)
    assert_reads_well(found)
    assert_nothing_is_said_twice(found)


def assert_nothing_is_said_twice(found: Comparison) -> None:
    """No sentence stands twice on the page, and no heading stands over nothing."""
    blocks = found.to_document().blocks
    for block, after in itertools.pairwise(blocks):
        if isinstance(block, Heading) and isinstance(after, Heading):
            assert after.level > block.level, block.text
    said: Counter[str] = Counter()
    steps: set[str] = set()
    for block in blocks:
        if isinstance(block, Heading) and block.level <= 2:
            # Both persons of one side may be told that nothing is to be done.
            said.update(steps)
            steps = set()
        cut = [s for text in spoken(block) for s in composing.sentences(text) if len(s) > 15]
        if isinstance(block, Items):
            steps.update(cut)
        else:
            said.update(cut)
    said.update(steps)
    again = texts.page("compare", found.language)["as_before"].format(a=found.a.key)
    assert not [s for s, times in said.items() if times > 1 and s != again]


def spoken(block: Block) -> tuple[str, ...]:
    match block:
        case Paragraph(text):
            assert text
            return (text,)
        case Items(items):
            assert items
            return items
        case Facts(rows):
            assert rows
            return tuple(value for _, value in rows)
        case _:
            return ()


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_pair_of_basic_codes_reads_well(language: str) -> None:
    for a, b in itertools.combinations(map(str, codes.CODES), 2):
        assert_pair_reads_well(a, b, language)


@pytest.mark.parametrize("language", LANGUAGES)
def test_pairs_of_all_kinds_read_well(language: str) -> None:
    pairs = list(itertools.combinations(KEYS, 2))
    for a, b in pairs[::61]:  # prime to the number of keys, so that it wanders through all kinds
        assert_pair_reads_well(a, b, language)


@pytest.mark.slow
@pytest.mark.parametrize("language", LANGUAGES)
def test_many_pairs_of_all_kinds_read_well(language: str) -> None:
    # All 78,605 take three minutes; a step of 1 in the place of 7 tries them.
    for a, b in list(itertools.combinations(KEYS, 2))[::7]:
        assert_pair_reads_well(a, b, language)


@pytest.mark.parametrize("language", LANGUAGES)
def test_whole_replies_read_well_beside_each_other(language: str) -> None:
    for what in KEYS[::7]:
        for reply in ("550 5.1.1 <x@y.z>: there is no such mailbox here", "554 no"):
            assert_reads_well(compare(what, reply, language))


def test_what_is_written_about_a_pair_is_found() -> None:
    every = {str(code) for code in codes.CODES} | set(CATALOG)
    every |= {f"{c}.{d}" for c in (2, 4, 5) for d in texts.enhanced_details()}
    for name in texts._written("en", ".pairs"):
        cuts = [place for place, letter in enumerate(name) if letter == "-"]
        known = [(name[:c], name[c + 1 :]) for c in cuts]
        a, b = next(pair for pair in known if every.issuperset(pair))
        found = compare(b, a)
        assert (found.a.key, found.b.key) == (a, b), "the name is the keys in their order"
        notes = texts.pair(name)
        assert found.summary.endswith(notes["difference"])
        assert found.which[-1] == notes["which"]


@pytest.mark.parametrize(
    "what", ["", "999", "299", "9.1.1", "5.99.99", "no-such-cause", "hello there"]
)
def test_what_there_are_no_words_for_is_told_by_name(what: str) -> None:
    with pytest.raises(UnknownReplyError, match="ulak codes"):
        compare("252", what)
    with pytest.raises(UnknownReplyError, match="Ulak'ın bildiği"):
        compare(what, "252", "tr")


def test_a_thing_is_not_compared_with_itself() -> None:
    with pytest.raises(UnknownReplyError, match="Both are 252"):
        compare("252", " 252 ")


def test_json_has_the_same_facts() -> None:
    found = json.loads(json.dumps(compare("252", "554").to_json()))
    assert (found["a"]["key"], found["b"]["key"]) == ("252", "554")
    assert (found["a"]["class"], found["b"]["class"]) == (2, 5)
    assert (found["a"]["permanence"], found["b"]["permanence"]) == ("success", "permanent")
    assert found["common_commands"] == []
    assert "listed-by-dnsbl" in found["b"]["causes"]


class Outline(HTMLParser):
    """Notes the elements of a page, and that each is closed."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.seen: list[tuple[str, dict[str, str | None]]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen.append((tag, dict(attrs)))
        if tag != "meta":
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


@pytest.mark.parametrize("language", LANGUAGES)
def test_html_is_one_whole_page_in_its_language(language: str) -> None:
    outline = Outline()
    outline.feed(compare("252", "554", language).to_html())
    assert outline.open == []
    assert ("html", {"lang": language, "dir": direction(language)}) in outline.seen
    tags = [tag for tag, _ in outline.seen]
    assert tags.count("h1") == 1
    assert tags.count("title") == 1
    assert "script" not in tags


def test_a_reply_that_would_be_obeyed_is_only_shown() -> None:
    evil = (
        "550 5.1.1 <<script>alert(1)</script>*[x](javascript:y)`z`>: there is no such mailbox here"
    )
    found = compare("252", evil)
    page = found.to_html()
    assert "<script" not in page
    assert "&lt;script&gt;" in page
    markdown = found.to_markdown()
    assert "[x](" not in markdown
    assert "<script" not in markdown.replace("\\<script", "")


def test_text_fits_80_columns() -> None:
    for language in LANGUAGES:
        for pair in (("252", "554"), ("421", "500"), ("listed-by-dnsbl", "5.1.1")):
            for line in compare(*pair, language).to_text().split("\n"):
                assert len(line) <= 80 or "https://" in line, line


def test_stages_are_listed_as_people_say_them() -> None:
    assert stage_list(("VRFY",), "en") == "VRFY"
    assert stage_list(("MAIL", "RCPT", "DATA"), "tr") == "MAIL, RCPT ve DATA"
    assert stage_list(codes.COMMANDS, "en") == "every command"
    assert stage_list(codes.STAGES, "tr") == "bağlantının kendisi ve her komut"


def test_one_side_has_a_page_of_its_own() -> None:
    page = page_of(side("554", "tr"), "tr")
    assert page.title.startswith("554: ")
    assert page.language == "tr"


def test_an_enhanced_code_may_be_asked_for_without_its_class() -> None:
    open_class = side("x.7.1")
    assert (open_class.key, open_class.classes, open_class.seen) == ("X.7.1", (5,), (4,))
    assert open_class.to_json()["class"] is None
    assert compare("X.1.1", "X.2.2").title == "The difference between 5.1.1 and 4.2.2"
