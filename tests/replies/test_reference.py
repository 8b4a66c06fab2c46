"""The reference is complete: every code that is known has its facts and its words."""

from __future__ import annotations

import json
import re

import pytest

from ulak.replies import codes, reuse, stale, texts
from ulak.replies.catalog import CATALOG
from ulak.replies.codes import CODES, Standing
from ulak.replies.document import Facts, Heading, Items, Paragraph, to_text
from ulak.replies.enhanced import ENHANCED
from ulak.replies.reference import reference
from ulak.replies.sides import page_of, side
from ulak.replies.turns import Role

LANGUAGES = texts.languages()
EXTENSIONS = {235, 253, 334, 355, 432, 453, 454, 458, 459, 521, 530, 534, 535, 538, 556}
REGISTRY = {422, 430, 523, 524, 525, 533}
FOLKLORE = {
    200, 420, 431, 441, 442, 446, 447, 449, 456, 471, 505, 510, 511, 512, 513, 520, 540, 541, 557,
    585,
}  # fmt: skip
# How many entries each subject of the registry has.
SUBJECTS = {0: 1, 1: 11, 2: 5, 3: 7, 4: 8, 5: 7, 6: 11, 7: 31}


def test_every_basic_code_that_people_meet_is_there_with_its_standing() -> None:
    core = {c for c, known in CODES.items() if known.standing is Standing.CORE}
    assert len(core) == 24
    assert CODES.keys() == core | EXTENSIONS | REGISTRY | FOLKLORE
    assert {c for c, known in CODES.items() if known.standing is Standing.REGISTRY} == REGISTRY
    for code in FOLKLORE:
        standing = CODES[code].standing
        assert standing in (Standing.FOLKLORE, Standing.DRAFT, Standing.PRIVATE, Standing.HISTORIC)
        assert not set(CODES[code].answers), "no standard gives it a command"


def test_the_registry_of_enhanced_codes_is_whole() -> None:
    assert len(ENHANCED) == 81
    for subject, number in SUBJECTS.items():
        details = [int(d.split(".")[1]) for d in ENHANCED if d.startswith(f"{subject}.")]
        first = 1 if subject == 0 else number
        assert sorted(details) == list(range(first))
    assert set(texts.enhanced_details()) == set(ENHANCED)


def test_basic_codes_and_classes_of_the_registry_fit_together() -> None:
    for row in ENHANCED.values():
        for code in row.basic:
            assert code in CODES, row.detail
            # The registry itself puts 451 beside codes that are said to be permanent only, 430
            # beside 5.5.1, and codes of success beside 3.0 and 5.0.
            assert code // 100 in (*row.classes, *row.seen) or (row.detail, code) in {
                ("5.1", 430), ("5.4", 451), ("2.4", 450), ("7.1", 454),
            }, (row.detail, code)  # fmt: skip


def test_enhanced_codes_do_not_answer_the_greeting() -> None:
    for row in ENHANCED.values():
        assert not {"CONNECT", "EHLO"} & set(row.answers), "RFC 2034 §4"
        assert not set(row.answers) & set(row.in_practice), row.detail


def test_what_is_named_as_related_exists() -> None:
    for known in CODES.values():
        for key in known.related:
            assert key.removeprefix("X.") in ENHANCED or int(key) in CODES, known.code
    for row in ENHANCED.values():
        assert {key.removeprefix("X.") for key in row.related} <= ENHANCED.keys() - {row.detail}


def test_a_row_of_a_provider_is_found_under_its_codes() -> None:
    for row in reuse.REUSE.values():
        assert not row.cause or row.cause in CATALOG, row.name
        for reply in row.replies:
            code, detail = reply.split(" ")
            assert int(code) in CODES
            assert row in reuse.of_enhanced(detail.partition("-")[0])
    assert [r.name for r in reuse.of_enhanced("5.7.620")] == ["microsoft-banned"]
    assert not reuse.of_enhanced("5.7.650")
    assert not reuse.of_enhanced("5.7.2")
    assert set(stale.tables("en", ".reuse")) == {("reuse", name) for name in reuse.REUSE}


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_provider_s_own_meaning_is_told_on_the_page_of_the_code(language: str) -> None:
    page = to_text(page_of(side("5.7.27", language), language))
    assert "Gmail" in page
    assert "SPF" in page
    unknown = side("X.7.515", language)
    assert unknown.standing == "unregistered"
    assert "Outlook.com" in unknown.title


