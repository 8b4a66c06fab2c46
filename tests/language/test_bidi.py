"""In a language from right to left, what runs the other way is marked; nothing else is."""

from __future__ import annotations

import pytest

from ulak.language.bidi import ISOLATE, POP, isolated, parts
from ulak.replies.document import Document, Facts, Heading, Paragraph, to_html, to_markdown


def shown(text: str) -> str:
    """Give a line with brackets for the marks, to be read."""
    return isolated(text, "ar").replace(ISOLATE, "⟪").replace(POP, "⟫")


@pytest.mark.parametrize(
    ("line", "marked"),
    [
        ("الرمز 554 5.7.1 يعني", "الرمز ⟪554 5.7.1⟫ يعني"),
        (
            "العنوان 192.0.2.1، والمنطقة (zen.example.org).",
            "العنوان ⟪192.0.2.1⟫، والمنطقة (⟪zen.example.org⟫).",
        ),
        ("إلى ada@example.org.", "إلى ⟪ada@example.org⟫."),
        ("يعرضه `ulak queue list --json` كاملًا", "يعرضه ⟪`ulak queue list --json`⟫ كاملًا"),
        ("الرسائل: 25.", "الرسائل: 25."),
        ("سجلّ v=spf1 ip4:192.0.2.0/24 -all هنا", "سجلّ ⟪v=spf1 ip4:192.0.2.0/24 -all⟫ هنا"),
        ("\x1b[31mنطاق example.org\x1b[0m", "\x1b[31mنطاق ⟪example.org⟫\x1b[0m"),
        ("بلا شيء", "بلا شيء"),
        ("", ""),
    ],
)
def test_tokens_are_isolated(line: str, marked: str) -> None:
    assert shown(line) == marked


def test_what_is_to_be_copied_has_no_mark_in_it() -> None:
    for line in ('example.org. IN TXT "v=spf1 -all"', "ulak queue list --json", "S: 250 OK"):
        assert isolated(line, "ar") == line
    line = isolated("اكتبوا `ulak explain '550 5.1.1'`", "ar")
    assert line.partition("`")[2].rpartition("`")[0] == "ulak explain '550 5.1.1'"


def test_other_languages_have_no_marks() -> None:
    for language in ("en", "tr"):
        assert isolated("554 5.7.1 بريد", language) == "554 5.7.1 بريد"


def test_parts_are_the_whole_text() -> None:
    text = "قال `x y` ثم (a.b) و 5 و\x1b[1m c."
    assert "".join(part for part, _ in parts(text)) == text


def test_an_arabic_page_runs_from_right_to_left() -> None:
    blocks = (
        Heading("الرمز 554", 1),
        Paragraph("يقول `554 5.7.1 No` عن 192.0.2.1 وعن <b>."),
        Facts((("المنطقة", "zen.example.org"),)),
    )
    page = to_html(Document("ar", blocks))
    assert '<html lang="ar" dir="rtl">' in page
    assert '<bdi dir="ltr"><code>554 5.7.1 No</code></bdi>' in page
    assert '<dd><bdi dir="ltr">zen.example.org</bdi></dd>' in page
    assert '<bdi dir="ltr">192.0.2.1</bdi>' in page
    assert '<bdi dir="ltr">&lt;b&gt;</bdi>' in page
    assert ISOLATE not in page


def test_an_english_page_runs_from_left_to_right() -> None:
    document = Document("en", (Heading("Code 554", 1), Paragraph("See `554 5.7.1`.")))
    assert '<html lang="en" dir="ltr">' in to_html(document)
    assert "bdi" not in to_html(document)
    assert ISOLATE not in to_markdown(Document("ar", document.blocks))
