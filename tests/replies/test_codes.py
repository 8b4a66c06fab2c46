"""The table of codes is RFC 5321 §4.3.2's, and everything that is sent has its words."""

from __future__ import annotations

import re

import pytest

from ulak.replies import codes, texts
from ulak.replies.catalog import CATALOG

# RFC 5321 §4.3.2 as it is printed, CONNECT standing for CONNECTION ESTABLISHMENT and END for what
# comes after the data.
TABLE = """
CONNECT S: 220 E: 554
EHLO S: 250 E: 504, 550, 502
MAIL S: 250 E: 552, 451, 452, 550, 553, 503, 455, 555
RCPT S: 250, 251 E: 550, 551, 552, 553, 450, 451, 452, 503, 455, 555
DATA I: 354 E: 503, 554
END S: 250 E: 552, 554, 451, 452 E: 450, 550
RSET S: 250
VRFY S: 250, 251, 252 E: 550, 551, 553, 502, 504
EXPN S: 250, 252 E: 550, 500, 502, 504
HELP S: 211, 214 E: 502, 504
NOOP S: 250
QUIT S: 221
"""
CORE = {
    211, 214, 220, 221, 250, 251, 252, 354, 421, 450, 451, 452, 455, 500, 501, 502, 503, 504, 550,
    551, 552, 553, 554, 555,
}  # fmt: skip


def test_every_command_is_answered_as_rfc_5321_says() -> None:
    for line in TABLE.strip().splitlines():
        stage, _, rest = line.partition(" ")
        printed = {int(number) for number in re.findall(r"[0-9]{3}", rest)}
        ours = {c.code for c in codes.CODES.values() if stage in c.answers} & CORE
        assert ours - {421, 500, 501} == printed - {421, 500, 501}, stage


def test_any_command_may_be_answered_with_421_500_and_501() -> None:
    for code in (421, 500, 501):
        assert set(codes.COMMANDS) <= set(codes.CODES[code].answers)
    assert "CONNECT" not in codes.CODES[500].answers


def test_the_24_codes_of_rfc_5321_are_there() -> None:
    assert len(CORE) == 24
    assert codes.CODES.keys() >= CORE
    assert {c for c, known in codes.CODES.items() if "RFC 5321" in known.sections} == CORE


@pytest.mark.parametrize("language", texts.languages())
def test_everything_that_the_catalog_sends_has_its_words(language: str) -> None:
    for row in CATALOG.values():
        for code in (row.code, *row.codes):
            assert code in codes.CODES, row.name
            assert texts.code(code, language), row.name
        if row.detail is not None:
            assert texts.enhanced(row.detail, language), row.name


def test_every_code_has_words_and_every_word_a_code() -> None:
    for code in range(200, 600):
        assert (texts.code(code, "tr") is not None) == (code in codes.CODES), code


def test_each_code_speaks_of_itself() -> None:
    for language in texts.languages():
        for code in codes.CODES:
            written = texts.code(code, language)
            assert written
            assert str(code) in written.acts
            # The order of words is a language's own: "252 matters when", "متى يهمّ 252".
            assert str(code) in written.matters


@pytest.mark.parametrize(
    ("sections", "titles"),
    [
        ("RFC 5321 §3.1; RFC 5782", ["RFC 5321 §3.1", "RFC 5782"]),
        ("RFC 5321 §3.5.3, §7.3", ["RFC 5321 §3.5.3", "RFC 5321 §7.3"]),
        ("", []),
    ],
)
def test_sections_lead_to_their_pages(sections: str, titles: list[str]) -> None:
    found = codes.links(sections)
    assert [title for title, _ in found] == titles
    for title, page in found:
        number, _, place = title.removeprefix("RFC ").partition(" §")
        anchor = f"#section-{place}" if place else ""
        assert page == f"https://www.rfc-editor.org/rfc/rfc{number}{anchor}"


def test_every_row_of_the_catalog_names_a_section_that_leads_somewhere() -> None:
    for row in CATALOG.values():
        assert codes.links(row.section), row.name