KEYS = [
    *map(str, CODES),
    *(f"X.{detail}" for detail in ENHANCED),
    *(f"{c}.{e.detail}" for e in ENHANCED.values() for c in (*e.classes, *e.seen)),
    *CATALOG,
    *(re.split("[ -]", reply)[1] for row in reuse.REUSE.values() for reply in row.replies),
]


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_page_is_whole(language: str) -> None:
    for key in KEYS:
        half = side(key, language)
        for told in (half.title, half.means, half.seen_when, half.queue):
            assert told, key
        assert half.fix_sender, key
        assert half.fix_operator, key
        assert half.related, key
        assert all(page.title for page in half.related), key
        for text in (
            half.means, half.seen_when, half.queue, half.acts, half.matters, half.origin,
            *half.fix_sender, *half.fix_operator,
            *(p.means for p in half.providers), *(p.fix for p in half.providers),
        ):  # fmt: skip
            assert not text or text[-1] in ".!?”", (key, text)
            assert not re.search(r"[{}|]", text), (key, text)
        assert json.loads(json.dumps(half.to_json()))["key"] == key
        for block in page_of(half, language).blocks:
            match block:
                case Paragraph(text) | Heading(text):
                    assert text, key
                case Items(items):
                    assert items, key
                case Facts(rows):
                    assert rows, key
                case _:
                    pass


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_code_without_a_standard_says_where_it_comes_from(language: str) -> None:
    labels = texts.page("labels", language)
    for code, known in CODES.items():
        written = texts.code(code, language)
        assert written
        official = known.standing in (Standing.CORE, Standing.EXTENSION)
        assert bool(written.origin) is not official, code
        assert (labels["origin"] in to_text(page_of(side(str(code), language), language))) is (
            not official
        )


def test_an_open_class_tells_of_each() -> None:
    half = side("X.7.1")
    assert "4.7.1" in half.queue
    assert "5.7.1" in half.queue
    assert half.permanence == "unclear"
    assert side("4.7.1").permanence == "temporary"
    # The owner of a full mailbox can mend it, whichever class it is said with.
    assert side("X.2.2").permanence == "temporary"


def test_a_cause_has_the_commands_of_both_of_its_codes() -> None:
    assert side("no-such-mailbox").answers == ("RCPT", "VRFY", "EXPN")
    assert side("dmarc-reject").answers == ("END",)
    assert side("message-too-large").answers == ("MAIL", "RCPT", "END")


def test_a_cause_is_told_with_all_of_its_codes_and_its_words() -> None:
    page = to_text(page_of(side("mailbox-full")))
    assert re.search(r"Basic code: +452, 552\n", page)
    assert "<{address}>: the mailbox is full" in page


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_listing_has_everything(language: str) -> None:
    listed = reference(language)
    page = to_text(listed.to_document())
    for key in (*CODES, *(f"X.{d}" for d in ENHANCED), *CATALOG):
        assert re.search(rf"^  {re.escape(str(key))}: ", page, re.MULTILINE), key
    assert {c["code"]: c["standing"] for c in listed.codes}[471] == "folklore"
    assert "of:" not in page


def test_the_words_of_the_reference_know_every_standing_role_and_family() -> None:
    for language in LANGUAGES:
        assert set(codes.Standing) <= texts.page("standing", language).keys()
        families = texts.page("families", language)
        assert {row.family for row in CATALOG.values()} <= families.keys()
        for table in ("turn", "turn_later", "who", "matters_to", "matters_both"):
            assert {role.value for role in Role} <= texts.page(table, language).keys()
