"""A page has one content and three forms, and nothing in it is obeyed."""

from __future__ import annotations

import re

from hypothesis import given
from hypothesis import strategies as st

from ulak.replies.document import (
    Document,
    Facts,
    Heading,
    Items,
    Links,
    Paragraph,
    to_html,
    to_markdown,
    to_text,
)

PAGE = Document(
    "en",
    (
        Heading("A page", 1),
        Paragraph("Type `ulak codes 252` <now> & 1. see."),
        Items(("one", "two"), "Steps", numbered=True),
        Facts((("name", "value"),)),
        Links((("RFC 5321", "https://www.rfc-editor.org/rfc/rfc5321"), ("bad", "javascript:x"))),
    ),
)


def test_text() -> None:
    assert to_text(PAGE, emphasise=str.upper) == (
        "A PAGE\n======\n\n"
        "  Type `ulak codes 252` <now> & 1. see.\n\n"
        "  Steps:\n  1. one\n  2. two\n\n"
        "  name: value\n\n"
        "  - RFC 5321  https://www.rfc-editor.org/rfc/rfc5321\n  - bad  javascript:x\n"
    )


def test_what_is_to_be_typed_stays_on_one_line() -> None:
    lines = to_text(Document("en", (Paragraph("xxxx `ulak check domain` yyyy"),)), width=24)
    assert "  xxxx\n  `ulak check domain`\n  yyyy\n" == lines  # noqa: SIM300 -- as it is read


def test_markdown() -> None:
    assert to_markdown(PAGE) == (
        "# A page\n\n"
        "Type `ulak codes 252` \\<now\\> \\& 1. see.\n\n"
        "Steps:\n\n1. one\n2. two\n\n"
        "- **name:** value\n\n"
        "- [RFC 5321](<https://www.rfc-editor.org/rfc/rfc5321>)\n- [bad](<#>)\n"
    )


def test_a_paragraph_does_not_become_a_list_in_markdown() -> None:
    for text in ("1. see", "- see", "+ see"):
        assert to_markdown(Document("en", (Paragraph(text),))) in ("1\\. see\n", f"\\{text}\n")


def test_html() -> None:
    page = to_html(PAGE)
    assert "<p>Type <code>ulak codes 252</code> &lt;now&gt; &amp; 1. see.</p>" in page
    assert "<p>Steps:</p>\n<ol>\n<li>one</li>\n<li>two</li>\n</ol>" in page
    assert '<a href="#">bad</a>' in page
    assert "<title>A page</title>" in page


@given(st.text(), st.text())
def test_no_text_opens_an_element(text: str, url: str) -> None:
    page = to_html(Document("en", (Paragraph(text), Links(((text, url),)), Facts(((text, text),)))))
    body = page.partition("<main>")[2]
    ours = re.compile(r"</?(?:p|ul|li|dl|dt|dd|code|main|body|html)>|</a>")
    assert ours.sub("", body).count("<") == body.count('<a href="') == 1
